"""Stripe's door: signature first, then the event, then livemode, then one question to the ledger."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import RecordStripeEvent, RefuseStripeEvent
from cutline.simulation.emulators.stripe.webhooks import sign
from tests.http.standin import WEBHOOK_SECRET, StandIn

Open = Callable[..., Awaitable[str]]
PATH = "/v1/stripe/webhook"
POSTED = {"deduped": False, "forwarded_to_ledger": True, "outcome": "posted"}


def event(event_id: str = "evt_1", *, livemode: bool = False, **different: Any) -> bytes:
    """The body of one event, as Stripe writes it."""
    content = {
        "id": event_id,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": 1_775_000_000,
        "type": "payment_intent.succeeded",
        "livemode": livemode,
        "data": {"object": {"id": "pi_1", "object": "payment_intent", "amount": 1000, "currency": "usd"}},
    }
    return json.dumps({**content, **different}).encode()


def signed(body: bytes, *secrets: str, at: datetime | None = None) -> dict[str, str]:
    """The header that Stripe would send with a body."""
    return {"Stripe-Signature": sign(body, secrets or (WEBHOOK_SECRET,), at or datetime.now(UTC))}


async def deliver(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any], Mapping[str, str]]:
    sent = signed(body) if headers is None else headers
    async with session.post(url + PATH, data=body, headers=sent) as response:
        return response.status, await response.json(), response.headers


async def test_a_signed_event_is_recorded_by_one_question_to_the_ledger(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """PAY-015; the cause of what follows is the event itself (I11)."""
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    body = event()
    status, answer, headers = await deliver(session, url, body)
    assert (status, answer) == (200, POSTED)
    assert headers["X-Correlation-Id"] == "evt_1"
    [(to, command, cause)] = engine.asked
    assert (to, cause) == ("ledger", "evt_1")
    assert (command.event_id, command.type, command.livemode) == ("evt_1", "payment_intent.succeeded", False)
    assert command.body == body
    assert command.object["amount"] == 1000
    assert len(command.sha256) == 64


async def test_a_replay_is_answered_as_a_duplicate(engine: StandIn, url: str, session: aiohttp.ClientSession) -> None:
    """PAY-016."""
    engine.answers[RecordStripeEvent] = lambda _: {**POSTED, "deduped": True}
    status, answer, _ = await deliver(session, url, event())
    assert (status, answer["deduped"], answer["forwarded_to_ledger"]) == (200, True, True)


def _bad_signatures() -> dict[str, Callable[[bytes], dict[str, str]]]:
    now = datetime.now(UTC)
    return {
        "missing header": lambda _: {},
        "wrong secret": lambda body: signed(body, "whsec_of_somebody_else"),
        "tampered body": lambda body: signed(body + b" "),
        "stale": lambda body: signed(body, at=now - timedelta(seconds=301)),
        "from the future": lambda body: signed(body, at=now + timedelta(seconds=310)),
        "malformed header": lambda _: {"Stripe-Signature": "nonsense"},
    }


@pytest.mark.parametrize("case", list(_bad_signatures()))
async def test_a_bad_signature_is_401_and_asks_nobody(
    case: str, engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """PAY-002 to PAY-007 (C-01), T12: nothing is written, for nobody who could write is asked."""
    body = event()
    status, answer, _ = await deliver(session, url, body, _bad_signatures()[case](body))
    assert status == 401
    assert answer["error"]["code"] == "SIGNATURE_INVALID"
    assert answer["error"]["details"] == {}
    assert engine.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"object": "event"}',
        b'{"object": "event", "id": 7}',
        event(created=float("nan")),
    ],
)
async def test_what_is_signed_but_no_event_is_400(
    body: bytes, engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """PAY-027."""
    status, answer, _ = await deliver(session, url, body)
    assert (status, answer["error"]["code"]) == (400, "WEBHOOK_INVALID")
    assert engine.asked == []


@pytest.mark.parametrize(
    ("environment", "override", "livemode", "status"),
    [
        ("staging", "false", True, 422),
        ("staging", "true", True, 422),
        ("staging", "false", False, 200),
        ("production", "false", False, 422),
        ("production", "true", False, 200),
        ("production", "false", True, 200),
    ],
)
async def test_livemode_must_be_the_installations(
    environment: str,
    override: str,
    livemode: bool,
    status: int,
    engine: StandIn,
    open_doors: Open,
    session: aiohttp.ClientSession,
) -> None:
    """PAY-018 to PAY-022, PAY-053."""
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    engine.answers[RefuseStripeEvent] = lambda asked: Rejected(
        code=RejectCode.LIVEMODE_MISMATCH, details={"expected_livemode": asked.expected_livemode}
    )
    url = await open_doors(settle_env=environment, stripe_allow_testmode_events_in_prod=override)
    got, answer, _ = await deliver(session, url, event(livemode=livemode))
    assert got == status
    if status == 422:
        assert answer["error"]["code"] == "LIVEMODE_MISMATCH"
        assert answer["error"]["details"] == {"expected_livemode": environment == "production"}
        assert [type(message) for message in engine.messages()] == [RefuseStripeEvent], "a dead letter, and no event"


async def test_the_signature_is_judged_before_livemode(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """PAY-024."""
    body = event(livemode=True)
    status, answer, _ = await deliver(session, url, body, signed(body, "whsec_of_somebody_else"))
    assert (status, answer["error"]["code"]) == (401, "SIGNATURE_INVALID")
    assert engine.asked == []


async def test_two_secrets_are_taken_while_one_is_rotated(
    engine: StandIn, open_doors: Open, session: aiohttp.ClientSession
) -> None:
    """O5."""
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    url = await open_doors(stripe_webhook_secret="whsec_old, whsec_new")
    for secret, expected in [("whsec_old", 200), ("whsec_new", 200), ("whsec_older", 401)]:
        body = event()
        status, _, _ = await deliver(session, url, body, signed(body, secret))
        assert status == expected


@pytest.mark.parametrize(
    ("code", "status", "retry_after"),
    [
        (RejectCode.MAILBOX_FULL, 503, "1"),
        (RejectCode.STORAGE_UNAVAILABLE, 503, "1"),
        (RejectCode.SHUTTING_DOWN, 503, "1"),
        (RejectCode.ACTOR_TIMEOUT, 504, None),
        (RejectCode.LEDGER_INGEST_FAILED, 502, None),
        (RejectCode.INTERNAL_FAULT, 500, None),
    ],
)
async def test_what_the_ledger_refuses_is_said_by_name(
    code: RejectCode, status: int, retry_after: str | None, engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """A10; whatever is no 2xx, Stripe sends again."""
    engine.answers[RecordStripeEvent] = Rejected(code=code, details={"retry_scheduled": True})
    got, answer, headers = await deliver(session, url, event())
    assert (got, answer["error"]["code"], headers.get("Retry-After")) == (status, code.value, retry_after)
    assert answer["error"]["details"]["retry_scheduled"] is True


async def test_a_bug_behind_the_door_is_answered_by_name(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    def broken(_: Any) -> Any:
        raise RuntimeError("a bug")

    engine.answers[RecordStripeEvent] = broken
    status, answer, _ = await deliver(session, url, event())
    assert (status, answer["error"]["code"]) == (500, "INTERNAL_FAULT")


@pytest.mark.usefixtures("loud_logs")
async def test_each_webhook_leaves_one_log_line_without_its_payload(
    engine: StandIn, open_doors: Open, session: aiohttp.ClientSession
) -> None:
    """PAY-035, PAY-038, PAY-039."""
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    with capture_logs() as lines:
        url = await open_doors()
        marked = event(data={"object": {"id": "pi_1", "note": "MARKER"}})
        await deliver(session, url, marked)
        await deliver(session, url, marked, {})
    webhooks = [line for line in lines if line["event"] == "stripe_webhook"]
    assert [set(line) - {"event", "log_level"} for line in webhooks] == [{"event_id", "duration_ms", "result"}] * 2
    assert [(line["event_id"], line["result"]) for line in webhooks] == [
        ("evt_1", "posted"),
        (None, "SIGNATURE_INVALID"),
    ]
    assert "MARKER" not in repr(lines)


async def test_an_event_id_that_is_not_plain_does_not_reach_headers_or_causes(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    status, _, headers = await deliver(session, url, event("evt\r\nSet-Cookie: a=b"))
    assert (status, headers["X-Correlation-Id"]) == (200, "stripe-event")
    assert engine.asked[0][2] == "stripe-event"


async def test_concurrent_deliveries_are_all_answered(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """PAY-049: every request finishes."""
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*(deliver(session, url, event(f"evt_{n}")) for n in range(100)))
    assert {status for status, _, _ in answers} == {200}
    assert len({message.event_id for message in engine.messages()}) == 100
