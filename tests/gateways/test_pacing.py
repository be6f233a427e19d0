"""Calls are spaced out, in the order in which they came."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from cutline.gateways.pacing import Pace
from cutline.simulation.machine import time_machine
from tests.http.standin import settings


def test_no_second_has_more_calls_than_the_limit_and_the_first_comes_first() -> None:
    """In virtual time: 250 at once take two and a half seconds, and a rest earns no burst."""
    came: list[int] = []
    turns: list[tuple[float, int]] = []

    async def story() -> None:
        pace, loop = Pace(100), asyncio.get_running_loop()

        async def call(number: int) -> None:
            came.append(number)
            await pace.turn()
            turns.append((loop.time(), number))

        await asyncio.gather(*(call(number) for number in range(250)))
        await asyncio.sleep(60)
        await asyncio.gather(*(call(250 + number) for number in range(50)))

    with time_machine(datetime(2026, 4, 1, tzinfo=UTC), 1) as run:
        run(story())
    times = [at for at, _ in turns]
    assert [number for _, number in turns] == came
    assert times[249] - times[0] == pytest.approx(2.49)
    assert all(later - earlier > 0.999 for earlier, later in zip(times, times[100:], strict=False))


@pytest.mark.parametrize("wrong", [0, 101])
def test_the_limit_is_a_setting_that_never_exceeds_stripes_own(wrong: int) -> None:
    with pytest.raises(ValidationError):
        settings(stripe_calls_per_s_max=wrong)
    assert settings().stripe_calls_per_s_max == 100
    assert settings(stripe_calls_per_s_max=25).stripe_calls_per_s_max == 25
