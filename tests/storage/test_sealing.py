"""Bodies are sealed by month: a destroyed key forgets them, and nothing else opens them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cutline.storage.errors import Corrupt
from cutline.storage.sealing import KeyDestroyed, Sealer

APRIL = datetime(2026, 4, 9, tzinfo=UTC)


def test_what_was_sealed_is_opened_by_another_process_of_the_same_root(tmp_path: Path) -> None:
    sealed = Sealer(tmp_path).seal(b"body", APRIL)
    assert b"body" not in sealed
    assert Sealer(tmp_path).open(sealed, "2026-04") == b"body"
    assert Sealer(tmp_path).open(Sealer(tmp_path).seal(b"next", APRIL), "2026-04") == b"next"
    assert len(list((tmp_path / "keys").iterdir())) == 1


def test_a_destroyed_key_forgets_its_month_and_no_other(tmp_path: Path) -> None:
    april, may = Sealer(tmp_path).seal(b"april", APRIL), Sealer(tmp_path).seal(b"may", APRIL.replace(month=5))
    for key in (tmp_path / "keys").glob("2026-04.*"):
        key.unlink()
    with pytest.raises(KeyDestroyed):
        Sealer(tmp_path).open(april, "2026-04")
    assert Sealer(tmp_path).open(may, "2026-05") == b"may"


def test_an_altered_body_is_refused(tmp_path: Path) -> None:
    sealed = bytearray(Sealer(tmp_path).seal(b"body", APRIL))
    sealed[-1] ^= 1
    with pytest.raises(Corrupt):
        Sealer(tmp_path).open(bytes(sealed), "2026-04")


def test_a_box_restored_without_its_keys_makes_new_ones(tmp_path: Path) -> None:
    sealed = Sealer(tmp_path / "old").seal(b"body", APRIL)
    restored = Sealer(tmp_path / "new")
    restored.seal(b"fresh", APRIL)
    with pytest.raises(KeyDestroyed):
        restored.open(sealed, "2026-04")


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    Sealer(tmp_path).seal(b"body", APRIL)
    (key,) = (tmp_path / "keys").iterdir()
    assert key.stat().st_mode & 0o777 == 0o600
