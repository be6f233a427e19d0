"""A settled contest whose messages are lost is noticed, and its winners are paid once when they come through."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cutline.actors.directory import Directory
from cutline.actors.mailbox import Delivery, Envelope
from cutline.engine import tournament
from cutline.engine.decision import Address
from cutline.engine.messages import PayWinners, PostSettlement
from cutline.simulation.machine import ENGINE_HOST
from cutline.simulation.production import token_for
from cutline.simulation.stage import masters_toml
from tests.api.village import Village, live

CONTEST = "masters-2026"
WINNERS = ("did:anna", "did:bert", "did:cleo")
THRESHOLD = timedelta(minutes=30)
"""What this installation says, which is the default."""
NEXT_TICK = timedelta(minutes=4)
"""What is owed is sent again at every second minute, if it has waited for a minute."""
AN_HOUR = timedelta(hours=1)
"""In each there is one look for what stands still."""


class BadPost:
    """The line between files, on which some kinds of messages are lost until it is mended."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.loses: tuple[type, ...] = ()
        self.lost = 0
        send = Directory.send

        def carry(directory: Directory, to: Address, envelope: Envelope) -> None:
            if isinstance(envelope, Delivery) and isinstance(envelope.message, self.loses):
                self.lost += 1
            else:
                send(directory, to, envelope)

        patch.setattr(Directory, "send", carry)


async def play(village: Village, did: str, terms: Any, place: int) -> None:
    """Enter, pay, and be able to be paid."""
    picks = [player for tier in terms.roster.tiers for player in tier.players[place : place + tier.pick]]
    client = village.client(did)
    entered = await client.enter(CONTEST, picks, place - 10, idempotency_key="one")
    intent = await client.intent(CONTEST, entered["entry_id"])
    village.stripe.pay_intent(intent["payment_intent"], "pm_card_visa")
    account = await client.onboard()
    village.stripe.set_account(account["stripe_account_id"], transfers="active")


async def alerts(village: Village) -> int:
    """Return how often the alert was raised since the start, as the metrics say."""
    headers = {"Authorization": f"Bearer {token_for('ada', ['admin'])}"}
    async with village.session.get(f"http://{ENGINE_HOST}/metrics", headers=headers) as response:
        lines = (await response.text()).splitlines()
    name = 'cutline_alerts_total{name="payouts_untriggered"} '
    return sum(int(float(line.removeprefix(name))) for line in lines if line.startswith(name))


async def settled(village: Village) -> datetime:
    """Wait until the contest has settled; return when it did."""
    while (last := (await village.admin.progress(CONTEST))[-1])["step"] != "SETTLED":
        await village.wait(timedelta(minutes=5))
    return datetime.fromisoformat(last["at"])


@pytest.mark.slow
def test_a_settled_contest_that_nobody_pays_is_listed_and_the_next_tick_pays_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """POUT-042, POUT-050, LIFE-007: first the ledger does not hear of it, then payouts do not."""
    post = BadPost(monkeypatch)

    async def story(village: Village) -> None:
        terms = tournament.load(masters_toml())
        await village.admin.publish_config(masters_toml())
        await village.admin.create_contest(CONTEST, terms.id)
        await village.wait_until(terms.entry.lock_at - timedelta(hours=6))
        for place, did in enumerate(WINNERS):
            await play(village, did, terms, place)
        await village.wait_until(terms.event.ends_at - timedelta(hours=1))
        assert await village.admin.untriggered_payouts(1) == []

        post.loses = (PostSettlement, PayWinners)
        since = await settled(village)
        await village.wait_until(since + THRESHOLD - timedelta(minutes=1))
        assert await village.admin.untriggered_payouts() == []
        await village.wait_until(since + THRESHOLD)
        [waiting] = await village.admin.untriggered_payouts()
        assert waiting == {
            "contest_id": CONTEST,
            "settled_at": waiting["settled_at"],
            "prizes": 3,
            "waits_for": "ledger",
        }
        assert datetime.fromisoformat(waiting["settled_at"]) == since
        await village.wait(AN_HOUR)
        assert await alerts(village) == 1

        post.loses = (PayWinners,)
        await village.wait(NEXT_TICK)
        assert [one["waits_for"] for one in await village.admin.untriggered_payouts()] == ["payouts"]
        await village.box.crash()
        await village.box.boot()
        await village.wait(AN_HOUR)
        assert [one["waits_for"] for one in await village.admin.untriggered_payouts()] == ["payouts"]
        assert await alerts(village) == 1, "since the new start"
        assert [*await village.admin.transfers(CONTEST), *village.stripe.state.transfers] == []

        post.loses = ()
        assert post.lost > 10
        await village.wait(NEXT_TICK)
        assert await village.admin.untriggered_payouts(1) == []
        paid = await village.admin.transfers(CONTEST)
        assert [one["status"] for one in paid] == ["completed"] * len(WINNERS)
        await village.wait(timedelta(days=1))
        made = [one["metadata"]["entry_id"] for one in village.stripe.state.transfers]
        assert sorted(made) == sorted(one["entry_id"] for one in paid)
        assert (await village.admin.contest(CONTEST))["progress"] == "PAID_OUT"
        assert await alerts(village) == 1

    live(tmp_path, story, look_every_s=300)
