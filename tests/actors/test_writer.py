"""The one writer of a file: group commit, its failure rules, owed messages and restarts (rules 1-3 of the design)."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import freezegun
import pysqlite3
import pytest

from cutline.actors.mailbox import Acknowledgement, Ask, Delivery, Redeliver, Retire, Tell
from cutline.actors.writer import Writer
from cutline.engine.decision import Accepted, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import Look
from cutline.storage.errors import Corrupt, DiskFull, FileMissing, WriteFailed
from cutline.storage.event_log import EventLog
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import open_reader

_spec = importlib.util.spec_from_file_location("toy", Path(__file__).with_name("toy.py"))
assert _spec is not None
assert _spec.loader is not None
toy = importlib.util.module_from_spec(_spec)
sys.modules["toy"] = toy
_spec.loader.exec_module(toy)


@pytest.fixture
def around() -> Iterator[Any]:
    around = toy.Around()
    yield around
    for reference in around.writers.values():
        reference.stop()


async def ask(reference: Any, message: Any, *, expect: type = object) -> Any:
    future: asyncio.Future[Accepted | Rejected] = asyncio.get_running_loop().create_future()
    reference.tell(Ask(message, "test", future))
    async with asyncio.timeout(10):
        answer = await future
    assert isinstance(answer, expect)
    return answer


async def stopped(reference: Any) -> None:
    """Stop an actor and wait until its file is closed."""
    writer = reference._actor_weakref()
    reference.stop(block=False)
    for _ in range(500):
        if not reference.is_alive() and writer.closed:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not stop")


async def quiet(reference: Any) -> None:
    """Return when everything told before has been done: the first answer may overtake what its own batch sends."""
    for _ in range(2):
        await ask(reference, "read")


def logged(path: Path) -> list[str]:
    connection = open_reader(path, KINDS["governance"])
    try:
        return [entry.type for entry in EventLog(connection, KINDS["governance"]).entries()]
    finally:
        connection.close()


async def test_what_is_answered_is_in_the_file(around: Any, tmp_path: Path) -> None:
    reference = around.start("a", tmp_path / "a.db")
    answer = await ask(reference, toy.Add(name="one", amount=5))
    assert answer == Accepted(events=answer.events, reply={"deduped": False})
    assert logged(tmp_path / "a.db") == ["WriterOpened", "Added"]


async def test_a_refusal_writes_nothing(around: Any, tmp_path: Path) -> None:
    reference = around.start("a", tmp_path / "a.db")
    answer = await ask(reference, toy.Add(name="bad", amount=-1))
    assert isinstance(answer, Rejected)
    assert answer.code is RejectCode.REQUEST_INVALID
    assert logged(tmp_path / "a.db") == ["WriterOpened"]


async def test_what_queued_up_shares_one_commit(around: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = 0
    commit = EventLog.commit

    def counting(self: EventLog) -> None:
        nonlocal commits
        commits += 1
        commit(self)

    reference = around.start("a", tmp_path / "a.db")
    await ask(reference, toy.Add(name="first"))
    monkeypatch.setattr(EventLog, "commit", counting)
    answers = await asyncio.gather(*(ask(reference, toy.Add(name=f"n{n}")) for n in range(200)))
    assert all(isinstance(answer, Accepted) for answer in answers)
    assert commits < 100
    assert len(logged(tmp_path / "a.db")) == 202


async def test_one_bad_command_harms_no_neighbour_in_its_batch(around: Any, tmp_path: Path) -> None:
    reference = around.start("a", tmp_path / "a.db")
    answers = await asyncio.gather(
        ask(reference, toy.Add(name="before")),
        ask(reference, toy.Explode()),
        ask(reference, toy.Add(name="after")),
    )
    assert isinstance(answers[0], Accepted)
    assert isinstance(answers[1], Rejected)
    assert answers[1].code is RejectCode.INTERNAL_FAULT
    assert isinstance(answers[2], Accepted)
    total = await ask(reference, "read")
    assert isinstance(total, Accepted)
    assert total.reply["names"] == ["after", "before"]


async def test_system_exit_in_an_actor_stops_that_actor_alone(around: Any, tmp_path: Path) -> None:
    """P4 of the fault catalogue."""
    doomed, other = around.start("a", tmp_path / "a.db"), around.start("b", tmp_path / "b.db")
    await ask(doomed, toy.Add(name="one"))
    doomed.tell(Tell(toy.Exit(), "test"))
    assert await asyncio.to_thread(around.failed_once.wait, 10)
    assert around.failures[0][0] == "a"
    assert isinstance(await ask(other, toy.Add(name="two")), Accepted)


async def test_a_question_that_outlives_its_actor_is_still_answered(around: Any, tmp_path: Path) -> None:
    reference = around.start("a", tmp_path / "a.db")
    await ask(reference, toy.Add(name="one"))
    futures = []
    for message in (toy.Exit(), toy.Add(name="late")):
        future: asyncio.Future[Accepted | Rejected] = asyncio.get_running_loop().create_future()
        reference.tell(Ask(message, "test", future))
        futures.append(future)
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*futures)
    assert {answer.code for answer in answers if isinstance(answer, Rejected)} <= {
        RejectCode.SHUTTING_DOWN,
        RejectCode.INTERNAL_FAULT,
    }


async def test_a_full_disk_refuses_and_then_goes_on(
    around: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4 of the fault catalogue."""
    reference = around.start("a", tmp_path / "a.db")
    await ask(reference, toy.Add(name="one"))

    def full(self: EventLog) -> None:
        self.rollback()
        raise DiskFull("no space")

    with monkeypatch.context() as patch:
        patch.setattr(EventLog, "commit", full)
        answer = await ask(reference, toy.Add(name="two"))
    assert isinstance(answer, Rejected)
    assert answer.code is RejectCode.STORAGE_UNAVAILABLE
    assert isinstance(await ask(reference, toy.Add(name="three")), Accepted)
    total = await ask(reference, "read")
    assert isinstance(total, Accepted)
    assert total.reply["names"] == ["one", "three"]


async def test_a_full_disk_at_the_first_commit_of_a_new_file_is_no_fault_for_ever(
    around: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4: a file that lets go of its handles is empty until its first command; what was rolled back left no time."""
    reference = Writer.start("a", tmp_path / "a.db", toy.toy_work(), around, boot_epoch=1, create=True, rests=True)
    around.writers["a"] = reference

    def full(self: EventLog) -> None:
        self.rollback()
        raise DiskFull("no space")

    with monkeypatch.context() as patch:
        patch.setattr(EventLog, "commit", full)
        refused = await ask(reference, toy.Add(name="one"), expect=Rejected)
        assert refused.code is RejectCode.STORAGE_UNAVAILABLE
    await ask(reference, toy.Add(name="two"))
    total = await ask(reference, "read")
    assert isinstance(total, Accepted)
    assert total.reply["names"] == ["two"]


async def test_after_a_failed_commit_the_process_must_die_and_nobody_is_answered(
    around: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 of the fault catalogue: a failed commit is not a rolled-back commit."""
    reference = around.start("a", tmp_path / "a.db")
    await ask(reference, toy.Add(name="one"))

    def lost(self: EventLog) -> None:  # noqa: ARG001  # stands in for a method
        raise WriteFailed("input/output error")

    monkeypatch.setattr(EventLog, "commit", lost)
    future: asyncio.Future[Accepted | Rejected] = asyncio.get_running_loop().create_future()
    reference.tell(Ask(toy.Add(name="two"), "test", future))
    assert await asyncio.to_thread(around.failed_once.wait, 10)
    assert isinstance(around.deaths[0], WriteFailed)
    await asyncio.sleep(0)
    assert not future.done()


async def test_commit_time_never_runs_backwards(around: Any, tmp_path: Path) -> None:
    """C1 of the fault catalogue."""
    reference = around.start("a", tmp_path / "a.db")
    with freezegun.freeze_time(toy.NOON, real_asyncio=True) as clock:
        clock.move_to("2030-01-01T13:00:00Z")
        await ask(reference, toy.Add(name="one"))
        clock.move_to("2030-01-01T12:00:00Z")
        answer = await ask(reference, "read")
    assert isinstance(answer, Accepted)
    assert answer.reply["now"].hour == 13


async def test_an_owed_message_is_sent_again_until_it_is_acknowledged(around: Any, tmp_path: Path) -> None:
    """P8 of the fault catalogue: messages die with the process, what the log owes does not."""
    first = around.start("a", tmp_path / "a.db")
    await ask(first, toy.Add(name="gift", amount=3, owe_to="b"))
    await quiet(first)
    first.stop()
    assert [to for to, _ in around.sent] == ["b"]
    receiver = around.start("b", tmp_path / "b.db")
    again = around.start("a", tmp_path / "a.db", epoch=2)
    await quiet(again)
    await quiet(receiver)
    total = await ask(receiver, "read")
    assert isinstance(total, Accepted)
    assert total.reply["total"] == 3
    deliveries = [envelope for to, envelope in around.sent if to == "b"]
    assert len(deliveries) == 2
    await ask(again, toy.Add(name="next"))
    assert logged(tmp_path / "a.db")[-2:] == ["Added", "DeliveriesAcknowledged"]
    again.stop()
    sent = len(around.sent)
    around.start("a", tmp_path / "a.db", epoch=3)
    await ask(around.writers["a"], "read")
    assert len(around.sent) == sent


async def test_a_delivery_that_comes_twice_is_applied_once_and_acknowledged_twice(around: Any, tmp_path: Path) -> None:
    reference = around.start("a", tmp_path / "a.db")
    delivery = Delivery("owed:x", "b", toy.Add(name="x", amount=7), "test")
    reference.tell(delivery)
    reference.tell(delivery)
    await quiet(reference)
    total = await ask(reference, "read")
    assert isinstance(total, Accepted)
    assert total.reply["total"] == 7
    await quiet(reference)
    assert [envelope for to, envelope in around.sent if to == "b"] == [Acknowledgement(("owed:x",), "a")] * 2


async def test_redelivery_waits_its_time(around: Any, tmp_path: Path) -> None:
    with freezegun.freeze_time(toy.NOON, real_asyncio=True) as clock:
        reference = around.start("a", tmp_path / "a.db")
        await ask(reference, toy.Add(name="gift", owe_to="nobody"))
        reference.tell(Redeliver())
        await quiet(reference)
        assert len(around.sent) == 1
        clock.tick(61)
        reference.tell(Redeliver())
        await quiet(reference)
        assert len(around.sent) == 2


async def test_an_actor_that_owes_does_not_retire(around: Any, tmp_path: Path) -> None:
    reference = around.start("a", tmp_path / "a.db")
    await ask(reference, toy.Add(name="gift", owe_to="nobody"))
    reference.tell(Retire(lambda _: True))
    assert isinstance(await ask(reference, "read"), Accepted)
    reference.tell(Acknowledgement(("owed:gift",), "b"))
    await quiet(reference)
    reference.tell(Retire(lambda _: True))
    for _ in range(200):
        if not reference.is_alive():
            break
        await asyncio.sleep(0.01)
    assert not reference.is_alive()


async def test_a_missing_file_is_never_made_again_empty(around: Any, tmp_path: Path) -> None:
    """S8 of the fault catalogue."""
    around.start("a", tmp_path / "a.db", create=False)
    assert await asyncio.to_thread(around.failed_once.wait, 10)
    assert isinstance(around.failures[0][1], FileMissing)
    assert not (tmp_path / "a.db").exists()


async def test_a_refused_delivery_stays_with_its_sender(around: Any, tmp_path: Path) -> None:
    """P8: an owed message that is acknowledged though it was refused would be money that nobody owes any more."""
    receiver = around.start("b", tmp_path / "b.db")
    reference = around.start("a", tmp_path / "a.db")
    await ask(reference, toy.Add(name="gift", amount=-3, owe_to="b"), expect=Rejected)
    reference.tell(Delivery("owed:x", "b", toy.Add(name="bad", amount=-1), "test"))
    await quiet(reference)
    await quiet(receiver)
    assert not [envelope for _, envelope in around.sent if isinstance(envelope, Acknowledgement)]


async def test_what_goes_wrong_after_the_commit_undoes_nothing_and_keeps_nothing_back(
    around: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design rule 1: the answer is that of the commit, and the next message goes out all the same."""
    reference = around.start("a", tmp_path / "a.db")
    await quiet(reference)
    send = around.send

    def failing(to: str, envelope: Any) -> None:
        if to == "nowhere":
            raise ValueError("no file has the address 'nowhere'")
        send(to, envelope)

    monkeypatch.setattr(around, "send", failing)
    answers = await asyncio.gather(
        ask(reference, toy.Add(name="one", owe_to="nowhere")), ask(reference, toy.Add(name="two", owe_to="b"))
    )
    assert [answer.reply["deduped"] for answer in answers if isinstance(answer, Accepted)] == [False, False]
    await quiet(reference)
    assert [to for to, _ in around.sent] == ["b"]
    assert logged(tmp_path / "a.db").count("Added") == 2


async def test_an_address_that_leads_nowhere_does_not_keep_a_file_from_opening(around: Any, tmp_path: Path) -> None:
    """P10: one poisoned message in the ledger must not keep the engine down."""
    first = around.start("a", tmp_path / "a.db")
    await ask(first, toy.Add(name="one", owe_to="nowhere"))
    first.stop()

    def failing(to: str, envelope: Any) -> None:
        raise ValueError(f"no file has the address {to!r}: {envelope}")

    around.send = failing
    again = around.start("a", tmp_path / "a.db", epoch=2)
    assert isinstance(await ask(again, "read"), Accepted)
    assert around.failures == []


async def test_acknowledgements_survive_a_stop(around: Any, tmp_path: Path) -> None:
    """What receivers have confirmed is not sent again by the next start (I12)."""
    first = around.start("a", tmp_path / "a.db")
    await ask(first, toy.Add(name="gift", owe_to="b"))
    first.tell(Acknowledgement(("owed:gift",), "b"))
    await quiet(first)
    await stopped(first)
    assert logged(tmp_path / "a.db")[-1] == "DeliveriesAcknowledged"
    sent = len(around.sent)
    await ask(around.start("a", tmp_path / "a.db", epoch=2), "read")
    assert len(around.sent) == sent


async def test_acknowledgements_survive_a_batch_that_broke(around: Any, tmp_path: Path) -> None:
    """A refold must not bring back what receivers have confirmed."""
    reference = around.start("a", tmp_path / "a.db")
    with freezegun.freeze_time(toy.NOON, real_asyncio=True) as clock:
        await ask(reference, toy.Add(name="gift", owe_to="b"))
        reference.tell(Acknowledgement(("owed:gift",), "b"))
        await ask(reference, toy.Explode(), expect=Rejected)
        clock.tick(120)
        reference.tell(Redeliver())
        await ask(reference, toy.Add(name="next"))
        await quiet(reference)
    assert len(around.sent) == 1
    assert logged(tmp_path / "a.db")[-1] == "DeliveriesAcknowledged"


async def test_owed_messages_are_sent_once_at_the_start(around: Any, tmp_path: Path) -> None:
    """The first redelivery after a start waits its time: the start itself has just sent everything."""
    first = around.start("a", tmp_path / "a.db")
    await ask(first, toy.Add(name="gift", owe_to="nobody"))
    await stopped(first)
    with freezegun.freeze_time("2031-01-01T00:00:00Z", real_asyncio=True):
        again = around.start("a", tmp_path / "a.db", epoch=2)
        again.tell(Redeliver())
        await quiet(again)
    assert len(around.sent) == 2


async def test_outcomes_wait_for_a_full_disk_and_looks_do_not(
    around: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4: an outcome would be lost, the clock comes again; and one bad command in a batch changes neither."""
    reference = around.start("a", tmp_path / "a.db")
    await ask(reference, toy.Add(name="one"))

    def full(self: EventLog) -> None:
        self.rollback()
        raise DiskFull("no space")

    writer = reference._actor_weakref()
    with monkeypatch.context() as patch:
        patch.setattr(EventLog, "commit", full)
        for number in range(5):
            reference.tell(Tell(Look(), "clock"))
            await ask(reference, toy.Add(name=f"n{number}"), expect=Rejected)
        reference.tell(Tell(toy.Add(name="outcome"), "effect"))
        reference.tell(Tell(toy.Explode(), "effect"))
        await ask(reference, toy.Add(name="last"), expect=Rejected)
        assert [envelope.message for envelope in writer._postponed] == [toy.Add(name="outcome")]
    total = await ask(reference, "read")
    assert isinstance(total, Accepted)
    assert total.reply["names"] == ["one", "outcome"]


async def test_an_edited_row_keeps_the_file_closed(around: Any, tmp_path: Path) -> None:
    """S6: the chain is checked before anything is folded or written."""
    first = around.start("a", tmp_path / "a.db")
    await ask(first, toy.Add(name="one", amount=5))
    await stopped(first)
    with contextlib.closing(pysqlite3.connect(tmp_path / "a.db")) as editor:
        for (name,) in editor.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            editor.execute(f"DROP TRIGGER {name}")
        editor.execute("UPDATE log SET payload = replace(payload, '5', '6') WHERE type = 'Added'")
        editor.commit()
    around.start("a", tmp_path / "a.db", epoch=2)
    assert await asyncio.to_thread(around.failed_once.wait, 10)
    assert isinstance(around.failures[0][1], Corrupt)


async def test_a_file_that_turns_out_broken_stops_its_actor_and_not_the_process(
    around: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S6, I10: corruption is one file's trouble; only a failed flush is everyone's."""
    reference = around.start("a", tmp_path / "a.db")
    await ask(reference, toy.Add(name="one"))

    def corrupt(self: EventLog) -> None:  # noqa: ARG001  # stands in for a method
        raise Corrupt("database disk image is malformed")

    monkeypatch.setattr(EventLog, "begin", corrupt)
    answer = await ask(reference, toy.Add(name="two"), expect=Rejected)
    assert answer.code is RejectCode.CONTEST_QUARANTINED
    assert await asyncio.to_thread(around.failed_once.wait, 10)
    assert (around.deaths, type(around.failures[0][1])) == ([], Corrupt)
