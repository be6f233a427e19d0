"""What the emulator refuses before anything is executed, in Stripe's words; decoding, pages and expansions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import stripe
from aiohttp import ClientSession

from cutline.gateways.stripe import API_VERSION, SessionClient
from cutline.simulation.emulators.stripe import SECRET_KEY, ApiError, StripeEmulator, listening
from cutline.simulation.emulators.stripe.forms import decode_form

FEE = {"amount": 2_500, "currency": "usd"}


@pytest.fixture
async def v1() -> AsyncIterator[Any]:
    stripe.enable_telemetry = False
    async with ClientSession() as session, listening(StripeEmulator()) as base_url:
        transport = SessionClient(session, timeout_s=5)
        client = stripe.StripeClient(
            SECRET_KEY, http_client=transport, stripe_version=API_VERSION, base_addresses={"api": base_url}
        )
        yield client.v1


async def a_payment(v1: Any) -> Any:
    return await v1.payment_intents.create_async(FEE | {"payment_method": "pm_card_visa", "confirm": True})


@pytest.mark.parametrize(
    ("service", "parameters", "param"),
    [
        ("payment_intents", {"currency": "usd"}, "amount"),
        ("payment_intents", {"amount": "", "currency": "usd"}, "amount"),
        ("payment_intents", {"amount": {"a": 1}, "currency": "usd"}, "amount"),
        ("payment_intents", {"amount": "12.50", "currency": "usd"}, "amount"),
        ("payment_intents", {"amount": -5, "currency": "usd"}, "amount"),
        ("payment_intents", {"amount": 500, "currency": "dollars"}, "currency"),
        ("payment_intents", FEE | {"confirm": "perhaps"}, "confirm"),
        ("payment_intents", FEE | {"confirm": True}, "payment_method"),
        ("payment_intents", FEE | {"payment_method": "pm_unheard_of"}, "payment_method"),
        ("payment_intents", FEE | {"metadata": "text"}, "metadata"),
        ("payment_intents", FEE | {"metadata": {"k" * 41: "v"}}, "metadata[" + "k" * 41 + "]"),
        ("payment_intents", FEE | {"metadata": {"k": "v" * 501}}, "metadata[k]"),
        ("payment_intents", FEE | {"metadata": {f"k{n}": "v" for n in range(51)}}, "metadata"),
        ("refunds", {}, "payment_intent"),
        ("refunds", {"payment_intent": "pi_x"}, "payment_intent"),
        ("refunds", {"charge": "ch_x"}, "charge"),
        ("accounts", {"type": "bank"}, "type"),
        ("accounts", {"type": "express", "capabilities": {"flying": {"requested": True}}}, "capabilities"),
        ("account_links", {"account": "acct_x", "type": "account_onboarding"}, "account"),
        ("transfers", FEE, "destination"),
    ],
)
async def test_invalid_parameters_are_named(v1: Any, service: str, parameters: Any, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await getattr(v1, service).create_async(parameters)
    assert (caught.value.http_status, caught.value.param) == (400, param)


async def test_wrong_reasons_and_link_types_are_refused(v1: Any) -> None:
    intent = await a_payment(v1)
    with pytest.raises(stripe.InvalidRequestError, match="Invalid reason"):
        await v1.refunds.create_async({"payment_intent": intent.id, "reason": "bored"})
    with pytest.raises(stripe.InvalidRequestError, match="Invalid cancellation_reason"):
        await v1.payment_intents.cancel_async(intent.id, {"cancellation_reason": "bored"})
    account = await v1.accounts.create_async({"type": "custom"})
    with pytest.raises(stripe.InvalidRequestError, match="Invalid account link type"):
        await v1.account_links.create_async({"account": account.id, "type": "visit"})


async def test_what_was_never_charged_cannot_be_refunded(v1: Any) -> None:
    declined = FEE | {"payment_method": "pm_card_chargeDeclined", "confirm": True}
    with pytest.raises(stripe.CardError):
        await v1.payment_intents.create_async(declined)
    untouched = await v1.payment_intents.create_async(FEE)
    for intent in (await v1.payment_intents.list_async()).data:
        with pytest.raises(stripe.InvalidRequestError, match="not successful"):
            await v1.refunds.create_async({"payment_intent": intent.id})
    assert untouched.status == "requires_payment_method"


async def test_idempotency_key_has_a_length(v1: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="1 to 255"):
        await v1.payment_intents.create_async(FEE, {"idempotency_key": "k" * 256})


async def test_pages_go_both_ways_and_refuse_nonsense(v1: Any) -> None:
    newest_first = [(await v1.payment_intents.create_async(FEE)).id for _ in range(4)][::-1]
    list_async = v1.payment_intents.list_async
    page = await list_async({"limit": 2, "ending_before": newest_first[3]})
    assert [one.id for one in page.data] == newest_first[1:3]
    assert page.has_more
    page = await list_async({"limit": 2, "starting_after": newest_first[2]})
    assert [one.id for one in page.data] == newest_first[3:]
    created = page.data[0].created
    assert len((await list_async({"created": created})).data) >= 1
    assert (await list_async({"created": {"gt": created + 60}})).data == []
    for wrong in (
        {"limit": 0}, {"limit": 101}, {"starting_after": "pi_x"}, {"created": {"about": 5}}, {"colour": "red"},
    ):  # fmt: skip
        with pytest.raises(stripe.InvalidRequestError):
            await list_async(wrong)


async def test_ids_expand_anywhere_but_only_ids(v1: Any) -> None:
    intent = await a_payment(v1)
    listed = await v1.payment_intents.list_async({"expand": ["data.latest_charge"]})
    assert listed.data[0].latest_charge.amount == 2_500
    refund = await v1.refunds.create_async({"payment_intent": intent.id, "expand": ["charge.payment_intent"]})
    assert refund.charge.payment_intent.id == intent.id
    for wrong in ("colour", "status", "amount.more"):
        with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
            await v1.payment_intents.retrieve_async(intent.id, {"expand": [wrong]})
    key = {"idempotency_key": "k"}
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
            await v1.payment_intents.create_async(FEE | {"expand": ["colour"]}, key)
    assert len((await v1.payment_intents.list_async()).data) == 2
    unpaid = await v1.payment_intents.create_async(FEE | {"expand": ["latest_charge.balance_transaction"]})
    assert unpaid.latest_charge is None


def test_forms_nest_as_stripe_writes_them() -> None:
    decoded = decode_form("a=1&m[x]=2&m[y][z]=3&l[]=4&l[]=5&o[0][k]=6&o[1][k]=7&e=")
    assert decoded == {
        "a": "1", "m": {"x": "2", "y": {"z": "3"}}, "l": ["4", "5"], "o": [{"k": "6"}, {"k": "7"}], "e": "",
    }  # fmt: skip
    assert decode_form("") == {}


@pytest.mark.parametrize("text", ["a[=1", "a]b=1", "[a]=1", "a=1&a=2", "a=1&a[b]=2", "a[b]=1&a[b][c]=2"])
def test_malformed_forms_are_refused(text: str) -> None:
    with pytest.raises(ApiError):
        decode_form(text)
