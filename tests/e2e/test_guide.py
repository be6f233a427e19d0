"""docs/guide.md holds: every `sh` block runs as it stands, in one shell, against the real engine and its emulators.

Only waiting is not real: where the page says to wait, the engine's held clock is moved. While a block runs, the clock
follows the real one, because the shell's own `date` and tokens do.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import freezegun.api
import pytest

from cutline.simulation.emulators.feed import feed_app, running
from cutline.simulation.emulators.stripe.emulator import StripeEmulator, listening
from cutline.simulation.emulators.stripe.webhooks import WebhookEndpoint
from cutline.simulation.engine_process import EngineProcess
from cutline.simulation.playback import load_recording
from cutline.simulation.production import held
from cutline.storage.verify import verify_root
from tests.runbooks.reading import ROOT, unknown_options

GUIDE = (ROOT / "docs/guide.md").read_text("utf-8")
STEP = re.compile(r"<!-- wait: (?P<minutes>\d+) minutes -->|^```sh\n(?P<script>.*?)^```$", re.MULTILINE | re.DOTALL)
BEFORE_THE_START = 3
"""So many blocks come before the programs are started: the settings, the feed's file and the configuration."""
FOLLOWS_EVERY_S = 0.05
MOVES_BY = timedelta(seconds=15)
DONE = "@@ block done @@"


class Shell:
    """One bash that runs block after block, and keeps what they set."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path) -> AsyncIterator[Shell]:
        for program in ("bash", "curl", "jq"):
            assert shutil.which(program), f"the guide needs {program}"
        own = folder / "bin"
        own.mkdir()
        (own / "cutline").write_text(f'#!/bin/sh\nexec {sys.executable} -m cutline "$@"\n', "utf-8")
        (own / "cutline").chmod(0o755)
        environment = os.environ | {
            "PATH": f"{own}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "no_proxy": "127.0.0.1",
        }
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-s"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=folder,
            env=environment,
        )
        try:
            yield cls(process)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def run(self, script: str) -> str:
        """Run a block and return what it printed; a command that fails ends the shell, and the test."""
        reader, writer = self._process.stdout, self._process.stdin
        assert reader is not None
        assert writer is not None
        writer.write(f"{script}\necho; echo '{DONE}'\n".encode())
        await writer.drain()
        said: list[str] = []
        async with asyncio.timeout(120):  # three programs that start on a busy machine take their time
            while line := await reader.readline():
                if line.decode().strip() == DONE:
                    return "".join(said)
                said.append(line.decode())
        raise AssertionError(f"{script}\n{''.join(said)}")


class Time:
    """Holds the clock of this process and of the engine: real time, and on top of it all that was waited."""

    def __init__(self, calendar: Any, engine: EngineProcess, stripe: StripeEmulator) -> None:
        self._calendar, self._engine, self._stripe = calendar, engine, stripe
        self._waited = timedelta()

    async def follow(self) -> None:
        """Keep up with real time until cancelled."""
        while True:
            await self._move()
            await asyncio.sleep(FOLLOWS_EVERY_S)

    async def wait(self, span: timedelta) -> None:
        """Let a span pass in steps."""
        ends = self._waited + span
        while self._waited < ends:
            self._waited += MOVES_BY
            await self._move()

    async def _move(self) -> None:
        now = max(datetime.now(UTC), datetime.fromtimestamp(freezegun.api.real_time(), UTC) + self._waited)
        self._calendar.move_to(now)
        await self._engine.advance(now)
        if await self._stripe.deliver_due():
            await self._engine.settle()


def steps() -> Iterator[tuple[str, timedelta | None]]:
    """Yield each block, and how long the page says to wait before it."""
    pause: timedelta | None = None
    for found in STEP.finditer(GUIDE):
        if found["minutes"]:
            pause = timedelta(minutes=int(found["minutes"]))
        else:
            yield found["script"], pause
            pause = None


def settings() -> dict[str, str]:
    """Return the settings that the page exports."""
    return dict(re.findall(r"^export (\w+)=(.*)$", GUIDE, re.MULTILINE))


@asynccontextmanager
async def started(folder: Path, calendar: Any) -> AsyncIterator[tuple[Time, dict[str, str]]]:
    """Start what the page says to start, on ports of their own."""
    stripe = StripeEmulator()
    async with (
        aiohttp.ClientSession() as session,
        listening(stripe) as stripe_url,
        running(feed_app(load_recording(folder / "guide.jsonl")), 0) as feed_port,
    ):
        given = settings()
        feed_path = given["INGESTION_ENDPOINT_URL"].partition(":12112")[2]
        own = {
            "CUTLINE_DATA_DIR": str(folder / given["CUTLINE_DATA_DIR"]),
            "STRIPE_BASE_URL": stripe_url,
            "INGESTION_ENDPOINT_URL": f"http://127.0.0.1:{feed_port}{feed_path}",
        }
        engine = EngineProcess({**given, **own})
        await engine.start(datetime.now(UTC))
        try:
            stripe.use_session(session)
            hook = WebhookEndpoint(url=f"{engine.url}/v1/stripe/webhook", secrets=(given["STRIPE_WEBHOOK_SECRET"],))
            stripe.add_endpoint(hook)
            yield Time(calendar, engine, stripe), {"GUIDE_URL": engine.url, "GUIDE_STRIPE": stripe_url}
            assert await engine.stop() == 0
        finally:
            await engine.kill()


async def follow_the_guide(folder: Path, calendar: Any) -> list[str]:
    """Run the page from top to bottom; return what each block printed."""
    todo, said = list(steps()), []
    async with Shell.open(folder) as shell:
        for script, _ in todo[:BEFORE_THE_START]:
            said.append(await shell.run(script))
        async with started(folder, calendar) as (time, where):
            await shell.run("\n".join(f"export {name}={value}" for name, value in where.items()))
            for script, pause in todo[BEFORE_THE_START:]:
                if pause is not None:
                    await time.wait(pause)
                following = asyncio.create_task(time.follow())
                try:
                    said.append(await shell.run(script))
                finally:
                    following.cancel()
                    with suppress(asyncio.CancelledError):
                        await following
    return said


def test_what_the_guide_starts_can_be_started() -> None:
    commands = re.findall(r"^\$ (cutline .+)$", GUIDE, re.MULTILINE)
    assert [command.split()[1] for command in commands] == ["emulate", "emulate", "serve"]
    for command in commands:
        assert not unknown_options(command), command
    assert f"--secret {settings()['STRIPE_WEBHOOK_SECRET']}" in commands[0]


@pytest.mark.slow
def test_the_guide_leads_from_zero_to_a_paid_winner(tmp_path: Path) -> None:
    with held(datetime.now(UTC)) as calendar:
        said = asyncio.run(follow_the_guide(tmp_path, calendar))
    assert '"status": "completed"' in said[-1]
    assert not verify_root(tmp_path / settings()["CUTLINE_DATA_DIR"]).problems
