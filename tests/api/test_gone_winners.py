"""Winners who are gone when they are to be paid, over real files: nothing of theirs stays owed, nothing is lost."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cutline.engine import tournament
from cutline.simulation.machine import ENGINE_HOST
from cutline.simulation.production import token_for
from cutline.simulation.stage import masters_toml
from tests.api.village import Village, live

CONTEST = "masters-2026"
WELL, DISCONNECTED, CLOSED = "did:well", "did:disconnected", "did:closed"


async def play(village: Village, did: str, terms: Any, place: int) -> str:
    """Enter and pay; return the Stripe account, which cannot be paid yet."""
    tiers = terms.roster.tiers
    picks = [player for tier in tiers for player in tier.players[place : place + tier.pick]]
    client = village.client(did)
    entered = await client.enter(CONTEST, picks, -10 + place, idempotency_key="one")
    intent = await client.intent(CONTEST, entered["entry_id"])
    village.stripe.pay_intent(intent["payment_intent"], "pm_card_visa")
    return str((await client.onboard())["stripe_account_id"])


async def close(village: Village, did: str) -> None:
    """Close an account, as an admin does."""
    url = f"http://{ENGINE_HOST}/v1/accounts/{did}/close"
    headers = {"Authorization": f"Bearer {token_for('ada', ['admin'])}"}
    async with village.session.post(url, json={"reason": "deleted"}, headers=headers) as response:
        assert response.status == 200, await response.text()


@pytest.mark.slow
def test_winners_who_are_gone_hold_no_contest_up(tmp_path: Path) -> None:
    """POUT-036, POUT-043, POUT-049, LIFE-008: one account is disconnected at Stripe, one holder closed here."""

    async def story(village: Village) -> None:
        terms = tournament.load(masters_toml())
        await village.admin.publish_config(masters_toml())
        await village.admin.create_contest(CONTEST, terms.id)
        await village.wait_until(terms.entry.lock_at - timedelta(hours=6))
        accounts = {
            did: await play(village, did, terms, place) for place, did in enumerate((WELL, DISCONNECTED, CLOSED))
        }
        village.stripe.set_account(accounts[WELL], transfers="active")
        await village.wait_until(terms.event.ends_at + timedelta(hours=36))
        transfers = {one["account_did"]: one for one in await village.admin.transfers(CONTEST)}
        statuses = {did: one["status"] for did, one in transfers.items()}
        assert statuses == {WELL: "completed", DISCONNECTED: "pending", CLOSED: "pending"}
        assert (await village.admin.contest(CONTEST))["progress"] == "SETTLED"

        village.stripe.deauthorize(accounts[DISCONNECTED])
        await close(village, CLOSED)
        await village.wait(timedelta(hours=7))
        transfers = {one["account_did"]: one for one in await village.admin.transfers(CONTEST)}
        ended = {did: (one["status"], one["reason"]) for did, one in transfers.items()}
        assert ended[DISCONNECTED] == ("failed_terminal", "account_invalid")
        assert ended[CLOSED] == ("failed_terminal", "holder_closed")
        assert (await village.admin.contest(CONTEST))["progress"] == "PAID_OUT"
        book = await village.books()
        assert book[f"user:{DISCONNECTED}:available"] == -transfers[DISCONNECTED]["amount_cents"]
        assert book["suspense"] == -transfers[CLOSED]["amount_cents"]
        assert book[f"user:{CLOSED}:available"] == 0

    live(tmp_path, story, look_every_s=300)
