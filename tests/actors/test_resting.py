"""A contest at rest holds no file: it reads from memory, opens what it must write, and notices what was changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cutline.actors import directory as directories
from cutline.actors.clock import utc_now
from cutline.actors.mailbox import Rest, Tell
from cutline.engine.messages import Look
from cutline.storage.event_log import EventLog
from cutline.storage.files import KINDS, DataRoot
from cutline.storage.sqlite import connect, open_reader, open_writer
from tests.actors.test_supervision import writer_of
from tests.actors.town import Town, is_refused, running_town

C = "small-open-1"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running_town(tmp_path) as town:
        await town.plan(C)
        await town.until(town.created, lambda created: created == [C])
        yield town


def wal(root: DataRoot) -> Path:
    path = root.path_of(f"contest/{C}")
    return path.with_name(f"{path.name}-wal")


def events(root: DataRoot) -> list[str]:
    with closing(open_reader(root.path_of(f"contest/{C}"), KINDS["contest"])) as connection:
        return [entry.type for entry in EventLog(connection, KINDS["contest"]).entries()]


async def rested(town: Town) -> Any:
    """Have the contest let go of its file once it owes nothing."""
    writer = writer_of(town, C)

    async def owes() -> bool:
        return bool(writer._owes)

    await town.until(owes, lambda owes: not owes)
    town.system.directory.send(f"contest/{C}", Rest())
    return await town.until(_at_rest(writer), lambda at_rest: at_rest) and writer


def _at_rest(writer: Any) -> Callable[[], Any]:
    async def look() -> bool:
        return bool(writer._own.at_rest)

    return look


async def test_a_contest_at_rest_answers_without_its_file_and_opens_it_to_write(town: Town) -> None:
    root = town.system.root
    writer = await rested(town)
    assert not wal(root).exists()
    before = events(root)
    assert (await town.contest(C))["status"] == "SCHEDULED"
    assert is_refused(await town.ask(f"contest/{C}", object()), "INTERNAL_FAULT")
    town.system.directory.send(f"contest/{C}", Tell(Look(), "test"))
    assert (await town.contest(C))["status"] == "SCHEDULED"
    assert (writer._own.at_rest, events(root)) == (True, before)
    assert not (await town.enter(C, "e1"))["deduped"]
    assert not writer._own.at_rest
    assert events(root)[: len(before) + 1] == [*before, "EntryReserved"]
    await rested(town)
    assert (await town.contest(C))["entries"]["pending_payment"] == 1


async def test_a_contest_that_is_only_read_is_not_written_to(tmp_path: Path) -> None:
    """I11: what opened a file is on record with the first thing that it writes there, in one commit."""
    async with running_town(tmp_path) as town:
        await town.plan(C)
        await town.until(town.created, lambda created: created == [C])
        await rested(town)
    root = DataRoot(tmp_path)
    before = events(root)
    assert before[:2] == ["WriterOpened", "ContestCreated"]
    async with running_town(tmp_path) as town:
        assert (await town.contest(C))["status"] == "SCHEDULED"
        await town.until(_at_rest(writer_of(town, C)), lambda at_rest: at_rest)
    assert events(root) == before
    async with running_town(tmp_path) as town:
        await town.enter(C, "e1")
        assert events(root)[: len(before) + 2] == [*before, "WriterOpened", "EntryReserved"]


async def test_where_a_commit_may_be_in_doubt_the_opening_is_committed_first(tmp_path: Path) -> None:
    """S3: a write-ahead log beside the file is what a dying process leaves."""
    async with running_town(tmp_path) as town:
        await town.plan(C)
    root = DataRoot(tmp_path)
    before = events(root)
    path = root.path_of(f"contest/{C}")
    with closing(open_writer(path, KINDS["contest"], create=False, now=None)) as writer:
        log = EventLog(writer, KINDS["contest"])
        log.begin()
        log.append(type="WriterOpened", key=f"writer-opened:{log.seq + 1}", at=utc_now(), cause="boot", payload=OPENED)
        log.commit()
        kept = wal(root).read_bytes()
    wal(root).write_bytes(kept)
    async with running_town(tmp_path) as town:
        assert (await town.contest(C))["status"] == "SCHEDULED"
        assert events(root)[len(before) + 1 :] == ["WriterOpened"]


OPENED = '{"boot_epoch": 1, "opening": 99}'


async def test_a_file_that_was_changed_while_it_was_at_rest_is_kept_closed(town: Town) -> None:
    """S6, S7: it must end as it did when it was let go of."""
    await rested(town)
    path = town.system.root.path_of(f"contest/{C}")
    with closing(connect(path, mode="rw")) as stranger:
        stranger.execute("DROP TRIGGER log_block_delete")
        stranger.execute("DELETE FROM log WHERE seq = (SELECT max(seq) FROM log)")
    assert is_refused(await town.enter(C, "e1"), "CONTEST_QUARANTINED")
    await town.until(lambda: town.contest(C), lambda answer: is_refused(answer, "CONTEST_QUARANTINED"))
    assert list(town.system.directory.quarantined()) == [f"contest/{C}"]


async def test_while_many_are_open_those_that_idle_let_go_of_their_files(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S13: handles and memory go to those that are at work."""
    writer = writer_of(town, C)
    await town.enter(C, "e1")
    later = utc_now() + timedelta(seconds=15)
    town.system.directory.retire_idle(later)
    assert (await town.contest(C))["entries"]["pending_payment"] == 1
    assert not writer._own.at_rest
    monkeypatch.setattr(directories, "FILES_OPEN", 1)
    town.system.directory.retire_idle(later)
    await town.until(_at_rest(writer), lambda at_rest: at_rest)
    assert writer_of(town, C) is writer
