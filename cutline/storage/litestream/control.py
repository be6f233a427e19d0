"""Litestream's control socket as typed calls, one call a request; it decides nothing and retries nothing.

The answers below were observed with Litestream 0.5.17. `GET /info` gives version and pid, `GET /list` each
database with `last_sync_at` (which also moves while a file is idle). `POST /sync` answers 200 with `txid`
and `replicated_txid`, 404 for a file it does not know, and 500 with a reason: "no position, waiting for
data" for a file that does not exist yet, the operating system's words for a replica that cannot be written.
`POST /register` and `POST /unregister` answer 200 also when there was nothing to do, and do not look at the
file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp


class ReplicationError(Exception):
    """Litestream did not confirm what was asked, and asking again later may succeed."""


class FileUnknownError(ReplicationError):
    """Litestream does not know the file: it must be registered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The files that Litestream replicates and the seconds since each last agreed with its replica.

    Both times are Litestream's own clock's, so a held or wrong clock of ours cannot distort them. None: not
    yet.
    """

    lag_seconds: Mapping[Path, float | None]


class ControlSocket:
    """One keep-alive client of one Litestream process."""

    def __init__(self, socket_path: Path, *, timeout_seconds: float = 5.0) -> None:
        self._session = aiohttp.ClientSession(
            base_url="http://litestream",
            connector=aiohttp.UnixConnector(path=str(socket_path)),
            timeout=aiohttp.ClientTimeout(total=timeout_seconds),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; the socket itself is Litestream's."""
        await self._session.close()

    async def pid(self) -> int:
        """Return the process id of the Litestream that answers."""
        answer, _ = await self._call("GET", "/info")
        return int(answer["pid"])

    async def listing(self) -> Listing:
        """Return every file that is replicated, with its lag in seconds."""
        answer, listed_at = await self._call("GET", "/list")
        return Listing(
            lag_seconds={
                Path(row["path"]): _lag_seconds(row.get("last_sync_at"), listed_at) for row in answer["databases"] or ()
            }
        )

    async def register(self, path: Path, replica_url: str) -> None:
        """Start replicating a file; harmless if it is replicated already."""
        await self._call("POST", "/register", {"path": str(path), "replica_url": replica_url})

    async def unregister(self, path: Path) -> None:
        """Stop replicating a file; harmless if it is not replicated."""
        await self._call("POST", "/unregister", {"path": str(path)})

    async def sync(self, path: Path, *, wait: bool, timeout_seconds: float) -> int:
        """Have one file copied now and return the transaction id that the replica holds.

        With `wait`, that covers every commit made before the call. Raises FileUnknownError, or
        ReplicationError with Litestream's reason.
        """
        body = {"path": str(path), "wait": wait, "timeout": max(1, math.ceil(timeout_seconds))}
        answer, _ = await self._call("POST", "/sync", body, timeout_seconds=timeout_seconds)
        if wait and answer["replicated_txid"] < answer["txid"]:
            raise ReplicationError(f"{path} is replicated to {answer['replicated_txid']} of {answer['txid']}")
        return int(answer.get("replicated_txid", 0))

    async def _call(
        self,
        method: str,
        address: str,
        body: Mapping[str, Any] | None = None,
        timeout_seconds: float | None = None,
    ) -> tuple[dict[str, Any], datetime]:
        timeout = self._session.timeout if timeout_seconds is None else aiohttp.ClientTimeout(total=timeout_seconds)
        try:
            async with self._session.request(method, address, json=body, timeout=timeout) as response:
                answer = await response.json(content_type=None)
                if response.status == HTTPStatus.OK:
                    return answer, parsedate_to_datetime(response.headers["Date"])
                unknown = response.status == HTTPStatus.NOT_FOUND
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise ReplicationError(f"{address}: {type(error).__name__} {error}") from error
        reason = f"{address}: {response.status} {answer.get('error', answer)}"
        raise FileUnknownError(reason) if unknown else ReplicationError(reason)


def _lag_seconds(last_sync_at: str | None, listed_at: datetime) -> float | None:
    if last_sync_at is None:
        return None
    return max(0.0, (listed_at - datetime.fromisoformat(last_sync_at)).total_seconds())
