"""A contest with a thousand winners pays itself out in virtual time, on a bad line, and reconciles to the cent."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from cutline.engine import tournament
from cutline.simulation.emulators.stripe.faults import ApiFault
from cutline.simulation.stage import masters_toml
from tests.api.village import Village, live

pytestmark = pytest.mark.slow

CONTEST = "masters-2026"
WINNERS = 1_000
ENTRIES_EACH = 4
EACH_WAY = WINNERS // 20
FEE_CENTS = 2_500
NET_POT_CENTS = WINNERS * FEE_CENTS * 9 // 10
TO_BANK = 60
PLACES = """places = [
  { from = 1, to = 100, percent = 0.25 },
  { from = 101, to = 500, percent = 0.1 },
  { from = 501, to = 1000, percent = 0.07 },
]"""
CLOSED = {"type": "invalid_request_error", "code": "account_closed", "message": "The account is closed."}


def everyone_wins() -> str:
    """The Masters, with a prize for each of a thousand entries."""
    toml = re.sub(r"^places = \[.*?^\]", PLACES, masters_toml(), flags=re.MULTILINE | re.DOTALL)
    toml = re.sub(r"^min_made_cut = \d+", "min_made_cut = 0", toml, flags=re.MULTILINE)
    toml = re.sub(r"^max_entries = \d+", "max_entries = 1000", toml, flags=re.MULTILINE)
    return re.sub(r"^max_entries_per_user = \d+", f"max_entries_per_user = {ENTRIES_EACH}", toml, flags=re.MULTILINE)


class Crowd:
    """People who enter four times each, pay, and open their accounts in time."""

    def __init__(self, village: Village, terms: Any) -> None:
        self.village = village
        self.terms = terms
        self.chance = Random(4)
        self.entries: list[str] = []
        self.accounts: dict[str, str] = {}

    async def live(self, number: int) -> None:
        did = f"did:player:{number:04d}"
        await self.village.wait(timedelta(seconds=30 * number))
        for place in range(ENTRIES_EACH):
            await self.enter(did, f"entry-{place}")
        account = await self.village.client(did).onboard()
        self.village.stripe.set_account(account["stripe_account_id"], transfers="active")
        self.accounts[did] = account["stripe_account_id"]

    async def enter(self, did: str, key: str) -> None:
        tiers = self.terms.roster.tiers
        picks = [player for tier in tiers for player in self.chance.sample(list(tier.players), tier.pick)]
        client = self.village.client(did)
        entered = await client.enter(CONTEST, picks, self.chance.randrange(-18, -4), idempotency_key=key)
        intent = await client.intent(CONTEST, entered["entry_id"])
        self.village.stripe.pay_intent(intent["payment_intent"], "pm_card_visa")
        self.entries.append(entered["entry_id"])

    def spoil_the_line(self) -> list[str]:
        """Lose the answers of one transfer in ten, half of them with their effect; refuse one in twenty for good.

        Returns the entries whose transfers are refused.
        """
        chosen = self.chance.sample(sorted(self.entries), 3 * EACH_WAY)
        for place, entry_id in enumerate(chosen):
            fault: dict[str, Any] = {"operation": "transfers.create", "metadata": {"entry_id": entry_id}}
            match place // EACH_WAY:
                case 0:
                    fault["kind"] = "drop_before_commit"
                case 1:
                    fault["kind"] = "drop_after_commit"
                case _:
                    fault |= {"kind": "answer", "http_status": 400, "error": CLOSED}
            self.village.stripe.faults.add(ApiFault(**fault))
        return chosen[2 * EACH_WAY :]

    async def pay_to_bank(self, did: str, cents: int) -> str:
        paid = await self.village.client(did).pay_out(cents, "usd", idempotency_key="to-my-bank")
        return str(paid["payout_id"])


def balances_at_stripe(village: Village, account: str | None = None) -> int:
    """Return what the platform, or a connected account, has at Stripe, available or not, in cents."""
    platform = village.stripe.platform
    owner = account or "platform"
    return int(platform.available[owner, "usd"] + platform.pending[owner, "usd"])


async def reconciled(village: Village, crowd: Crowd) -> dict[str, int]:
    """Compare the books with Stripe's own, account by account; return the books."""
    await village.wait(timedelta(hours=3))  # the hourly reading of fees is over
    book = await village.books()
    assert sum(book.values()) == 0
    assert book["stripe:platform"] == balances_at_stripe(village)
    for did, account in crowd.accounts.items():
        assert book.get(f"stripe:connected:{did}", 0) == balances_at_stripe(village, account)
    return book


async def story(village: Village) -> None:
    terms = tournament.load(everyone_wins())
    await village.admin.publish_config(everyone_wins())
    await village.admin.create_contest(CONTEST, terms.id)
    crowd = Crowd(village, terms)
    await village.wait_until(terms.entry.lock_at - timedelta(hours=6))
    await asyncio.gather(*(crowd.live(number) for number in range(WINNERS // ENTRIES_EACH)))
    unpayable = crowd.spoil_the_line()

    await village.wait_until(terms.event.ends_at + timedelta(hours=36))
    contest = await village.admin.contest(CONTEST)
    assert (contest["status"], contest["progress"]) == ("COMPLETE", "PAID_OUT")
    transfers = await village.admin.transfers(CONTEST)
    assert Counter(one["status"] for one in transfers) == {"completed": WINNERS - EACH_WAY, "failed_terminal": EACH_WAY}
    assert sum(one["amount_cents"] for one in transfers) == NET_POT_CENTS
    failed = [one for one in transfers if one["status"] == "failed_terminal"]
    assert sorted(one["entry_id"] for one in failed) == sorted(unpayable)
    assert {one["reason"] for one in failed} == {"account_closed"}
    made = Counter(one["metadata"]["entry_id"] for one in village.stripe.state.transfers)
    assert (len(made), max(made.values())) == (WINNERS - EACH_WAY, 1)
    prizes, lacking = Counter[str](), Counter[str]()
    for one in transfers:
        prizes[one["account_did"]] += one["amount_cents"]
    for one in failed:
        lacking[one["account_did"]] += one["amount_cents"]
    book = await reconciled(village, crowd)
    for did, cents in prizes.items():
        assert book[f"user:{did}:available"] == -cents, "the debt lasts until the bank has paid"
        assert book.get(f"stripe:connected:{did}", 0) == cents - lacking[did]

    await banks_are_paid(village, crowd, prizes, lacking)


async def banks_are_paid(village: Village, crowd: Crowd, prizes: Counter[str], lacking: Counter[str]) -> None:
    """Those with a failed transfer, and some others, ask for all their money; some banks send it back days later."""
    others = [did for did in sorted(prizes) if did not in lacking]
    asking = [*sorted(lacking), *others][:TO_BANK]
    payouts = {did: await crowd.pay_to_bank(did, prizes[did]) for did in asking}
    await village.wait(timedelta(hours=1))
    returned = asking[:: len(asking) // 5]
    by_payout = {one["metadata"]["payout_id"]: one["id"] for one in village.stripe.state.payouts}
    assert by_payout.keys() == set(payouts.values())
    for did in asking:
        assert (await village.client(did).payout(payouts[did]))["transfer_cents"] == lacking[did]
    await village.wait(timedelta(days=3))
    for did in returned:
        village.stripe.fail_payout(by_payout[payouts[did]], "no_account")
    await village.wait(timedelta(hours=1))
    page = await village.admin.payouts(from_="2026-04-01", to="2027-01-01", limit=200)
    statuses = {one["account_did"]: one["status"] for one in page["payouts"]}
    assert statuses == {did: "failed" if did in returned else "paid" for did in asking}
    assert (await village.admin.stuck_payouts(1), page["next_cursor"]) == ([], None)
    book = await reconciled(village, crowd)
    for did, cents in prizes.items():
        paid = statuses.get(did) == "paid"
        assert book.get(f"user:{did}:available", 0) == (0 if paid else -cents)
        assert book.get(f"user:{did}:held", 0) == 0
    at_bank_cents = sum(prizes[did] for did in asking if did not in returned)
    assert (book["clearing:bank"], book["clearing:payouts"]) == (at_bank_cents, -at_bank_cents)


def test_a_thousand_winners_are_paid_by_the_clock_alone_and_every_cent_is_accounted_for(tmp_path: Path) -> None:
    """POUT-029, POUT-031, POUT-040, POUT-049, LIFE-007."""
    live(tmp_path, story, look_every_s=300)


def test_the_terms_of_this_story_are_what_it_says() -> None:
    terms = tournament.load(everyone_wins())
    assert sum((row.last - row.first + 1) * (row.percent or 0) for row in terms.prizes.places) == 100
    assert terms.entry.lock_at > datetime(2026, 4, 1, tzinfo=UTC)
