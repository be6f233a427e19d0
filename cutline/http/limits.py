"""How often one may ask: a bucket for each address, each principal and each address that fails to prove itself.

It keeps numbers in memory only, and must not know any route. Time is the event loop's own.
"""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from cutline.engine.errors import RejectCode
from cutline.http.asking import Refused
from cutline.http.auth import Principal

CALLERS_MAX: Final = 20_000
"""So many callers are remembered in each bucket; beyond it those who have been quiet longest are forgotten first."""
_MINUTE_S = 60.0
_IPV6_NETWORK_BITS = 64
"""Whoever has one IPv6 address has its whole network."""


class Bucket:
    """Lets each caller do something `per_minute` times, all at once or spread out; 0 lets everybody."""

    def __init__(self, per_minute: int) -> None:
        self._pause_s = _MINUTE_S / per_minute if per_minute else 0.0
        self._used_up_to: dict[str, float] = {}

    def wait_s(self, caller: str, now_s: float) -> float:
        """Return for how many seconds this caller must wait: 0 means now."""
        return max(0.0, self._used_up_to.get(caller, now_s) + self._pause_s - now_s - _MINUTE_S)

    def take(self, caller: str, now_s: float) -> float:
        """Count one use unless the caller must wait; return how long, in seconds."""
        wait_s = self.wait_s(caller, now_s)
        if wait_s == 0.0 and self._pause_s:
            # Taken out and put in again, so that the quiet ones come to stand in front.
            self._used_up_to[caller] = max(self._used_up_to.pop(caller, now_s), now_s) + self._pause_s
            if len(self._used_up_to) > CALLERS_MAX:
                del self._used_up_to[next(iter(self._used_up_to))]
        return wait_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one set of doors. Staff and services are not limited by name: they run the box."""

    principals: Bucket
    addresses: Bucket
    failures: Bucket

    def admit(self, address: str | None, now_s: float) -> None:
        """Let an address in, or raise Refused with RATE_LIMITED: it asks too often, or has failed too often (A7)."""
        if address is None:
            return
        failing_s = self.failures.wait_s(address, now_s)
        if failing_s:
            raise _refused("failures", failing_s)
        asking_s = self.addresses.take(address, now_s)
        if asking_s:
            raise _refused("address", asking_s)

    def admit_principal(self, principal: Principal, now_s: float) -> None:
        """Let an entrant or a tenant in, or raise Refused with RATE_LIMITED."""
        if principal.is_limited:
            wait_s = self.principals.take(principal.subject, now_s)
            if wait_s:
                raise _refused("principal", wait_s)

    def note_failure(self, address: str | None, now_s: float) -> None:
        """Count one request that could not prove who sent it."""
        if address is not None:
            self.failures.take(address, now_s)


def _refused(by: str, wait_s: float) -> Refused:
    return Refused(RejectCode.RATE_LIMITED, {"limit": by, "retry_after_s": math.ceil(wait_s)})


def address_of(request: web.Request) -> str | None:
    """Return who to count a request for, or None for the box itself.

    The proxy before these doors runs on this box and appends the address it saw to X-Forwarded-For; what it says is
    believed, and what others say is not.
    """
    peer = _address(request.remote)
    if peer is None or not peer.is_loopback:
        return _network(peer)
    forwarded = request.headers.getall("X-Forwarded-For", [])
    return _network(_address(forwarded[-1].rpartition(",")[2].strip())) if forwarded else None


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _address(text: str | None) -> _Address | None:
    try:
        return ipaddress.ip_address(text or "")
    except ValueError:
        return None


def _network(address: _Address | None) -> str | None:
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_NETWORK_BITS), strict=False))
    return None if address is None else str(address)
