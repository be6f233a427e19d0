"""Entering, paying, expiring and withdrawing, with every refusal by name."""

from datetime import timedelta
from typing import Any

import pytest

from cutline.engine.contest.machine import ContestMachine
from cutline.engine.decision import Rejected
from cutline.engine.messages import (
    CancelIntent,
    ContestReady,
    FeePaid,
    MoveEntryFee,
    ReadContest,
    ReadEntry,
    RequestIntent,
    WatchEvent,
    WithdrawEntry,
)
from tests.engine.contest.play import BEFORE, FIELD, LOCK, Play, create, enter, fee
from tests.engine.driver import File, at, minutes, types

MILLISECOND = timedelta(milliseconds=1)


def status_of(play: Play, entry_id: str) -> Any:
    play.contest.send(ReadEntry(entry_id=entry_id), LOCK)
    return play.contest.reply["status"]


def counts(play: Play) -> dict[str, int]:
    play.contest.send(ReadContest(), LOCK)
    return {name: count for name, count in play.contest.reply["entries"].items() if count}


def test_creation_owes_governance_and_the_feed() -> None:
    play = Play()
    assert play.contest.messages(ContestReady) == [ContestReady(contest_id="c1")]
    (watch,) = play.contest.messages(WatchEvent)
    assert watch.from_at == at("2026-04-02 11:40")
    assert watch.first_tee_at == LOCK


def test_creating_again_changes_nothing_and_never_the_config() -> None:
    """LIFE-018: the config is frozen with the contest."""
    play = Play()
    assert play.contest.send(create(), BEFORE) == []
    assert play.contest.reply["deduped"] is True
    other = create({"entry.fee_cents": 5})
    assert play.contest.refuse(other, BEFORE).code == "CONTEST_EXISTS"
    play.contest.look(LOCK)
    assert play.contest.refuse(other, LOCK).code == "CONTEST_CONFIG_LOCKED"


def test_a_bad_config_creates_nothing() -> None:
    file = File(ContestMachine())
    command = create()
    broken = type(command)(contest_id="c1", config_json="{}", config_sha256="0" * 64)
    assert file.refuse(broken, BEFORE).code == "CONFIG_INVALID"
    assert file.refuse(enter("e1"), BEFORE).code == "NOT_FOUND"
    assert file.look(BEFORE) == []


def test_an_entry_reserves_a_seat_and_asks_for_its_payment() -> None:
    play = Play()
    assert types(play.contest.send(enter("e1"), BEFORE)) == ["EntryReserved"]
    assert play.contest.reply["status"] == "PENDING_PAYMENT"
    assert play.contest.reply["expires_at"] == BEFORE + minutes(30)
    assert play.contest.messages(RequestIntent) == [
        RequestIntent(contest_id="c1", entry_id="e1", account_did="did:e1", amount_cents=1001, currency="usd")
    ]


def test_the_same_entry_again_is_answered_and_another_content_is_refused() -> None:
    """A4, A5."""
    play = Play()
    play.contest.send(enter("e1"), BEFORE)
    assert play.contest.send(enter("e1"), BEFORE) == []
    assert play.contest.reply["deduped"] is True
    refusal = play.contest.refuse(enter("e1", picks=("A", "B", "D"), tiebreak=3), BEFORE)
    assert refusal.code == "IDEMPOTENCY_KEY_REUSED"
    assert refusal.details == {"fields": ["picks", "tiebreak"]}


@pytest.mark.parametrize(("offset", "accepted"), [(-MILLISECOND, True), (timedelta(), False), (MILLISECOND, False)])
def test_the_lock_is_judged_by_commit_time(offset: timedelta, accepted: bool) -> None:
    """C4, I7: -1 ms, 0 and +1 ms, for an entry and for its fee, even before the lock has been taken."""
    play = Play()
    play.contest.send(enter("paid"), LOCK - minutes(1))
    if accepted:
        play.contest.send(enter("e1"), LOCK + offset)
        assert types(play.contest.send(fee("paid"), LOCK + offset)) == ["EntryActivated"]
    else:
        assert play.contest.refuse(enter("e1"), LOCK + offset).code == "CONTEST_LOCKED"
        (refused,) = play.contest.send(fee("paid"), LOCK + offset)
        assert (refused.reason, refused.entry_status) == ("CONTEST_LOCKED", "REFUSED")
        assert [m.outcome for m in play.contest.messages(MoveEntryFee)] == ["refused"]
    play.contest.look(LOCK + minutes(1))
    play.contest.assert_replays()


@pytest.mark.parametrize(
    ("picks", "reason"),
    [(("A", "B"), "size"), (("A", "A", "B"), "repeated"), (("A", "B", "Z"), "not_in_the_field")],
)
def test_rosters_are_judged_against_config_and_field(picks: tuple[str, ...], reason: str) -> None:
    play = Play()
    play.serve(BEFORE + minutes(5), FIELD, "scheduled")
    refusal = play.contest.refuse(enter("e1", picks=picks), BEFORE + minutes(6))
    assert (refusal.code, refusal.details["reason"]) == ("ROSTER_INVALID", reason)


def test_the_last_seat_goes_to_one_and_pending_seats_count() -> None:
    """A9, I7."""
    play = Play({"entry.max_entries": 2, "entry.max_entries_per_user": 1})
    play.enter_and_pay("e1")
    play.contest.send(enter("e2"), BEFORE)
    assert play.contest.refuse(enter("e3"), BEFORE).code == "CONTEST_FULL"
    play.contest.look(BEFORE + minutes(30))
    play.contest.send(enter("e3"), BEFORE + minutes(31))


def test_a_user_has_so_many_seats() -> None:
    play = Play()
    for entry_id in ("e1", "e2", "e3"):
        play.contest.send(enter(entry_id, "did:x"), BEFORE)
    assert play.contest.refuse(enter("e4", "did:x"), BEFORE).code == "ENTRY_LIMIT_REACHED"
    play.contest.send(WithdrawEntry(entry_id="e1", account_did="did:x"), BEFORE)
    play.contest.send(enter("e4", "did:x"), BEFORE)


def test_a_paid_entry_is_active_and_its_fee_moves_to_the_pot_once() -> None:
    """LIFE-017, T10: the same payment again changes nothing."""
    play = Play()
    play.enter_and_pay("e1")
    assert play.contest.send(fee("e1"), BEFORE) == []
    assert play.contest.reply == {"outcome": "activated", "deduped": True}
    assert [(m.outcome, m.amount_cents) for m in play.contest.messages(MoveEntryFee)] == [("activated", 1001)]
    assert counts(play) == {"active": 1}


def test_a_second_payment_for_one_entry_is_given_back() -> None:
    play = Play()
    play.enter_and_pay("e1")
    (refused,) = play.contest.send(fee("e1", intent="pi_again"), BEFORE)
    assert (refused.reason, refused.entry_status) == ("ENTRY_NOT_PENDING", "ACTIVE")
    assert status_of(play, "e1") == "ACTIVE"
    assert [m.outcome for m in play.contest.messages(MoveEntryFee)] == ["activated", "refused"]
    assert play.contest.send(fee("e1", intent="pi_again"), BEFORE) == []


@pytest.mark.parametrize(
    ("paid", "reason"),
    [
        (fee("nobody"), "NOT_FOUND"),
        (fee("e1", did="did:other"), "NOT_FOUND"),
        (fee("e1", cents=1000), "AMOUNT_MISMATCH"),
    ],
)
def test_what_pays_for_no_entry_is_given_back(paid: FeePaid, reason: str) -> None:
    play = Play()
    play.contest.send(enter("e1"), BEFORE)
    (refused,) = play.contest.send(paid, BEFORE)
    assert refused.reason == reason
    assert status_of(play, "e1") == "PENDING_PAYMENT"
    (move,) = play.contest.messages(MoveEntryFee)
    assert (move.outcome, move.amount_cents) == ("refused", paid.amount_cents)
    play.contest.assert_replays()


def test_an_unpaid_seat_expires_once_and_its_intent_is_cancelled() -> None:
    play = Play()
    play.contest.send(enter("e1"), BEFORE)
    play.contest.send(enter("e2"), BEFORE + minutes(1))
    assert play.contest.machine.due_at(play.contest.state) == BEFORE + minutes(30)
    assert play.contest.look(BEFORE + minutes(29)) == []
    assert types(play.contest.look(BEFORE + minutes(30))) == ["EntryExpired"]
    assert play.contest.look(BEFORE + minutes(30)) == []
    assert [m.entry_id for m in play.contest.messages(CancelIntent)] == ["e1"]
    assert counts(play) == {"expired": 1, "pending_payment": 1}


def test_an_expired_entry_that_is_paid_after_all_is_seated_while_a_seat_is_free() -> None:
    play = Play({"entry.max_entries": 1, "entry.max_entries_per_user": 1})
    play.contest.send(enter("e1"), BEFORE)
    play.contest.look(BEFORE + minutes(30))
    assert types(play.contest.send(fee("e1"), BEFORE + minutes(40))) == ["EntryActivated"]
    play.contest.assert_replays()


def test_an_expired_entry_whose_seat_is_gone_gets_its_money_back() -> None:
    play = Play({"entry.max_entries": 1, "entry.max_entries_per_user": 1})
    play.contest.send(enter("e1"), BEFORE)
    play.contest.look(BEFORE + minutes(30))
    play.contest.send(enter("e2"), BEFORE + minutes(31))
    (refused,) = play.contest.send(fee("e1"), BEFORE + minutes(40))
    assert (refused.reason, refused.entry_status) == ("CONTEST_FULL", "REFUSED")
    assert counts(play) == {"refused": 1, "pending_payment": 1}


def test_withdrawing_before_the_lock_returns_what_was_paid() -> None:
    play = Play()
    play.enter_and_pay("e1")
    play.contest.send(enter("e2"), BEFORE)
    for entry_id in ("e1", "e2"):
        command = WithdrawEntry(entry_id=entry_id, account_did=f"did:{entry_id}")
        assert types(play.contest.send(command, BEFORE)) == ["EntryWithdrawn"]
        assert play.contest.send(command, BEFORE) == []
    assert [m.outcome for m in play.contest.messages(MoveEntryFee)] == ["activated", "returned"]
    assert [m.entry_id for m in play.contest.messages(CancelIntent)] == ["e2"]
    (refused,) = play.contest.send(fee("e2"), BEFORE)
    assert (refused.reason, refused.entry_status) == ("ENTRY_NOT_PENDING", "WITHDRAWN")


def test_withdrawing_is_refused_after_the_lock_to_strangers_and_for_freed_seats() -> None:
    play = Play()
    play.enter_and_pay("e1")
    play.contest.send(enter("e2"), BEFORE)
    mine = WithdrawEntry(entry_id="e1", account_did="did:e1")
    assert play.contest.refuse(mine, LOCK).code == "REFUND_AFTER_LOCK"
    stranger = WithdrawEntry(entry_id="e1", account_did="did:x")
    assert play.contest.refuse(stranger, BEFORE).code == "NOT_FOUND"
    play.contest.look(BEFORE + minutes(30))
    freed = WithdrawEntry(entry_id="e2", account_did="did:e2")
    assert play.contest.refuse(freed, BEFORE + minutes(31)).code == "ENTRY_NOT_PENDING"


def test_entries_are_not_read_by_guessing() -> None:
    refusal = Play().contest.refuse(ReadEntry(entry_id="e9"), BEFORE)
    assert isinstance(refusal, Rejected)
    assert refusal.code == "NOT_FOUND"
