"""Money in that stands still is found, shown, and given back at a word (PAY-041, PAY-042)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from cutline.http.addresses import entry_id_of
from cutline.simulation.emulators.stripe.calls import Call
from cutline.simulation.emulators.stripe.faults import ApiFault
from cutline.simulation.emulators.stripe.payment_intents import create
from cutline.simulation.machine import ENGINE_HOST
from cutline.simulation.production import token_for
from tests.api.village import CONTEST, FEE_CENTS, START, Village, live
from tests.http.standin import ANNA

SOON = timedelta(minutes=2)
A_DAY = timedelta(hours=25)
ADMIN = ("admin", "ops")


async def ask(village: Village, method: str, path: str, scopes: tuple[str, ...] = ADMIN) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token_for('ada', list(scopes))}"}
    async with village.session.request(method, f"http://{ENGINE_HOST}{path}", headers=headers) as response:
        return response.status, await response.json()


async def undeliverable(village: Village) -> float:
    """Return how many owed messages find no file, as the metrics say."""
    headers = {"Authorization": f"Bearer {token_for('ada', list(ADMIN))}"}
    async with village.session.get(f"http://{ENGINE_HOST}/metrics", headers=headers) as response:
        [line] = [line for line in (await response.text()).splitlines() if line.startswith("cutline_undeliverable ")]
    return float(line.split()[1])


def foreign_fee(village: Village, contest_id: str, entry_id: str = "ghost-entry") -> str:
    """Let somebody pay an intent that names a contest of ours, and that we have not made."""
    platform = village.stripe.platform
    platform.begin()
    metadata = {
        "purpose": "contest_entry_fee",
        "contest_id": contest_id,
        "entry_id": entry_id,
        "account_did": ANNA,
        "fee_cents": str(FEE_CENTS),
        "currency": "usd",
    }
    made = create(platform, Call(parameters={"amount": str(FEE_CENTS), "currency": "usd", "metadata": metadata}))
    village.stripe.pay_intent(made["id"])
    return str(made["id"])


def test_a_fee_for_an_unknown_contest_is_shown_after_a_day_and_given_back_once(tmp_path: Path) -> None:
    """A contest that exists decides for itself, and refuses a fee for an entry that it does not know at once."""

    async def story(village: Village) -> None:
        await village.found()
        _, paid = await village.enter(ANNA)
        village.stripe.pay_intent(paid)
        intent, misnamed = foreign_fee(village, "ghost-open-1"), foreign_fee(village, CONTEST)
        await village.wait(SOON)
        assert (await village.balances())["escrow:ghost-open-1"] == -FEE_CENTS
        status, body = await ask(village, "POST", f"/v1/payments/fees/{intent}/return")
        assert (status, body["error"]["code"]) == (409, "FEE_NOT_STRANDED"), "its contest may still come"
        assert (await ask(village, "GET", "/v1/payments/fees/ops/stranded"))[1]["fees"] == []
        await village.wait(A_DAY)
        _, listed = await ask(village, "GET", "/v1/payments/fees/ops/stranded")
        [fee] = listed["fees"]
        assert (fee["payment_intent"], fee["contest_id"], fee["amount_cents"]) == (intent, "ghost-open-1", FEE_CENTS)
        status, body = await ask(village, "POST", f"/v1/payments/fees/{intent}/return")
        assert (status, body["deduped"]) == (200, False)
        await village.wait(SOON)
        status, body = await ask(village, "POST", f"/v1/payments/fees/{intent}/return")
        assert (status, body["deduped"]) == (200, True)
        await village.wait(SOON)
        assert village.refunds() == {misnamed: 1, intent: 1}
        for other, answer in ((paid, 409), (misnamed, 200), ("pi_nobody", 404)):
            assert (await ask(village, "POST", f"/v1/payments/fees/{other}/return"))[0] == answer
        assert village.refunds() == {misnamed: 1, intent: 1}
        assert not {"escrow:ghost-open-1", "refunds:ghost-open-1"} & (await village.balances()).keys()
        assert (await ask(village, "GET", "/v1/payments/fees/ops/stranded"))[1]["fees"] == []

    live(tmp_path, story, look_every_s=300)


def test_a_contest_that_comes_after_its_fee_went_back_lets_nobody_play_for_it(tmp_path: Path) -> None:
    """I1, I4: the entry has the very id that the fee names. No word of it is owed to the contest any more."""

    async def story(village: Village) -> None:
        intent = foreign_fee(village, CONTEST, entry_id_of(CONTEST, ANNA, "one"))
        await village.wait(A_DAY)
        assert await undeliverable(village) == 1
        assert (await ask(village, "POST", f"/v1/payments/fees/{intent}/return"))[0] == 200
        await village.wait(timedelta(minutes=15))
        assert await undeliverable(village) == 0
        await village.found(lock_at=START + timedelta(days=3))
        entry_id, ours = await village.enter(ANNA)
        await village.wait(SOON)
        assert await village.entry(entry_id) == "PENDING_PAYMENT"
        village.stripe.pay_intent(ours)
        await village.wait(SOON)
        assert await village.entry(entry_id) == "ACTIVE"
        assert (await village.balances())[f"pot:{CONTEST}"] == -FEE_CENTS
        await village.box.crash()
        await village.box.boot()
        await village.wait(A_DAY)
        assert await village.entry(entry_id) == "ACTIVE"
        assert village.refunds() == {intent: 1}
        assert await undeliverable(village) == 0

    live(tmp_path, story, look_every_s=60)


def test_an_intent_that_cannot_be_cancelled_is_listed_until_it_can(tmp_path: Path) -> None:
    """PAY-041."""

    async def story(village: Village) -> None:
        await village.found()
        _, intent = await village.enter(ANNA)
        village.stripe.faults.add(ApiFault(kind="drop_before_commit", operation="payment_intents.cancel", times=10_000))
        path = "/v1/payments/intents/ops/orphaned"
        assert (await ask(village, "GET", path))[1] == {"older_than_minutes": 1440, "intents": []}
        await village.wait(timedelta(hours=2))
        _, listed = await ask(village, "GET", f"{path}?older_than_minutes=60")
        assert [(one["payment_intent"], one["status"]) for one in listed["intents"]] == [(intent, "canceling")]
        assert (await ask(village, "GET", f"{path}?older_than_minutes=9999999"))[1]["intents"] == []
        village.stripe.faults.clear()
        await village.wait(timedelta(minutes=20))
        assert (await ask(village, "GET", f"{path}?older_than_minutes=0"))[1]["intents"] == []

    live(tmp_path, story, look_every_s=300)


def test_only_a_number_of_minutes_is_taken_and_only_from_staff(tmp_path: Path) -> None:
    async def story(village: Village) -> None:
        for path in ("/v1/payments/intents/ops/orphaned", "/v1/payments/fees/ops/stranded"):
            for given in ("-1", "1.5", "ten", "99999999", "%D9%A1", ""):
                status, body = await ask(village, "GET", f"{path}?older_than_minutes={given}")
                assert (status, body["error"]["code"]) == (400, "REQUEST_INVALID")
            assert (await ask(village, "GET", path, ("entrant",)))[0] == 403
        assert (await ask(village, "POST", "/v1/payments/fees/pi_1/return", ("ops",)))[0] == 403

    live(tmp_path, story)
