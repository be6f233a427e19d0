"""Plays a configuration to its end on a made-up event: every rule meets a golfer before it meets money.

Two scorers must agree and the prizes must add up, as in a real settlement. Nothing here is random, so the same
content gives the same report everywhere; it must not move money or know a contest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from cutline.engine.contest.feed_state import board_of
from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.feed_scoring import read_feed
from cutline.engine.prizes import check_pot
from cutline.engine.scoring.standings import Entry
from cutline.engine.settlement import SettlementInput, settle
from cutline.engine.tournament import Tournament, canonical

ENTRIES_MIN: Final = 12
ENTRIES_MAX: Final = 1_000
"""More entries would not try another rule; a config whose fixed prizes need more is rehearsed without enough."""
PAR_A_ROUND: Final = 72
HOLES: Final = 18
_STRANGE_ENDS: Final = ("CUT", "WD", "DQ")


class RehearsalFailed(ValueError):
    """The configuration is well formed, but its rehearsal did not come to an end; `code` and `details` say where."""

    def __init__(self, code: RejectCode, **details: object) -> None:
        super().__init__(f"the rehearsal failed: {code.value} {details}")
        self.code = code
        self.details = details


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What was played; money in cents, `pot_cents` = `prizes_cents` + `rake_cents`."""

    entries: int
    pot_cents: int
    prizes_cents: int
    rake_cents: int
    result_sha256: str


def rehearse(tournament: Tournament) -> Rehearsal:
    """Settle made-up entries on a made-up event by these rules (CFG-008, CFG-009).

    Raises RehearsalFailed where a feed of the event is not understood, the scorers disagree, the prizes do not add up,
    or fixed prizes are not covered by as many entries as may enter (POT_SHORT).
    """
    golfers = _golfers(tournament)
    state, count = read_feed(tournament, [orjson.dumps(_leaderboard(tournament, golfers))])
    if count.accepted != 1:
        raise RehearsalFailed(RejectCode.FEED_INVALID, reason="the made-up event was not understood")
    entries = tuple(_entry(tournament, golfers, number) for number in range(_entries_needed(tournament)))
    settled = settle(
        SettlementInput(
            contest_id="rehearsal", config_json=canonical(tournament), board=board_of(state), entries=entries
        )
    )
    if isinstance(settled, Rejected):
        raise RehearsalFailed(settled.code, **settled.details)
    prizes_cents = sum(row.prize_cents for row in settled.standings)
    if prizes_cents + settled.rake_cents != settled.pot_cents:
        raise RehearsalFailed(
            RejectCode.SETTLEMENT_MISMATCH,
            pot_cents=settled.pot_cents,
            prizes_cents=prizes_cents,
            rake_cents=settled.rake_cents,
        )
    return Rehearsal(
        entries=settled.entries,
        pot_cents=settled.pot_cents,
        prizes_cents=prizes_cents,
        rake_cents=settled.rake_cents,
        result_sha256=settled.result_sha256,
    )


def _entries_needed(tournament: Tournament) -> int:
    """Return how many entries try every place of the prize table and cover fixed prizes, as far as they may enter."""
    most = min(tournament.entry.max_entries, ENTRIES_MAX)
    wanted = min(most, max(ENTRIES_MIN, tournament.prizes.places[-1].last + 1))
    while wanted < most and check_pot(tournament, wanted) is not None:
        wanted = min(most, 2 * wanted)
    return wanted


def _golfers(tournament: Tournament) -> Sequence[str]:
    roster = tournament.roster
    if roster.tiers:
        return [player for tier in roster.tiers for player in tier.players]
    return [f"golfer-{number:03d}" for number in range(1, 2 * roster.size + 7)]


def _leaderboard(tournament: Tournament, golfers: Sequence[str]) -> dict[str, Any]:
    """Return the provider's last word on an event in which some golfers miss the cut, withdraw or are disqualified."""
    event = tournament.event
    return {
        "id": event.provider_event_id,
        "name": "A made-up event",
        "status": "closed",
        "leaderboard": [
            _line(player, number, event.rounds, event.cut_after_round) for number, player in enumerate(golfers)
        ],
    }


def _line(player: str, number: int, rounds: int, cut_after_round: int) -> dict[str, Any]:
    status, played = None, rounds
    # Every fourth golfer does not finish, each time for the next reason.
    if number % 4 == 3:
        status = _STRANGE_ENDS[number // 4 % len(_STRANGE_ENDS)]
        played = cut_after_round if status == "CUT" else max(1, rounds - 1)
        if status == "CUT" and not cut_after_round:
            status, played = None, rounds
    line: dict[str, Any] = {"id": player, "first_name": "Made", "last_name": "Up"}
    if status is not None:
        line["status"] = status
    return {**line, "rounds": list(_rounds(number, played))}


def _rounds(number: int, played: int) -> Iterator[dict[str, int]]:
    for sequence in range(1, played + 1):
        to_par = (5 * number + 3 * sequence) % 11 - 5
        yield {"sequence": sequence, "score": to_par, "strokes": PAR_A_ROUND + to_par, "thru": HOLES}


def _entry(tournament: Tournament, golfers: Sequence[str], number: int) -> Entry:
    """Return one of the entries: the rosters walk through the field, so that some are tied and some are cut."""
    roster = tournament.roster
    if roster.tiers:
        picks = [player for tier in roster.tiers for player in _walk(tier.players, tier.pick, number)]
    else:
        picks = _walk(golfers, roster.size, number)
    return Entry(entry_id=f"e{number:04d}", picks=tuple(picks), tiebreak=number % 7 - 3)


def _walk(players: Sequence[str], count: int, start: int) -> list[str]:
    return [players[(start + step) % len(players)] for step in range(count)]


def warnings_of(tournament: Tournament) -> list[str]:
    """Return what is allowed and yet may not be meant."""
    warnings = []
    if not tournament.entry.rake_percent and not tournament.entry.rake_cents:
        warnings.append("rake 0: Stripe's fees are not covered, and transfers will wait for money from elsewhere")
    return warnings
