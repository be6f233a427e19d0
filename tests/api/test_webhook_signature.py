"""Whoever cannot sign as Stripe is told 401 and leaves not one byte behind (PAY-002 to PAY-007, PAY-045, T12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from cutline.simulation.emulators.stripe.webhooks import sign
from tests.http.standin import WEBHOOK_SECRET
from tests.http.town import Town, body_of, open_town, signed

Forge = Callable[[bytes], Mapping[str, str]]


def header(value: str) -> dict[str, str]:
    return {"Stripe-Signature": value}


def good(body: bytes) -> str:
    return signed(body)["Stripe-Signature"]


def parts(body: bytes) -> tuple[str, str]:
    """The time and the signature of a good header."""
    time, signature = good(body).split(",")
    return time, signature.removeprefix("v1=")


def moved(seconds: int) -> Forge:
    return lambda body: signed(body, at=datetime.now(UTC) + timedelta(seconds=seconds))


def rewritten(how: Callable[[str, str], str]) -> Forge:
    return lambda body: header(how(*parts(body)))


ARABIC = {ord(str(digit)): 0x0660 + digit for digit in range(10)}
FORGERIES: dict[str, Forge] = {
    "missing": lambda _: {},
    "empty": lambda _: header(""),
    "malformed": lambda _: header("nonsense"),
    "malformed, many commas": lambda _: header("," * 2000),
    "tampered body": lambda body: signed(body.replace(b"1001", b"9001")),
    "tampered by a blank": lambda body: signed(body + b" "),
    "expired": moved(-301),
    "expired by a year": moved(-31_536_000),
    "from the future": moved(302),
    "wrong secret": lambda body: signed(body, "whsec_of_somebody_else"),
    "signed with the blank secret": lambda body: signed(body, ""),
    "v0 only": rewritten(lambda time, signature: f"{time},v0={signature}"),
    "v1 under another name": rewritten(lambda time, signature: f"{time},V1={signature}"),
    "no time": rewritten(lambda _, signature: f"v1={signature}"),
    "two times": rewritten(lambda time, signature: f"{time},t=1,v1={signature}"),
    "a time that was not signed": lambda body: header(
        f"t={int(datetime.now(UTC).timestamp()) - 1},v1={parts(body)[1]}"
    ),
    "a time with a sign": rewritten(lambda time, signature: f"t=+{time[2:]},v1={signature}"),
    "a time in other digits": rewritten(lambda time, signature: f"{time.translate(ARABIC)},v1={signature}"),
    "a time too long to be one": rewritten(lambda time, signature: f"{time}{'0' * 5000},v1={signature}"),
    "not ASCII": rewritten(lambda time, _: f"{time},v1=\N{SNOWMAN}"),
    "not ASCII beside a good one": rewritten(lambda time, signature: f"{time},v1={signature},v1=\N{SNOWMAN}"),
    "signature in capitals": rewritten(lambda time, signature: f"{time},v1={signature.upper()}"),
    "signature cut short": rewritten(lambda time, signature: f"{time},v1={signature[:-1]}"),
    "empty v1": rewritten(lambda time, _: f"{time},v1="),
    "several v1, none good": rewritten(
        lambda time, signature: f"{time},v1={signature[::-1]},v1={'0' * 64},v1={'f' * 64}"
    ),
}


async def test_a_signature_that_is_not_stripes_is_401_and_writes_not_one_byte(town: Town) -> None:
    """Every `.db` and `-wal` keeps its sha256, whoever calls and however often (PAY-003 to PAY-007)."""
    await town.found()
    await town.settle()
    _, intent = await town.enter()
    await town.settle()
    town.stripe.webhooks.endpoints.clear()
    town.stripe.pay_intent(intent)
    [paid] = town.events("payment_intent.succeeded")
    real = body_of(paid)
    counts = (town.count("stripe_events"), town.count("transactions"), town.count("log"))
    before = town.fingerprints()
    assert {"core/ledger.db", "core/ledger.db-wal", "core/payments.db"} <= before.keys()
    for body in (real, orjson.dumps({**paid, "id": "evt_new"}), b"not json", b"", b"[]"):
        for name, forge in FORGERIES.items():
            if name == "tampered body" and b"1001" not in body:
                continue
            answer = await town.deliver(body, forge(body))
            assert (answer.status, answer.code) == (401, "SIGNATURE_INVALID"), (name, body)
            assert answer.body["error"]["details"] == {}, name
    assert town.engine.system.idle
    assert town.fingerprints() == before
    assert (town.count("stripe_events"), town.count("transactions"), town.count("log")) == counts


async def test_tampered_body(town: Town) -> None:
    """PAY-005, PAY-052: the amount was raised on the way, and the true event is still taken afterwards."""
    await town.found()
    _, intent = await town.enter()
    town.stripe.pay_intent(intent)
    [paid] = town.events("payment_intent.succeeded")
    body = body_of(paid)
    answer = await town.deliver(body.replace(b"1001", b"9001"), signed(body))
    assert (answer.status, answer.code) == (401, "SIGNATURE_INVALID")
    assert town.rows("ledger", "SELECT 1 FROM stripe_events WHERE event_id = '" + paid["id"] + "'") == []
    assert (await town.deliver(body)).body == {"deduped": False, "forwarded_to_ledger": True, "outcome": "posted"}


async def test_one_good_signature_among_several_is_enough(town: Town) -> None:
    """Stripe sends one `v1` for each live secret of an endpoint, and unknown schemes beside them."""
    dresses = (
        "{time},v1={wrong},v1={good}",
        "{time},v1={good},v1={wrong}",
        "{time},v0={wrong},v1={good},v2=something",
        "v1={good},{time}",
    )
    for number, dress in enumerate(dresses):
        body = event(f"evt_{number}")
        time, good_one = parts(body)
        answer = await town.deliver(body, header(dress.format(time=time, good=good_one, wrong="0" * 64)))
        assert answer.status == 200, dress


@pytest.mark.parametrize("seconds", [-295, 295])
async def test_a_signature_within_the_tolerance_is_taken(town: Town, seconds: int) -> None:
    body = event()
    assert (await town.deliver(body, moved(seconds)(body))).status == 200


async def test_while_a_secret_is_rotated_both_are_live_and_no_other(tmp_path: Path) -> None:
    """The settings name several secrets; Stripe signs with either, or with both."""
    async with open_town(tmp_path / "data", stripe_webhook_secret=f"{WEBHOOK_SECRET},whsec_new") as town:
        expected = {
            (WEBHOOK_SECRET,): 200,
            ("whsec_new",): 200,
            (WEBHOOK_SECRET, "whsec_new"): 200,
            ("whsec_older", "whsec_new"): 200,
            ("whsec_older",): 401,
            (f"{WEBHOOK_SECRET},whsec_new",): 401,
        }
        for number, (secrets, status) in enumerate(expected.items()):
            body = event(f"evt_{number}")
            answer = await town.deliver(body, header(sign(body, secrets, datetime.now(UTC))))
            assert answer.status == status, secrets


def event(event_id: str = "evt_1") -> bytes:
    """A signed event that no rule of ours reads."""
    content = {"id": event_id, "object": "event", "api_version": None, "created": 1_775_000_000, "livemode": False}
    return orjson.dumps({**content, "type": "customer.created", "data": {"object": {"id": "cus_1"}}})
