"""What happens when an actor dies or a file is broken: that one alone, by name, and all others go on (I10)."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from cutline.actors import debts, own_file, supervisor
from cutline.actors.mailbox import Tell
from cutline.actors.writer import Writer
from cutline.engine.messages import ForceLock, Look, ReadTrialBalance, ReleaseContest
from cutline.storage.anchors import LedgerAnchors
from cutline.storage.errors import CannotOpen, Retryable
from cutline.storage.files import DataRoot
from cutline.storage.sqlite import open_writer
from tests.actors.town import Town, is_refused, running_town

ONE, TWO = "small-open-1", "small-open-2"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running_town(tmp_path) as town:
        await town.plan(ONE)
        await town.plan(TWO)
        yield town


def writer_of(town: Town, contest_id: str) -> Any:
    return next(one for one in town.system.directory.writers() if one.address == f"contest/{contest_id}")


def kill(town: Town, contest_id: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have an actor's next batch end as an interpreter's exit would."""
    doomed = writer_of(town, contest_id)

    def leave(_batch: Any) -> None:
        raise SystemExit("as asked")

    monkeypatch.setattr(doomed, "_run", leave)
    town.system.directory.send(f"contest/{contest_id}", Tell(Look(), "test"))
    return doomed


async def replaced(town: Town, contest_id: str, old: Any) -> None:
    for _ in range(500):
        if old.actor_stopped.is_set() and isinstance(await town.contest(contest_id), dict):
            assert writer_of(town, contest_id) is not old
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it was not started again")


async def test_an_actor_that_dies_is_started_again_from_its_file(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """P3, P4: what it had acknowledged is there, and it goes on."""
    await town.enter(ONE, "e1")
    await replaced(town, ONE, kill(town, ONE, monkeypatch))
    assert (await town.enter(ONE, "e1"))["deduped"]
    assert not (await town.enter(ONE, "e2"))["deduped"]


async def test_a_fee_that_comes_while_its_contest_is_dead_arrives(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """P8: the ledger commits and answers as if nothing were wrong, and the fee reaches the next actor."""
    await town.enter(ONE, "e1")
    doomed = kill(town, ONE, monkeypatch)
    assert (await town.pay(ONE, "e1"))["outcome"] == "posted"
    await replaced(town, ONE, doomed)
    monkeypatch.setattr(debts, "REDELIVERY_AFTER", debts.REDELIVERY_AFTER * 0)
    town.system.directory.redeliver()
    await town.until(town.books, lambda books: books.get(f"pot:{ONE}") == -1001)


async def test_an_actor_that_dies_again_and_again_is_kept_closed(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """P10: a crash loop ends; the others never notice."""
    fold = Writer._fold

    def poisoned(self: Writer) -> None:
        if self.address.endswith(ONE):
            raise RuntimeError("an event that this release cannot fold")
        fold(self)

    monkeypatch.setattr(Writer, "_fold", poisoned)
    monkeypatch.setattr(supervisor, "BACKOFF_FIRST_S", 0.001)
    kill(town, ONE, monkeypatch)
    await town.until(lambda: town.contest(ONE), lambda answer: is_refused(answer, "CONTEST_QUARANTINED"))
    assert list(town.system.directory.quarantined()) == [f"contest/{ONE}"]
    assert not (await town.enter(TWO, "e1"))["deduped"]


async def test_a_lack_of_handles_is_waited_out(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """S4, S13: it says nothing against the file, however often it comes."""
    refusals = supervisor.RESTARTS_MAX + 3
    opened = open_writer

    def scarce(path: Path, *arguments: Any, **named: Any) -> Any:
        nonlocal refusals
        if path.stem == ONE and refusals:
            refusals -= 1
            raise CannotOpen("too many open files")
        return opened(path, *arguments, **named)

    monkeypatch.setattr(own_file, "open_writer", scarce)
    monkeypatch.setattr(supervisor, "BACKOFF_FIRST_S", 0.001)
    await replaced(town, ONE, kill(town, ONE, monkeypatch))
    assert (refusals, town.system.directory.quarantined()) == (0, {})


def _garbage(root: DataRoot) -> None:
    path = root.path_of(f"contest/{ONE}")
    path.write_bytes(b"\x00" * path.stat().st_size)


def _empty(root: DataRoot) -> None:
    root.path_of(f"contest/{ONE}").write_bytes(b"")


def _flipped(root: DataRoot) -> None:
    path = root.path_of(f"contest/{ONE}")
    content = bytearray(path.read_bytes())
    content[content.rindex(b'"account_did":"did:player:anna"') + 20] ^= 1
    path.write_bytes(content)


def _swapped(root: DataRoot) -> None:
    shutil.copy(root.path_of(f"contest/{TWO}"), root.path_of(f"contest/{ONE}"))


def _missing(root: DataRoot) -> None:
    root.path_of(f"contest/{ONE}").unlink()


@pytest.mark.parametrize("breaking", [_garbage, _empty, _flipped, _swapped, _missing])
async def test_a_file_that_broke_while_the_engine_was_down_keeps_one_contest_closed(
    tmp_path: Path, breaking: Callable[[DataRoot], None]
) -> None:
    """S6, S8, P10: refused at the start, never written to, and everyone else is served."""
    async with running_town(tmp_path) as town:
        for contest_id in (ONE, TWO):
            await town.plan(contest_id)
            await town.enter(contest_id, "e1")
        await town.until(town.created, lambda created: created == [ONE, TWO])
    root = DataRoot(tmp_path)
    breaking(root)
    async with running_town(tmp_path) as town:
        await town.until(lambda: town.contest(ONE), lambda answer: is_refused(answer, "CONTEST_QUARANTINED"))
        assert list(town.system.directory.quarantined()) == [f"contest/{ONE}"]
        assert (await town.enter(TWO, "e1"))["deduped"]
        # A fee for the closed contest is booked, and waits for the contest to be mended.
        assert (await town.pay(ONE, "e1"))["outcome"] == "posted"
        assert (await town.books())[f"escrow:{ONE}"] == -1001


def _old_copy(root: DataRoot) -> Callable[[], None]:
    """Keep a copy of a contest's file as it is now; return what puts it back."""
    path = root.path_of(f"contest/{ONE}")
    kept = path.read_bytes()

    def put_back() -> None:
        path.with_name(f"{path.name}-wal").unlink(missing_ok=True)
        path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
        path.write_bytes(kept)

    return put_back


async def test_a_file_older_than_its_anchor_is_not_opened(tmp_path: Path) -> None:
    """S7, O1: the tail is cut, the chain that is left is whole, and only the ledger knows; nothing is settled on it."""
    root = DataRoot(tmp_path)
    async with running_town(tmp_path) as town:
        for contest_id in (ONE, TWO):
            await town.plan(contest_id)
        await town.until(town.created, lambda created: created == [ONE, TWO])
    put_back = _old_copy(root)
    async with running_town(tmp_path) as town:
        force = ForceLock(actor="admin:ada", reason="r", runbook="contest_lock_failed", execution_id="x")
        assert (await town.ask(f"contest/{ONE}", force))["status"] == "LOCKED"
        await town.until(lambda: town.ask("ledger", ReadTrialBalance()), lambda _: town.system.idle)
        assert LedgerAnchors(root.path_of("ledger")).of(f"contest/{ONE}")
        assert not LedgerAnchors(root.path_of("ledger")).of(f"contest/{TWO}")
    put_back()
    async with running_town(tmp_path) as town:
        await town.until(lambda: town.contest(ONE), lambda answer: is_refused(answer, "CONTEST_QUARANTINED"))
        assert "TAIL_CUT" in town.system.directory.quarantined()[f"contest/{ONE}"]
        assert (await town.contest(TWO))["status"] == "SCHEDULED"


async def test_a_ledger_that_cannot_be_read_speaks_against_no_contest(tmp_path: Path) -> None:
    """S6: the ledger's own actor says what is wrong with it."""
    broken = tmp_path / "ledger.db"
    assert LedgerAnchors(broken).of(f"contest/{ONE}") == {}
    broken.write_bytes(b"\x00" * 4096)
    with pytest.raises(Retryable, match="anchors"):
        LedgerAnchors(broken).of(f"contest/{ONE}")


async def test_a_quarantine_outlives_a_restart_and_ends_with_its_release(tmp_path: Path) -> None:
    """S8: the file is not written to again before a person has looked, however often the engine starts."""
    root = DataRoot(tmp_path)
    path = root.path_of(f"contest/{ONE}")
    async with running_town(tmp_path) as town:
        await town.plan(ONE)
        await town.until(town.created, lambda created: created == [ONE])
    kept = path.read_bytes()
    path.unlink()
    async with running_town(tmp_path) as town:
        await town.until(town.quarantines, lambda found: found == {ONE: "its file is missing"})
    path.write_bytes(kept)
    async with running_town(tmp_path) as town:
        assert is_refused(await town.contest(ONE), "CONTEST_QUARANTINED")
        await town.ask("governance", ReleaseContest(contest_id=ONE, actor="ops", reason="moved back"))
        town.system.directory.release(f"contest/{ONE}")
        assert (await town.contest(ONE))["status"] == "SCHEDULED"
    async with running_town(tmp_path) as town:
        assert town.system.directory.quarantined() == {}
        assert await town.quarantines() == {}


async def test_what_is_released_and_no_better_is_closed_again(tmp_path: Path) -> None:
    async with running_town(tmp_path) as town:
        await town.plan(ONE)
        await town.until(town.created, lambda created: created == [ONE])
    _garbage(DataRoot(tmp_path))
    async with running_town(tmp_path) as town:
        await town.until(town.quarantines, lambda found: ONE in found)
        await town.ask("governance", ReleaseContest(contest_id=ONE, actor="ops", reason="hope"))
        town.system.directory.release(f"contest/{ONE}")
        await town.until(town.quarantines, lambda found: ONE in found)
        assert is_refused(await town.contest(ONE), "CONTEST_QUARANTINED")
