"""Replication as the engine sees it: confirm, register, notice what is missing; it writes no database."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from cutline.storage.litestream.config import files_to_replicate, replica_url_of, socket_path, write_config
from cutline.storage.litestream.control import ControlSocket, FileUnknownError, ReplicationError
from cutline.storage.litestream.process import SupervisedProcess

log = structlog.get_logger(__name__)

_SILENT_CHECKS_MAX = 3
_RETRY_SECONDS_FIRST = 0.02
_RETRY_SECONDS_MAX = 1.0
_LAST_COPY_SECONDS_MAX = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicatorHealth:
    """What the last check found.

    `lag_seconds_max` is the longest time since any file agreed with its replica (None: some file never
    has); alert above 30 s. `missing` lists files on the disk that are not replicated. `reason` says why
    Litestream gave no answer.
    """

    answering: bool
    files: int = 0
    missing: tuple[Path, ...] = ()
    lag_seconds_max: float | None = None
    restarts: int = 0
    reason: str | None = None


class Replicator:
    """Keeps every file of a data root copied to its replica, new files included (SCH-018, O-13).

    By default it owns the Litestream process; with `own_process=False` it attaches to the one that the
    service manager runs over the same run folder. The data root must be under the engine's exclusive lock:
    what already runs on the run folder is taken for the remains of a dead engine and stopped.
    """

    def __init__(
        self,
        *,
        data_root: Path,
        replica_url: str,
        run_dir: Path,
        own_process: bool = True,
        metrics_port: int | None = None,
        check_interval_seconds: float = 5.0,
        attach_seconds_max: float = 20.0,
    ) -> None:
        self._data_root = data_root.absolute()
        self._replica_url = replica_url
        self._run_dir = run_dir.absolute()
        self._metrics_port = metrics_port
        self._check_interval_seconds = check_interval_seconds
        self._attach_seconds_max = attach_seconds_max
        self._process = SupervisedProcess(self._run_dir, self._write_config) if own_process else None
        self._control: ControlSocket | None = None
        self._watchdog: asyncio.Task[None] | None = None
        self._known: set[Path] = set()
        self._dismissed: set[Path] = set()
        self._silent_checks = 0
        self.health = ReplicatorHealth(answering=False, reason="not started")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def litestream_pid(self) -> int | None:
        """Return the process id of our own Litestream while it runs."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Return when Litestream answers and knows every file. Raises ReplicationError if it does not."""
        self._run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._known = set(await asyncio.to_thread(files_to_replicate, self._data_root))
        if self._process is not None:
            await self._process.start()
        self._control = ControlSocket(socket_path(self._run_dir))
        try:
            for path in sorted(self._known - await self._first_list()):
                await self.register(path)
        except BaseException:
            await self.stop()
            raise
        await self.check()
        self._watchdog = asyncio.create_task(self._watch(), name="litestream watchdog")

    async def stop(self) -> None:
        """Stop watching, and end our own Litestream after it has copied what is left, files of the last moment too."""
        if self._watchdog is not None:
            self._watchdog.cancel()
            await asyncio.wait([self._watchdog])
            self._watchdog = None
        if self._process is not None:
            if self._control is not None:
                await self._adopt_new_files(self._control)
            await self._process.stop()
        if self._control is not None:
            await self._control.close()
            self._control = None
        self.health = ReplicatorHealth(answering=False, reason="stopped")

    async def sync(self, path: Path, *, wait: bool = True, timeout_seconds: float = 30.0) -> int:
        """Have the replica take all commits made so far to one file; return the transaction id it holds.

        This is the gate before money leaves. The number grows with every commit of the file. A file that
        Litestream does not know is registered at once; everything else is tried again until the time is
        over, across restarts of Litestream too. Raises ReplicationError then: nothing was confirmed, and a
        later call may succeed. Raises FileNotFoundError if there is no such file, ValueError if it is not
        one that is replicated.
        """
        path = await self._require_file(path)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        pause_seconds = _RETRY_SECONDS_FIRST
        while True:
            control = self._connection()
            remaining_seconds = max(0.05, deadline - loop.time())
            try:
                return await control.sync(path, wait=wait, timeout_seconds=remaining_seconds)
            except FileUnknownError as error:
                last_error: ReplicationError = error
                with contextlib.suppress(ReplicationError):
                    await self.register(path)
            except ReplicationError as error:
                last_error = error
            if loop.time() + pause_seconds >= deadline:
                raise ReplicationError(f"no confirmation for {path}: {last_error}") from last_error
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _RETRY_SECONDS_MAX)

    async def register(self, path: Path) -> None:
        """Start replicating a file, also after a restart. Raises as `sync` does."""
        path = await self._require_file(path)
        await self._connection().register(path, replica_url_of(path, self._data_root, self._replica_url))
        self._known.add(path)
        self._dismissed.discard(path)

    async def unregister(self, path: Path) -> None:
        """Stop replicating a file, before it is moved away. Its name must never be used again."""
        path = self._replicated_path(path)
        self._dismissed.add(path)
        self._known.discard(path)
        await self._connection().unregister(path)

    async def listed(self) -> set[Path]:
        """Return the files that Litestream replicates now."""
        return set((await self._connection().listing()).lag_seconds)

    async def check(self) -> ReplicatorHealth:
        """Compare the disk with Litestream's list, register what is missing, and return what was found.

        A file that nobody asked for is registered when a second check misses it too: until then it may be a
        file in the making. A Litestream that stays silent for three checks is killed, so that it is started
        afresh.
        """
        try:
            self.health = await self._compare()
            self._silent_checks = 0
        except ReplicationError as error:
            self._silent_checks += 1
            self.health = ReplicatorHealth(answering=False, restarts=self._restarts, reason=str(error))
            if self._silent_checks >= _SILENT_CHECKS_MAX and self._process is not None:
                log.error("litestream.silent", checks=self._silent_checks)  # noqa: TRY400 - an expected refusal
                self._process.kill()
                self._silent_checks = 0
        return self.health

    async def _first_list(self) -> set[Path]:
        """Ask until Litestream answers: our own does already, an attached one may still be starting."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (0 if self._process is not None else self._attach_seconds_max)
        while True:
            try:
                return await self.listed()
            except ReplicationError:
                if loop.time() >= deadline:
                    raise
            await asyncio.sleep(0.1)

    async def _adopt_new_files(self, control: ControlSocket) -> None:
        """Copy what was never copied: files made since the last check, and those that Litestream still waits for.

        Their makers have stopped, so that none is in the making.
        """
        try:
            lag_seconds = (await control.listing()).lag_seconds
        except ReplicationError:
            log.exception("litestream.last_files_unknown")
            return
        on_disk = set(await asyncio.to_thread(files_to_replicate, self._data_root)) - self._dismissed
        copied = {path for path, seconds in lag_seconds.items() if seconds is not None}
        for path in sorted(on_disk - copied):
            try:
                await self.sync(path, timeout_seconds=_LAST_COPY_SECONDS_MAX)
            except (ReplicationError, OSError):
                log.exception("litestream.last_file_not_copied", path=str(path))

    async def _compare(self) -> ReplicatorHealth:
        lag_seconds = (await self._connection().listing()).lag_seconds
        on_disk = set(await asyncio.to_thread(files_to_replicate, self._data_root)) - self._dismissed
        missing = sorted(on_disk - set(lag_seconds))
        for path in missing:
            if path in self._known:
                await self.register(path)
                log.warning("litestream.registered_missing_file", path=str(path))
        self._known |= on_disk
        lags = [seconds for seconds in lag_seconds.values() if seconds is not None]
        return ReplicatorHealth(
            answering=True,
            files=len(lag_seconds),
            missing=tuple(missing),
            lag_seconds_max=max(lags, default=0.0) if len(lags) == len(lag_seconds) else None,
            restarts=self._restarts,
        )

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._check_interval_seconds)
            try:
                await self.check()
            except OSError:
                # A file may vanish between listing and registering; the next check sees the truth.
                log.exception("litestream.check_failed")

    def _replicated_path(self, path: Path) -> Path:
        absolute = path.absolute()
        replica_url_of(absolute, self._data_root, self._replica_url)
        return absolute

    async def _require_file(self, path: Path) -> Path:
        absolute = self._replicated_path(path)
        if not await asyncio.to_thread(absolute.is_file):
            raise FileNotFoundError(f"{path} does not exist, so it cannot be replicated")
        return absolute

    def _write_config(self) -> Path:
        """Name every known file that still exists; a file in the making is not known yet."""
        return write_config(
            self._data_root,
            self._replica_url,
            self._run_dir,
            metrics_port=self._metrics_port,
            files=self._known & set(files_to_replicate(self._data_root)),
        )

    @property
    def _restarts(self) -> int:
        return 0 if self._process is None else self._process.restarts

    def _connection(self) -> ControlSocket:
        if self._control is None:
            raise ReplicationError("the replicator is not running")
        return self._control
