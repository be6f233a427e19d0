"""Effects run beside the actors: bounded, contained, and never after the end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from cutline.actors.mailbox import Tell
from cutline.actors.tasks import Tasks


@dataclass(frozen=True)
class Double:
    number: int


@dataclass(frozen=True)
class Break:
    pass


@dataclass(frozen=True)
class Wait:
    pass


class Post:
    """Where outcomes arrive."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any, str]] = []
        self.gate = asyncio.Event()
        self.running = self.most = 0
        self.tasks = Tasks({Double: self.double, Break: self.broken, Wait: self.wait}, self.take, limit=3)

    def take(self, to: str, envelope: Any) -> None:
        assert isinstance(envelope, Tell)
        self.sent.append((to, envelope.message, envelope.cause))

    async def double(self, effect: Double) -> int | None:
        return 2 * effect.number or None

    async def broken(self, effect: Break) -> int:
        raise ZeroDivisionError(str(effect))

    async def wait(self, _effect: Wait) -> str:
        self.running += 1
        self.most = max(self.most, self.running)
        await self.gate.wait()
        self.running -= 1
        return "done"

    async def quiet(self) -> None:
        for _ in range(1_000):
            if self.tasks.idle:
                return
            await asyncio.sleep(0)
        raise AssertionError("still under way")


async def test_an_outcome_comes_back_to_its_actor_as_a_message() -> None:
    post = Post()
    await asyncio.to_thread(post.tasks.perform, Double(4), "ledger", "c")
    await post.quiet()
    assert post.sent == [("ledger", 8, "c")]


async def test_an_effect_without_an_outcome_or_with_a_bug_says_nothing_and_harms_no_other() -> None:
    post = Post()
    for effect in (Double(0), Break(), Double(1)):
        post.tasks.perform(effect, "a", "c")
    await post.quiet()
    assert post.sent == [("a", 2, "c")]


async def test_no_more_run_at_once_than_the_limit() -> None:
    """I12."""
    post = Post()
    for _ in range(10):
        post.tasks.perform(Wait(), "a", "c")
    for _ in range(20):
        await asyncio.sleep(0)
    assert post.running == 3
    post.gate.set()
    await post.quiet()
    assert (post.most, len(post.sent)) == (3, 10)


async def test_a_close_waits_for_what_is_under_way_and_starts_nothing_more() -> None:
    """P2: what is finished in time is told, what is not is resumed at the next start."""
    post = Post()
    post.tasks.perform(Wait(), "a", "c")
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.02, post.gate.set)
    await post.tasks.close(5)
    post.tasks.perform(Double(1), "a", "c")
    await asyncio.sleep(0)
    assert post.sent == [("a", "done", "c")]
    assert post.tasks.idle


async def test_a_close_gives_up_on_what_takes_too_long() -> None:
    post = Post()
    post.tasks.perform(Wait(), "a", "c")
    await asyncio.sleep(0.01)
    await post.tasks.close(0.01)
    assert post.sent == []


async def test_a_lane_of_its_own_holds_up_nobody_else() -> None:
    post = Post()
    post.tasks = Tasks({Wait: post.wait, Double: post.double}, post.take, limit=3, lanes={"payouts": 2})
    for _ in range(20):
        post.tasks.perform(Wait(), "payouts", "cause")
    post.tasks.perform(Double(number=2), "payments", "cause")
    for _ in range(20):
        await asyncio.sleep(0)
    assert post.sent == [("payments", 4, "cause")]
    assert post.most == 2
    post.gate.set()
    await post.quiet()
    assert len(post.sent) == 21
