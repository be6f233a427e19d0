"""Every address gets the work of its own kind, and bodies are wrapped only where a file keeps them."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cutline.actors.file_work import FileWorks
from cutline.engine.errors import InvariantViolated
from cutline.storage.files import DataRoot
from cutline.storage.sealing import Sealer

NOW = datetime(2026, 4, 9, 11, 40, tzinfo=UTC)


@pytest.fixture
def works(tmp_path: Path) -> FileWorks:
    return FileWorks(DataRoot(tmp_path), onboarding_url="https://cutline.example")


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("ledger", "ledger"),
        ("payouts", "payouts"),
        ("payments", "payments"),
        ("governance", "governance"),
        ("contest/open-1", "contest"),
        ("feed/e-1", "feed"),
    ],
)
def test_an_address_gets_the_machine_the_codec_and_the_schema_of_its_kind(
    works: FileWorks, address: str, kind: str
) -> None:
    work = works.of(address)
    assert (work.kind.name, work.machine.kind) == (kind, kind)
    assert set(work.codec.names) == {*work.machine.events, "WriterOpened", "DeliveriesAcknowledged"}


@pytest.mark.parametrize("address", ["", "tenant/1", "contest/../ledger", "ledger/1"])
def test_an_address_that_names_no_file_is_refused(works: FileWorks, address: str) -> None:
    with pytest.raises(ValueError, match="no file"):
        works.of(address)


def test_the_ledgers_bodies_are_sealed_and_the_feeds_compressed(works: FileWorks, tmp_path: Path) -> None:
    sealed = works.of("ledger").wrap_blob(b"a card's holder", NOW)
    assert b"holder" not in sealed
    assert Sealer(tmp_path).open(sealed, "2026-04") == b"a card's holder"
    assert zlib.decompress(works.of("feed/e-1").wrap_blob(b"{}", NOW)) == b"{}"


def test_a_contests_rosters_are_kept_as_they_were_packed(works: FileWorks) -> None:
    """Their hash is in the log, and they are read whenever a board changes."""
    assert works.of("contest/open-1").wrap_blob(b"{}", NOW) == b"{}"


def test_a_body_that_no_table_keeps_is_a_bug(works: FileWorks) -> None:
    with pytest.raises(InvariantViolated):
        works.of("governance").wrap_blob(b"{}", NOW)
