"""Settlement runs, their failures and retries, and prizes until they are paid."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from cutline.engine.messages import (
    ComputeSettlement,
    PostSettlement,
    ReadContest,
    ReadEntry,
    RecordAnchor,
    SettlementComputed,
    WinningsPaid,
    WinningsUnpayable,
)
from cutline.engine.messages.untriggered import SettledContest
from cutline.engine.settlement import settle_json
from tests.engine.contest.play import Play, enter, fee
from tests.engine.driver import minutes, types

DAY = timedelta(days=1)


def completed(*entry_ids: str) -> tuple[Play, Any]:
    play = Play()
    play.enter_and_pay(*entry_ids)
    return play, play.to_complete()


def described(play: Play, now: Any) -> Any:
    play.contest.send(ReadContest(), now)
    return play.contest.reply


def failed_with(play: Play, error: Any, now: Any) -> Any:
    run = play.contest.effects[-1].run_id
    (failed,) = play.contest.send(SettlementComputed(run_id=run, error=error), now)
    return failed


def test_completion_starts_one_run_with_recorded_inputs() -> None:
    """LIFE-006."""
    play, done = completed("e1", "e2")
    (effect,) = play.contest.effects
    assert isinstance(effect, ComputeSettlement)
    assert described(play, done)["settlement"]["status"] == "RUNNING"
    assert play.contest.machine.resume(play.contest.state, done) == (effect,)
    assert play.contest.replayed().machine.resume(play.contest.replayed().state, done) == (effect,)


def test_a_settlement_is_recorded_whole_and_owed_to_the_ledger_once() -> None:
    """SET-002, SET-003, SET-005."""
    play, done = completed("e1", "e2", "e3")
    (recorded,) = play.settle(done)
    assert recorded.pot_cents == 3003
    assert recorded.rake_cents + sum(e.prize_cents for e in recorded.entries) == 3003
    (posted,) = play.contest.messages(PostSettlement)
    assert (posted.pot_cents, posted.rake_cents) == (3003, recorded.rake_cents)
    assert sum(prize.amount_cents for prize in posted.prizes) == 3003 - recorded.rake_cents
    assert [anchor.reason for anchor in play.contest.messages(RecordAnchor)] == ["locked", "complete", "settled"]
    assert play.settle(done) == []
    assert play.contest.machine.resume(play.contest.state, done) == ()
    assert described(play, done)["progress"] == "SETTLED"
    play.contest.assert_replays()


def test_unpaid_entries_are_not_settled() -> None:
    """LIFE-016, LIFE-017: failed payments lock and settle like any other contest."""
    play = Play()
    play.enter_and_pay("e1")
    play.contest.send(enter("e2"), play.contest.log[0].at)
    done = play.to_complete()
    (recorded,) = play.settle(done)
    assert [entry.entry_id for entry in recorded.entries] == ["e1"]


def test_progress_is_paid_out_when_every_prize_is_paid_or_cannot_be() -> None:
    """LIFE-008, C-13: and paying moves no state."""
    play, done = completed("e1", "e2", "e3")
    (recorded,) = play.settle(done)
    statuses = len(described(play, done)["transitions"])
    first, *others = [entry for entry in recorded.entries if entry.prize_cents]
    paid = WinningsPaid(
        contest_id="c1", entry_id=first.entry_id, amount_cents=first.prize_cents, stripe_transfer_id="tr_1"
    )
    assert types(play.contest.send(paid, done)) == ["PrizePaid"]
    assert play.contest.send(paid, done) == []
    assert described(play, done)["progress"] == "SETTLED"
    for entry in others:
        unpayable = WinningsUnpayable(
            contest_id="c1", entry_id=entry.entry_id, amount_cents=entry.prize_cents, reason="account_closed"
        )
        assert types(play.contest.send(unpayable, done)) == ["PrizeUnpayable"]
        assert play.contest.send(unpayable, done) == []
    assert described(play, done)["progress"] == "PAID_OUT"
    assert described(play, done)["settlement"]["paid_cents"] == first.prize_cents
    assert len(described(play, done)["transitions"]) == statuses
    play.contest.send(ReadEntry(entry_id=first.entry_id), done)
    assert (play.contest.reply["prize_status"], play.contest.reply["rank"]) == ("paid", first.rank)
    play.contest.assert_replays()


def test_a_settled_contest_says_so_until_it_hears_of_a_prize() -> None:
    """POUT-042: what is known of a contest without opening its file, also after a restart."""

    def unheard() -> Any:
        for contest in (play.contest, play.contest.replayed()):
            (found,) = {contest.machine.vitals(contest.state).unheard}  # type: ignore[attr-defined]  # beyond the common shape
        return found

    play, done = completed("e1", "e2", "e3")
    assert unheard() is None
    (recorded,) = play.settle(done)
    winners = [entry for entry in recorded.entries if entry.prize_cents]
    assert unheard() == SettledContest(contest_id="c1", settled_at=done, prizes=len(winners))
    first = winners[0]
    lost = WinningsUnpayable(contest_id="c1", entry_id=first.entry_id, amount_cents=first.prize_cents, reason="closed")
    play.contest.send(lost, done)
    assert unheard() is None


def test_winnings_of_another_amount_or_of_no_winner_are_refused() -> None:
    play, done = completed("e1", "e2")
    (recorded,) = play.settle(done)
    prize = recorded.entries[0].prize_cents
    for kind, extra in ((WinningsPaid, {"stripe_transfer_id": "t"}), (WinningsUnpayable, {"reason": "r"})):
        wrong = kind(contest_id="c1", entry_id=recorded.entries[0].entry_id, amount_cents=prize + 1, **extra)
        assert play.contest.refuse(wrong, done).code == "AMOUNT_MISMATCH"
        nobody = kind(contest_id="c1", entry_id="e9", amount_cents=1, **extra)
        assert play.contest.refuse(nobody, done).code == "NOT_FOUND"


def test_a_contest_without_entries_settles_with_nothing_to_post() -> None:
    play, done = completed()
    (recorded,) = play.settle(done)
    assert (recorded.pot_cents, recorded.entries) == (0, ())
    assert play.contest.messages(PostSettlement) == []
    assert described(play, done)["progress"] == "PAID_OUT"


def test_scorers_that_disagree_fail_the_run_by_name_and_it_is_tried_again_daily() -> None:
    """SET-006: the failed run keeps its row, COMPLETE stays COMPLETE."""
    play, done = completed("e1")
    rejected = {"rejected": {"code": "SCORERS_DISAGREE", "details": {"entries": [1, 1]}}}
    run = play.contest.effects[-1].run_id
    (failed,) = play.contest.send(SettlementComputed(run_id=run, result_json=orjson.dumps(rejected).decode()), done)
    assert failed.error["code"] == "SCORERS_DISAGREE"
    assert described(play, done)["settlement"]["status"] == "FAILED"
    assert play.contest.messages(PostSettlement) == []
    assert play.contest.look(done + minutes(60)) == []
    assert types(play.contest.look(done + DAY)) == ["SettlementStarted"]
    assert types(play.settle(done + DAY)) == ["SettlementRecorded"]
    play.contest.assert_replays()


def test_a_dead_worker_is_tried_again_later_each_time_up_to_an_hour() -> None:
    play, now = completed("e1")
    waits = []
    for _ in range(8):
        failed = failed_with(play, {"code": "WORKER_DIED"}, now)
        waits.append((failed.retry_at - now).total_seconds())
        now = failed.retry_at
        assert play.contest.look(now - minutes(0.5)) == []
        assert types(play.contest.look(now)) == ["SettlementStarted"]
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert described(play, now)["settlement"]["attempts"] == 9


def test_a_run_that_nobody_answers_is_given_up_and_its_late_answer_is_ignored() -> None:
    """I8."""
    play, done = completed("e1")
    lost = play.contest.effects[-1]
    assert types(play.contest.look(done + minutes(15))) == ["SettlementFailed"]
    play.contest.look(done + minutes(16))
    late = SettlementComputed(run_id=lost.run_id, result_json=settle_json(lost.input_json).decode())
    assert play.contest.send(late, done + minutes(17)) == []
    assert types(play.settle(done + minutes(17))) == ["SettlementRecorded"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("pot_cents", 1), ("rake_cents", 5), ("contest_id", "c2"), ("input_sha256", "0"), ("entries", 7)],
)
def test_a_result_that_is_wrong_about_the_contest_moves_no_money(field: str, value: Any) -> None:
    """SET-019: the contest counts for itself."""
    play, done = completed("e1", "e2")
    effect = play.contest.effects[-1]
    outcome = orjson.loads(settle_json(effect.input_json))
    outcome["result"][field] = value
    computed = SettlementComputed(run_id=effect.run_id, result_json=orjson.dumps(outcome).decode())
    (failed,) = play.contest.send(computed, done)
    assert failed.error["code"] == "SETTLEMENT_MISMATCH"
    assert play.contest.messages(PostSettlement) == []


def test_a_payment_after_settlement_is_given_back_and_changes_no_result() -> None:
    """LIFE-015."""
    play, done = completed("e1")
    play.settle(done)
    before = described(play, done)
    (refused,) = play.contest.send(fee("e1", intent="pi_late"), done + DAY)
    assert refused.reason == "ENTRY_NOT_PENDING"
    assert described(play, done) == before
