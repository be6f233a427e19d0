"""Real servers on 127.0.0.1 in front of a stand-in engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import pytest

from cutline.http.server import DoorRunner, serve
from tests.http.standin import StandIn, settings

Open = Callable[..., Awaitable[str]]


@pytest.fixture
def engine(outside_the_contract: list[tuple[str, int, str | None]]) -> Iterator[StandIn]:
    yield StandIn()
    # A stand-in says what a test lays out, and refuses what no actor would.
    outside_the_contract.clear()


@pytest.fixture
async def open_doors(engine: StandIn) -> AsyncIterator[Open]:
    """Opens doors in front of the stand-in, with settings that differ as the test says; returns their URL."""
    runners: list[DoorRunner] = []

    async def open_them(**different: Any) -> str:
        runner, (host, port) = await serve(engine, settings(**different))
        runners.append(runner)
        return f"http://{host}:{port}"

    yield open_them
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def url(open_doors: Open) -> str:
    return await open_doors()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened
