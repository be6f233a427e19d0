"""Connections in memory: an aiohttp client reaches aiohttp servers of the same process by host name.

Everything above the transport is the production code on both ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import ClientRequest, ClientTimeout, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.tracing import Trace

MakeProtocol = Callable[[], asyncio.BaseProtocol]
"""A server: makes the protocol of one new connection (aiohttp's `Server` object is one)."""


class Pipe(asyncio.Transport):
    """One end of an in-memory connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: Any) -> None:
        super().__init__()
        self._loop = loop
        self._protocol = protocol
        self._peer: Pipe = self
        self._arrived: list[bytes] = []
        self._closed = False
        self._paused = False

    @classmethod
    def pair(cls, loop: asyncio.AbstractEventLoop, client: Any, server: Any) -> None:
        """Connect two protocols to each other."""
        one, other = cls(loop, client), cls(loop, server)
        one._peer, other._peer = other, one
        client.connection_made(one)
        server.connection_made(other)

    def write(self, data: Any) -> None:
        """Send bytes to the other end; what is written to a closed connection is lost."""
        if not self._closed:
            self._peer._arrived.append(bytes(data))
            self._loop.call_soon(self._peer._deliver)

    def writelines(self, list_of_data: Any) -> None:
        """Send several pieces as one."""
        self.write(b"".join(list_of_data))

    def _deliver(self) -> None:
        if self._paused or self._closed:
            return
        arrived, self._arrived = self._arrived, []
        for data in arrived:
            self._protocol.data_received(data)

    def pause_reading(self) -> None:
        """Hold back what arrives."""
        self._paused = True

    def resume_reading(self) -> None:
        """Hand over what was held back."""
        self._paused = False
        self._loop.call_soon(self._deliver)

    def is_reading(self) -> bool:
        """Whether what arrives is handed over."""
        return not self._paused

    def is_closing(self) -> bool:
        """Whether this end is closed."""
        return self._closed

    def close(self) -> None:
        """Close both ends; what was already sent arrives first."""
        if not self._closed:
            self._closed = True
            self._loop.call_soon(self._protocol.connection_lost, None)
            self._loop.call_soon(self._peer._hang_up)

    def abort(self) -> None:
        """Close at once."""
        self.close()

    def _hang_up(self) -> None:
        if self._closed:
            return
        self._deliver()
        self._closed = True
        self._loop.call_soon(self._protocol.connection_lost, None)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the names of the two ends."""
        return {"peername": ("memory", 0), "sockname": ("memory", 0)}.get(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Memory has no limits to set."""

    def get_write_buffer_size(self) -> int:
        """Nothing waits to be sent."""
        return 0

    def can_write_eof(self) -> bool:
        """Half-closed connections do not exist here."""
        return False


class MemoryConnector(TCPConnector):
    """Finds servers by host name in a mapping instead of in the network. A missing host refuses the connection."""

    def __init__(self, servers: Mapping[str, MakeProtocol]) -> None:
        super().__init__()
        self._servers = servers

    async def _create_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],  # noqa: ARG002  # aiohttp's signature
        timeout: ClientTimeout,  # noqa: ARG002, ASYNC109  # aiohttp's signature
    ) -> ResponseHandler:
        host = req.url.host or ""
        make = self._servers.get(host)
        if make is None:
            raise ConnectionRefusedError(f"nobody serves {host}")
        loop = asyncio.get_running_loop()
        client = ResponseHandler(loop=loop)
        Pipe.pair(loop, client, make())
        return client
