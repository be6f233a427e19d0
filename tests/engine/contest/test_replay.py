"""Whatever happened, the log folds to what is in memory and owes the same."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutline.engine.codec import Codec
from cutline.engine.contest.events import EVENTS
from cutline.engine.contest.machine import ContestMachine
from cutline.engine.decision import Accepted
from cutline.engine.errors import InvariantViolated
from cutline.engine.feed import FeedMachine
from cutline.engine.governance import GovernanceMachine
from cutline.engine.messages import (
    CancelContest,
    ComputeSettlement,
    DeclareContestError,
    FeedAdvanced,
    ForceLock,
    Look,
    MoveEntryFee,
    PostSettlement,
    RecoverContest,
    SettlementComputed,
    WinningsPaid,
    WithdrawEntry,
)
from cutline.engine.settlement import settle_json
from tests.engine.contest.play import BEFORE, FIELD, LOCK, PLAYED, Play, adopt, create, enter, fee
from tests.engine.driver import File, minutes
from tests.engine.golf import EVENT_ID

LIMITS = {"entry.max_entries": 4, "entry.max_entries_per_user": 2}


def recorded_feed() -> list[FeedAdvanced]:
    play = Play()
    play.serve(BEFORE + minutes(5), FIELD, "scheduled")
    play.serve(LOCK + minutes(60))
    play.finish()
    return play.feed.messages(FeedAdvanced)


FEED = recorded_feed()
ENTRIES = [f"e{number}" for number in range(7)]
COMMANDS = st.one_of(
    st.tuples(st.just("enter"), st.sampled_from(ENTRIES), st.sampled_from(["did:x", "did:y"])),
    st.tuples(st.just("pay"), st.sampled_from(ENTRIES), st.sampled_from(["a", "b"])),
    st.tuples(st.just("withdraw"), st.sampled_from(ENTRIES)),
    st.tuples(st.just("feed"), st.integers(0, len(FEED) - 1)),
    st.tuples(st.just("wait"), st.sampled_from([1, 31, 60 * 24, 60 * 24 * 4])),
    st.tuples(st.just("look")),
    st.tuples(st.just("settle")),
    st.tuples(st.just("win"), st.sampled_from(ENTRIES)),
    st.tuples(st.just("adopt"), st.integers(1, 3), st.sampled_from([1001, 2002])),
    st.tuples(st.sampled_from(["cancel", "error", "recover", "force"])),
)
TO_THE_END: list[tuple[Any, ...]] = [
    *(("feed", number) for number in range(len(FEED))),
    ("wait", 60 * 24 * 8),
    ("look",),
    ("settle",),
]
"""The event is played and settled, so that half of the histories get that far."""


class Walk:
    """A contest under random commands, with what must hold after each."""

    def __init__(self) -> None:
        self.file = File(ContestMachine())
        self.now = BEFORE
        self.file.send(create(LIMITS), self.now)

    def step(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("wait", amount):
                self.now += minutes(amount)
                return
            case ("look",):
                self.file.look(self.now)
                return
        command = self._command(step)
        if command is not None and isinstance(self.file.decide(command, self.now), Accepted):
            self.file.send(command, self.now)

    def _command(self, step: tuple[Any, ...]) -> Any:  # noqa: C901  # one line a kind of step
        contest = self.file.state.contest
        match step:
            case ("enter", entry_id, did):
                return enter(entry_id, did)
            case ("pay", entry_id, which):
                entry = contest.seats.entries.get(entry_id)
                return fee(entry_id, entry.account_did if entry else "did:x", f"pi_{entry_id}_{which}")
            case ("withdraw", entry_id):
                entry = contest.seats.entries.get(entry_id)
                return WithdrawEntry(entry_id=entry_id, account_did=entry.account_did if entry else "did:x")
            case ("feed", number):
                return FEED[number]
            case ("settle",) if self._runs():
                effect = self._runs()[-1]
                return SettlementComputed(run_id=effect.run_id, result_json=settle_json(effect.input_json).decode())
            case ("win", entry_id):
                result = contest.settlement.results.get(entry_id)
                cents = result.prize_cents if result else 1
                return WinningsPaid(contest_id="c1", entry_id=entry_id, amount_cents=cents, stripe_transfer_id="tr")
            case ("cancel",):
                return CancelContest(actor="admin:1", reason="r")
            case ("error",):
                return DeclareContestError(actor="ops", reason="r", runbook="contest-in-error")
            case ("recover",):
                return RecoverContest(actor="ops", reason="r")
            case ("force",):
                return ForceLock(actor="ops", reason="r", runbook="contest_lock_failed", execution_id="x")
            case ("adopt", version, fee_cents):
                return adopt(version, {**LIMITS, "entry.fee_cents": fee_cents})
        return None

    def _runs(self) -> list[ComputeSettlement]:
        return [effect for effect in self.file.effects if isinstance(effect, ComputeSettlement)]

    def check(self) -> None:
        contest = self.file.state.contest
        entries = contest.seats.entries.values()
        for status, count in contest.seats.counts.items():
            assert count == sum(entry.status is status for entry in entries)
        assert contest.seats.taken <= LIMITS["entry.max_entries"]
        for taken in contest.seats.taken_by_account.values():
            assert 0 <= taken <= LIMITS["entry.max_entries_per_user"]
        moves = self.file.messages(MoveEntryFee)
        activated = {m.payment_intent for m in moves if m.outcome == "activated"}
        returned = {m.payment_intent for m in moves if m.outcome == "returned"}
        refused = {m.payment_intent for m in moves if m.outcome == "refused"}
        assert returned <= activated
        assert not refused & activated
        in_pot = (len(activated) - len(returned)) * 1001
        for posted in self.file.messages(PostSettlement):
            assert posted.pot_cents == in_pot
            assert posted.rake_cents + sum(prize.amount_cents for prize in posted.prizes) == in_pot


@settings(max_examples=60, deadline=None)
@given(st.lists(COMMANDS, max_size=30), st.sampled_from([TO_THE_END, []]), st.lists(COMMANDS, max_size=15))
def test_any_history_replays_to_the_same_state_and_the_same_debts(
    steps: list[tuple[Any, ...]], played: list[tuple[Any, ...]], after: list[tuple[Any, ...]]
) -> None:
    """I9, I7: fold(JSON of the log) equals memory; fees come in once and leave once, whatever came in what order."""
    walk = Walk()
    for step in [*steps, *played, *after]:
        walk.step(step)
        walk.check()
    walk.file.assert_replays()


@pytest.mark.parametrize("seed", range(5))
def test_the_order_and_number_of_feed_messages_does_not_matter(seed: int) -> None:
    """SET-001, ING-008: shuffled, duplicated and then sent once in order, the board is the same."""
    straight, shuffled = Walk(), Walk()
    for message in FEED:
        straight.file.send(message, PLAYED + minutes(60))
    mixed = FEED * 2
    random.Random(seed).shuffle(mixed)  # a seed that repeats the test, no secret
    for message in [*mixed, *FEED]:
        shuffled.file.send(message, PLAYED + minutes(60))
    assert shuffled.file.state.contest.feed.board == straight.file.state.contest.feed.board
    shuffled.file.assert_replays()


def test_a_whole_contest_replays_after_every_event() -> None:
    play = Play()
    play.enter_and_pay("e1", "e2", "e3")
    done = play.to_complete()
    play.settle(done)
    events = {type(recorded.event) for recorded in play.contest.log}
    assert len(events) >= 7
    for length in range(1, len(play.contest.log) + 1):
        part = File(ContestMachine())
        for recorded in play.contest.log[:length]:
            part.log.append(recorded)
            part.machine.evolve(part.state, recorded)
            part.owed.extend(part.machine.owes(part.state, recorded))
        part.assert_replays()


def test_every_event_can_be_read_back_by_its_name() -> None:
    for machine in (ContestMachine(), FeedMachine(), GovernanceMachine()):
        assert {name: kind.__name__ for name, kind in machine.events.items()} == {name: name for name in machine.events}
        assert set(Codec(machine.events).names) == set(machine.events)
    assert set(ContestMachine.events.values()) == set(EVENTS)


@pytest.mark.parametrize("machine", [ContestMachine(), FeedMachine(), GovernanceMachine()])
def test_a_message_to_another_actor_is_a_bug(machine: Any) -> None:
    file = File(machine)
    file.pure = False
    if isinstance(machine, ContestMachine):
        file.send(create(), BEFORE)
    with pytest.raises(InvariantViolated):
        machine.decide(file.state, EVENT_ID, BEFORE)


def test_entering_does_not_slow_down_with_the_number_of_entries() -> None:
    """A thousand seats are taken and paid without a scan: the counters alone decide."""
    file = File(ContestMachine())
    file.pure = False
    file.send(create({"entry.max_entries": 5000}), BEFORE)
    for number in range(1000):
        for command in (enter(f"n{number}"), fee(f"n{number}")):
            decision = file.machine.decide(file.state, command, BEFORE)
            assert isinstance(decision, Accepted)
            file.log.clear()
            file.owed.clear()
            file.send(command, BEFORE)
    assert file.state.contest.seats.taken == 1000
    assert file.send(Look(), BEFORE) == []
