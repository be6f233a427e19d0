"""Payments of entries over the doors: one intent, refunds before the lock, and webhooks that never arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cutline.http.client import ApiRefused, CutlineClient
from cutline.simulation.emulators.stripe.faults import WebhookFault
from cutline.storage.verify import verify_root
from tests.http.bank import CONTEST, Bank, bank_with_stripe, until
from tests.http.standin import ANNA, BERT, token


@pytest.fixture
async def bank(tmp_path: Path, session: aiohttp.ClientSession) -> AsyncIterator[Bank]:
    async with bank_with_stripe(tmp_path, session) as bank:
        yield bank


async def enter(client: CutlineClient, key: str = "one") -> str:
    entered = await client.enter(CONTEST, ["A", "B", "C"], -12, idempotency_key=key)
    return str(entered["entry_id"])


async def pay(bank: Bank, client: CutlineClient, entry_id: str) -> str:
    """Pay an entry's fee at Stripe; whether its webhook comes is another matter."""
    intent = str((await client.intent(CONTEST, entry_id))["payment_intent"])
    bank.stripe.pay_intent(intent, "pm_card_visa")
    await bank.stripe.deliver_due()
    return intent


async def status_of(client: CutlineClient, entry_id: str, wanted: str) -> dict[str, Any]:
    return await until(lambda: client.entry(CONTEST, entry_id), lambda entry: entry["status"] == wanted)


async def code_of(asking: Any) -> str:
    with pytest.raises(ApiRefused) as refused:
        await asking
    return refused.value.code


async def test_an_entry_becomes_active_although_no_webhook_was_ever_delivered(bank: Bank) -> None:
    """Events that Stripe could not deliver are fetched back at the start, through the door of every other (PAY-041)."""
    async with bank.open():
        await bank.open_contest()
        anna = bank.client(token(ANNA))
        entry_id = await enter(anna)
        bank.stripe.faults.add(WebhookFault(kind="drop", times=100))
        intent = await pay(bank, anna, entry_id)
        assert (await anna.entry(CONTEST, entry_id))["status"] == "PENDING_PAYMENT"
        assert bank.rows("SELECT count(*) FROM stripe_events") == [(0,)]
    async with bank.open():
        anna = bank.client(token(ANNA))
        await status_of(anna, entry_id, "ACTIVE")
        [settlement] = await bank.books.settlements(intent)
        assert (settlement["status"], settlement["amount_cents"]) == ("confirmed", 1001)
        postings = "SELECT count(*) FROM transactions WHERE kind = 'entry_payment'"
        assert bank.rows(postings) == [(1,)]
        bank.run_job("fetch-undelivered")
        assert not bank.stripe.webhooks.attempts
    async with bank.open():
        await status_of(bank.client(token(ANNA)), entry_id, "ACTIVE")
        assert bank.rows(postings) == [(1,)], "listed again at the next start, and known"
        assert bank.rows("SELECT count(*) FROM stripe_events_quarantined") == [(0,)]
    assert verify_root(bank.root).problems == ()


async def test_a_missed_event_of_the_wrong_livemode_is_dead_lettered(bank: Bank) -> None:
    """C-11: what is fetched passes the same policy as what is delivered."""
    async with bank.open():
        await bank.open_contest()
        anna = bank.client(token(ANNA))
        bank.stripe.faults.add(WebhookFault(kind="drop", times=100))
        await pay(bank, anna, await enter(anna))
    async with bank.open(settle_env="production"):

        async def letters() -> set[Any]:
            return set(bank.rows("SELECT failure_class FROM stripe_webhook_dead_letters"))

        assert await until(letters, bool) == {("LIVEMODE_MISMATCH",)}
        assert bank.rows("SELECT count(*) FROM stripe_events") == [(0,)]


async def test_a_paid_entry_is_taken_back_and_its_fee_with_it(bank: Bank) -> None:
    """PAY-042: once, however often it is asked, and only by its holder or an admin."""
    async with bank.open():
        await bank.open_contest()
        anna, bert = bank.client(token(ANNA)), bank.client(token(BERT))
        entry_id = await enter(anna)
        await pay(bank, anna, entry_id)
        await status_of(anna, entry_id, "ACTIVE")
        assert await code_of(bert.refund(CONTEST, entry_id)) == "NOT_FOUND"
        assert await code_of(bank.client(token("olga", "ops")).refund(CONTEST, entry_id)) == "FORBIDDEN"
        asked = await asyncio.gather(anna.refund(CONTEST, entry_id), bank.admin.refund(CONTEST, entry_id))
        assert {one["status"] for one in asked} == {"requested"}
        assert sorted(one["deduped"] for one in asked) == [False, True]
        assert {(one["entry_status"], one["amount_cents"]) for one in asked} == {("WITHDRAWN", 1001)}

        async def refunded() -> list[Any]:
            return bank.rows("SELECT kind, count(*) FROM transactions WHERE kind LIKE 'refund%' GROUP BY kind")

        assert await until(refunded, bool) == [("refund_succeeded", 1)]
        await bank.stripe.deliver_due()
        assert await refunded() == [("refund_succeeded", 1)]
        balances = await bank.books.trial_balance()
        assert (balances[f"refunds:{CONTEST}"], balances[f"pot:{CONTEST}"]) == (0, 0)
    assert verify_root(bank.root).problems == ()


async def test_an_unpaid_entry_is_taken_back_without_a_refund(bank: Bank) -> None:
    async with bank.open():
        await bank.open_contest()
        anna = bank.client(token(ANNA))
        entry_id = await enter(anna)
        given = await anna.refund(CONTEST, entry_id)
        assert (given["status"], given["amount_cents"], given["entry_status"]) == ("nothing_paid", 0, "WITHDRAWN")


async def test_an_entry_has_one_intent_under_one_key(bank: Bank) -> None:
    """PAY-030, PAY-031: the same key is the same intent; another one would be a second."""
    async with bank.open():
        await bank.open_contest()
        anna = bank.client(token(ANNA))
        entry_id, other = await enter(anna), await enter(anna, "two")
        first = await anna.intent(CONTEST, entry_id, idempotency_key="k1")
        again = await anna.intent(CONTEST, entry_id, idempotency_key="k1")
        assert again["payment_intent"] == first["payment_intent"]
        assert await code_of(anna.intent(CONTEST, entry_id, idempotency_key="k2")) == "DUPLICATE_INTENT"
        assert await code_of(anna.intent(CONTEST, other, idempotency_key="k1")) == "IDEMPOTENCY_KEY_REUSED"
        assert (await anna.intent(CONTEST, entry_id))["payment_intent"] == first["payment_intent"]
        await pay(bank, anna, other)
        await status_of(anna, other, "ACTIVE")
    assert verify_root(bank.root).problems == ()
