"""Events whose posting breaks, from the webhook to the books, over real sockets and real files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cutline.actors.jobs import SteppedScheduler, install
from cutline.http.client import ApiRefused
from cutline.storage.verify import verify_root
from tests.http.bank import Bank, bank_with_stripe, payment, until
from tests.http.standin import ANNA, LEDGER_KEY, bearer, token

OUTBOX = "SELECT event_id, status, attempts, settlement_id FROM stripe_webhook_outbox ORDER BY event_id"
NOTHING = {"attempted": 0, "forwarded": 0, "failed": 0}
HELD = {"attempted": 1, "forwarded": 1, "failed": 0}
FAILED = {"attempted": 1, "forwarded": 0, "failed": 1}


@pytest.fixture
async def bank(tmp_path: Path, session: aiohttp.ClientSession) -> AsyncIterator[Bank]:
    async with bank_with_stripe(tmp_path, session) as bank:
        yield bank


def count(bank: Bank, table: str) -> int:
    return int(bank.rows(f"SELECT count(*) FROM {table}")[0][0])  # the tables are named below


@pytest.mark.parametrize("where", ["breaks_deciding", "breaks_folding"])
async def test_fail_first_then_retry_then_replay_credits_1234_once(bank: Bank, where: str) -> None:
    """FWD-001, FWD-002, FWD-008 to FWD-013, FWD-015, FWD-017, PAY-014: whether judging breaks or writing."""
    async with bank.open():
        getattr(bank.ledger, where).add("evt_1")
        status, answer = await bank.deliver(payment())
        assert (status, answer["error"]["code"]) == (502, "LEDGER_INGEST_FAILED")
        details = answer["error"]["details"]
        assert (details["retry_scheduled"], details["ledger_status"]) == (True, 500)
        assert datetime.fromisoformat(details["next_retry_at"]) > datetime.now(UTC)
        assert (count(bank, "stripe_events"), count(bank, "transactions")) == (1, 0)
        assert bank.rows(OUTBOX) == [("evt_1", "pending", 1, None)]

        assert await bank.service.retry_forwarding() == NOTHING
        assert await bank.service.retry_forwarding(force=True) == FAILED
        getattr(bank.ledger, where).clear()
        assert await bank.service.retry_forwarding(force=True) == HELD
        assert await bank.service.retry_forwarding(force=True) == NOTHING
        assert bank.rows(OUTBOX) == [("evt_1", "forwarded", 3, "pi:pi_evt_1:succeeded")]
        [(error,)] = bank.rows("SELECT last_error FROM stripe_webhook_outbox")
        assert "ValueError in" in error

        status, answer = await bank.deliver(payment())
        assert (status, answer["deduped"], answer["forwarded_to_ledger"]) == (200, True, True)
        assert (await bank.books.account("did:u"))["available"] == 1234
        [settlement] = await bank.books.settlements("pi_evt_1")
        assert (settlement["status"], settlement["amount_cents"]) == ("confirmed", 1234)
    assert verify_root(bank.root).problems == ()


async def test_a_broken_event_harms_no_neighbour(bank: Bank) -> None:
    """FWD-014, PAY-049: neighbours of one batch are answered by their own merits."""
    async with bank.open():
        bank.ledger.breaks_folding.add("evt_5")
        answers = await asyncio.gather(*(bank.deliver(payment(f"evt_{n}", cents=100)) for n in range(10)))
        assert sorted(status for status, _ in answers) == [200] * 9 + [502]
        assert (await bank.books.account("did:u"))["available"] == 900
        assert (count(bank, "stripe_events"), count(bank, "transactions")) == (10, 9)
    assert verify_root(bank.root).problems == ()


async def test_retries_redeliveries_and_the_schedule_may_race(bank: Bank) -> None:
    """FWD-014, G-20: one posting."""
    async with bank.open():
        bank.ledger.breaks_deciding.add("evt_1")
        await bank.deliver(payment())
        bank.ledger.breaks_deciding.clear()
        for _ in range(3):
            bank.run_job("retry-forwarding")
        retries = [bank.service.retry_forwarding(force=True) for _ in range(8)]
        answers = await asyncio.gather(*retries, *(bank.deliver(payment()) for _ in range(8)))
        assert {answer["failed"] for answer in answers[:8] if isinstance(answer, dict)} == {0}
        assert (count(bank, "transactions"), count(bank, "stripe_events")) == (1, 1)
        assert (await bank.books.account("did:u"))["available"] == 1234
        assert (await bank.deliver(payment()))[1]["deduped"] is True
    assert verify_root(bank.root).problems == ()


async def test_what_is_pending_survives_a_restart(bank: Bank) -> None:
    """FWD-019: nothing of the outbox lives in memory alone."""
    async with bank.open():
        bank.ledger.breaks_deciding.add("evt_1")
        await bank.deliver(payment())
    bank.ledger.breaks_deciding.clear()
    async with bank.open():
        assert (await bank.deliver(payment()))[0] == 502
        assert await bank.service.retry_forwarding(force=True, event_id="evt_other") == NOTHING
        assert await bank.service.retry_forwarding(force=True, event_id="evt_1") == HELD
    assert verify_root(bank.root).problems == ()


async def test_the_retry_door_opens_to_its_key_and_takes_only_its_controls(bank: Bank) -> None:
    """FWD-005, FWD-006, FWD-007."""
    path = "/v1/stripe/forwarding/retry"

    async def post(headers: dict[str, str], body: Any) -> int:
        async with bank.session.post(bank.url + path, json=body, headers=headers) as response:
            return response.status

    async with bank.open():
        assert await post({}, {}) == 401
        assert await post({"x-admin-key": "another"}, {}) == 401
        assert await post({"x-admin-key": LEDGER_KEY}, {}) == 403
        assert await post(bearer(token(ANNA)), {}) == 403
        good = {"x-admin-key": "settle-key-of-the-tests"}
        assert await post(good, {}) == 200
        wrongs: tuple[dict[str, Any], ...] = (
            {"limit": 0},
            {"limit": 1001},
            {"limit": "5"},
            {"force": 1},
            {"events": []},
        )
        for wrong in wrongs:
            assert await post(good, wrong) == 400


async def test_the_outbox_is_retried_at_even_minutes(bank: Bank) -> None:
    """FWD-004: like the cron line */2, for intervals count from a round time."""
    async with bank.open():
        scheduler = SteppedScheduler()
        install(scheduler, bank.system.jobs())
    [job] = [job for job in scheduler.get_jobs() if job.id == "retry-forwarding"]
    at = job.trigger.get_next_fire_time(None, datetime(2026, 4, 9, 12, 1, 30, tzinfo=UTC))
    assert at == datetime(2026, 4, 9, 12, 2, tzinfo=UTC)
    assert job.trigger.get_next_fire_time(at, at) == datetime(2026, 4, 9, 12, 4, tzinfo=UTC)


async def test_the_outbox_can_be_watched(bank: Bank) -> None:
    """FWD-020."""
    async with bank.open():
        bank.ledger.breaks_deciding.add("evt_1")
        await bank.deliver(payment())
        async with bank.session.get(f"{bank.url}/metrics") as response:
            page = await response.text()
    assert 'cutline_outbox_events{status="pending"} 1.0' in page
    assert "cutline_outbox_oldest_age_seconds" in page


async def test_an_outside_settlement_comes_through_its_own_door(bank: Bank) -> None:
    """LED-001, LED-002, LED-003, FWD-018."""
    async with bank.open(ledger_ingest_day_cap_cents=2000):
        given = await bank.books.ingest_settlement("till-7", "did:u", 1234, "usd", idempotency_key="k1")
        assert (given["settlement_id"], given["status"], given["deduped"]) == ("ingest:till-7", "confirmed", False)
        again = await bank.books.ingest_settlement("till-7", "did:u", 1234, "usd", idempotency_key="k1")
        assert again == {**given, "deduped": True}
        account = await bank.books.account("did:u")
        assert (account["available"], account["held"]) == (1234, 0)
        [found] = await bank.books.settlements("till-7")
        assert found["status"] == "confirmed"
        for client, code in [(bank.service, "FORBIDDEN"), (bank.client(token(ANNA)), "FORBIDDEN")]:
            with pytest.raises(ApiRefused, match=code):
                await client.ingest_settlement("till-8", "did:u", 1, "usd", idempotency_key="k2")
        with pytest.raises(ApiRefused, match="422 INGEST_CAP_EXCEEDED"):
            await bank.books.ingest_settlement("till-8", "did:u", 767, "usd", idempotency_key="k2")
        with pytest.raises(ApiRefused, match="404 NOT_FOUND"):
            await bank.books.settlements("till-8")
        balances = await bank.books.trial_balance()
        assert (balances["clearing:provider"], sum(balances.values())) == (1234, 0)
    assert verify_root(bank.root).problems == ()


async def test_an_ingest_takes_its_key_from_the_body_or_the_header_but_not_two(bank: Bank) -> None:
    """G-16."""
    body = {"provider_reference": "till-7", "account_did": "did:u", "amount_cents": 5, "currency": "usd"}

    async def post(content: dict[str, Any], **headers: str) -> tuple[int, str | None]:
        url = f"{bank.url}/v1/payments/settlements/ingest"
        async with bank.session.post(url, json=content, headers=bearer(LEDGER_KEY) | headers) as response:
            return response.status, (await response.json()).get("error", {}).get("code")

    async with bank.open():
        assert await post(body) == (400, "IDEMPOTENCY_KEY_REQUIRED")
        assert await post({**body, "idempotency_key": "a"}, **{"Idempotency-Key": "b"}) == (400, "REQUEST_INVALID")
        assert await post({**body, "idempotency_key": "a"}) == (201, None)
        assert await post(body, **{"Idempotency-Key": "a"}) == (200, None)
        assert await post({**body, "amount_cents": 6}, **{"Idempotency-Key": "a"}) == (409, "IDEMPOTENCY_KEY_REUSED")
        assert await post({**body, "amount_cents": 5.0}, **{"Idempotency-Key": "c"}) == (400, "REQUEST_INVALID")


async def test_the_platforms_funds_are_read_and_shown(bank: Bank) -> None:
    """What could be asked for today stands beside what Stripe has available."""
    async with bank.open():
        await bank.deliver(payment())

        async def page() -> str:
            async with bank.session.get(f"{bank.url}/metrics") as response:
                return await response.text()

        from cutline.actors.mailbox import Tell
        from cutline.engine.messages import PlatformBalanceRead

        bank.system.send("ledger", Tell(PlatformBalanceRead(balances=(("usd", 1000, 50),)), "test"))
        shown = await until(page, lambda text: "cutline_platform_owed_cents{" in text)
    assert 'cutline_platform_available_cents{currency="usd"} 1000.0' in shown
    assert 'cutline_platform_pending_cents{currency="usd"} 50.0' in shown
    assert 'cutline_platform_owed_cents{currency="usd"} 1234.0' in shown
