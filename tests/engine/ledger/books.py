"""A ledger in memory, and the messages that tests send it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from cutline.engine.decision import Accepted, Owed, Recorded, Rejected
from cutline.engine.ledger.machine import LedgerMachine
from cutline.engine.ledger.state import trial_balance
from cutline.engine.messages import (
    MoveEntryFee,
    RecordStripeEvent,
)
from tests.engine.driver import stored

NOW = datetime(2026, 4, 9, 11, 40, tzinfo=UTC)


class Books:
    """A ledger in memory: decides, keeps the events, folds them after a round trip through JSON."""

    def __init__(self) -> None:
        self.machine = LedgerMachine()
        self.state = self.machine.initial()
        self.log: list[Recorded] = []
        self.keys: set[str] = set()
        self.owed: list[Owed] = []
        self.now = NOW

    def say(self, command: Any) -> Accepted | Rejected:
        decision = self.machine.decide(self.state, command, self.now)
        if isinstance(decision, Accepted):
            for event in decision.events:
                assert event.key not in self.keys, event.key
                self.keys.add(event.key)
                _, read = stored(event)
                recorded = Recorded(seq=len(self.log) + 1, at=self.now, cause="", event=read, hash=b"\x01" * 32)
                self.log.append(recorded)
                self.machine.evolve(self.state, recorded)
                self.owed.extend(self.machine.owes(self.state, recorded))
        return decision

    def accept(self, command: Any) -> Accepted:
        decision = self.say(command)
        assert isinstance(decision, Accepted), decision
        return decision

    def refuse(self, command: Any) -> Rejected:
        before, kept = trial_balance(self.state), len(self.log)
        decision = self.say(command)
        assert isinstance(decision, Rejected), decision
        assert (trial_balance(self.state), len(self.log)) == (before, kept), "a refusal changes nothing"
        return decision

    def balance(self, account: str, currency: str = "usd") -> int:
        return self.state.books.get(currency, {}).get(account, 0)

    def owed_types(self) -> list[str]:
        return [type(owed.message).__name__ for owed in self.owed]


def stripe_event(kind: str, obj: Mapping[str, Any], event_id: str = "evt_1", **other: Any) -> RecordStripeEvent:
    body = orjson.dumps({"id": event_id, "object": obj})
    fields: dict[str, Any] = {
        "event_id": event_id,
        "type": kind,
        "api_version": "2026-10-28.endive",
        "livemode": False,
        "created": int(NOW.timestamp()) - 60,
        "account": None,
        "object": obj,
        "sha256": f"{hash(body) & (2**64 - 1):064x}",
        "body": body,
    }
    return RecordStripeEvent(**(fields | other))


def intent(entry: str = "e1", cents: int = 2500, **other: Any) -> dict[str, Any]:
    metadata = {
        "purpose": "contest_entry_fee",
        "contest_id": "c1",
        "entry_id": entry,
        "account_did": f"did:{entry}",
        "fee_cents": "2500",
        "currency": "usd",
    }
    return {
        "id": f"pi_{entry}",
        "amount": cents,
        "amount_received": cents,
        "currency": "usd",
        "metadata": metadata,
    } | other


def paid(entry: str = "e1", event_id: str | None = None, **other: Any) -> RecordStripeEvent:
    return stripe_event("payment_intent.succeeded", intent(entry, **other), event_id or f"evt_{entry}")


def fee(outcome: Any, entry: str = "e1", **other: Any) -> MoveEntryFee:
    fields: dict[str, Any] = {
        "contest_id": "c1",
        "entry_id": entry,
        "account_did": f"did:{entry}",
        "amount_cents": 2500,
        "currency": "usd",
        "payment_intent": f"pi_{entry}",
        "reason": "test",
    }
    return MoveEntryFee(outcome=outcome, **(fields | other))
