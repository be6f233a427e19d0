"""A bounded number of contests is opened at a time, however many want to at one instant, and none is forgotten."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from cutline.actors import directory as directories
from cutline.actors import waiting_room
from cutline.actors.clock import utc_now
from cutline.actors.directory import CORE, DUE_SOON, Directory
from cutline.actors.mailbox import Ask, Asks, Delivery, Mailbox, Retire, Tell, each
from cutline.actors.waiting_room import SLOT_HELD_MAX, WaitingRoom
from cutline.engine import tournament
from cutline.engine.decision import Accepted
from cutline.engine.messages import CreateContest, Look, PlanContest, PublishConfig
from cutline.storage.files import DataRoot
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import open_reader
from tests.actors.town import Town, running_town
from tests.engine.golf import CONFIG

NOW = datetime(2026, 4, 9, 12, tzinfo=UTC)
LOOK = Tell(Look(), "test")
CROWD = 240
SLOTS = 12


def test_who_waited_longest_comes_first_and_the_same_mail_waits_once() -> None:
    room = WaitingRoom(slots=1)
    assert room.has_room(NOW)
    room.enter("contest/a", NOW)
    assert not room.has_room(NOW)
    owed: list[Any] = [Delivery(key, "ledger", "money", "test") for key in ("k1", "k2", "k1")]
    for address in ("contest/c", "contest/b"):
        for envelope in [LOOK, *owed, LOOK]:
            room.park(address, envelope)
    assert list(room.admitted(NOW)) == []
    room.leave("contest/a")
    for address, mail in room.admitted(NOW):
        assert (address, mail) == ("contest/c", [LOOK, *owed[:2]])
        room.enter(address, NOW)
    assert ("contest/b" in room, len(room)) == (True, 1)


def test_a_slot_that_is_held_for_too_long_is_given_away() -> None:
    """O2: a ledger or a replica out of reach holds nobody else back for ever."""
    room = WaitingRoom(slots=2)
    room.enter("contest/a", NOW)
    room.enter("contest/b", NOW + timedelta(seconds=5))
    assert not room.has_room(NOW + SLOT_HELD_MAX - timedelta(milliseconds=1))
    assert room.has_room(NOW + SLOT_HELD_MAX)
    assert (room.holds_slot("contest/a"), room.holds_slot("contest/b")) == (False, True)


class Busy(Mailbox):
    """Notes what it is sent, and says that it is at rest once it has been let go."""

    def __init__(self, address: str, place: Place) -> None:
        super().__init__(address, lambda *_: None)
        self.place = place
        self.seen: list[Any] = []

    def on_receive(self, message: Any) -> None:
        self.seen.append(message)
        for one in each(message):
            if isinstance(one, Ask):
                one.future.get_loop().call_soon_threadsafe(one.future.set_result, Accepted())
        self.place.go_on.wait(5)
        self.place.directory.note(self.address, None, utc_now(), at_rest=True)
        if isinstance(message, Retire) and message.release(self):
            self.stop()


class Place:
    """A directory whose contests are busy until they are let go."""

    def __init__(self, root: Path, slots: int) -> None:
        self.root = DataRoot(root)
        self.go_on = threading.Event()
        self.started: list[Any] = []
        self.opened: list[str] = []
        self.directory = Directory(self.root, self._start, room=WaitingRoom(slots=slots))

    def _start(self, address: str, create: bool) -> Any:  # noqa: ARG002  # the shape that a directory calls
        self.opened.append(address)
        self.started.append(Busy.start(address, self))
        return self.started[-1]

    def add(self, *contest_ids: str) -> list[str]:
        addresses = [f"contest/{contest_id}" for contest_id in contest_ids]
        for address in addresses:
            path = self.root.path_of(address)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return addresses


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path, slots=2)
    yield place
    place.go_on.set()
    for reference in place.started:
        reference.stop(block=False)


async def settle(place: Place) -> None:
    for _ in range(500):
        if not place.directory.waiting:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{place.directory.waiting} still wait")


async def test_who_is_due_waits_for_a_slot_and_everybody_gets_one(place: Place) -> None:
    addresses = place.add(*"abcde")
    for address in addresses:
        place.directory.note_closed(address, NOW)
    for _ in range(3):
        assert place.directory.look_at_due(NOW, "test") == 5
        assert (len(place.directory.addresses()), place.directory.waiting) == (2, 3)
    place.go_on.set()
    await settle(place)
    assert place.opened == addresses


async def test_who_is_at_rest_stays_open_until_there_is_a_crowd(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand live contests must not be opened anew with every poll."""
    monkeypatch.setattr(directories, "CROWD", 4)
    addresses = place.add(*"abcdefg")
    place.go_on.set()
    for address in addresses:
        place.directory.send(address, LOOK)
    await settle(place)
    for _ in range(500):
        if len(place.directory.addresses()) <= 4:
            break
        await asyncio.sleep(0.01)
    # Two who are at rest at the same moment may both go, and no more than had a slot.
    assert 2 <= len(place.directory.addresses()) <= 4
    assert place.opened == addresses


async def test_who_is_asked_at_an_edge_never_waits_and_brings_the_mail_along(place: Place) -> None:
    addresses = place.add(*"abc")
    for address in addresses:
        place.directory.send(address, LOOK)
    assert place.directory.waiting == 1
    place.go_on.set()
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    place.directory.send("contest/c", Ask("read", "test", future))
    async with asyncio.timeout(5):
        await future
    assert place.directory.waiting == 0


async def test_contests_that_an_edge_asks_for_take_no_slot_from_those_that_are_due(place: Place) -> None:
    addresses = place.add(*"abcd")
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    place.directory.send(addresses[0], Ask("read", "test", future))
    another: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    place.directory.send(addresses[1], Asks((Ask("read", "test", another),)))
    for address in addresses[2:]:
        place.directory.send(address, LOOK)
    assert place.directory.waiting == 0
    place.go_on.set()
    async with asyncio.timeout(5):
        await asyncio.gather(future, another)


async def test_nobody_waits_for_a_feed_or_the_core(place: Place) -> None:
    """A contest that waits for its feed must not hold the feed's own slot."""
    place.add("a", "b")
    for address in ("contest/a", "contest/b"):
        place.directory.send(address, LOOK)
    feed = place.root.path_of("feed/open")
    feed.parent.mkdir(parents=True, exist_ok=True)
    feed.touch()
    place.directory.send("feed/open", LOOK)
    assert place.directory.addresses() == ["contest/a", "contest/b", "feed/open"]


async def test_a_file_that_vanishes_while_it_waits_is_quarantined(place: Place) -> None:
    """S8."""
    *_, last = place.add("a", "b", "c")
    place.directory.remember([last])
    for contest_id in "abc":
        place.directory.send(f"contest/{contest_id}", LOOK)
    place.root.path_of(last).unlink()
    place.go_on.set()
    await settle(place)
    assert place.directory.quarantined() == {last: "its file is missing"}


async def test_in_a_crowd_nobody_stays_open_for_being_due_soon(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directories, "CROWD", 1)
    place.go_on.set()
    for address in place.add("a", "b"):
        place.directory.open(address)
        place.directory.note(address, NOW + DUE_SOON, NOW - timedelta(minutes=1))
    place.directory.retire_idle(NOW)
    for _ in range(500):
        if not place.directory.addresses():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(place.directory.addresses())


async def plan_crowd(town: Town, lock_at: datetime) -> None:
    """Create many contests that lock at one instant."""
    times = {"first_tee_at": (lock_at + timedelta(days=1)).isoformat()}
    times["ends_at"] = (lock_at + timedelta(days=5)).isoformat()
    entry = {**CONFIG["entry"], "lock_at": lock_at.isoformat()}
    config = tournament.from_canonical(orjson.dumps({**CONFIG, "event": {**CONFIG["event"], **times}, "entry": entry}))
    text, digest = tournament.canonical(config), tournament.sha256(config)
    await town.ask("governance", PublishConfig(config_id="o", config_json=text, config_sha256=digest, actor="test"))

    async def plan(contest_id: str) -> None:
        await town.ask("governance", PlanContest(contest_id=contest_id, config_id="o", actor="test"))
        await town.ask(
            f"contest/{contest_id}", CreateContest(contest_id=contest_id, config_json=text, config_sha256=digest)
        )

    for first in range(0, CROWD, 24):
        await asyncio.gather(*(plan(f"c{number}") for number in range(first, first + 24)))


def contests(town: Town) -> list[str]:
    return [address for address in town.system.directory.addresses() if address not in CORE]


@pytest.mark.slow
async def test_hundreds_of_contests_lock_at_one_instant_a_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C5, O1: the box comes back after the lock time; each contest locks once, is anchored, and is closed again."""
    monkeypatch.setattr(waiting_room, "SLOTS", SLOTS)
    monkeypatch.setattr(directories, "CROWD", SLOTS)
    lock_at = (utc_now() + timedelta(seconds=4)).replace(microsecond=0)
    async with running_town(tmp_path) as town:
        await plan_crowd(town, lock_at)
        await town.until(town.created, lambda created: len(created) == CROWD)
    await asyncio.sleep(max(0.0, (lock_at - utc_now()).total_seconds()))
    async with running_town(tmp_path) as town:
        most = 0
        for _ in range(3000):
            town.system.directory.look_at_due(utc_now(), "test")
            most = max(most, len(contests(town)))
            if town.system.idle and not contests_due(town):
                break
            await asyncio.sleep(0.01)
        # A crowd and those at work; the feed is open too, and whoever is being closed counts for a moment.
        assert SLOTS <= most <= 2 * SLOTS + 2
        read = [await town.contest(f"c{number}") for number in range(0, CROWD, 40)]
        assert [(one["status"], len(one["transitions"])) for one in read] == [("LOCKED", 1)] * len(read)
        assert len(await anchored(town)) == CROWD


def contests_due(town: Town) -> bool:
    now = utc_now()
    return any(at <= now for at in town.system.directory._due.values())


async def anchored(town: Town) -> set[str]:
    """Return the contests whose lock the ledger has anchored."""
    with closing(open_reader(town.system.root.path_of("ledger"), KINDS["ledger"])) as connection:
        rows = connection.execute("SELECT payload ->> 'address' FROM log WHERE type = 'AnchorRecorded'").fetchall()
    return {address for (address,) in rows}
