"""Questions travel together, each is answered, and none waits for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cutline.actors import questions
from cutline.actors.mailbox import Ask, Asks, resolve
from cutline.actors.questions import Questions
from cutline.engine.decision import Accepted, Rejected
from cutline.engine.errors import RejectCode


class Post:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, tuple[Ask, ...]]] = []

    def send(self, to: str, envelope: Any) -> None:
        """Take an envelope."""
        assert isinstance(envelope, Asks)
        self.sent.append((to, envelope.asks))

    def answer_all(self) -> None:
        """Answer every question with itself."""
        for _, asks in self.sent:
            resolve([(ask.future, Accepted(reply=ask.message)) for ask in asks])


async def test_the_questions_of_one_turn_travel_as_one_envelope_an_actor_in_their_order() -> None:
    post = Post()
    asked = Questions(post.send, waiting_max=10, timeout_s=10)
    waiting = [
        asyncio.create_task(asked.ask(to, number, "t")) for number, to in enumerate(["ledger", "c/1", "ledger", "c/1"])
    ]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [(to, [ask.message for ask in asks]) for to, asks in post.sent] == [("ledger", [0, 2]), ("c/1", [1, 3])]
    post.answer_all()
    assert [await one for one in waiting] == [Accepted(reply=number) for number in range(4)]


async def test_a_question_that_is_not_answered_in_time_is_answered_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "SWEEP_EVERY_S", 0.01)
    post = Post()
    asked = Questions(post.send, waiting_max=10, timeout_s=0.03)
    answers = await asyncio.gather(asked.ask("ledger", 1, "t"), asked.ask("ledger", 2, "t"))
    assert {type(answer) for answer in answers} == {Rejected}
    assert answers[0] == Rejected(code=RejectCode.ACTOR_TIMEOUT, details={"actor": "ledger", "timeout_s": 0.03})
    post.answer_all()  # what comes too late changes nothing
    again = asyncio.create_task(asked.ask("ledger", 3, "t"))
    await asyncio.sleep(0.001)
    post.answer_all()
    assert await again == Accepted(reply=3)


async def test_an_actor_with_too_many_questions_waiting_is_full_and_has_room_again_once_it_answers() -> None:
    post = Post()
    asked = Questions(post.send, waiting_max=2, timeout_s=10)
    first = [asyncio.create_task(asked.ask("ledger", number, "t")) for number in range(2)]
    await asyncio.sleep(0)
    full = await asked.ask("ledger", 2, "t")
    assert isinstance(full, Rejected)
    assert full.code is RejectCode.MAILBOX_FULL
    other = asyncio.create_task(asked.ask("c/1", 3, "t"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    post.answer_all()
    assert [await one for one in (*first, other)] == [Accepted(reply=number) for number in (0, 1, 3)]
    late = asyncio.create_task(asked.ask("ledger", 4, "t"))
    await asyncio.sleep(0.001)
    post.answer_all()
    assert await late == Accepted(reply=4)


async def test_a_caller_who_goes_away_leaves_room_for_others() -> None:
    post = Post()
    asked = Questions(post.send, waiting_max=1, timeout_s=10)
    gone = asyncio.create_task(asked.ask("ledger", 1, "t"))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    stays = asyncio.create_task(asked.ask("ledger", 2, "t"))
    await asyncio.sleep(0.001)
    post.answer_all()
    assert await stays == Accepted(reply=2)


async def test_what_is_put_travels_with_the_next_hand_over_and_is_answered_by_a_call() -> None:
    post, told = Post(), list[Any]()
    asked = Questions(post.send, waiting_max=2, timeout_s=10)
    for number in range(3):
        asked.put("ledger", number, "t", told.append)
    assert (post.sent, told) == ([], [])
    asked.hand_over()
    asked.hand_over()
    assert [(to, [ask.message for ask in asks]) for to, asks in post.sent] == [("ledger", [0, 1])]
    post.answer_all()
    await asyncio.sleep(0)
    full = Rejected(code=RejectCode.MAILBOX_FULL, details={"actor": "ledger", "retry_after_s": 1})
    assert told == [Accepted(reply=0), Accepted(reply=1), full]
    asked.put("ledger", 3, "t", told.append)
    asked.hand_over()
    assert len(post.sent) == 2, "whoever was answered makes room"


async def test_a_call_that_was_given_up_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "SWEEP_EVERY_S", 0.01)
    post, told = Post(), list[Any]()
    asked = Questions(post.send, waiting_max=2, timeout_s=0.03)
    asked.put("ledger", 1, "t", told.append)
    asked.hand_over()
    await asyncio.sleep(0.2)
    post.answer_all()
    assert [answer.code for answer in told] == [RejectCode.ACTOR_TIMEOUT]


async def test_a_caller_that_raises_costs_nobody_else_an_answer() -> None:
    def broken(_: Any) -> None:
        raise RuntimeError("a bug")

    post, told = Post(), list[Any]()
    asked = Questions(post.send, waiting_max=10, timeout_s=10)
    for number, answered in enumerate((told.append, broken, told.append)):
        asked.put("ledger", number, "t", answered)
    asked.hand_over()
    post.answer_all()
    assert told == [Accepted(reply=0), Accepted(reply=2)]
