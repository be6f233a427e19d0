"""What people ask of a contest's lifecycle: force it to lock, let it go on after an ERROR, read its steps."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cutline.engine.contest.lifecycle import Status
from cutline.engine.decision import Rejected
from cutline.engine.messages import (
    CancelContest,
    CancelIntent,
    DeclareContestError,
    ForceLock,
    RaiseAlert,
    ReadContest,
    ReadProgress,
    RecordAnchor,
    RecoverContest,
    WinningsPaid,
    WinningsUnpayable,
)
from tests.engine.contest.play import BEFORE, END, FIELD, LOCK, Play, adopt, enter
from tests.engine.driver import minutes, types

FORCE = ForceLock(actor="admin:ada", reason="the lock failed", runbook="contest_lock_failed 1.0.0", execution_id="x1")
RECOVER = RecoverContest(actor="admin:ada", reason="mended", runbook="contest_in_error 1.1.0", execution_id="x2")
CANCEL = CancelContest(actor="admin:ada", reason="storm")
FAULT = DeclareContestError(actor="ops", reason="feed", runbook="runbooks/contest-in-error.md")
FIXED = {
    "entry.rake_percent": 0,
    "prizes": {"basis": "fixed", "places": [{"from": 1, "to": 1, "cents": 1500}]},
}


def alerts(play: Play) -> list[RaiseAlert]:
    return [effect for effect in play.contest.effects if isinstance(effect, RaiseAlert)]


def test_a_forced_lock_is_a_lock_by_a_person() -> None:
    """LIFE-020, RB-003: the unpaid go, the head is anchored, and the row names the admin, the runbook and why."""
    play = Play()
    play.enter_and_pay("e1")
    play.contest.send(enter("e2"), BEFORE)
    expired, changed = play.contest.send(FORCE, BEFORE)
    assert types([expired, changed]) == ["EntryExpired", "StatusChanged"]
    assert (changed.actor, changed.reason, changed.execution_id) == ("admin:ada", "the lock failed", "x1")
    assert (changed.trigger, changed.runbook) == ("COMMAND", "contest_lock_failed 1.0.0")
    assert [m.entry_id for m in play.contest.messages(CancelIntent)] == ["e2"]
    assert [m.reason for m in play.contest.messages(RecordAnchor)] == ["locked"]
    assert play.contest.refuse(enter("e3"), BEFORE).code == "CONTEST_LOCKED"
    play.contest.send(ReadContest(), BEFORE)
    assert play.contest.reply["transitions"][0]["execution_id"] == "x1"
    play.contest.assert_replays()


def test_the_same_execution_forces_a_lock_once() -> None:
    play = Play()
    play.contest.send(FORCE, BEFORE)
    assert play.contest.send(FORCE, BEFORE) == []
    assert play.contest.reply == {"status": "LOCKED", "deduped": True}


def test_a_contest_that_was_locked_by_force_starts_and_is_settled_as_any_other() -> None:
    play = Play()
    play.enter_and_pay("e1")
    play.serve(BEFORE + minutes(5), FIELD, "scheduled")
    play.contest.send(FORCE, BEFORE + minutes(6))
    assert play.contest.look(LOCK - minutes(1)) == []
    play.contest.look(LOCK)
    assert play.status == "LIVE"


def test_a_pot_that_is_short_is_not_locked_by_force() -> None:
    """SET-019: what cannot be paid out is not begun."""
    play = Play(FIXED)
    play.enter_and_pay("e1")
    (refused,) = play.contest.send(FORCE, BEFORE)
    assert types([refused]) == ["TransitionRefused"]
    assert isinstance(play.contest.reply, Rejected)
    assert play.status == "SCHEDULED"


def test_an_error_ends_where_it_began_within_an_execution() -> None:
    """LIFE-010."""
    play = Play()
    play.contest.send(FAULT, BEFORE)
    (changed,) = play.contest.send(RECOVER, BEFORE)
    assert (changed.to_status, changed.execution_id, changed.runbook) == ("SCHEDULED", "x2", "contest_in_error 1.1.0")
    assert play.contest.send(RECOVER, BEFORE) == []
    assert play.contest.reply["deduped"]
    play.contest.assert_replays()


def test_an_error_and_a_refused_transition_are_told_to_whoever_watches() -> None:
    """LIFE-010, LIFE-021: by name, with the step and the runbook."""
    play = Play()
    play.contest.send(FAULT, BEFORE)
    play.contest.send(FORCE, BEFORE)
    error, refused = alerts(play)
    assert (error.name, error.runbook) == ("contest_in_error", "runbooks/contest-in-error.md")
    assert (refused.name, refused.runbook) == ("contest_status_transition_failed", "runbooks/contest-lock-failed.md")
    assert refused.details == {
        "contest_id": "c1",
        "from": "ERROR",
        "to": "LOCKED",
        "reasons": ["INVALID_STATUS_TRANSITION"],
    }


def test_a_start_that_lacks_its_field_is_told_once() -> None:
    """LIFE-003, LIFE-021."""
    play = Play({"event.first_tee_at": "2026-04-09T13:40:00Z"})
    for late in (120, 121, 180):
        play.contest.look(LOCK + minutes(late))
    (alert,) = alerts(play)
    assert (alert.details["from"], alert.details["to"], alert.details["reasons"]) == (
        "LOCKED",
        "LIVE",
        ["field_complete"],
    )


def test_a_provider_who_has_not_closed_the_event_by_its_planned_end_alarms_nobody() -> None:
    """LIFE-005: it is recorded, and happens in most weeks."""
    play = Play()
    play.to_live()
    play.serve(LOCK + minutes(60))
    assert types(play.contest.look(END)) == ["TransitionRefused"]
    assert alerts(play) == []


def _scheduled() -> Play:
    return Play({"event.first_tee_at": "2026-04-09T13:40:00Z"})


def _locked() -> Play:
    play = _scheduled()
    play.contest.look(LOCK)
    return play


def _live() -> Play:
    play = Play()
    play.to_live()
    return play


def _complete() -> Play:
    play = Play()
    play.to_complete()
    return play


def _cancelled() -> Play:
    play = _scheduled()
    play.contest.send(CANCEL, BEFORE)
    return play


def _in_error() -> Play:
    play = _locked()
    play.contest.send(FAULT, LOCK)
    return play


PLAYS: dict[Status, Callable[[], Play]] = {
    Status.SCHEDULED: _scheduled,
    Status.LOCKED: _locked,
    Status.LIVE: _live,
    Status.COMPLETE: _complete,
    Status.CANCELLED: _cancelled,
    Status.ERROR: _in_error,
}
COMMANDS: dict[str, Any] = {"force": FORCE, "recover": RECOVER, "cancel": CANCEL, "fault": FAULT, "adopt": adopt(9)}
LEADS_TO: dict[tuple[Status, str], str] = {
    (Status.SCHEDULED, "force"): "LOCKED",
    (Status.SCHEDULED, "adopt"): "SCHEDULED",
    (Status.ERROR, "recover"): "LOCKED",
    **{(status, "cancel"): "CANCELLED" for status in (Status.SCHEDULED, Status.LOCKED, Status.LIVE, Status.ERROR)},
    **{(status, "fault"): "ERROR" for status in (Status.SCHEDULED, Status.LOCKED, Status.LIVE)},
}


@pytest.mark.parametrize(("status", "name"), list(itertools.product(Status, COMMANDS)))
def test_every_command_in_every_state_does_what_the_table_says_or_is_refused(status: Status, name: str) -> None:
    """LIFE-011, LIFE-025, LIFE-029: an illegal step leaves its row and an alert, and changes nothing else."""
    play = PLAYS[status]()
    assert play.status == status
    now = BEFORE if status is Status.SCHEDULED else LOCK + timedelta(days=5)
    events = play.contest.send(COMMANDS[name], now)
    leads_to = LEADS_TO.get((status, name))
    if leads_to is not None:
        assert play.status == leads_to
        assert not isinstance(play.contest.reply, Rejected)
        return
    assert types(events) == ["ConfigChangeRefused" if name == "adopt" else "TransitionRefused"]
    assert isinstance(play.contest.reply, Rejected)
    code = "CONTEST_CONFIG_LOCKED" if name == "adopt" else "INVALID_STATUS_TRANSITION"
    assert play.contest.reply.code == code
    assert play.status == status


def steps(play: Play) -> list[tuple[str, Any]]:
    play.contest.send(ReadProgress(), LOCK)
    return [(step["step"], step["at"]) for step in play.contest.reply["steps"]]


def test_progress_names_the_six_steps_in_order_with_their_times() -> None:
    """LIFE-008: the last prize, paid or given up, is the end."""
    play = Play()
    play.enter_and_pay("e1", "e2", "e3")
    assert steps(play) == [("SCHEDULED", BEFORE)]
    done = play.to_complete()
    play.settle(done + minutes(1))
    prizes = [entry for entry in play.contest.log[-1].event.entries if entry.prize_cents]
    assert len(prizes) == 3
    for number, prize in enumerate(prizes, start=1):
        outcome: Any = WinningsPaid(
            contest_id="c1", entry_id=prize.entry_id, amount_cents=prize.prize_cents, stripe_transfer_id="tr"
        )
        if number == len(prizes):
            outcome = WinningsUnpayable(
                contest_id="c1", entry_id=prize.entry_id, amount_cents=prize.prize_cents, reason="closed"
            )
        play.contest.send(outcome, done + minutes(1 + number))
    assert steps(play) == [
        ("SCHEDULED", BEFORE),
        ("LOCKED", LOCK),
        ("LIVE", LOCK),
        ("COMPLETE", done),
        ("SETTLED", done + minutes(1)),
        ("PAID_OUT", done + minutes(4)),
    ]
    play.contest.assert_replays()


def test_a_contest_without_prizes_is_paid_out_when_it_is_settled() -> None:
    play = Play()
    done = play.to_complete()
    play.settle(done)
    assert [step for step, _ in steps(play)][-2:] == ["SETTLED", "PAID_OUT"]
