"""One Litestream child process, restarted with backoff when it dies; it knows no database and no replica."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import structlog

from cutline.storage.litestream.config import litestream_binary, socket_path
from cutline.storage.litestream.control import ControlSocket, ReplicationError

log = structlog.get_logger(__name__)

_BACKOFF_SECONDS_FIRST = 0.25
_BACKOFF_SECONDS_MAX = 30.0
_HEALTHY_AFTER_SECONDS = 60.0
_READY_SECONDS_MAX = 20.0
_STOP_SECONDS_MAX = 15.0
"""Longer than `shutdown-sync-timeout`, in which Litestream copies what is left."""


class SupervisedProcess:
    """Litestream over one run folder: started, watched, restarted and stopped.

    `write_config` is called before every start, so that a restart covers the files of that moment.
    Litestream's log goes to our standard error.
    """

    def __init__(self, run_dir: Path, write_config: Callable[[], Path]) -> None:
        self._run_dir = run_dir
        self._write_config = write_config
        self._process: asyncio.subprocess.Process | None = None
        self._supervision: asyncio.Task[None] | None = None
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """Return the process id while Litestream runs."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    async def start(self) -> None:
        """Start Litestream and return when it answers; from then on it is kept alive.

        Raises ReplicationError if it does not come up.
        """
        await self._stop_orphan()
        await self._spawn()
        self._supervision = asyncio.create_task(self._supervise(), name="litestream supervision")

    async def stop(self) -> None:
        """Let Litestream copy what is left, then end it; kill it if it does not obey."""
        if self._supervision is not None:
            self._supervision.cancel()
            await asyncio.wait([self._supervision])
            self._supervision = None
        await self._end_process()

    def kill(self) -> None:
        """Kill a Litestream that lives but no longer answers; supervision starts a new one."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def _spawn(self) -> None:
        config = await asyncio.to_thread(self._write_config)
        self._process = await asyncio.create_subprocess_exec(
            litestream_binary(),
            "replicate",
            "-no-expand-env",
            "-config",
            config,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            # A terminal's Ctrl-C is for the engine, which stops Litestream only after its last commit.
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(_READY_SECONDS_MAX):
                await self._wait_until_ready(self._process)
        except TimeoutError:
            await self._end_process()
            raise ReplicationError(f"Litestream did not answer in {_READY_SECONDS_MAX:.0f} s") from None
        except BaseException:
            await self._end_process()
            raise

    async def _wait_until_ready(self, process: asyncio.subprocess.Process) -> None:
        async with ControlSocket(socket_path(self._run_dir)) as control:
            while process.returncode is None:
                with contextlib.suppress(ReplicationError):
                    if await control.pid() == process.pid:
                        return
                await asyncio.sleep(0.02)
        raise ReplicationError(f"Litestream ended with status {process.returncode}; its reason is on standard error")

    async def _supervise(self) -> None:
        backoff_seconds = _BACKOFF_SECONDS_FIRST
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            status = await self._process.wait() if self._process is not None else None
            if loop.time() - started > _HEALTHY_AFTER_SECONDS:
                backoff_seconds = _BACKOFF_SECONDS_FIRST
            log.error("litestream.died", status=status, backoff_seconds=backoff_seconds)
            await asyncio.sleep(backoff_seconds)
            backoff_seconds = min(2 * backoff_seconds, _BACKOFF_SECONDS_MAX)
            self.restarts += 1
            try:
                await self._spawn()
            except (ReplicationError, OSError) as error:
                log.error("litestream.restart_failed", reason=str(error))  # noqa: TRY400 - an expected refusal

    async def _end_process(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS_MAX):
                await process.wait()
        except TimeoutError:
            log.error("litestream.killed", pid=process.pid)  # noqa: TRY400 - the time-out is the whole story
            process.kill()
            await process.wait()

    async def _stop_orphan(self) -> None:
        """End the Litestream that a killed engine left behind: two on one replica would damage it."""
        async with ControlSocket(socket_path(self._run_dir)) as control:
            try:
                pid = await control.pid()
            except ReplicationError:
                return
        log.warning("litestream.orphan_stopped", pid=pid)
        os.kill(pid, signal.SIGTERM)
        for _ in range(int(_STOP_SECONDS_MAX / 0.02)):
            if not _is_alive(pid):
                return
            await asyncio.sleep(0.02)
        raise ReplicationError(f"an earlier Litestream (process {pid}) does not end")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that has ended but was never waited for still has a number.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
