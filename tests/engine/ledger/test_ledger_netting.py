"""Netting in the ledger: what a run takes, that it is posted once, and that it comes to the same after any crash."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutline.engine.decision import Rejected
from cutline.engine.errors import InvariantViolated, RejectCode
from cutline.engine.ledger.events import TransactionPosted
from cutline.engine.ledger.netting_events import NettingRunStarted
from cutline.engine.ledger.netting_state import follow
from cutline.engine.messages import (
    ApplyNettingEntry,
    CommandBroke,
    PostTransaction,
    RaiseAlert,
    ReadNettingReport,
    ReadNettingRun,
)
from cutline.engine.netting import RunStatus
from tests.engine.driver import types
from tests.engine.ledger.netted import KEY, START, Netting, asked, paid


@pytest.fixture
def netting() -> Netting:
    return Netting()


def netted(netting: Netting) -> dict[str, int]:
    """Return what each entry posted, by its key."""
    return {
        recorded.event.key: recorded.event.posting.legs[0][1]
        for recorded in netting.file.log
        if isinstance(recorded.event, TransactionPosted) and recorded.event.posting.kind == "netting"
    }


# Selection ----------------------------------------------------------------------------------------


def test_a_run_nets_what_was_paid_against_what_left_the_bank(netting: Netting) -> None:
    """NET-002, NET-003, NET-022: the clearing accounts end at zero, and each entry's posting carries its key."""
    netting.pay(1, 2, 3)
    assert (netting.balance("clearing:payouts"), netting.balance("clearing:bank")) == (-3000, 3000)
    run = netting.run()
    assert run.status is RunStatus.APPLIED
    assert (netting.balance("clearing:payouts"), netting.balance("clearing:bank")) == (0, 0)
    assert netted(netting) == {f"netting:entry:{run.created.entries[0].entry_id}": 3000}
    netting.file.assert_replays()


def test_a_payout_that_became_final_at_the_very_moment_is_selected_and_one_a_millisecond_later_is_not(
    netting: Netting,
) -> None:
    """NET-002: the boundary is inclusive."""
    netting.pay(1)
    boundary = netting.later(hours=1)
    netting.pay(2)
    netting.later(milliseconds=1)
    netting.pay(3)
    netting.run(selection_before=boundary)
    assert netting.payouts() == ["po_0001", "po_0002"]
    netting.run("rest")
    assert netting.payouts("rest") == ["po_0003"]


def test_payouts_are_taken_in_the_order_of_time_and_then_of_their_ids(netting: Netting) -> None:
    """NET-002: also where they were booked in another order within one moment."""
    netting.pay(5, 2, 9)
    netting.later(seconds=1)
    netting.pay(1)
    netting.run(limit=2)
    netting.pay(0)
    netting.run("rest")
    assert netting.payouts() == ["po_0002", "po_0005"]
    assert netting.payouts("rest") == ["po_0009", "po_0000", "po_0001"]


def test_currencies_are_netted_apart(netting: Netting) -> None:
    """NET-011."""
    netting.pay(1)
    netting.pay(2, currency="eur")
    netting.start()
    netting.run("euros", currency="eur")
    assert (netting.balance("clearing:payouts", "eur"), netting.payouts("euros")) == (0, ["po_0002"])
    assert netting.balance("clearing:payouts") == 0


def test_a_payout_that_came_back_is_netted_with_the_other_sign(netting: Netting) -> None:
    """NET-013: a payout nets once, and its return once."""
    netting.pay(1)
    netting.run()
    netting.later(days=3)
    netting.pay(1, returned=True)
    run = netting.run("return")
    assert run.created.total_cents == -1000
    assert netting.payouts("return") == ["-po_0001"]
    assert (netting.balance("clearing:payouts"), netting.balance("clearing:bank")) == (0, 0)
    netting.file.assert_replays()


def test_payouts_that_cancel_each_other_out_need_no_posting(netting: Netting) -> None:
    netting.pay(1)
    netting.pay(1, returned=True)
    run = netting.run()
    assert (run.status, run.created.stop - run.created.start, netted(netting)) == (RunStatus.APPLIED, 2, {})


def test_what_only_looks_like_a_payout_is_left_alone(netting: Netting) -> None:
    """NET-009: an id that a report could not hold is none of ours."""
    for number, effect in enumerate(("payout:=cmd|' /C calc':paid", "payout:a,b:paid", "other:po_1:paid")):
        post = paid(number)
        changed = PostTransaction(
            idempotency_key=effect,
            effect_key=effect,
            kind=post.kind,
            currency="usd",
            legs=post.legs,
            occurred_at=START,
        )
        netting.file.send(changed, netting.now)
    assert netting.run().created.entries == ()


# Replay and overlap -------------------------------------------------------------------------------


def test_the_same_key_and_request_is_the_same_run(netting: Netting) -> None:
    """NET-001, NET-018, NET-022."""
    netting.pay(1, 2)
    first = netting.start()
    netting.go_on()
    before = list(netting.file.log)
    assert netting.start() == {"run_id": first["run_id"], "deduped": True}
    assert netting.start(limit_default=7)["deduped"], "what an installation sets is no part of the request"
    assert netting.file.log == before


@pytest.mark.parametrize(("field", "value"), [("currency", "eur"), ("selection_before", START), ("limit", 5)])
def test_the_same_key_with_another_request_is_refused_by_the_name_of_the_field(
    netting: Netting, field: str, value: Any
) -> None:
    """NET-001, NET-007."""
    netting.pay(1)
    netting.run()
    refused = netting.file.refuse(asked(**{field: value}), netting.now)
    assert refused.code is RejectCode.IDEMPOTENCY_KEY_REUSED
    assert refused.details == {"idempotency_key": KEY, "field": field}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency", "dollars"),
        ("selection_before", START + timedelta(milliseconds=1)),
        ("selection_before", START.replace(tzinfo=None)),
        ("limit", 0),
        ("limit", 1_000_001),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused(netting: Netting, field: str, value: Any) -> None:
    """A selection up to a moment to come would not stay what it is."""
    refused = netting.file.refuse(asked(**{field: value}), netting.now)
    assert (refused.code, refused.details) == (RejectCode.REQUEST_INVALID, {"field": field})


def test_a_run_over_payouts_that_another_run_holds_is_refused(netting: Netting) -> None:
    """NET-020, NET-018: it takes no part of them and posts nothing."""
    netting.pay(1, 2)
    first = netting.start()
    netting.later(minutes=1)
    netting.pay(3)
    refused = netting.file.refuse(asked("second"), netting.now)
    assert refused.code is RejectCode.DUPLICATE_CONFLICT
    assert refused.details == {"run_id": first["run_id"], "status": "running", "currency": "usd"}
    netting.go_on()
    netting.run("second")
    assert netting.payouts("second") == ["po_0003"]


def test_a_run_that_ends_before_what_another_holds_is_no_conflict(netting: Netting) -> None:
    """NET-020: nothing overlaps."""
    before = netting.now - timedelta(hours=1)
    netting.pay(1)
    netting.start()
    netting.start("early", selection_before=before)
    assert netting.of("early").status is RunStatus.APPLIED
    assert netting.file.refuse(asked("second"), netting.now).code is RejectCode.DUPLICATE_CONFLICT


def test_a_run_with_nothing_to_do_is_a_named_noop(netting: Netting) -> None:
    """NET-021: candidate_count=0, nothing posted, and yet applied."""
    netting.pay(1)
    netting.run()
    posted = netted(netting)
    netting.start("again")
    reply = netting.file.decide(ReadNettingRun(run_id=netting.of("again").created.run_id), netting.now).reply
    assert (reply["status"], reply["result"], reply["candidate_count"]) == ("applied", "noop", 0)
    assert netted(netting) == posted
    assert netting.go_on() == 0
    netting.file.assert_replays()


# Steps --------------------------------------------------------------------------------------------


def many(netting: Netting, days: int = 4) -> None:
    """Pay on several days, so that a run has as many entries."""
    for day in range(days):
        netting.pay(2 * day, 2 * day + 1, cents=100 + day)
        netting.later(days=1)


def test_one_entry_is_applied_at_a_time_and_the_others_wait(netting: Netting) -> None:
    """NET-005."""
    many(netting)
    netting.start()
    run = netting.of()
    assert [run.entry_status(number) for number in range(4)] == ["applying", "pending", "pending", "pending"]
    netting.go_on(entries=2)
    assert [run.entry_status(number) for number in range(4)] == ["applied", "applied", "applying", "pending"]
    netting.go_on()
    assert [run.entry_status(number) for number in range(4)] == ["applied"] * 4


def test_an_entry_out_of_its_turn_is_refused_and_changes_nothing(netting: Netting) -> None:
    """NET-005, NET-006, NET-007: applied before, not yet its turn, or of a run that is done."""
    many(netting, days=3)
    netting.start()
    netting.go_on(entries=1)
    run = netting.of()
    run_id, before = run.created.run_id, len(netting.file.log)
    for entry in (run.created.entries[0], run.created.entries[2]):
        decision = netting.apply(run_id, entry.entry_id)
        assert isinstance(decision, Rejected)
        assert decision.code is RejectCode.INVALID_STATUS_TRANSITION
    assert len(netting.file.log) == before
    netting.go_on()
    for entry in run.created.entries:
        decision = netting.apply(run_id, entry.entry_id)
        assert isinstance(decision, Rejected)
        assert decision.details["run_status"] == "applied"
    unknown = netting.apply("nowhere", "nothing")
    assert isinstance(unknown, Rejected)
    assert unknown.code is RejectCode.NOT_FOUND


def test_an_applied_run_cannot_be_started_again_even_by_its_log(netting: Netting) -> None:
    """NET-006: folding such an event is a bug, and named as one."""
    netting.pay(1)
    run = netting.run()
    recorded = netting.file.log[-1]
    again = type(recorded)(
        seq=recorded.seq + 1,
        at=recorded.at,
        cause="",
        event=NettingRunStarted(run_id=run.created.run_id, attempt=2),
        hash=b"",
    )
    with pytest.raises(InvariantViolated, match="cannot become running"):
        follow(netting.file.state.netting, again)


def test_a_foreign_posting_under_an_entrys_key_fails_the_run_and_posts_nothing(netting: Netting) -> None:
    """NET-007, NET-008: fail closed, with an alert and the runbook."""
    many(netting, days=2)
    netting.start()
    entry = netting.of().created.entries[1]
    legs = (("clearing:payouts", 1), ("clearing:bank", -1))
    foreign = PostTransaction(
        idempotency_key="theirs",
        effect_key=f"netting:entry:{entry.entry_id}",
        kind="other",
        currency="usd",
        legs=legs,
        occurred_at=START,
    )
    netting.file.send(foreign, netting.now)
    netting.go_on()
    run = netting.of()
    assert (run.status, run.failure and run.failure["code"]) == (RunStatus.FAILED, "DUPLICATE_CONFLICT")
    assert len(netted(netting)) == 1
    [alert] = [effect for effect in netting.file.effects if isinstance(effect, RaiseAlert)]
    assert (alert.name, alert.runbook) == ("netting_run_failed", "runbooks/netting-run-failed.md")
    assert netting.file.refuse(asked("second"), netting.now).details["status"] == "failed"
    netting.file.assert_replays()


def test_no_request_from_outside_can_use_a_key_of_netting(netting: Netting) -> None:
    """NET-008."""
    post = PostTransaction(
        idempotency_key="netting:entry:1",
        effect_key="mine",
        kind="other",
        currency="usd",
        legs=(("clearing:payouts", 1), ("clearing:bank", -1)),
        occurred_at=START,
    )
    assert netting.file.refuse(post, netting.now).details == {"field": "idempotency_key"}


def test_an_entry_that_a_bug_breaks_fails_the_run_until_its_key_is_sent_again(netting: Netting) -> None:
    """NET-004, NET-005, NET-008: what was applied stays applied, and the rest follows."""
    clean = Netting()
    many(clean)
    expected = clean.run()
    many(netting)
    netting.start()
    netting.go_on(entries=1)
    run = netting.of()
    entry = run.created.entries[1]
    broken = ApplyNettingEntry(run_id=run.created.run_id, entry_id=entry.entry_id)
    command = CommandBroke(command=broken, code=RejectCode.INTERNAL_FAULT, reason="ValueError in somewhere")
    assert types(netting.file.send(command, netting.now)) == ["NettingEntryFailed"]
    assert netting.file.send(command, netting.now) == [], "it fails once"
    netting.file.effects.clear()
    run = netting.of()
    assert (run.status, run.entry_status(1)) == (RunStatus.FAILED, "failed")
    assert netting.crashed().go_on() == 0, "a restart does not try again by itself"
    assert netting.start()["deduped"]
    run = netting.of()
    assert (run.status, run.entry_status(1), run.attempt, run.failure) == (RunStatus.RUNNING, "applying", 2, None)
    netting.go_on()
    assert netting.of().artifact_sha256 == expected.artifact_sha256
    assert netted(netting) == netted(clean)
    netting.file.assert_replays()


# Crashes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entries", range(5))
def test_a_run_that_dies_at_any_entry_comes_to_the_same_as_one_that_does_not(entries: int) -> None:
    """NET-008, NET-018: the message of the entry under way may also arrive twice."""
    clean = Netting()
    many(clean)
    expected = clean.run()
    netting = Netting()
    many(netting)
    netting.start()
    netting.go_on(entries=entries)
    late = list(netting.file.effects)
    again = netting.crashed()
    again.file.effects += late
    again.go_on()
    assert again.of().artifact_sha256 == expected.artifact_sha256
    assert netted(again) == netted(clean)
    assert again.file.state.books == clean.file.state.books
    again.file.assert_replays()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("pay"), st.integers(0, 30)),
            st.tuples(st.just("return"), st.integers(0, 30)),
            st.tuples(st.just("run"), st.integers(1, 4)),
            st.tuples(st.just("wait"), st.integers(1, 40)),
            st.tuples(st.just("apply"), st.integers(1, 3)),
            st.tuples(st.just("crash"), st.just(0)),
        ),
        max_size=40,
    )
)
def test_whatever_happens_every_payout_nets_once(story: list[tuple[str, int]]) -> None:
    """NET-008, NET-013, NET-018: after a last run, clearing is empty and each movement was taken by one run."""
    netting, done = Netting(), set[tuple[str, int]]()
    netting.file.pure = False
    for number, (what, amount) in enumerate(story):
        if what in ("pay", "return") and (what, amount) not in done and (what == "pay" or ("pay", amount) in done):
            done.add((what, amount))
            netting.pay(amount, cents=100 + amount, returned=what == "return")
        elif what == "run" and "usd" not in netting.file.state.netting.active:
            netting.start(f"run-{number}", limit=amount)
        elif what == "wait":
            netting.later(hours=amount)
        elif what == "apply":
            netting.go_on(entries=amount)
        elif what == "crash":
            netting = netting.crashed()
            netting.file.pure = False
    netting.go_on()
    netting.run("last")
    assert (netting.balance("clearing:payouts"), netting.balance("clearing:bank")) == (0, 0)
    runs = netting.file.state.netting.runs.values()
    assert all(run.status is RunStatus.APPLIED for run in runs)
    taken = [name for run in runs for name in netting.payouts(run.created.idempotency_key)]
    assert sorted(taken) == sorted(f"{'-' if what == 'return' else ''}po_{number:04d}" for what, number in done)
    netting.file.assert_replays()


# The report ---------------------------------------------------------------------------------------


def test_a_run_that_is_not_applied_has_no_report(netting: Netting) -> None:
    netting.pay(1)
    run_id = netting.start()["run_id"]
    refused = netting.file.refuse(ReadNettingReport(run_id=run_id), netting.now)
    assert (refused.code, refused.details["status"]) == (RejectCode.NETTING_NOT_APPLIED, "running")
    for unknown in (ReadNettingReport(run_id="x"), ReadNettingRun(run_id="x")):
        assert netting.file.refuse(unknown, netting.now).code is RejectCode.NOT_FOUND
