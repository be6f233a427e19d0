"""Whatever is signed, the door answers as designed, and never by a 5xx (T14, A1, PAY-013, PAY-027)."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.http.standin import ANNA, token
from tests.http.town import Town, body_of

BASE: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "api_version": "2026-10-28.endive",
    "created": 1_775_000_000,
    "type": "payment_intent.succeeded",
    "livemode": False,
    "data": {"object": {"id": "pi_1", "object": "payment_intent", "amount": 1000, "currency": "usd", "metadata": {}}},
}


def without(*path: str) -> bytes:
    event = copy.deepcopy(BASE)
    inner = event
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return body_of(event)


NO_EVENT = {
    "nothing": b"",
    "text": b"not json",
    "not UTF-8": b'{"object": "event", "id": "\xff"}',
    "a list": b"[]",
    "a list of events": b"[" + body_of(BASE) + b"]",
    "a string": b'"event"',
    "null": b"null",
    "an empty object": b"{}",
    "another object": body_of({**BASE, "object": "charge"}),
    "NaN": body_of(BASE).replace(b"1000", b"NaN"),
    "Infinity": body_of(BASE).replace(b"1000", b"Infinity"),
    "a number beyond all numbers": body_of(BASE).replace(b"1000", b"1e9999"),
    "a repeated key": body_of(BASE).replace(b'"amount": 1000', b'"amount": 1000, "amount": 1'),
    "a key repeated by escape": body_of(BASE).replace(b'"amount": 1000', b'"amount": 1000, "\\u0061mount": 1'),
    "a repeated id": body_of(BASE).replace(b'"evt_1"', b'"evt_1", "id": "evt_2"'),
    "a lone surrogate": body_of(BASE).replace(b"pi_1", b"\\ud800"),
    "nested without end": b'{"object": "event", "data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "two events": body_of(BASE) * 2,
    "cut short": body_of(BASE)[:-1],
    "a mark of byte order": b"\xef\xbb\xbf" + body_of(BASE),
    "no id": without("id"),
    "no type": without("type"),
    "no created": without("created"),
    "no livemode": without("livemode"),
    "no data": without("data"),
    "no data.object": without("data", "object"),
    "an id that is a number": body_of({**BASE, "id": 1}),
    "an empty id": body_of({**BASE, "id": ""}),
    "created as text": body_of({**BASE, "created": "1775000000"}),
    "created as a truth": body_of({**BASE, "created": True}),
    "livemode as text": body_of({**BASE, "livemode": "false"}),
    "api_version as a number": body_of({**BASE, "api_version": 3}),
    "account as an object": body_of({**BASE, "account": {}}),
    "data.object as a list": body_of({**BASE, "data": {"object": []}}),
}


async def test_what_is_signed_but_no_event_is_400_and_writes_nothing(town: Town) -> None:
    """PAY-027, A1: `WEBHOOK_INVALID`; there is no event that could be kept."""
    before = town.fingerprints()
    for name, body in NO_EVENT.items():
        answer = await town.deliver(body)
        assert (answer.status, answer.code) == (400, "WEBHOOK_INVALID"), name
        assert set(answer.body["error"]["details"]) == {"fault"}, name
    assert town.fingerprints() == before


async def test_a_body_beyond_a_mebibyte_is_413(town: Town) -> None:
    """A2."""
    before = town.fingerprints()
    body = body_of({**BASE, "padding": "x" * 1_100_000})
    answer = await town.deliver(body)
    assert (answer.status, answer.code) == (413, "BODY_TOO_LARGE")
    assert town.fingerprints() == before


async def test_an_unknown_type_is_stored_and_ignored(town: Town) -> None:
    """PAY-013, T14: 200, kept as it came, told to nobody."""
    for number, kind in enumerate(("customer.created", "payment_intent.dreamt_of", "x", "\N{SNOWMAN}", "a" * 10_000)):
        answer = await town.deliver(body_of({**BASE, "id": f"evt_{number}", "type": kind}))
        assert answer.status == 200
        assert answer.body == {"deduped": False, "forwarded_to_ledger": False, "outcome": "ignored"}
    assert town.count("stripe_events") == 5
    assert (town.count("transactions"), town.count("stripe_webhook_dead_letters")) == (0, 0)


@pytest.mark.parametrize("version", [None, "2011-01-01", "2099-12-31.tomorrow", ""])
async def test_an_unknown_api_version_is_stored_and_read_with_care(town: Town, version: str | None) -> None:
    """T14: what can be read is booked whatever the version; here a payment that is nobody's."""
    answer = await town.deliver(body_of({**BASE, "api_version": version}))
    assert (answer.status, answer.body["outcome"]) == (200, "suspense")
    assert town.rows("ledger", "SELECT api_version FROM stripe_events") == [(version,)]
    assert (await town.books.trial_balance()) == {"stripe:platform": 1000, "suspense": -1000}


@pytest.mark.usefixtures("loud_logs")
@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("payment_intent.succeeded", "id"),
        ("payment_intent.succeeded", "amount"),
        ("payment_intent.succeeded", "currency"),
        ("payment_intent.payment_failed", "id"),
        ("payment_intent.canceled", "id"),
        ("refund.updated", "id"),
        ("account.updated", "id"),
    ],
)
async def test_a_missing_field_is_stored_and_dead_lettered_by_name(town: Town, kind: str, path: str) -> None:
    """T14, FRZ-012: 200, for sending it again would not mend it; the event is kept and a person is told."""
    event = copy.deepcopy({**BASE, "type": kind})
    del event["data"]["object"][path]
    with capture_logs() as lines:
        answer = await town.deliver(body_of(event))
    assert (answer.status, answer.body["outcome"]) == (200, "dead_letter")
    assert not answer.body["forwarded_to_ledger"]
    assert town.count("stripe_events") == 1
    letters = town.rows(
        "ledger", "SELECT stripe_event_id, event_type, failure_class, error_json FROM stripe_webhook_dead_letters"
    )
    assert [letter[:3] for letter in letters] == [("evt_1", kind, "WEBHOOK_INVALID")]
    assert path in str(letters[0][3])
    assert town.count("transactions") == 0
    assert [line["log_level"] for line in lines if line["event"] == "stripe_webhook"] == ["error"]


@pytest.mark.parametrize("amount", [0, -1, 10.5, "1000", True, None, 10**12, 2**63, 2**64 - 1, 10**30])
async def test_an_amount_that_is_no_amount_is_stored_and_moves_nothing(town: Town, amount: object) -> None:
    """PAY-032: whole cents above zero, and no more than Stripe can charge."""
    event = copy.deepcopy(BASE)
    event["data"]["object"]["amount"] = amount
    body = body_of(BASE).replace(b"1000", str(amount).encode()) if type(amount) is int else body_of(event)
    answer = await town.deliver(body)
    assert (answer.status, answer.body.get("outcome")) == (200, "dead_letter")
    assert (town.count("stripe_events"), town.count("transactions")) == (1, 0)


@pytest.mark.parametrize("contest_id", ["Small-Open", "nowhere:1", "a" * 65, "..", "%2e%2e", "con.test"])
async def test_a_payment_for_what_cannot_be_a_contest_is_held_in_suspense(town: Town, contest_id: str) -> None:
    """No file can have this name, so no contest could ever take the fee; the ledger starts again all the same."""
    event = copy.deepcopy(BASE)
    event["data"]["object"]["metadata"] = {
        "purpose": "contest_entry_fee",
        "contest_id": contest_id,
        "entry_id": "e1",
        "account_did": ANNA,
        "fee_cents": "1000",
        "currency": "usd",
    }
    answer = await town.deliver(body_of(event))
    assert (answer.status, answer.body["outcome"]) == (200, "suspense")
    await town.settle()
    await town.restart_ledger()
    assert (await town.books.trial_balance())["suspense"] == -1000
    assert town.rows("ledger", "SELECT failure_class FROM stripe_webhook_dead_letters") == [
        ("PAYMENT_INTENT_NOT_FOUND",)
    ]


async def test_an_entrant_who_is_named_by_a_mail_address_can_pay(town: Town) -> None:
    """Every subject that a token may carry can hold an account."""
    await town.found()
    for number, did in enumerate(("anna@example.com", "anna+golf@example.com", "-anna")):
        entry_id, intent = await town.enter(did, f"key-{number}")
        town.stripe.pay_intent(intent)
        await town.settle()
        assert await town.status(entry_id) == "ACTIVE"
        assert (await town.client(token(did)).account(did))["available_cents"] == 0
