"""`serve` told to stop while requests are under way: what was answered is kept, and the process ends with 0."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import orjson

from cutline.simulation.emulators.stripe.webhooks import sign
from cutline.storage.files import DataRoot, kind_of
from cutline.storage.sqlite import open_reader
from cutline.storage.verify import verify_root
from tests.commands.test_serving import ENVIRONMENT, serving

SENDERS = 16
BEFORE_SIGTERM_S = 0.5


def _event(event_id: str) -> bytes:
    return orjson.dumps(
        {
            "id": event_id,
            "object": "event",
            "type": "charge.updated",
            "api_version": "2026-10-28.endive",
            "created": int(datetime.now(UTC).timestamp()),
            "livemode": False,
            "data": {"object": {"id": "ch_1", "object": "charge"}},
        }
    )


async def _send_until_refused(session: aiohttp.ClientSession, url: str, sender: int, accepted: set[str]) -> None:
    for number in range(100_000):
        event_id = f"evt_{sender}_{number}"
        body = _event(event_id)
        signature = sign(body, (ENVIRONMENT["STRIPE_WEBHOOK_SECRET"],), datetime.now(UTC))
        headers = {"Content-Type": "application/json", "Stripe-Signature": signature}
        try:
            async with session.post(f"{url}/v1/stripe/webhook", data=body, headers=headers) as answer:
                assert answer.status in (200, 503), await answer.text()
                if answer.status == 503:
                    return
                accepted.add(event_id)
        except aiohttp.ClientConnectionError:
            return


async def _stop_under_load(engine: subprocess.Popen[str], url: str) -> set[str]:
    accepted: set[str] = set()
    async with aiohttp.ClientSession() as session:
        senders = [_send_until_refused(session, url, number, accepted) for number in range(SENDERS)]
        sending = asyncio.gather(*senders)
        await asyncio.sleep(BEFORE_SIGTERM_S)
        engine.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await sending
    return accepted


def test_sigterm_among_requests_keeps_all_that_was_answered_and_ends_with_0(tmp_path: Path) -> None:
    """Decide, commit, then act: a 200 means that the event is in the file, also while the engine drains."""
    data = tmp_path / "data"
    with serving(data) as (engine, url):
        accepted = asyncio.run(_stop_under_load(engine, url))
        assert engine.wait(timeout=30) == 0
    assert len(accepted) >= SENDERS
    with closing(open_reader(DataRoot(data).path_of("ledger"), kind_of("ledger"))) as ledger:
        kept = {row[0] for row in ledger.execute("SELECT event_id FROM stripe_events")}
    assert accepted <= kept
    assert verify_root(data).ok
