"""The typed rows and views that a played contest leaves say what happened, for whoever reads the files with SQL."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pysqlite3

from tests.storage.verify.staging import box
from tests.storage.verify.tampering import path_of

CONTEST = "contest/open-1"


def rows(root: Path, address: str, query: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(pysqlite3.connect(f"{path_of(root, address).as_uri()}?mode=ro", uri=True)) as connection:
        return list(connection.execute(query).fetchall())


def test_a_contests_views_show_its_life_to_the_last_prize(root: Path) -> None:
    """LIFE-008, LIFE-012: transitions with actor and reason; SETTLED and PAID_OUT are derived."""
    edges = rows(root, CONTEST, "SELECT from_status, to_status, trigger, actor FROM transitions ORDER BY seq")
    assert edges == [
        ("SCHEDULED", "LOCKED", "LOCK_TIME", "scheduler"),
        ("LOCKED", "LIVE", "START", "scheduler"),
        ("LIVE", "COMPLETE", "FINAL_STATUS", "scheduler"),
    ]
    steps = rows(root, CONTEST, "SELECT step FROM contest_progress ORDER BY seq")
    assert [step for (step,) in steps] == ["LOCKED", "LIVE", "COMPLETE", "SETTLED", "PAID_OUT"]
    ((contest_id, config_id),) = rows(root, CONTEST, "SELECT contest_id, config ->> 'id' FROM contest_config")
    assert (contest_id, config_id) == ("open-1", "small-open")


def test_ingestion_events_are_numbered_without_a_gap(root: Path) -> None:
    numbers = [number for (number,) in rows(root, CONTEST, "SELECT number FROM ingestion_events ORDER BY number")]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 30


def test_a_contest_that_is_not_settled_is_not_paid_out(root: Path) -> None:
    assert rows(root, "contest/open-2", "SELECT * FROM contest_progress") == []


def test_a_contest_without_winners_to_pay_is_paid_out_once_it_is_settled(tmp_path: Path) -> None:
    with box(tmp_path / "data") as made:
        made.create("open-1")
        made.play_out("open-1")
    steps = rows(tmp_path / "data", CONTEST, "SELECT step FROM contest_progress ORDER BY seq")
    assert [step for (step,) in steps][-2:] == ["SETTLED", "PAID_OUT"]


def test_payments_rows_hold_every_call_and_every_change(root: Path) -> None:
    """PAY-030: the exact parameters are there before the call."""
    assert rows(root, "payments", "SELECT count(*) FROM payment_intents") == [(8,)]
    assert rows(root, "payments", "SELECT count(*) FROM refunds") == [(1,)]
    gone = "SELECT status FROM payment_events WHERE subject = 'payment:intent:open-1:late' ORDER BY id"
    assert [status for (status,) in rows(root, "payments", gone)] == [
        "planned",
        "attempt_started",
        "created",
        "cancel_requested",
        "canceled",
    ]
    ((key, parameters),) = rows(
        root,
        "payments",
        "SELECT stripe_idempotency_key, parameters FROM payment_attempts WHERE operation = 'create_refund'",
    )
    asked = json.loads(parameters)
    assert key == f"payment:refund:{asked['payment_intent']}"
    assert asked["metadata"]["entry_id"] == "gone"


def test_payout_rows_hold_the_whole_life_of_a_transfer(root: Path) -> None:
    """POUT-036: every change with its time, actor and reason."""
    life = "SELECT status, actor FROM payout_audit_events WHERE subject = 'payout:transfer:open-1:e2' ORDER BY id"
    assert rows(root, "payouts", life) == [
        ("pending", "ledger"),
        ("lock_requested", "payouts"),
        ("locked", "ledger"),
        ("attempt_started", "payouts"),
        ("completed", "stripe"),
    ]
    assert rows(root, "payouts", "SELECT count(*) FROM payout_connect_accounts") == [(6,)]
    transfers = rows(root, "payouts", "SELECT sum(amount_cents), count(*) FROM payout_transfers")
    assert transfers == [(5706, 4)]


def test_governance_rows_tell_planned_from_created(root: Path) -> None:
    facts = rows(root, "governance", "SELECT contest_id, fact FROM contest_directory ORDER BY id")
    assert facts == [("open-1", "planned"), ("open-1", "created"), ("open-2", "planned"), ("open-2", "created")]
    assert rows(root, "governance", "SELECT config_id, version FROM config_publications") == [("small-open", 1)]


def test_another_body_under_a_known_event_is_kept(tmp_path: Path) -> None:
    """PAY-012: quarantined bodies are kept, sealed, and verify like the others."""
    with box(tmp_path / "data") as made:
        made.stripe_says("evt_1", "customer.created", {"id": "cus_1"})
        made.stripe_says("evt_1", "customer.created", {"id": "cus_2"})
    query = "SELECT event_id, key_month FROM stripe_events_quarantined"
    assert rows(tmp_path / "data", "ledger", query) == [("evt_1", "2026-04")]
