"""Readers beside the actors: as fresh as the last commit, one look for all who wait, and few files held open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cutline.actors import leaderboards
from cutline.actors.leaderboards import Leaderboards
from cutline.bench.crowd import write_contest
from cutline.storage import boards as boards_of_files
from cutline.storage.files import DataRoot
from tests.engine.contest.play import Play

NOW = datetime(2026, 4, 9, tzinfo=UTC)
T = TypeVar("T")


class CountedWorkers:
    """Runs the work here, answers after a moment, and counts how often."""

    def __init__(self) -> None:
        self.runs = 0

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        self.runs += 1
        result = function(*arguments)
        await asyncio.sleep(0.01)
        return result

    async def close(self) -> None:
        pass


def write(root: DataRoot, *entry_ids: str, contest_id: str = "c1") -> None:
    play = Play()
    play.enter_and_pay(*entry_ids)
    play.to_live()
    write_contest(root, contest_id, [recorded.event for recorded in play.contest.log], NOW, play.contest.blobs)


async def test_many_who_ask_at_once_wait_for_one_look_and_later_ones_for_none(tmp_path: Path) -> None:
    root, workers = DataRoot(tmp_path), CountedWorkers()
    write(root, "e1", "e2")
    boards = Leaderboards(root, workers)
    pictures = await asyncio.gather(*(boards.picture("c1") for _ in range(20)))
    assert {id(picture) for picture in pictures} == {id(pictures[0])}
    assert await boards.picture("c1") is pictures[0]
    assert workers.runs == 1
    boards.close()


async def test_a_commit_during_a_look_is_looked_at_as_well(tmp_path: Path) -> None:
    """Whoever asks after a commit sees what it left."""
    root, workers = DataRoot(tmp_path), CountedWorkers()
    play = Play()
    write_contest(root, "c1", [recorded.event for recorded in play.contest.log], NOW)
    boards, written = Leaderboards(root, workers), len(play.contest.log)
    asking = asyncio.create_task(boards.picture("c1"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert workers.runs == 1
    play.to_live()
    write_contest(root, "c1", [recorded.event for recorded in play.contest.log[written:]], NOW, play.contest.blobs)
    later = await boards.picture("c1")
    assert later is not None
    assert (later.status, workers.runs) == ("LIVE", 2)
    before = await asking
    assert before is not None
    boards.close()


class EnteringWorkers(CountedWorkers):
    """While the work runs, somebody commits."""

    def __init__(self, root: DataRoot, play: Play) -> None:
        super().__init__()
        self.root, self.play, self.written = root, play, len(play.contest.log)

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        result = await super().run(function, *arguments)
        self.play.enter_and_pay(f"late-{self.runs}")
        events = [recorded.event for recorded in self.play.contest.log[self.written :]]
        self.written += len(events)
        write_contest(self.root, "c1", events, NOW, self.play.contest.blobs)
        return result


async def test_a_contest_with_a_commit_during_every_look_is_shown_all_the_same(tmp_path: Path) -> None:
    """The last hour before a lock: people enter at every moment."""
    root, play = DataRoot(tmp_path), Play()
    write_contest(root, "c1", [recorded.event for recorded in play.contest.log], NOW)
    workers = EnteringWorkers(root, play)
    boards = Leaderboards(root, workers)
    async with asyncio.timeout(5):
        assert all(await asyncio.gather(*(boards.picture("c1") for _ in range(3))))
        assert await boards.picture("c1") is not None
    assert workers.runs <= 4
    boards.close()


async def test_only_so_many_entries_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaderboards, "ENTRIES_KEPT", 4)
    monkeypatch.setattr(boards_of_files, "ENTRIES_KEPT", 4)
    root, workers = DataRoot(tmp_path), CountedWorkers()
    boards = Leaderboards(root, workers)
    for name in ("a", "b", "c"):
        write(root, "e1", "e2", contest_id=name)
        assert await boards.picture(name) is not None
    assert [read.picture is None for read in boards._reads.values()] == [True, False, False]
    again = await boards.picture("a")
    assert again is not None
    assert again.ranking.entry_ids == ("e1", "e2")
    assert workers.runs == 4
    boards.close()


async def test_one_who_goes_away_leaves_the_look_to_the_others(tmp_path: Path) -> None:
    root = DataRoot(tmp_path)
    write(root, "e1")
    boards = Leaderboards(root, CountedWorkers())
    first, second = (asyncio.create_task(boards.picture("c1")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    picture = await second
    assert picture is not None
    assert picture.ranking.entry_ids == ("e1",)
    boards.close()


async def test_what_is_no_contest_is_none_and_makes_no_file(tmp_path: Path) -> None:
    root = DataRoot(tmp_path)
    boards = Leaderboards(root, CountedWorkers())
    assert await boards.picture("nowhere") is None
    with pytest.raises(KeyError):
        boards.cards("nowhere", [])
    assert not root.path_of("contest/nowhere").parent.exists()
    write_contest(root, "planned", [], NOW)
    assert await boards.picture("planned") is None
    boards.close()


async def test_only_so_many_files_are_held_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaderboards, "CONTESTS_OPEN_MAX", 2)
    root = DataRoot(tmp_path)
    boards = Leaderboards(root, CountedWorkers())
    for name in ("a", "b", "c", "d", "e"):
        write(root, "e1", contest_id=name)
    pictures = await asyncio.gather(*(boards.picture(name) for name in ("a", "b", "c", "d")))
    assert all(pictures)
    assert await boards.picture("e") is not None
    assert len(boards._reads) == 2
    boards.close()
