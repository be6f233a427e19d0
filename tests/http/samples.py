"""A good request for every operation behind the common door, so that tests can walk the whole table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from cutline.http.door import Route
from tests.engine.golf import CONFIG
from tests.http.standin import ANNA

CONTEST = "small-open-1"
ENTRY = "11111111-1111-4111-8111-111111111111"
PAYOUT = "22222222-2222-4222-8222-222222222222"
PARTS = {
    "contest_id": CONTEST,
    "entry_id": ENTRY,
    "account_did": ANNA,
    "config_id": "small-open",
    "date": "2026-04-09",
    "payout_id": PAYOUT,
    "run_id": ENTRY,
    "payment_intent": "pi_1",
}

BODIES: dict[str, dict[str, Any]] = {
    "publishConfig": {"config": CONFIG},
    "createContest": {"contest_id": CONTEST, "config_id": "small-open"},
    "cancelContest": {"reason": "a rehearsal"},
    "changePicks": {"picks": ["D", "E", "F"]},
    "enter": {"picks": ["A", "B", "C"], "tiebreak": -10},
    "readIntent": {"contest_id": CONTEST, "entry_id": ENTRY},
    "refund": {"contest_id": CONTEST, "entry_id": ENTRY},
    "onboard": {"account_did": ANNA},
    "createPayout": {"amount_cents": 100, "currency": "usd"},
    "ingest": {"provider_reference": "out-1", "account_did": ANNA, "amount_cents": 100, "currency": "usd"},
    "validateConfig": {"config": CONFIG},
    "rollBackConfig": {"version": 1, "reason": "a mistake"},
    "forceLock": {"execution_id": ENTRY, "reason": "a rehearsal"},
    "recover": {"execution_id": ENTRY, "reason": "a rehearsal"},
    "release": {"reason": "a rehearsal"},
    "start": {"runbook_name": "contest_in_error", "runbook_version": "1.0.0", "executed_by": "ada"},
    "recordStep": {"execution_id": ENTRY, "execution_phase": "steps", "phase_step": 1},
    "complete": {"execution_id": ENTRY, "status": "completed"},
    "retryForwarding": {"limit": 10},
    "closeAccount": {"reason": "deleted"},
    "compareDay": {"date": "2026-04-09"},
    "writeOffDebt": {"loss_event_id": "dp_1", "reason": "gone"},
    "runNetting": {"currency": "usd"},
    "revokeToken": {"jti": "a-token", "reason": "lost"},
}
QUERIES: dict[str, dict[str, str]] = {
    "findSettlement": {"provider_reference": "out-1"},
    "readDailyPayouts": {"date": "2026-04-09"},
    "readYearlyTotals": {"year": "2026"},
    "listPayouts": {"from": "2026-04-01", "to": "2026-05-01"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One request, without credentials."""

    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]
    query: dict[str, str]


def sample(route: Route, parts: dict[str, str] | None = None, body: dict[str, Any] | None = None) -> Sample:
    """Return a request that the operation takes; `parts` and fields of `body` differ where the test says so."""
    told = {**PARTS, **(parts or {})}
    content = None if route.takes is None else orjson.dumps({**BODIES[route.name], **(body or {})})
    headers = {} if content is None else {"Content-Type": "application/json"}
    if route.idempotency in ("required", "taken"):
        headers["Idempotency-Key"] = "a-key"
    return Sample(
        method=route.method,
        path=route.path.format(**told),
        body=content,
        headers=headers,
        query=QUERIES.get(route.name, {}),
    )
