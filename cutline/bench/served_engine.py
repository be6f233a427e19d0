"""The engine as it runs for real, `cutline serve` in a process of its own, so that its CPU can be told apart."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from cutline.bench.measurement import BenchmarkFailed, cpu_s_of
from cutline.simulation.stage import WEBHOOK_SECRET, engine_environment
from cutline.storage.files import DataRoot

STARTS_WITHIN_S = 30.0
STOPS_WITHIN_S = 30.0
_NOWHERE = "http://127.0.0.1:9"
"""Nothing is asked of Stripe or the feed here; if it were, nobody would answer."""


class ServedEngine:
    """One engine process over a new data root. Use as a context; on leaving it is told to drain and stop."""

    path = "/v1/stripe/webhook"
    secret = WEBHOOK_SECRET

    def __init__(self, data: Path) -> None:
        self._root = DataRoot(data)
        self.port = _free_port()
        environment = engine_environment(data, stripe_url=_NOWHERE, feed_url=_NOWHERE)
        # Whoever measures asks more often than anybody may.
        environment["CUTLINE_PRINCIPAL_REQUESTS_PER_MINUTE"] = "0"
        self._command = [sys.executable, "-m", "cutline", "serve", "--data", str(data), "--port", str(self.port)]
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def ledger_file(self) -> Path:
        """Where its ledger lies; to be read when it has stopped."""
        return self._root.path_of("ledger")

    @property
    def root(self) -> DataRoot:
        """Where all its files lie."""
        return self._root

    def cpu_s(self) -> float:
        """Return the CPU seconds that it has used so far."""
        return cpu_s_of(self._running().pid)

    def memory_mib(self) -> float:
        """Return the resident memory that it takes now, in MiB (Linux, proc(5))."""
        return int(self._status("VmRSS").split()[0]) / 1024

    def threads(self) -> int:
        """Return how many threads it has now."""
        return int(self._status("Threads"))

    def _status(self, name: str) -> str:
        lines = Path(f"/proc/{self._running().pid}/status").read_text("ascii").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:"))

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603  # our own program
            self._command, env=self._environment, stdout=subprocess.DEVNULL
        )
        try:
            self._wait_until_it_listens()
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._running()
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if code and error is None:
            raise BenchmarkFailed(f"the engine ended with exit code {code}")

    def _wait_until_it_listens(self) -> None:
        gives_up_at = time.perf_counter() + STARTS_WITHIN_S
        while time.perf_counter() < gives_up_at:
            if self._running().poll() is not None:
                raise BenchmarkFailed(f"the engine ended at once with exit code {self._running().returncode}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise BenchmarkFailed(f"the engine did not listen within {STARTS_WITHIN_S:.0f} s")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise BenchmarkFailed("the engine was never started")
        return self._process


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port
