"""A rehearsal plays every rule of a configuration to its end, and the money adds up."""

from pathlib import Path
from typing import Any

import pytest

from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.rehearsal import Rehearsal, RehearsalFailed, rehearse, warnings_of
from cutline.engine.tournament import load
from tests.engine.golf import tournament

MASTERS = Path(__file__).parents[2] / "config" / "tournaments" / "masters-2026.toml"
TIERS = {
    "roster": {
        "size": 3,
        "tiers": [
            {"name": "one", "pick": 1, "players": ["A", "B"]},
            {"name": "two", "pick": 2, "players": ["C", "D", "E"]},
        ],
    }
}
FIXED = {"prizes": {"basis": "fixed", "places": [{"from": 1, "to": 1, "cents": 40_000}]}}


def played(changes: dict[str, Any] | None = None) -> Rehearsal:
    rehearsal = rehearse(tournament(changes))
    assert rehearsal.prizes_cents + rehearsal.rake_cents == rehearsal.pot_cents
    assert rehearsal == rehearse(tournament(changes))
    return rehearsal


@pytest.mark.parametrize(
    "changes",
    [
        None,
        TIERS,
        {"event.cut_after_round": 0, "scoring.entry_cut.min_made_cut": 0},
        {"event.rounds": 1, "event.cut_after_round": 0, "scoring.round_weights": [1], "shortened.min_rounds": 1}
        | {"scoring.entry_cut.min_made_cut": 0},
        {"scoring.count_per": "round"},
    ],
)
def test_every_shape_of_contest_is_played_to_its_end(changes: dict[str, Any] | None) -> None:
    """CFG-008, CFG-009."""
    assert played(changes).entries == 12


def test_the_recorded_masters_passes() -> None:
    """CFG-001."""
    rehearsal = rehearse(load(MASTERS.read_text("utf-8")))
    assert rehearsal.prizes_cents + rehearsal.rake_cents == rehearsal.pot_cents


def test_fixed_prizes_get_as_many_entries_as_cover_them() -> None:
    assert played(FIXED).entries == 48


def test_no_more_entries_are_played_than_may_enter() -> None:
    assert played({"entry.max_entries": 3}).entries == 3


def test_scorers_that_disagree_fail_the_rehearsal(monkeypatch: pytest.MonkeyPatch) -> None:
    """SET-016: what cannot be settled is not published."""
    from cutline.engine import rehearsal

    disagree = Rejected(code=RejectCode.SCORERS_DISAGREE, details={"entries": [1, 2]})
    monkeypatch.setattr(rehearsal, "settle", lambda _inputs: disagree)
    with pytest.raises(RehearsalFailed, match="SCORERS_DISAGREE"):
        rehearse(tournament())


def test_a_contest_that_takes_nothing_warns_that_it_pays_stripe_itself() -> None:
    assert "rake 0" in warnings_of(tournament({"entry.rake_percent": 0}))[0]
    assert warnings_of(tournament()) == []
