"""Days held against Stripe, and the daily report of payouts, by an engine that lives through them."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from cutline.simulation.emulators.stripe.faults import ApiFault
from cutline.simulation.machine import ENGINE_HOST
from cutline.simulation.production import token_for
from tests.api.village import CONTEST, START, Village, live
from tests.http.standin import ANNA, BERT

SOON = timedelta(minutes=2)
A_DAY = timedelta(days=1)
DAY = START.date().isoformat()
URL = f"http://{ENGINE_HOST}/v1/reconciliation"


async def get(village: Village, path: str, *scopes: str) -> Any:
    headers = {"Authorization": f"Bearer {token_for('ada', list(scopes or ('admin',)))}"}
    async with village.session.get(f"{URL}/{path}", headers=headers) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def compare_again(village: Village, day: str) -> Any:
    headers = {"Authorization": f"Bearer {token_for('olga', ['ops'])}"}
    async with village.session.post(f"{URL}/stripe/days", json={"date": day}, headers=headers) as response:
        assert response.status == 202, await response.text()
        await village.wait(SOON)
        return await get(village, f"stripe/days/{day}", "ops")


def lived(data: Path, story: Callable[[Village], Awaitable[None]]) -> None:
    """Let days pass with few looks at the clock: nothing here is due by the minute."""
    live(data, story, look_every_s=300)


async def busy_day(village: Village) -> None:
    """Fees, a refund, one from outside that comes back, a dispute that is lost and one that is won."""
    await village.found(max_entries_per_user=9)
    charges = []
    for number, did in enumerate((ANNA, BERT, BERT, "did:c")):
        entry, intent = await village.enter(did, str(number))
        charges.append(village.stripe.pay_intent(intent)["latest_charge"])
        await village.wait(SOON)
    await village.client("did:c").refund(CONTEST, entry)
    lost, won = village.stripe.open_dispute(charges[0]), village.stripe.open_dispute(charges[1])
    await village.wait(SOON)
    village.stripe.decide_dispute(lost["id"], "lost")
    village.stripe.decide_dispute(won["id"], "won")
    await village.wait(SOON)


def test_a_busy_day_agrees_with_stripe_by_itself_and_a_quiet_one_too(tmp_path: Path) -> None:
    """LED-016, LED-017, REC-008: nobody asks; every fee, refund and dispute is found on both sides."""

    async def story(village: Village) -> None:
        await busy_day(village)
        await village.wait(3 * A_DAY)
        listed = await get(village, "stripe/days", "ops")
        days = {day["day"]: day["differences_found"] for day in listed["days"]}
        assert listed["open_differences"] == 0
        assert set(days.values()) == {0}
        assert len(days) >= 3
        day = await get(village, f"stripe/days/{DAY}", "ops")
        assert day["stripe_items"] == 9  # top-up, 4 fees, refund, 2 withdrawals, 1 reinstatement
        assert day["ledger_lines"] == 9 + 4, "each fee of Stripe's is a line of its own"
        assert [total["stripe_cents"] for total in day["totals"]] == [day["totals"][0]["ledger_cents"]]

    lived(tmp_path, story)


def test_what_stripe_or_the_books_lack_is_named(tmp_path: Path) -> None:
    """REC-008: a missing and an extra item, an unknown type, another amount; the next days compare again."""

    async def story(village: Village) -> None:
        await busy_day(village)
        platform = village.stripe.platform
        rows = {row["type"]: row for row in platform.balance_transactions.values() if row["type"] != "charge"}
        refund = rows["refund"]
        forged = dict(refund, id="txn_forged", source="re_forged")
        platform.balance_transactions["txn_forged"] = forged
        platform.owners["txn_forged"] = platform.owners[refund["id"]]
        del platform.balance_transactions[refund["id"]]
        strange = dict(rows["topup"], id="txn_strange", type="payout", amount=-5, net=-5)
        platform.balance_transactions["txn_strange"] = strange
        platform.owners["txn_strange"] = platform.owners[refund["id"]]
        rows["adjustment"]["amount"] += 1
        await village.wait(2 * A_DAY)
        day = await get(village, f"stripe/days/{DAY}", "ops")
        assert [(one["kind"], one["subject"]) for one in day["differences"]][1:] == [
            ("missing_at_stripe", f"refund:{refund['source']}:succeeded"),
            ("missing_in_ledger", "refund:re_forged:succeeded"),
            ("type_unknown", "txn_strange"),
        ]
        assert day["differences"][0]["kind"] == "amount_differs"
        assert (await get(village, "stripe/days", "ops"))["open_differences"] == 4
        assert day["run"] >= 2, "a day that differs is compared again"

        del platform.balance_transactions["txn_forged"], platform.balance_transactions["txn_strange"]
        platform.balance_transactions[refund["id"]] = refund
        rows["adjustment"]["amount"] -= 1
        mended = await compare_again(village, DAY)
        assert (mended["differences_found"], mended["run"]) == (0, day["run"] + 1)

    lived(tmp_path, story)


def test_a_day_is_compared_once_stripe_answers_and_only_when_it_is_over(tmp_path: Path) -> None:
    """Two days without Stripe delay the comparison and lose none; fees that were not listed yet mend the day after."""

    async def story(village: Village) -> None:
        await busy_day(village)
        headers = {"Authorization": f"Bearer {token_for('olga', ['ops'])}"}
        for day, status in ((DAY, 409), ("2026-02-30", 400), ("today", 400)):
            async with village.session.post(f"{URL}/stripe/days", json={"date": day}, headers=headers) as response:
                assert response.status == status
        async with village.session.get(f"{URL}/stripe/days/{DAY}", headers=headers) as response:
            assert response.status == 404
        faults = village.stripe.faults
        faults.add(ApiFault(kind="error_500", operation="balance_transactions.list", times=1_000_000))
        await village.wait(2 * A_DAY)
        listed = await get(village, "stripe/days", "ops")
        assert [day["differences_found"] for day in listed["days"] if day["day"] == DAY] == [None]
        faults.clear()
        await village.wait(timedelta(hours=2))
        assert (await get(village, f"stripe/days/{DAY}", "ops"))["differences_found"] is not None
        await village.wait(A_DAY)
        listed = await get(village, "stripe/days", "ops")
        assert {day["differences_found"] for day in listed["days"]} == {0}
        assert len({day["day"] for day in listed["days"]}) >= 4

    lived(tmp_path, story)


def test_the_daily_report_has_one_hash_in_header_json_and_csv_and_never_changes(tmp_path: Path) -> None:
    """REC-001 to REC-006, POUT-022: three requests, on different days, give the same bytes."""

    async def story(village: Village) -> None:
        await busy_day(village)
        admin = {"Authorization": f"Bearer {token_for('ada', ['admin'])}"}
        query = f"{URL}/payouts/daily?date={DAY}"
        assert (await get(village, f"payouts/daily?date={DAY}"))["complete"] is False
        await village.wait(A_DAY)
        seen = set()
        for _ in range(3):
            async with village.session.get(f"{query}&format=csv", headers=admin) as response:
                content = await response.read()
                assert response.content_type == "text/csv"
                header = response.headers["x-clawsettle-report-sha256"]
            async with village.session.get(query, headers=admin) as response:
                report = await response.json()
                assert response.headers["x-clawsettle-report-sha256"] == report["artifact_sha256"]
            assert hashlib.sha256(content).hexdigest() == header == report["artifact_sha256"]
            assert report["complete"] is True
            assert report["clearing_did"] == "did:internal:clearing:payouts"
            seen.add(content)
            await village.wait(A_DAY)
        assert len(seen) == 1
        booked = {row["id"]: row for row in report["ledger"] if row["section"] == "posted"}
        assert (booked["entry_payment"]["count"], booked["dispute_created"]["count"]) == (4, 2)
        for wrong in ("", "?date=yesterday", "?date=2026-04-31", f"?date={DAY}&format=pdf"):
            async with village.session.get(f"{URL}/payouts/daily{wrong}", headers=admin) as response:
                assert response.status == 400, wrong
        ops = {"Authorization": f"Bearer {token_for('olga', ['ops'])}"}
        async with village.session.get(query, headers=ops) as response:
            assert response.status == 403

    lived(tmp_path, story)
