"""The engine as seen from outside: a child process that is started, told the time, and started again when it dies."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

ANSWER_TIMEOUT_S = 60.0
DEATHS_AT_START_MAX = 3


class EngineDied(RuntimeError):
    """The child process is gone; what it had committed is on disk."""


class EngineProcess:
    """One engine child at a time over one data root."""

    def __init__(
        self, environment: Mapping[str, str], *, extras: Sequence[Mapping[str, str]] = (), port: int = 0
    ) -> None:
        """Know how to start it; the n-th of `extras` joins the environment of the n-th start."""
        self._environment = dict(environment)
        self._extras = list(extras)
        self._port = port
        self._process: asyncio.subprocess.Process | None = None
        self.starts = 0

    @property
    def url(self) -> str:
        """Where the engine serves; the port stays the same over restarts."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self, now: datetime) -> None:
        """Start a child whose frozen clock shows `now`, again if it dies on the way, as a service manager would.

        Raises EngineDied when it does not come up at all.
        """
        for _ in range(DEATHS_AT_START_MAX):
            try:
                await self._start(now)
            except EngineDied as death:
                last = death
            else:
                return
        raise EngineDied(f"died {DEATHS_AT_START_MAX} times at its start") from last

    async def _start(self, now: datetime) -> None:
        extra = self._extras.pop(0) if self._extras else {}
        environment = {**os.environ, **self._environment, **extra}
        environment |= {"CUTLINE_CLOCK_STARTS_AT": now.isoformat(), "CUTLINE_PORT": str(self._port)}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cutline.simulation.paced",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            limit=1 << 20,
        )
        self.starts += 1
        self._port = (await self._read())["port"]

    async def advance(self, to: datetime) -> None:
        """Move the child's clock, run what is due there, and wait until it is idle."""
        await self._order({"do": "advance", "to": to.isoformat()})

    async def settle(self) -> None:
        """Wait until the child is idle."""
        await self._order({"do": "settle"})

    async def stop(self) -> int:
        """Drain and end the child; return its exit code."""
        if self._process is None:
            return 0
        if self._process.returncode is None:
            await self._order({"do": "stop"})
        return await self._process.wait()

    async def kill(self) -> None:
        """End the child at once, if it lives."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _order(self, order: dict[str, Any]) -> None:
        process = self._living()
        try:
            process.stdin.write(orjson.dumps(order) + b"\n")
            await process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as gone:
            raise EngineDied(f"exit code {await process.wait()}") from gone
        await self._read()

    async def _read(self) -> dict[str, Any]:
        process = self._living()
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            line = await process.stdout.readline()
        if not line:
            raise EngineDied(f"exit code {await process.wait()}")
        answer: dict[str, Any] = orjson.loads(line)
        return answer

    def _living(self) -> Any:
        if self._process is None:
            raise EngineDied("it was never started")
        return self._process
