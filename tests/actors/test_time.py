"""Time as a real engine over real files meets it: held to the millisecond, set back, set forward, and missed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import freezegun
import pytest

from cutline.actors.jobs import SteppedScheduler
from cutline.actors.mailbox import Tell
from cutline.engine.messages import FeedPolled
from cutline.simulation.clock import UNFROZEN
from cutline.storage.files import DataRoot
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import open_reader
from tests.actors.town import Town, is_refused, running_town
from tests.engine.contest.play import FIELD
from tests.engine.golf import CARDS, EVENT_ID, payload, raw

START = datetime.fromisoformat("2026-04-07T11:40:00+00:00")
LOCK = START + timedelta(days=2)
"""When the town's contests lock, and when the first tee is."""
PLAYED = LOCK + timedelta(days=3, hours=11)
CONTEST = "small-open-1"
MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture
def clock() -> Iterator[Any]:
    with freezegun.freeze_time(START, real_asyncio=True, ignore=UNFROZEN) as held:
        yield held


async def rest(town: Town) -> None:
    """Wait until the engine has nothing under way."""
    quiet = 0
    for _ in range(2000):
        quiet = quiet + 1 if town.system.idle else 0
        if quiet == 3:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("the engine does not come to rest")


async def tick(town: Town) -> None:
    """Run the jobs that are due at the held time."""
    scheduler = town.system._parts.scheduler
    assert isinstance(scheduler, SteppedScheduler)
    scheduler.step()
    await rest(town)


async def poll(town: Town, clock: Any, at: datetime, body: bytes | None) -> None:
    """Have the feed answer at this time: a leaderboard, or that nothing has changed."""
    clock.move_to(at)
    polled = FeedPolled(http_status=200 if body else 304, body=body, etag="e", error=None, duration_ms=1.0)
    town.system.directory.send(f"feed/{EVENT_ID}", Tell(polled, "test"))
    await rest(town)


def transitions(root: Path) -> list[tuple[str, str, str]]:
    path = DataRoot(root).path_of(f"contest/{CONTEST}")
    with closing(open_reader(path, KINDS["contest"])) as connection:
        return list(connection.execute("SELECT at, from_status, to_status FROM transitions ORDER BY seq"))


async def test_an_entry_and_a_fee_are_judged_by_their_commit_to_the_millisecond(tmp_path: Path, clock: Any) -> None:
    """C4, I7, LIFE-017: the last millisecond plays, the lock time does not, whether or not the lock has been taken."""
    async with running_town(tmp_path) as town:
        await town.plan(CONTEST)
        clock.move_to(LOCK - MILLISECOND)
        assert (await town.enter(CONTEST, "last", "did:a"))["status"] == "PENDING_PAYMENT"
        await town.enter(CONTEST, "late", "did:b")
        await town.pay(CONTEST, "last", "did:a")
        await town.until(town.books, lambda books: books.get(f"pot:{CONTEST}") == -1001)
        for now in (LOCK, LOCK + MILLISECOND):
            clock.move_to(now)
            assert is_refused(await town.enter(CONTEST, f"at-{now.microsecond}", "did:c"), "CONTEST_LOCKED")
        await town.pay(CONTEST, "late", "did:b")
        # The town's Stripe knows no such payment and refuses the refund; then the fee is its holder's again.
        returned = (f"refunds:{CONTEST}", "user:did:b:available")
        await town.until(town.books, lambda books: sum(books.get(name, 0) for name in returned) == -1001)
        assert (await town.contest(CONTEST))["status"] == "SCHEDULED", "no tick has come yet"
        await tick(town)
        await town.until(lambda: town.contest(CONTEST), lambda contest: contest["status"] == "LOCKED")
        entries = (await town.contest(CONTEST))["entries"]
        assert (entries["active"], entries["refused"]) == (1, 1)


async def test_a_clock_set_back_unlocks_nothing_and_no_time_decreases(tmp_path: Path, clock: Any) -> None:
    """C1: the file's own time goes on."""
    async with running_town(tmp_path) as town:
        await town.plan(CONTEST)
        # An actor answers before it says when it wants to look; a tick in between would have nothing to look at.
        await rest(town)
        clock.move_to(LOCK)
        await tick(town)
        assert (await town.contest(CONTEST))["status"] == "LOCKED"
        clock.move_to(LOCK - timedelta(hours=1))
        assert is_refused(await town.enter(CONTEST, "e1"), "CONTEST_LOCKED")
        await tick(town)
    async with running_town(tmp_path) as town:
        await tick(town)
        assert is_refused(await town.enter(CONTEST, "e1"), "CONTEST_LOCKED")
    assert [row[1:] for row in transitions(tmp_path)] == [("SCHEDULED", "LOCKED")]
    for address, path in DataRoot(tmp_path).all_files():
        kind = KINDS[address.partition("/")[0]]
        with closing(open_reader(path, kind)) as connection:
            times = [at for (at,) in connection.execute("SELECT at FROM log ORDER BY seq")]
        assert times == sorted(times), address


async def test_transitions_missed_by_days_happen_once_each_and_in_order(tmp_path: Path, clock: Any) -> None:
    """C2, C5, LIFE-002 to LIFE-006: the box is away from before the lock until three days after the end."""
    final = raw(payload(CARDS, status="complete", event_id=EVENT_ID))
    async with running_town(tmp_path) as town:
        await town.plan(CONTEST)
        await rest(town)
        await poll(
            town, clock, START + timedelta(minutes=5), raw(payload(FIELD, status="scheduled", event_id=EVENT_ID))
        )
        await town.enter(CONTEST, "e1")
        await town.pay(CONTEST, "e1")
        await town.until(town.books, lambda books: books.get(f"pot:{CONTEST}") == -1001)
        await town.enter(CONTEST, "never-paid", "did:b")
        await rest(town)
    clock.move_to(PLAYED + timedelta(days=3))
    async with running_town(tmp_path) as town:
        for _ in range(3):
            await tick(town)
        for count in range(4):
            await poll(town, clock, PLAYED + timedelta(days=3, minutes=15 * count), final if not count else None)
        for _ in range(3):
            await tick(town)
        contest = await town.until(
            lambda: town.contest(CONTEST), lambda contest: contest["settlement"]["status"] == "COMPLETE"
        )
        assert contest["entries"]["expired"] == 1
    taken = transitions(tmp_path)
    assert [row[1:] for row in taken] == [("SCHEDULED", "LOCKED"), ("LOCKED", "LIVE"), ("LIVE", "COMPLETE")]
    assert [at for at, *_ in taken] == sorted(at for at, *_ in taken)
