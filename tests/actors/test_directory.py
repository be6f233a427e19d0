"""Where actors live: mail always ends somewhere, and no file has two writers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cutline.actors.directory import DUE_SOON, IDLE_AFTER, Directory
from cutline.actors.mailbox import Acknowledgement, Answer, Ask, Delivery, Mailbox, Retire, Tell
from cutline.engine.decision import Accepted, Rejected
from cutline.engine.messages import CreateContest, Look
from cutline.storage.files import DataRoot

NOW = datetime(2026, 4, 9, 12, tzinfo=UTC)
C1, C2 = "contest/c1", "contest/c2"
CREATE = CreateContest(contest_id="c1", config_json="{}", config_sha256="")


class Scribe(Mailbox):
    """Notes what it is sent, and answers questions."""

    def __init__(self, address: str, path: Path) -> None:
        super().__init__(address, lambda *_: None)
        self.seen: list[Any] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def on_receive(self, message: Any) -> None:
        self.seen.append(message)
        if isinstance(message, Ask):
            answer = Accepted(reply="here")
            message.future.get_loop().call_soon_threadsafe(message.future.set_result, answer)
        elif isinstance(message, Retire) and message.release(self):
            self.stop()


class Place:
    """A directory whose actors are scribes."""

    def __init__(self, root: Path) -> None:
        self.root = DataRoot(root)
        self.started: list[Any] = []
        self.directory = Directory(self.root, self._start, kept_open=0)

    def _start(self, address: str, create: bool) -> Any:  # noqa: ARG002  # scribes make their files anyway
        reference = Scribe.start(address, self.root.path_of(address))
        self.started.append(reference)
        return reference

    async def ask(self, to: str, message: Any = "read") -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.directory.send(to, Ask(message, "test", future))
        async with asyncio.timeout(5):
            return await future


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    for reference in place.started:
        reference.stop(block=False)


def code_of(answer: Answer) -> str:
    assert isinstance(answer, Rejected), answer
    return answer.code.value


async def test_an_actor_opens_on_its_first_message_and_stays(place: Place) -> None:
    assert await place.ask(C1, CREATE) == await place.ask(C1) == Accepted(reply="here")
    assert (len(place.started), place.directory.addresses()) == (1, [C1])


async def test_only_its_creation_makes_a_contest(place: Place) -> None:
    """S8: a question about a contest that is not must not make its file."""
    assert code_of(await place.ask(C1)) == "NOT_FOUND"
    assert not place.root.path_of(C1).exists()


@pytest.mark.parametrize("address", ["contest/Not-An-Id", "contest/../../etc", "contest/", "feed/a b", "nobody", ""])
async def test_an_address_that_names_no_file_is_refused_and_never_raises(place: Place, address: str) -> None:
    """Whoever sends has committed: an exception here would undo what must not be undone."""
    assert code_of(await place.ask(address)) == "NOT_FOUND"
    for envelope in (Delivery("k", "ledger", "money", "test"), Tell(Look(), "test"), Acknowledgement(("k",), "b")):
        place.directory.send(address, envelope)
    assert place.directory.undeliverable() == 1


async def test_owed_mail_for_nobody_is_counted_once_a_message(place: Place) -> None:
    for key in ("a", "b", "a"):
        place.directory.send(C1, Delivery(key, "ledger", "money", "test"))
    assert place.directory.undeliverable() == 2


async def test_a_dead_actor_refuses_until_its_supervisor_has_heard(place: Place) -> None:
    """P3: the sender's own batch must not break on another's death."""
    await place.ask(C1, CREATE)
    place.started[0].stop()
    assert code_of(await place.ask(C1)) == "SHUTTING_DOWN"
    place.directory.forget(C1)
    assert await place.ask(C1) == Accepted(reply="here")


async def test_a_file_that_is_known_and_gone_is_quarantined_and_never_made_again(place: Place) -> None:
    """S8."""
    place.directory.remember([C1])
    assert place.directory.quarantined() == {C1: "its file is missing"}
    assert code_of(await place.ask(C1, CREATE)) == "CONTEST_QUARANTINED"
    place.directory.open(C1)
    assert place.started == []


async def test_a_file_that_vanishes_while_its_actor_is_closed_is_quarantined(place: Place) -> None:
    await place.ask(C1, CREATE)
    place.directory.note(C1, None, NOW)
    place.started[0].stop()
    place.directory.forget(C1)
    place.root.path_of(C1).unlink()
    assert code_of(await place.ask(C1, CREATE)) == "CONTEST_QUARANTINED"
    assert not place.root.path_of(C1).exists()


async def test_only_what_idles_and_is_not_soon_due_is_closed(place: Place) -> None:
    for contest, due_at in (("c1", None), ("c2", NOW + DUE_SOON), ("c3", NOW + 2 * DUE_SOON), ("c4", None)):
        await place.ask(f"contest/{contest}", CREATE)
        used_at = NOW if contest == "c4" else NOW - IDLE_AFTER
        place.directory.note(f"contest/{contest}", due_at, used_at)
    place.directory.retire_idle(NOW)
    for _ in range(500):
        if len(place.directory.addresses()) == 2:
            break
        await asyncio.sleep(0.01)
    assert place.directory.addresses() == [C2, "contest/c4"]


async def test_what_is_due_is_opened_to_look(place: Place) -> None:
    """C5: whatever the time since."""
    for address in (C1, C2):
        place.root.path_of(address).parent.mkdir(parents=True, exist_ok=True)
        place.root.path_of(address).touch()
    place.directory.note_closed(C1, NOW)
    place.directory.note_closed(C2, NOW + timedelta(seconds=1))
    assert place.directory.look_at_due(NOW, "test") == 1
    assert place.directory.addresses() == [C1]


async def test_an_old_actor_cannot_release_or_hide_its_successor(place: Place) -> None:
    """One file, one writer: who has been replaced must not make room for a third."""
    await place.ask(C1, CREATE)
    old = place.started[0]._actor_weakref()
    place.directory.forget(C1)
    await place.ask(C1)
    assert place.directory._release(old)
    assert place.directory.addresses() == [C1]
    await place.ask(C1)
    assert len(place.started) == 2


async def test_after_the_close_nothing_opens(place: Place) -> None:
    """P2: not for mail, and not for a restart that was on its way."""
    await place.ask(C1, CREATE)
    assert [one.address for one in place.directory.close()] == [C1]
    place.directory.forget(C1)
    place.directory.open(C1)
    assert code_of(await place.ask(C1)) == "SHUTTING_DOWN"
    assert len(place.started) == 1
