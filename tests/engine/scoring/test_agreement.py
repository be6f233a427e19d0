"""Two scorers, written apart, agree to the byte under every rule (SET-001, CFG-002)."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cutline.engine.scoring import matrix, plain
from cutline.engine.scoring.board import Board
from cutline.engine.scoring.rosters import Rosters
from cutline.engine.scoring.standings import Entry, Standings
from cutline.engine.tournament import Tournament, canonical, from_canonical
from tests.engine.scoring.contests import configs, contests

Contest = tuple[Tournament, Board, list[Entry]]
EXAMPLES = settings().max_examples
"""What the profile asks for: 100, and fewer where mutants are tried."""


@settings(max_examples=3 * EXAMPLES, deadline=None)
@given(contest=contests(), shuffled=st.randoms(use_true_random=False))
def test_two_scorers_agree_to_the_byte_whatever_the_order(contest: Contest, shuffled: Any) -> None:
    """SET-001."""
    config, on, entries = contest
    slow = plain.standings(config, on, entries)
    other = list(entries)
    shuffled.shuffle(other)
    assert matrix.standings(config, on, other).canonical() == slow.canonical()
    assert plain.standings(config, on, other) == slow
    check_ranks(slow, entries)


def check_ranks(standings: Standings, entries: list[Entry]) -> None:
    assert sorted(standings.entry_ids) == sorted(entry.entry_id for entry in entries)
    for place, rank in enumerate(standings.ranks):
        before = standings.ranks[place - 1] if place else None
        assert rank == (before if rank == before else place + 1)
    assert sorted(standings.cut) == list(standings.cut), "a cut entry ranks before one that is not"


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(config=configs())
def test_every_config_survives_its_canonical_text(config: Tournament) -> None:
    """CFG-006."""
    assert from_canonical(canonical(config)) == config


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(contest=contests())
def test_packed_rosters_say_the_same_entries(contest: Contest) -> None:
    config, on, entries = contest
    packed = Rosters.of(entries, config.roster.size).pack()
    rosters = Rosters.unpack(packed)
    assert list(rosters.entries()) == sorted(entries, key=lambda entry: entry.entry_id)
    assert rosters.pack() == packed == Rosters.of(entries[::-1], config.roster.size).pack()
    assert matrix.standings_of(config, on, rosters) == plain.standings(config, on, entries)
