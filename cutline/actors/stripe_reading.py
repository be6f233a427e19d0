"""Effects that only read: what Stripe could not deliver, bodies that are posted again, the platform's balance.

What they find goes through the same door as every webhook. They decide nothing and write nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from typing import Any

import orjson
import structlog

from cutline.actors.clock import utc_now
from cutline.engine.messages import (
    AllEventsListed,
    ListAllEvents,
    ListUndelivered,
    PlatformBalanceRead,
    PostAgain,
    ReadPlatformBalance,
    RecordStripeEvent,
    RefuseStripeEvent,
    ReopenStripeEvents,
    UndeliveredListed,
)
from cutline.gateways.stripe import StripeGateway, Succeeded
from cutline.gateways.stripe_webhook import StripeEvent, WebhookInvalid, parse_event, sha256_of
from cutline.storage.errors import FileMissing
from cutline.storage.files import DataRoot
from cutline.storage.kinds import KINDS
from cutline.storage.sealing import Sealer
from cutline.storage.sqlite import open_reader
from cutline.storage.stripe_bodies import sealed_body

log = structlog.get_logger(__name__)

LISTED_FOR = timedelta(days=30)
"""How long Stripe lists an event (Stripe, "List all events")."""


RESTORED_RUNBOOK = "runbooks/restore-from-replica.md"


class StripeReading:
    """Reads for one engine."""

    def __init__(self, stripe: StripeGateway, root: DataRoot, livemodes: frozenset[bool]) -> None:
        self._stripe = stripe
        self._root = root
        self._livemodes = livemodes

    async def list_undelivered(self, _effect: ListUndelivered) -> tuple[Any, ...] | None:
        """List the events that never arrived, oldest first; nothing when Stripe does not answer."""
        outcome = await self._stripe.list_events(delivery_success=False, created_after=utc_now() - LISTED_FOR)
        if not isinstance(outcome, Succeeded):
            log.warning("undelivered_not_listed", code=outcome.code)
            return None
        taken = [self._as_if_delivered(listed) for listed in reversed(outcome.objects)]
        commands = [command for command in taken if command is not None]
        if commands:
            log.warning("undelivered_events_fetched", count=len(commands))
        return (*commands, UndeliveredListed(found=len(commands)))

    async def list_all(self, _effect: ListAllEvents) -> tuple[Any, ...] | None:
        """List every event of the last thirty days, oldest first; nothing when Stripe does not answer."""
        outcome = await self._stripe.list_events(created_after=utc_now() - LISTED_FOR)
        if not isinstance(outcome, Succeeded):
            log.error("restored_events_not_listed", code=outcome.code, alert=True, runbook=RESTORED_RUNBOOK)
            return None
        taken = [self._as_if_delivered(listed) for listed in reversed(outcome.objects)]
        commands = [command for command in taken if command is not None]
        log.warning("all_events_listed_again", count=len(commands))
        return (*commands, AllEventsListed(found=len(commands)))

    async def reopen(self, effect: ReopenStripeEvents) -> tuple[PostAgain, ...]:
        """Open recorded bodies again, with keys as they lie on disk now: a month that was forgotten stays so."""
        sealer = Sealer(self._root.path)
        path, kind = self._root.path_of("ledger"), KINDS["ledger"]
        with closing(open_reader(path, kind)) as connection:
            return tuple(
                PostAgain(event_id=event_id, attempt=attempt, event=_opened(connection, sealer, event_id))
                for event_id, attempt in effect.events
            )

    async def read_platform_balance(self, _effect: ReadPlatformBalance) -> PlatformBalanceRead | None:
        """Read what the platform has at Stripe, by currency; nothing when Stripe does not answer."""
        outcome = await self._stripe.balance()
        if not isinstance(outcome, Succeeded):
            return None
        available, pending = _by_currency(outcome.object, "available"), _by_currency(outcome.object, "pending")
        return PlatformBalanceRead(
            balances=tuple(
                (currency, available.get(currency, 0), pending.get(currency, 0))
                for currency in sorted(available.keys() | pending.keys())
            )
        )

    def _as_if_delivered(self, listed: Mapping[str, Any]) -> RecordStripeEvent | RefuseStripeEvent | None:
        body = orjson.dumps(listed, option=orjson.OPT_SORT_KEYS)
        try:
            event = parse_event(body)
        except WebhookInvalid as invalid:
            log.warning("undelivered_event_unreadable", fault=str(invalid))
            return None
        if event.livemode in self._livemodes:
            return recording_of(event, body, fetched=True)
        return RefuseStripeEvent(
            event_id=event.id,
            type=event.type,
            livemode=event.livemode,
            expected_livemode=True in self._livemodes,
        )


def recording_of(event: StripeEvent, body: bytes, *, fetched: bool = False) -> RecordStripeEvent:
    """Return the command that an event amounts to, whichever way its body came."""
    return RecordStripeEvent(
        event_id=event.id,
        type=event.type,
        api_version=event.api_version,
        livemode=event.livemode,
        created=event.created,
        account=event.account,
        object=event.object,
        sha256=sha256_of(body),
        body=body,
        fetched=fetched,
    )


def _opened(connection: Any, sealer: Sealer, event_id: str) -> RecordStripeEvent | None:
    found = sealed_body(connection, event_id)
    if found is None:
        return None
    month, sealed = found
    try:
        body = sealer.open(sealed, month)
    except FileMissing:
        return None
    return recording_of(parse_event(body), body)


def _by_currency(balance: Mapping[str, Any], kind: str) -> dict[str, int]:
    return {line["currency"]: line["amount"] for line in balance.get(kind) or ()}
