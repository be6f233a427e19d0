"""A tour through every operation and lever of the emulator, with the official SDK. It asserts only what it needs."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from cutline.simulation.emulators.stripe import ApiFault, StripeEmulator

FEE = {"amount": 2_500, "currency": "usd", "metadata": {"entry_id": "e1", "contest_id": "c1"}}
RETURN = {"refresh_url": "http://127.0.0.1/again", "return_url": "http://127.0.0.1/done"}
CREATED = {"created": {"gte": 1_700_000_000, "lt": 2_000_000_000}, "limit": 5}


class Tour:
    """The stops, in an order in which the money suffices."""

    def __init__(self, v1: Any, emulator: StripeEmulator) -> None:
        self._v1 = v1
        self._emulator = emulator

    async def make(self) -> None:
        """Visit everything once."""
        await self._payments()
        await self._refunds()
        await self._disputes()
        account = await self._accounts()
        await self._transfers(account)
        await self._payouts(account)
        await self._lists()
        await self._refusals(account)
        self._emulator.deauthorize(account)

    async def _paid(self, method: str = "pm_card_bypassPending", **more: Any) -> Any:
        return await self._v1.payment_intents.create_async(FEE | {"payment_method": method, "confirm": True} | more)

    async def _payments(self) -> None:
        intents = self._v1.payment_intents
        wish = {
            "automatic_payment_methods": {"enabled": True}, "description": "Entry", "receipt_email": "e@example.org",
            "statement_descriptor_suffix": "GOLF", "transfer_group": "c1", "expand": ["latest_charge"],
        }  # fmt: skip
        intent = await intents.create_async(FEE | wish, {"idempotency_key": "one"})
        await intents.create_async(FEE | wish, {"idempotency_key": "one"})
        with contextlib.suppress(stripe.CardError):
            await intents.confirm_async(intent.id, {"payment_method": "pm_card_chargeDeclinedExpiredCard"})
        await intents.confirm_async(intent.id, {"payment_method": "pm_card_visa", "return_url": "http://127.0.0.1/"})
        await intents.retrieve_async(intent.id, {"expand": ["latest_charge.balance_transaction"]})
        unpaid = await intents.create_async(FEE | {"payment_method_types": ["card"]})
        await intents.cancel_async(unpaid.id, {"cancellation_reason": "abandoned"})
        await intents.list_async(CREATED | {"expand": ["data.latest_charge"]})
        await self._v1.charges.retrieve_async((await self._paid()).latest_charge, {"expand": ["payment_intent"]})
        await self._v1.charges.list_async({"payment_intent": intent.id})
        self._emulator.pay_intent((await intents.create_async(FEE)).id)

    async def _refunds(self) -> None:
        refunds = self._v1.refunds
        intent = await self._paid()
        part = {"payment_intent": intent.id, "amount": 500, "reason": "requested_by_customer", "metadata": {"a": "b"}}
        refund = await refunds.create_async(part)
        await refunds.create_async({"charge": intent.latest_charge, "expand": ["charge", "balance_transaction"]})
        self._emulator.fail_refund(refund.id)
        await refunds.retrieve_async(refund.id, {"expand": ["failure_balance_transaction"]})
        await refunds.list_async({"charge": intent.latest_charge, "payment_intent": intent.id})

    async def _disputes(self) -> None:
        disputes, emulator = self._v1.disputes, self._emulator
        charges = [(await self._paid()).latest_charge for _ in range(3)]
        won, lost = (emulator.open_dispute(charge)["id"] for charge in charges[:2])
        await disputes.update_async(won, {"evidence": {"customer_name": "A"}, "submit": False, "metadata": {"a": "b"}})
        await disputes.update_async(won, {"evidence": {"uncategorized_text": "They played."}})
        emulator.decide_dispute(won, "won")
        await disputes.close_async(lost)
        partial = emulator.open_dispute(charges[2], amount_cents=100, reason="duplicate", names_intent=False)
        await disputes.retrieve_async(partial["id"], {"expand": ["charge"]})
        await disputes.list_async({"charge": charges[0]})
        await self._paid("pm_card_createDispute")

    async def _accounts(self) -> str:
        accounts, emulator = self._v1.accounts, self._emulator
        wish = {
            "type": "express", "country": "US", "email": "w@example.org", "business_type": "individual",
            "default_currency": "usd", "metadata": {"account_did": "did:x"},
            "business_profile": {"product_description": "Golf"}, "tos_acceptance": {"service_agreement": "full"},
            "capabilities": {"transfers": {"requested": True}, "card_payments": {"requested": True}},
        }  # fmt: skip
        account = await accounts.create_async(wish)
        link = {"account": account.id, "type": "account_onboarding", "collection_options": {"fields": "eventually_due"}}
        token = (await self._v1.account_links.create_async(link | RETURN)).url.rpartition("/")[2]
        emulator.onboard(token)
        emulator.set_account(account.id, transfers="pending")
        emulator.set_account(account.id, transfers="active")
        await accounts.retrieve_async(account.id)
        await accounts.list_async(CREATED)
        return str(account.id)

    async def _transfers(self, account: str) -> None:
        transfers, emulator = self._v1.transfers, self._emulator
        emulator.top_up(50_000)
        prize = {"amount": 9_000, "currency": "usd", "destination": account, "transfer_group": "c1"}
        transfer = await transfers.create_async(prize | {"metadata": {"entry_id": "e1"}, "description": "Prize"})
        intent = await self._paid("pm_card_visa")
        await transfers.create_async(prize | {"amount": 2_000, "source_transaction": intent.latest_charge})
        await transfers.retrieve_async(transfer.id, {"expand": ["destination", "balance_transaction"]})
        await transfers.list_async({"destination": account, "transfer_group": "c1"})
        reversal = await transfers.reversals.create_async(transfer.id, {"amount": 1_000, "metadata": {"a": "b"}})
        await transfers.reversals.create_async(transfer.id, {"amount": 500, "expand": ["transfer"]})
        await transfers.reversals.retrieve_async(transfer.id, reversal.id)
        await transfers.reversals.list_async(transfer.id, {"limit": 1})

    async def _payouts(self, account: str) -> None:
        payouts, emulator, own = self._v1.payouts, self._emulator, {"stripe_account": account}
        wish = {"amount": 700, "currency": "usd", "method": "standard", "metadata": {"a": "b"}}
        made = [await payouts.create_async(wish | {"statement_descriptor": "GOLF"}, own) for _ in range(3)]
        await payouts.cancel_async(made[0].id, options=own)
        emulator.fail_payout(made[1].id, "no_account")
        emulator.pay_out_automatically(enabled=True)
        emulator.set_clock_forward(timedelta(days=3))
        emulator.pay_out_automatically(enabled=False)
        emulator.fail_payout(made[2].id)
        await payouts.retrieve_async(made[2].id, {"expand": ["failure_balance_transaction"]}, own)
        await payouts.list_async({"status": "failed", "arrival_date": {"gt": 0}}, own)
        automatic = (await payouts.list_async({"limit": 1})).data[0]
        await self._v1.balance_transactions.list_async({"payout": automatic.id, "expand": ["data.source"]})

    async def _lists(self) -> None:
        v1 = self._v1
        await v1.balance.retrieve_async()
        page = await v1.balance_transactions.list_async({"currency": "usd", "type": "adjustment"} | CREATED)
        await v1.balance_transactions.retrieve_async(page.data[0].id, {"expand": ["source"]})
        topup = (await v1.topups.list_async({"status": "succeeded"})).data[0]
        await v1.topups.retrieve_async(topup.id, {"expand": ["balance_transaction"]})
        events = await v1.events.list_async({"type": "charge.*", "delivery_success": False} | CREATED)
        await v1.events.list_async({"types": ["payout.paid", "payout.failed"], "limit": 100})
        await v1.events.retrieve_async(events.data[0].id)

    async def _refusals(self, account: str) -> None:
        v1 = self._v1
        intent = await self._paid()
        await v1.payment_intents.create_async(FEE, {"idempotency_key": "two"})
        for kind in ("error_500", "lock_timeout"):
            self._emulator.faults.add(ApiFault(kind=kind))
            with pytest.raises(stripe.StripeError):
                await v1.balance.retrieve_async()
        refusals: tuple[Callable[[], Awaitable[Any]], ...] = (
            lambda: v1.payment_intents.cancel_async(intent.id),
            lambda: v1.payment_intents.retrieve_async("pi_x"),
            lambda: v1.payment_intents.create_async(FEE | {"colour": "red"}),
            lambda: v1.payment_intents.create_async(FEE | {"amount": "ten"}),
            lambda: v1.payment_intents.create_async(FEE | {"amount": 60}, {"idempotency_key": "two"}),
            lambda: v1.refunds.create_async({"payment_intent": intent.id, "amount": 9_999}),
            lambda: v1.refunds.create_async({"payment_intent": intent.id, "reason": "bored"}),
            lambda: v1.transfers.create_async({"amount": 99_999_999, "currency": "usd", "destination": account}),
            lambda: v1.accounts.create_async({"type": "bank"}),
            lambda: v1.balance.retrieve_async(options={"stripe_account": "acct_x"}),
            lambda: v1.events.list_async({"limit": "many"}),
            lambda: v1.customers.create_async({"name": "x"}),
        )
        for refused in refusals:
            with pytest.raises(stripe.StripeError):
                await refused()
