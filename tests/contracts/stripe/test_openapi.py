"""Every request that the emulator takes and every object that it sends fits Stripe's own OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import stripe
from aiohttp import ClientSession, web

from cutline.gateways.stripe import API_VERSION, SessionClient
from cutline.simulation.emulators.stripe import SECRET_KEY, StripeEmulator, WebhookEndpoint, listening
from cutline.simulation.emulators.stripe.events import Events
from cutline.simulation.emulators.stripe.operations import Operation, operations
from tests.contracts.stripe.document import Document, stripe_document
from tests.contracts.stripe.exchanges import LATER, Recorder, decode, faults_of_event, faults_of_exchange
from tests.contracts.stripe.schema import Checker
from tests.contracts.stripe.tour import Tour

SECRET = "whsec_contract"
OPERATIONS = operations(Events(lambda _event_id: True))

EVENT_TYPES = {
    "account.application.deauthorized", "account.updated", "balance.available", "charge.dispute.closed",
    "charge.dispute.created", "charge.dispute.funds_reinstated", "charge.dispute.funds_withdrawn",
    "charge.dispute.updated", "charge.failed", "charge.refund.updated", "charge.refunded", "charge.succeeded",
    "payment_intent.canceled", "payment_intent.created", "payment_intent.payment_failed", "payment_intent.succeeded",
    "payout.canceled", "payout.created", "payout.failed", "payout.paid", "payout.updated", "refund.created",
    "refund.failed", "refund.updated", "topup.succeeded", "transfer.created", "transfer.reversed",
}  # fmt: skip
"""Every type that the emulator can send."""


@pytest.fixture(scope="module")
def document() -> Document:
    return stripe_document()


@dataclass
class Seen:
    """What one tour showed: the exchanges of the API, the events as delivered, and the objects at the end."""

    recorder: Recorder = field(default_factory=Recorder)
    events: list[dict[str, Any]] = field(default_factory=list)
    emulator: StripeEmulator = field(default_factory=StripeEmulator)

    async def receive(self, request: web.Request) -> web.Response:
        body, header = await request.read(), request.headers["Stripe-Signature"]
        stripe.WebhookSignature.verify_header(body.decode(), header, SECRET, 300)
        self.events.append(await request.json())
        return web.Response()


@pytest.fixture
async def seen() -> AsyncIterator[Seen]:
    stripe.enable_telemetry = False
    seen = Seen()
    emulator = seen.emulator
    seen.recorder.attach(emulator)
    emulator.app.router.add_post("/hook", seen.receive)
    async with ClientSession() as session, listening(emulator) as base_url:
        emulator.use_session(session)
        emulator.add_endpoint(WebhookEndpoint(url=f"{base_url}/hook", secrets=(SECRET,)))
        client = stripe.StripeClient(
            SECRET_KEY,
            http_client=SessionClient(session, timeout_s=10),
            stripe_version=API_VERSION,
            base_addresses={"api": base_url},
        )
        await Tour(client.v1, emulator).make()
        while await emulator.deliver_due():
            pass
        yield seen


async def test_every_request_answer_object_and_event_fits_the_document(document: Document, seen: Seen) -> None:
    """PAY-032 is only as good as the Stripe it is tried on; the tour must also leave nothing out."""
    faults = [fault for one in seen.recorder.exchanges for fault in faults_of_exchange(document, one)]
    faults += [fault for event in seen.events for fault in faults_of_event(document, event)]
    checker = Checker(document, later=frozenset(LATER))
    for name, wires in seen.emulator.state.as_json().items():
        if isinstance(wires, tuple):
            for wire in wires:
                faults += checker.faults(document.schemas[wire["object"]], wire, name)
    assert sorted(set(faults)) == []

    succeeded = [one for one in seen.recorder.exchanges if one.http_status == 200]
    visited = {(one.method, _shape(one.path)) for one in succeeded}
    assert {one.name for one in OPERATIONS if (one.method, _shape(one.path)) not in visited} == set()
    assert {event["type"] for event in seen.events} == EVENT_TYPES
    refusals = {one.http_status for one in seen.recorder.exchanges} - {200}
    assert refusals == {400, 402, 403, 404, 429, 500}


def _shape(path: str) -> str:
    """Return a path with its ids blotted out."""
    return re.sub(r"\{\w+\}|(?<=/)[a-z]+_[0-9a-f]{24}", "*", path)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_no_operation_takes_a_parameter_that_stripe_does_not(document: Document, operation: Operation) -> None:
    described = document.describe(operation.method, operation.path)
    assert described is not None
    known = described.form if operation.method == "POST" else described.query
    unknown = operation.parameters - set(known["properties"])
    assert {f"{operation.name} {parameter}" for parameter in unknown} - LATER.keys() == set()


def test_every_event_type_is_one_of_stripes(document: Document) -> None:
    assert EVENT_TYPES - document.event_types == {"refund.failed"} == EVENT_TYPES & LATER.keys()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"amount": "25"}, ".amount: '25' is no integer"),
        ({"amount": True}, ".amount: True is no integer"),
        ({"currency": None}, ".currency: null is not allowed"),
        ({"colour": "red"}, ".colour: not in the document"),
        ({"status": "paid"}, ".status: 'paid' is not one of"),
        ({"metadata": {"k": 5}}, ".metadata.k: 5 is no string"),
        ({"metadata": {"k": "v" * 501}}, ".metadata.k: longer than 500"),
        ({"balance_transaction": {"object": "charge"}}, ".balance_transaction: a charge is not allowed here"),
        ({"payment_intent": 5}, ".payment_intent: 5 is no string"),
    ],
)
def test_checker_finds_what_does_not_fit(document: Document, change: dict[str, Any], says: str) -> None:
    """A checker that finds nothing proves nothing."""
    emulator = StripeEmulator()
    emulator.platform.begin()
    charge = _charge(emulator)
    checker = Checker(document)
    assert checker.faults(document.schemas["charge"], charge) == []
    found = checker.faults(document.schemas["charge"], charge | change)
    assert len(found) == 1
    assert says in found[0]


def test_checker_finds_what_is_missing(document: Document) -> None:
    charge = _charge(StripeEmulator())
    del charge["billing_details"]
    assert Checker(document).faults(document.schemas["charge"], charge) == ["$.billing_details: missing"]


def _charge(emulator: StripeEmulator) -> dict[str, Any]:
    from cutline.simulation.emulators.stripe import payment_intents
    from cutline.simulation.emulators.stripe.calls import Call

    wish = {"amount": "2500", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    payment_intents.create(emulator.platform, Call(parameters=wish))
    return dict(emulator.state.charges[0])


@pytest.mark.parametrize(
    ("form", "faults"),
    [
        ("currency=usd&destination=acct_1&amount=5&metadata[a]=b&expand[0]=destination", 0),
        ("currency=usd&destination=acct_1&expand[]=a&expand[]=b", 0),
        ("currency=usd", 1),
        ("currency=usd&destination=acct_1&amount=five", 1),
        ("currency=usd&destination=acct_1&colour=red", 1),
        ("currency=usd&destination=acct_1&source_type=gold", 1),
        ("currency=usd&destination=acct_1&expand=destination", 1),
        ("currency=usd&destination[a]=acct_1", 1),
    ],
)
def test_requests_are_compared_as_forms(document: Document, form: str, faults: int) -> None:
    described = document.describe("POST", "/v1/transfers")
    assert described is not None
    assert len(Checker(document, as_text=True).faults(described.form, decode(form))) == faults
