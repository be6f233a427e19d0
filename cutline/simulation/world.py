"""The people around the engine: entrants who enter, pay and open their accounts, as their plans say.

They use the public API and Stripe's, as people do. What they did and what came of it is kept for the report. It must
not look into the engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from cutline.http.client import ApiRefused, CutlineClient
from cutline.simulation.calendar import Calendar
from cutline.simulation.emulators.stripe.emulator import StripeEmulator
from cutline.simulation.emulators.stripe.errors import ApiError
from cutline.simulation.emulators.stripe.faults import ApiFault, WebhookFault
from cutline.simulation.entrants import Behaviour, EntrantPlan

DECLINED_CARD = "pm_card_chargeDeclined"
GOOD_CARD = "pm_card_visa"
ONBOARDING_TAKES = timedelta(minutes=20)
PAYOUT_PATIENCE = timedelta(days=2)


@dataclass(slots=True)
class Story:
    """What one entrant did and saw."""

    plan: EntrantPlan
    entry_id: str | None = None
    payment_intent: str | None = None
    refused: str | None = None
    card_declined: str | None = None
    stripe_account_id: str | None = None
    notes: list[str] = field(default_factory=list)


class ClientFor(Protocol):
    """Gives the API client of one account holder."""

    def __call__(self, account_did: str) -> CutlineClient:
        """Return a client that carries this person's token."""


class World:
    """Lets plans happen against one contest."""

    def __init__(
        self,
        *,
        contest_id: str,
        plans: Sequence[EntrantPlan],
        client_for: ClientFor,
        stripe: StripeEmulator,
        calendar: Calendar,
        settled_by: datetime,
        insist: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]],
    ) -> None:
        self.contest_id = contest_id
        self.stories = [Story(plan=plan) for plan in plans]
        self._client_for = client_for
        self._stripe = stripe
        self._calendar = calendar
        self._settled_by = settled_by
        self._insist = insist

    def people(self) -> list[Callable[[], Awaitable[None]]]:
        """Return one coroutine function for each person, and one for whoever makes a transfer time out."""
        return [self._living(story) for story in self.stories] + [self._plant_transfer_fault]

    def _living(self, story: Story) -> Callable[[], Awaitable[None]]:
        async def live() -> None:
            await self._live(story)

        return live

    async def _live(self, story: Story) -> None:
        plan, client = story.plan, self._client_for(story.plan.account_did)
        await self._calendar.sleep_until(plan.enters_at)
        if not await self._enter(story, client):
            return
        await self._calendar.sleep_until(plan.enters_at + plan.pays_after)
        await self._pay(story)
        if plan.onboards_early:
            await self._onboard(story, client)
            return
        await self._calendar.sleep_until(self._settled_by)
        entry = await self._insist(lambda: client.entry(self.contest_id, story.entry_id or ""))
        if entry.get("prize_cents"):
            await self._onboard(story, client)

    async def _enter(self, story: Story, client: CutlineClient) -> bool:
        plan = story.plan
        key = f"{self.contest_id}:{plan.number:04d}"
        try:
            entered = await self._insist(
                lambda: client.enter(self.contest_id, list(plan.picks), plan.tiebreak, idempotency_key=key)
            )
        except ApiRefused as refused:
            story.refused = refused.code
            return False
        story.entry_id = entered["entry_id"]
        self._plant_webhook_fault(story)
        intent = await self._insist(lambda: client.intent(self.contest_id, story.entry_id or ""))
        story.payment_intent = intent["payment_intent"]
        return True

    async def _pay(self, story: Story) -> None:
        behaviour = story.plan.behaviour
        if behaviour is Behaviour.ABANDONS or story.payment_intent is None:
            return
        card = DECLINED_CARD if behaviour is Behaviour.CARD_DECLINED else GOOD_CARD
        try:
            self._stripe.pay_intent(story.payment_intent, card)
        except ApiError as declined:
            story.card_declined = declined.body["error"].get("code")

    async def _onboard(self, story: Story, client: CutlineClient) -> None:
        account = await self._insist(lambda: client.onboard(story.plan.account_did))
        story.stripe_account_id = account["stripe_account_id"]
        await self._calendar.sleep_until(datetime.now(UTC) + ONBOARDING_TAKES)
        self._stripe.set_account(account["stripe_account_id"], transfers="active")

    def _plant_webhook_fault(self, story: Story) -> None:
        metadata = {"entry_id": story.entry_id or ""}
        paid = "payment_intent.succeeded"
        if story.plan.behaviour is Behaviour.WEBHOOK_TRIPLED:
            self._stripe.faults.add(WebhookFault(kind="duplicate", event_type=paid, copies=2, metadata=metadata))
        if story.plan.behaviour is Behaviour.WEBHOOK_DELAYED:
            self._stripe.faults.add(WebhookFault(kind="delay", event_type=paid, seconds=86_400, metadata=metadata))

    async def _plant_transfer_fault(self) -> None:
        await asyncio.sleep(0)
        metadata = {"contest_id": self.contest_id}
        self._stripe.faults.add(ApiFault(kind="drop_after_commit", operation="transfers.create", metadata=metadata))
