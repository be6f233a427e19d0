"""How netting groups and orders payouts, which steps its runs and entries may take, and how its report is written."""

from __future__ import annotations

import copy
import csv
import hashlib
from datetime import timedelta
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutline.engine.netting import (
    CSV_HEADER,
    ENTRY_STEPS,
    PAYOUTS_AN_ENTRY_MAX,
    RUN_STEPS,
    EntryStatus,
    Movement,
    ReportDigest,
    RunStatus,
    csv_lines,
    entry_id_of,
    plan_entries,
    run_id_of,
)
from tests.engine.driver import at

NOON = at("2026-04-13 12:00")


def movement(number: int, *, hours: float = 0, cents: int = 1000) -> Movement:
    return Movement(
        NOON + timedelta(hours=hours), f"po_{number:04d}", "paid" if cents > 0 else "returned", cents, number
    )


@pytest.mark.parametrize(("before", "after"), list(product(RunStatus, RunStatus)))
def test_a_run_goes_from_created_or_failed_to_running_and_from_there_to_applied_or_failed(
    before: RunStatus, after: RunStatus
) -> None:
    """NET-004, NET-006: the whole product; nothing leaves `applied`."""
    legal = {("created", "running"), ("failed", "running"), ("running", "applied"), ("running", "failed")}
    assert ((before, after) in RUN_STEPS) == ((before.value, after.value) in legal)


@pytest.mark.parametrize(("before", "after"), list(product(EntryStatus, EntryStatus)))
def test_an_entry_goes_from_pending_or_failed_to_applying_and_from_there_to_applied_or_failed(
    before: EntryStatus, after: EntryStatus
) -> None:
    """NET-005, NET-006: the whole product; nothing leaves `applied`."""
    legal = {("pending", "applying"), ("failed", "applying"), ("applying", "applied"), ("applying", "failed")}
    assert ((before, after) in ENTRY_STEPS) == ((before.value, after.value) in legal)


def test_a_runs_id_depends_on_its_key_and_an_entrys_on_its_run_and_group_alone() -> None:
    """NET-003: written down, so that no release changes them."""
    assert run_id_of("monday") == "9da0e3f1-1f16-5f04-8946-44bd0d4223c3"
    assert entry_id_of("r", "2026-04-13/0001") == "37348332-cf84-58bf-b34c-31e678bda7f5"
    assert len({entry_id_of(run, group) for run, group in product("rs", ("a", "b"))}) == 4


def test_each_utc_day_is_an_entry_of_its_own() -> None:
    """NET-003."""
    entries = plan_entries("r", [movement(1), movement(2, hours=11.99, cents=-300), movement(3, hours=12)])
    assert [(e.group_key, e.payout_count, e.amount_cents) for e in entries] == [
        ("2026-04-13/0001", 2, 700),
        ("2026-04-14/0001", 1, 1000),
    ]
    assert [e.entry_id for e in entries] == [entry_id_of("r", e.group_key) for e in entries]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 700)), max_size=6))
def test_grouping_divides_every_selection_without_rest_and_in_order(days: list[tuple[int, int]]) -> None:
    """NET-018: every payout is in one entry, no entry holds more than 500, and each holds one day."""
    movements = sorted(
        movement(number, hours=24 * day + number / 1000) for day, count in days for number in range(count)
    )
    entries = plan_entries("r", movements)
    assert entries == plan_entries("r", tuple(movements))
    assert sum(entry.payout_count for entry in entries) == len(movements)
    assert all(0 < entry.payout_count <= PAYOUTS_AN_ENTRY_MAX for entry in entries)
    assert all(one.group_key < two.group_key for one, two in pairwise(entries))
    place = 0
    for entry in entries:
        taken = movements[place : place + entry.payout_count]
        assert {str(one.finalized_at.date()) for one in taken} == {entry.group_key[:10]}
        assert sum(one.cents for one in taken) == entry.amount_cents
        place += entry.payout_count


def test_the_digest_of_a_report_is_the_sha256_of_its_csv() -> None:
    """NET-009."""
    movements = [movement(1), movement(2, cents=-300)]
    [entry] = plan_entries("r", movements)
    lines = csv_lines(entry, movements, "usd")
    digest = ReportDigest()
    assert digest.after(lines) == hashlib.sha256(CSV_HEADER + lines).hexdigest()
    assert digest == ReportDigest(), "looking ahead changes nothing"
    earlier = copy.deepcopy(digest)
    digest.take(lines)
    assert digest.after(b"") == hashlib.sha256(CSV_HEADER + lines).hexdigest()
    assert earlier == ReportDigest() != digest


def test_the_csv_is_read_by_any_reader() -> None:
    """NET-009."""
    movements = [movement(7, hours=1.5, cents=-300)]
    [entry] = plan_entries("r", movements)
    [row] = csv.DictReader((CSV_HEADER + csv_lines(entry, movements, "usd")).decode().splitlines())
    assert row == {
        "entry_id": entry.entry_id,
        "group_key": "2026-04-13/0001",
        "payout_id": "po_0007",
        "movement": "returned",
        "amount_cents": "-300",
        "currency": "usd",
        "finalized_at": "2026-04-13T13:30:00.000Z",
        "ledger_seq": "7",
    }
