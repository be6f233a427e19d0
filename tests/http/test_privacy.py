"""What Stripe says of people lies sealed in one table and nowhere else, and a month of it can be forgotten."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import freezegun
import pytest
from typer.testing import CliRunner

from cutline.cli import app
from cutline.commands.output import CommandFailed
from cutline.logs import configure_logs
from cutline.storage.files import DataRoot
from cutline.storage.verify import verify_root
from tests.http.bank import Bank, bank_with_stripe, payment

MARKER = "Marmaduke-Featherstonehaugh"


@pytest.fixture
async def bank(tmp_path: Path, session: aiohttp.ClientSession) -> AsyncIterator[Bank]:
    async with bank_with_stripe(tmp_path, session) as bank:
        yield bank


@pytest.fixture
def all_logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that the engine would write to its log, as it would write it."""
    written = io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr("sys.stderr", written)
        configure_logs("debug")
    yield written
    configure_logs("critical")


def marked(event_id: str, **different: Any) -> bytes:
    """A payment whose body names a person in many places."""
    body = json.loads(payment(event_id))
    intent = body["data"]["object"]
    intent |= {"description": MARKER, "receipt_email": f"{MARKER}@example.com", "shipping": {"name": MARKER}}
    intent["metadata"]["note"] = MARKER
    intent |= different.pop("intent", {})
    return json.dumps({**body, **different}).encode()


async def test_a_marker_in_every_kind_of_event_is_found_nowhere_but_in_sealed_bodies(
    bank: Bank, all_logs: io.StringIO
) -> None:
    """PAY-038, PAY-039: posted, broken in two ways, given up, suspended, unreadable, quarantined, refused, no event."""
    bodies = (
        marked("evt_1"),
        marked("evt_2"),
        marked("evt_3"),
        marked("evt_4", intent={"metadata": {"note": MARKER}}),
        marked("evt_5", intent={"amount": MARKER}),
        marked("evt_1", api_version="other"),
        marked("evt_6", livemode=True),
        marked("evt_7", created=MARKER),
        marked("evt_8", type="customer.created"),
    )
    async with bank.open():
        bank.ledger.breaks_deciding.add("evt_2")
        bank.ledger.breaks_folding.add("evt_3")
        answers = [await bank.deliver(body) for body in bodies]
        for _ in range(12):
            await bank.service.retry_forwarding(force=True)
        async with bank.session.get(f"{bank.url}/metrics") as response:
            page = await response.text()
        assert bank.rows("SELECT status, count(*) FROM stripe_webhook_outbox GROUP BY status") == [("failed", 2)]
    assert [status for status, _ in answers] == [200, 502, 502, 200, 200, 200, 422, 400, 200]
    logged = all_logs.getvalue()
    assert "command_broke" in logged
    assert MARKER not in logged
    assert MARKER not in page
    assert MARKER not in repr(answers)
    for path in sorted(bank.root.rglob("*")):
        assert not path.is_file() or MARKER.encode() not in path.read_bytes(), path
    lines = [json.loads(line) for line in logged.splitlines() if '"stripe_webhook"' in line]
    assert len(lines) == len(answers)
    for line in lines:
        assert set(line) == {"event", "level", "timestamp", "event_id", "duration_ms", "result"}
    assert verify_root(bank.root).problems == ()


async def test_a_wrong_livemode_leaves_a_dead_letter_and_no_event(bank: Bank) -> None:
    """PAY-018, PAY-019, PAY-020 (C-11)."""
    async with bank.open():
        for _ in range(2):
            status, answer = await bank.deliver(payment("evt_live", livemode=True))
            assert (status, answer["error"]["code"]) == (422, "LIVEMODE_MISMATCH")
            assert answer["error"]["details"] == {"expected_livemode": False}
        letters = bank.rows("SELECT stripe_event_id, event_type, failure_class FROM stripe_webhook_dead_letters")
        assert letters == [("evt_live", "payment_intent.succeeded", "LIVEMODE_MISMATCH")]
        for table in ("stripe_events", "outbox_attempts", "transactions"):
            assert bank.rows(f"SELECT count(*) FROM {table}") == [(0,)]  # three names from this line's loop


def forget(root: Path, month: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["forget", "--month", month, "--data", str(root), "--json"])
    failure = result.exception
    if isinstance(failure, CommandFailed):
        return failure.exit_code, str(failure)
    return result.exit_code, result.output


async def test_a_forgotten_month_is_unreadable_and_breaks_no_chain(bank: Bank) -> None:
    """PAY-039: the keys of the month go, every other body and every figure stays."""
    with freezegun.freeze_time("2026-03-31 23:59:00", real_asyncio=True):
        async with bank.open():
            await bank.deliver(payment("evt_march"))
    with freezegun.freeze_time("2026-04-02 00:00:00", real_asyncio=True):
        async with bank.open():
            await bank.deliver(payment("evt_april"))
    code, said = forget(bank.root, "2026-03")
    assert (code, json.loads(said)["month"], len(json.loads(said)["keys_destroyed"])) == (0, "2026-03", 1)
    assert [path.name[:7] for path in (bank.root / "keys").iterdir()] == ["2026-04"]
    assert json.loads(forget(bank.root, "2026-03")[1])["keys_destroyed"] == []
    report = verify_root(bank.root)
    assert report.problems == ()
    async with bank.open():
        assert (await bank.books.account("did:u"))["available"] == 2468
        assert (await bank.deliver(payment("evt_march")))[1]["deduped"] is True
    assert verify_root(bank.root).problems == ()


async def test_a_month_is_not_forgotten_while_it_lasts_or_its_events_wait(bank: Bank) -> None:
    """An event that is not in the books needs its body; only a force of hand could lose it."""
    with freezegun.freeze_time("2026-03-31 23:59:00", real_asyncio=True):
        async with bank.open():
            bank.ledger.breaks_deciding.add("evt_1")
            await bank.deliver(payment())
            code, said = forget(bank.root, "2026-03")
            assert (code, "is not over" in said) == (2, True)
    for month in ("2026-3", "2026-13", "202603", "../keys"):
        assert forget(bank.root, month)[0] == 2
    code, said = forget(bank.root, "2026-03")
    assert (code, "evt_1" in said) == (1, True)
    assert len(list((bank.root / "keys").iterdir())) == 1


async def test_an_event_whose_key_is_gone_goes_to_a_person(bank: Bank) -> None:
    """A box restored without its keys: what it cannot read again it does not keep trying."""
    async with bank.open():
        bank.ledger.breaks_deciding.add("evt_1")
        await bank.deliver(payment())
        for key in (DataRoot(bank.root).path / "keys").iterdir():
            key.unlink()
        assert await bank.service.retry_forwarding(force=True) == {"attempted": 1, "forwarded": 0, "failed": 1}
        assert bank.rows("SELECT failure_class FROM stripe_webhook_dead_letters") == [("BODY_FORGOTTEN",)]
        assert (await bank.deliver(payment()))[0] == 200, "Stripe need not send it again"
