"""A restored box hears all that Stripe still has to say before it sends money anywhere (FAULTS O3)."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

from cutline.simulation.emulators.stripe.faults import ApiFault
from cutline.storage.files import DataRoot
from tests.api.village import CONTEST, Village, live
from tests.http.standin import ANNA, BERT

SOON = timedelta(minutes=2)
NOT_REPLICATED = ("boot_epoch", "engine.lock", "keys")


async def restored(village: Village, data: Path, replica: Path) -> None:
    """Let the box die, and start another one from what the replica held."""
    await village.box.crash()
    shutil.rmtree(data)
    shutil.copytree(replica, data, ignore=shutil.ignore_patterns(*NOT_REPLICATED))
    await village.box.boot()


def test_what_the_lost_box_had_acknowledged_is_heard_again(tmp_path: Path) -> None:
    """Stripe believes delivered what the replica never had; only a list of everything brings it back."""
    data, replica = tmp_path / "data", tmp_path / "replica"

    async def story(village: Village) -> None:
        await village.found()
        entry, intent = await village.enter(ANNA)
        await village.wait(SOON)
        shutil.copytree(data, replica)
        village.stripe.pay_intent(intent)
        await village.wait(SOON)
        assert await village.entry(entry) == "ACTIVE"
        await restored(village, data, replica)
        assert DataRoot(data).is_restored
        await village.wait(SOON)
        assert await village.entry(entry) == "ACTIVE"
        assert not DataRoot(data).is_restored
        await village.box.crash()
        await village.box.boot()
        assert not DataRoot(data).is_restored, "the next start is an ordinary one"
        await village.wait(SOON)

    live(data, story)


def test_no_refund_leaves_a_restored_box_before_stripe_has_said_everything(tmp_path: Path) -> None:
    """Also not after another restart in between; afterwards what was held back is made, once."""
    data, replica = tmp_path / "data", tmp_path / "replica"

    async def story(village: Village) -> None:
        await village.found()
        _, intent = await village.enter(ANNA)
        _, other = await village.enter(BERT)
        for one in (intent, other):
            village.stripe.pay_intent(one)
        await village.wait(SOON)
        village.stripe.faults.add(ApiFault(kind="drop_before_commit", times=1_000_000))
        await village.admin.cancel_contest(CONTEST, "a rehearsal")
        await village.wait(SOON)
        shutil.copytree(data, replica)
        await restored(village, data, replica)
        village.stripe.faults.clear()
        village.stripe.faults.add(ApiFault(kind="error_500", operation="events.list", times=1_000_000))
        await village.wait(timedelta(hours=1))
        assert not village.refunds()
        await village.box.crash()
        await village.box.boot()
        await village.wait(timedelta(hours=1))
        assert DataRoot(data).is_restored
        assert not village.refunds()
        village.stripe.faults.clear()
        await village.wait(timedelta(minutes=30))
        assert village.refunds() == {intent: 1, other: 1}

    live(data, story)


def test_an_ordinary_start_holds_nothing_back(tmp_path: Path) -> None:
    data = tmp_path / "data"

    async def story(village: Village) -> None:
        village.stripe.faults.add(ApiFault(kind="error_500", operation="events.list", times=1_000_000))
        await village.found()
        entry, intent = await village.enter(ANNA)
        village.stripe.pay_intent(intent)
        await village.wait(SOON)
        await village.box.crash()
        await village.box.boot()
        await village.client(ANNA).withdraw(CONTEST, entry)
        await village.wait(SOON)
        assert village.refunds() == {intent: 1}

    live(data, story)
