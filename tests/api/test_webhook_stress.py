"""Many deliveries of one event at once: every one answered in time, one row, one posting (PAY-046 to PAY-050)."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

import aiohttp
import orjson
import pytest
from structlog.testing import capture_logs

from cutline.storage.verify import verify_root
from tests.http.town import CONTEST, FEE_CENTS, Town, body_of, open_town

ANSWERED_WITHIN_S = 20.0

pytestmark = pytest.mark.usefixtures("one_at_a_time", "loud_logs")


async def stress(town: Town, deliveries: int) -> None:
    """Deliver one payment so many times at once, over so many connections, while an entrant keeps entering."""
    await town.found()
    entry_id, intent = await town.enter()
    town.stripe.pay_intent(intent)
    [event] = town.events("payment_intent.succeeded")
    body = body_of(event)
    connector = aiohttp.TCPConnector(limit=0)
    with capture_logs() as lines:
        async with aiohttp.ClientSession(connector=connector) as crowd, asyncio.timeout(ANSWERED_WITHIN_S):
            town.session, own = crowd, town.session
            entering = asyncio.ensure_future(town.enter(key="in-between"))
            answers = await asyncio.gather(*(town.deliver(body) for _ in range(deliveries)))
            entered = await entering
            town.session = own
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            await town.settle()  # every mailbox drains
    assert {answer.status for answer in answers} == {200}
    assert sum(not answer.body["deduped"] for answer in answers) == 1
    assert {answer.body["outcome"] for answer in answers} == {"posted"}
    assert "locked" not in repr(lines)
    assert [line for line in lines if line["log_level"] in ("warning", "error", "critical")] == []
    assert town.count(f"stripe_events WHERE event_id = '{event['id']}'") == 1
    assert town.count(f"transactions WHERE effect_key = 'pi:{intent}:succeeded'") == 1
    assert (await town.books.trial_balance())[f"pot:{CONTEST}"] == -FEE_CENTS
    assert (await town.status(entry_id), await town.status(entered[0])) == ("ACTIVE", "PENDING_PAYMENT")
    async with asyncio.timeout(ANSWERED_WITHIN_S):
        await town.settle()  # an actor that has just answered is busy for a moment more
    assert not verify_root(town.data).problems


async def test_50_deliveries_at_once(town: Town) -> None:
    """PAY-046."""
    await stress(town, 50)


async def test_100_deliveries_at_once(town: Town) -> None:
    """PAY-047."""
    await stress(town, 100)


@pytest.mark.skipif(os.environ.get("SKIP_STRESS_TESTS") == "true", reason="SKIP_STRESS_TESTS=true (PAY-048, PAY-050)")
async def test_500_deliveries_at_once(town: Town) -> None:
    """PAY-048; the engine's limit of questions at once lies above it (A10)."""
    await stress(town, 500)


async def test_a_flood_beyond_the_limit_is_refused_by_name_and_nothing_is_lost(tmp_path: Path) -> None:
    """A10: what is refused is a 503 that Stripe repeats, and the repeated event is recorded once."""
    bodies = [
        orjson.dumps(
            {
                "id": f"evt_{number}",
                "object": "event",
                "api_version": None,
                "created": 1_775_000_000,
                "livemode": False,
                "type": "customer.created",
                "data": {"object": {"id": f"cus_{number}"}},
            }
        )
        for number in range(60)
    ]
    async with open_town(tmp_path / "data", cutline_asks_max=8) as town:
        answers = await asyncio.gather(*(town.deliver(body) for body in bodies))
        refused = [answer for answer in answers if answer.status != 200]
        assert {(answer.status, answer.code) for answer in refused} == {(503, "MAILBOX_FULL")}
        left = bodies
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            while left:
                answers = await asyncio.gather(*(town.deliver(body) for body in left))
                left = [body for body, answer in zip(left, answers, strict=True) if answer.status != 200]
        assert town.count("stripe_events") == len(bodies)


def test_stress_tests_run_one_at_a_time(one_at_a_time: Path) -> None:
    """PAY-051: whoever else of this run wants to start, in this process or another, waits."""
    with one_at_a_time.open("w") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
