"""The scheduled audit of a settled contest, and what a failed settlement says (SET-005, SET-006, SET-010)."""

from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from cutline.engine.messages import (
    AuditScores,
    PostSettlement,
    RaiseAlert,
    ReadSettlementAudit,
    ScoresAudited,
    SettlementComputed,
)
from tests.engine.contest.play import Play, create
from tests.engine.driver import minutes, types

DAY = timedelta(days=1)


def settled() -> tuple[Play, Any]:
    play = Play()
    play.enter_and_pay("e1", "e2")
    done = play.to_complete()
    play.settle(done)
    return play, done


def audits_asked(play: Play) -> list[AuditScores]:
    return [effect for effect in play.contest.effects if isinstance(effect, AuditScores)]


def alerts(play: Play) -> list[RaiseAlert]:
    return [effect for effect in play.contest.effects if isinstance(effect, RaiseAlert)]


def due(play: Play) -> datetime:
    at = play.contest.machine.due_at(play.contest.state)
    assert at is not None
    return at


def described(play: Play, now: Any) -> dict[str, Any]:
    play.contest.send(ReadSettlementAudit(), now)
    said: dict[str, Any] = play.contest.reply
    return said


def test_a_settled_contest_is_audited_after_a_day_without_being_asked() -> None:
    play, done = settled()
    first = due(play)
    assert done + DAY <= first < done + DAY + timedelta(hours=6)
    assert play.contest.look(first - minutes(1)) == []
    assert types(play.contest.look(first)) == ["AuditStarted"]
    assert audits_asked(play) == [AuditScores(contest_id="c1", number=1)]
    (ended,) = play.contest.send(ScoresAudited(number=1), first)
    assert (ended.mismatches, ended.error, ended.next_at) == ((), None, first + 2 * DAY)
    assert alerts(play) == []
    assert described(play, done)["audits"][0]["run_id"] == "c1:settlement:1"
    play.contest.assert_replays()


def test_contests_that_settle_at_one_instant_are_audited_at_different_minutes() -> None:
    firsts = set()
    for number in range(4):
        play = Play(command=create(contest_id=f"c{number}"))
        play.settle(play.to_complete())
        firsts.add(due(play))
    assert len(firsts) == 4


def test_each_audit_waits_twice_as_long_and_never_ends() -> None:
    play, now = settled()
    waits = []
    for number in range(1, 11):
        now = due(play)
        play.contest.look(now)
        (ended,) = play.contest.send(ScoresAudited(number=number), now)
        waits.append((ended.next_at - now).days)
    assert waits == [2, 4, 8, 16, 32, 64, 128, 128, 128, 128]


def test_a_mismatch_is_recorded_and_alerted_and_moves_no_money() -> None:
    """SET-009, SET-010."""
    play, done = settled()
    done = due(play) - DAY
    play.contest.look(done + DAY)
    posted, status = len(play.contest.messages(PostSettlement)), play.status
    play.contest.send(ScoresAudited(number=1, mismatches=("e1: recorded as 1, settled again 2",)), done + DAY)
    (alert,) = alerts(play)
    assert (alert.name, alert.details["score_audit_mismatches"]) == ("score_audit_mismatch", 1)
    assert (len(play.contest.messages(PostSettlement)), play.status) == (posted, status)
    vitals = play.contest.machine.vitals(play.contest.state)  # type: ignore[attr-defined]  # beyond the common shape
    assert (vitals.audit_mismatches, vitals.settlement_status) == (1, "COMPLETE")
    now = due(play)
    play.contest.look(now)
    play.contest.send(ScoresAudited(number=2), now)
    assert described(play, now)["mismatches"] == []
    assert [len(one["mismatches"]) for one in described(play, now)["audits"]] == [1, 0]


def test_an_audit_that_breaks_is_tried_again_within_the_hour_and_hides_no_mismatch() -> None:
    play, done = settled()
    done = due(play) - DAY
    play.contest.look(done + DAY)
    play.contest.send(ScoresAudited(number=1, mismatches=("a",)), done + DAY)
    now = due(play)
    play.contest.look(now)
    (ended,) = play.contest.send(ScoresAudited(number=2, error={"code": "INTERNAL_FAULT"}), now)
    assert ended.next_at == now + timedelta(hours=1)
    assert described(play, now)["mismatches"] == ["a"]


def test_an_audit_that_nobody_answers_is_given_up_and_its_late_answer_is_ignored() -> None:
    """I8."""
    play, done = settled()
    done = due(play) - DAY
    play.contest.look(done + DAY)
    restarted = play.contest.replayed()
    assert list(restarted.machine.resume(restarted.state, done + DAY)) == [AuditScores(contest_id="c1", number=1)]
    (ended,) = play.contest.look(done + DAY + minutes(30))
    assert ended.error["code"] == "ACTOR_TIMEOUT"
    assert play.contest.send(ScoresAudited(number=1, mismatches=("late",)), done + 2 * DAY) == []


def test_before_the_settlement_there_is_nothing_to_audit() -> None:
    play = Play()
    done = play.to_complete()
    play.contest.look(done + minutes(5))
    assert audits_asked(play) == []
    assert play.contest.send(ScoresAudited(number=1), done) == []


@pytest.mark.parametrize("code", ["SCORERS_DISAGREE", "SETTLEMENT_MISMATCH"])
def test_scorers_that_disagree_call_ops_and_pay_nobody(code: str) -> None:
    """SET-006: loudly: the row, the alert and the figure; the contest waits."""
    play = Play()
    play.enter_and_pay("e1")
    done = play.to_complete()
    rejected = {"rejected": {"code": code, "details": {}}}
    run = play.contest.effects[-1].run_id
    play.contest.send(SettlementComputed(run_id=run, result_json=orjson.dumps(rejected).decode()), done)
    (alert,) = alerts(play)
    assert (alert.name, alert.details["code"]) == ("settlement_failed", code)
    assert alert.runbook == "runbooks/settlement-fails-mid-run.md"
    assert play.contest.messages(PostSettlement) == []
    vitals = play.contest.machine.vitals(play.contest.state)  # type: ignore[attr-defined]  # beyond the common shape
    assert (vitals.settlement_status, vitals.settlement_seconds) == ("FAILED", None)


def test_every_run_keeps_its_row_and_the_failed_one_stays() -> None:
    """SET-005, SET-007."""
    play = Play()
    play.enter_and_pay("e1")
    done = play.to_complete()
    run = play.contest.effects[-1].run_id
    play.contest.send(SettlementComputed(run_id=run, error={"code": "WORKER_DIED"}), done)
    play.contest.look(done + minutes(1))
    play.settle(done + minutes(2))
    failed, complete = described(play, done)["runs"]
    assert (failed["status"], failed["error"]["code"], failed["result_sha256"]) == ("FAILED", "WORKER_DIED", None)
    assert (complete["status"], complete["error"], len(complete["result_sha256"])) == ("COMPLETE", None, 64)
    assert failed["input_sha256"] == complete["input_sha256"]
    assert complete["ended_at"] - complete["started_at"] == minutes(1)


def test_a_run_that_is_given_up_calls_ops() -> None:
    play = Play()
    play.enter_and_pay("e1")
    done = play.to_complete()
    assert types(play.contest.look(done + minutes(15)))[0] == "SettlementFailed"
    assert [alert.details["code"] for alert in alerts(play)] == ["ACTOR_TIMEOUT"]
