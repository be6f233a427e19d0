"""What the emulated Stripe knows: objects, ids, events and timers of one platform; it must not speak HTTP."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from cutline.gateways.stripe import API_VERSION
from cutline.simulation.emulators.stripe.errors import resource_missing

Wire = dict[str, Any]
"""An object as Stripe sends it."""
Clock = Callable[[], datetime]
"""Returns the present as an aware UTC datetime."""

PLATFORM = "platform"
"""The owner of what does not belong to a connected account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """What a successful charge costs, a share in basis points and a fixed part in cents; and what a dispute costs."""

    basis_points: int = 290
    fixed_cents: int = 30
    dispute_cents: int = 1_500

    def of(self, amount_cents: int) -> int:
        """Return the fee in cents, half a cent rounded up."""
        return (amount_cents * self.basis_points + 5_000) // 10_000 + self.fixed_cents


_NO_REQUEST: Wire = {"id": None, "idempotency_key": None}


def _ignore(_event: Wire) -> None:
    """Stand in until the webhooks are connected."""


class Platform:
    """The books of the emulated Stripe, changed only by the resources' functions.

    Ids derive from the idempotency key where there is one, so that runs whose requests arrive in another order
    still name the same objects alike.
    """

    def __init__(self, clock: Clock, *, livemode: bool, fees: Fees, funds_delay: timedelta) -> None:
        self.clock = clock
        self.livemode = livemode
        self.fees = fees
        self.funds_delay = funds_delay
        self.payment_intents: dict[str, Wire] = {}
        self.charges: dict[str, Wire] = {}
        self.refunds: dict[str, Wire] = {}
        self.accounts: dict[str, Wire] = {}
        self.transfers: dict[str, Wire] = {}
        self.reversals: dict[str, Wire] = {}
        self.payouts: dict[str, Wire] = {}
        self.disputes: dict[str, Wire] = {}
        self.topups: dict[str, Wire] = {}
        self.balance_transactions: dict[str, Wire] = {}
        self.events: dict[str, Wire] = {}
        self.owners: dict[str, str] = {}
        self.paid_out_by: dict[str, str] = {}
        self.deauthorized: set[str] = set()
        self.onboarding: dict[str, tuple[str, str]] = {}
        self.available: Counter[tuple[str, str]] = Counter()
        self.pending: Counter[tuple[str, str]] = Counter()
        self.request: Wire = dict(_NO_REQUEST)
        self.on_event: Callable[[Wire], None] = _ignore
        self._minted: Counter[str] = Counter()
        self._timers: list[tuple[datetime, int, Callable[[], None]]] = []
        self._timers_set = 0

    @property
    def now(self) -> datetime:
        """The present, UTC."""
        return self.clock()

    @property
    def now_s(self) -> int:
        """The present in Unix seconds, as Stripe writes times."""
        return int(self.clock().timestamp())

    def mint(self, prefix: str, seed: str | None = None) -> str:
        """Return a new id: of the seed, else of the request's idempotency key, else of a counter."""
        origin = f"{prefix}:{seed or self.request['idempotency_key'] or ''}"
        self._minted[origin] += 1
        digest = hashlib.sha256(f"{origin}:{self._minted[origin]}".encode()).hexdigest()
        return f"{prefix}_{digest[:24]}"

    def find(self, table: dict[str, Wire], noun: str, object_id: str, *, param: str = "id") -> Wire:
        """Return an object; raise `ApiError` `resource_missing`, 404 for a path's id and 400 for a parameter's."""
        wire = table.get(object_id)
        if wire is None:
            raise resource_missing(noun, object_id, param=param, http_status=404 if param == "id" else 400)
        return wire

    def lookup(self, object_id: str) -> Wire | None:
        """Return the object that carries an id, whatever its kind."""
        tables = (
            self.payment_intents, self.charges, self.refunds, self.accounts, self.transfers,
            self.reversals, self.payouts, self.disputes, self.topups, self.balance_transactions, self.events,
        )  # fmt: skip
        return next((table[object_id] for table in tables if object_id in table), None)

    def record(self, kind: str, wire: Wire, *, account: str | None = None) -> None:
        """Make an event with a frozen copy of the object and hand it to the webhooks."""
        event: Wire = {
            "id": self.mint("evt", f"{kind}:{wire.get('id', account or PLATFORM)}"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now_s,
            "data": {"object": orjson.loads(orjson.dumps(wire))},
            "livemode": self.livemode,
            "pending_webhooks": 0,
            "request": dict(self.request),
            "type": kind,
        }
        if account is not None:
            event["account"] = account
        self.events[event["id"]] = event
        self.on_event(event)

    def at(self, when: datetime, act: Callable[[], None]) -> None:
        """Do something when the clock reaches `when`."""
        self._timers_set += 1
        heapq.heappush(self._timers, (when, self._timers_set, act))

    def begin(self, *, request_id: str | None = None, idempotency_key: str | None = None) -> None:
        """Make the changes that are due, then name the request that causes what follows; none for a lever."""
        self.advance()
        self.request = {"id": request_id, "idempotency_key": idempotency_key}

    def advance(self) -> None:
        """Do everything whose time has come, in order of time."""
        now = self.now
        while self._timers and self._timers[0][0] <= now:
            self.request = dict(_NO_REQUEST)
            heapq.heappop(self._timers)[2]()

    @property
    def next_timer_at(self) -> datetime | None:
        """When the next timer is due, or None."""
        return self._timers[0][0] if self._timers else None
