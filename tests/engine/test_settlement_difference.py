"""Two outcomes of one contest compared: who, how much, and what can be said of a refusal (SET-011)."""

from hypothesis import given
from hypothesis import strategies as st

from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.scoring.standings import Entry
from cutline.engine.settlement import SettlementInput, SettlementResult, settle
from cutline.engine.settlement_difference import compare, summary
from cutline.engine.tournament import canonical
from tests.engine.golf import CARDS, GOLDEN, Cards, board, tournament

HOLDERS = {entry.entry_id: f"did:{entry.entry_id}" for entry in GOLDEN}


def outcome(cards: Cards = CARDS, entries: tuple[Entry, ...] = GOLDEN) -> SettlementResult | Rejected:
    inputs = SettlementInput(contest_id="c", config_json=canonical(tournament()), board=board(cards), entries=entries)
    return settle(inputs)


def with_a4(to_par: int) -> Cards:
    return {**CARDS, "A": (None, [*CARDS["A"][1][:3], (to_par, 18)])}


def test_the_same_outcome_differs_in_nothing() -> None:
    difference = compare(outcome(), outcome(), HOLDERS)
    assert (difference.same, difference.entries, difference.accounts, difference.moved_cents) == (True, (), {}, 0)


def test_a_worse_round_of_a_picked_golfer_moves_prizes_and_every_cent_is_somebodys() -> None:
    # On the true board e2 wins with -6, and e3, e4 and e5 share second at -4. A's last round, 4 strokes worse, puts e3
    # and e4 at 0: e5 is second alone with 30 % of 5,705 cents. The winning score is now A's -6, to which e3's -9 is the
    # closer prediction: third alone with 20 %. e1, cut before and after, has another score and no cent.
    difference = compare(outcome(), outcome(with_a4(0)), HOLDERS)
    moved = {entry.entry_id: entry.difference_cents for entry in difference.entries}
    assert not difference.same
    assert sum(moved.values()) == 0
    assert difference.moved_cents == sum(cents for cents in moved.values() if cents > 0) > 0
    assert difference.accounts == {HOLDERS[entry_id]: cents for entry_id, cents in moved.items() if cents}
    gains = [entry.difference_cents for entry in difference.entries]
    assert gains == sorted(gains, reverse=True)
    assert moved == {"e5": 1711 - 950, "e3": 1141 - 951, "e4": 0 - 951, "e1": 0}


def test_an_entry_that_only_one_side_has_counts_with_its_whole_prize() -> None:
    without_e2 = (GOLDEN[0], *GOLDEN[2:])
    compared = compare(outcome(), outcome(entries=without_e2), {})
    (lost,) = [entry for entry in compared.entries if entry.after is None]
    assert lost.before is not None
    assert lost.before.prize_cents == 2854
    assert (lost.entry_id, lost.account_did, lost.difference_cents) == ("e2", None, -2854)


def test_a_refusal_is_compared_with_nothing() -> None:
    refused = Rejected(code=RejectCode.SETTLEMENT_NOT_READY, details={"reason": "event_not_final"})
    difference = compare(outcome(), refused, HOLDERS)
    assert (difference.same, difference.entries, difference.moved_cents) == (False, (), 0)
    assert summary(refused) == {"refused": {"code": "SETTLEMENT_NOT_READY", "details": {"reason": "event_not_final"}}}


@given(first=st.integers(-6, 6), second=st.integers(-6, 6))
def test_a_comparison_turned_around_is_its_own_opposite(first: int, second: int) -> None:
    there, back = (
        compare(outcome(with_a4(one)), outcome(with_a4(two)), HOLDERS)
        for one, two in ((first, second), (second, first))
    )
    assert {entry.entry_id: entry.difference_cents for entry in there.entries} == {
        entry.entry_id: -entry.difference_cents for entry in back.entries
    }
    assert there.moved_cents == back.moved_cents
