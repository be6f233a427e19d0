"""Divide a contest's pot by its final ranks: prizes, rake, surplus. It ranks nobody and posts nothing.

How the cents fall, which is part of every contest's terms (SET-019):

1. The pot is the fees of the ACTIVE entries; the rake is taken first, rounded down.
2. Places that no entry can reach fold into the others pro rata: the amount to divide stays the same.
3. Each place is worth its share rounded down; the cents that remain go to the places from the first on, one each.
4. Tied entries pool what the places they span are worth and share it evenly; the cents that remain go to them in
   order of entry id, one each.
5. A prize for the best entry of a round is a share like that of a place, after the places; equal entries share it as
   tied ones do. The share of a round that was not played, or that no entry can win, folds into the others pro rata.
6. Fixed prizes must be covered by the net pot (POT_SHORT); what the pot holds beyond them is income like the rake.

So prizes and rake always sum to the pot, and a better rank never wins less for its place.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from cutline.engine.decision import Rejected
from cutline.engine.errors import InvariantViolated, RejectCode
from cutline.engine.money import split_by_weight, split_evenly
from cutline.engine.tournament.model import Tournament
from cutline.engine.tournament.prize_table import (
    daily_weight,
    fixed_total_cents,
    net_pot_cents,
    place_weights,
    pot_cents,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """A pot divided, all in cents: `pot_cents` = the sum of `prize_cents` + `rake_cents`.

    `rake_cents` includes `surplus_cents`, what fixed prizes leave. `prize_cents` and `remainder_cents` follow the
    ranks; the latter says who got a cent of a tie that could not be shared evenly.
    """

    pot_cents: int
    rake_cents: int
    surplus_cents: int
    prize_cents: tuple[int, ...]
    remainder_cents: tuple[int, ...]


def check_pot(tournament: Tournament, active_entries: int) -> Rejected | None:
    """Return POT_SHORT if fixed prizes exceed what these entries bring in; percent prizes are never short."""
    prizes = tournament.prizes
    if prizes.basis == "percent":
        return None
    net, needed = net_pot_cents(tournament.entry, active_entries), fixed_total_cents(prizes)
    if needed <= net:
        return None
    return Rejected(code=RejectCode.POT_SHORT, details={"net_pot_cents": net, "prizes_cents": needed})


def divide_pot(
    tournament: Tournament, ranks: Sequence[int], best_of_rounds: Sequence[Sequence[int]] = ()
) -> Division | Rejected:
    """Divide the pot among entries whose ranks are given best first and, within a rank, in order of entry id.

    `best_of_rounds` has, for each daily prize of the config, the indices of the entries that share it, in order of
    entry id. Returns POT_SHORT where fixed prizes exceed the net pot. Raises InvariantViolated if a cent is lost.
    """
    entries = len(ranks)
    short = check_pot(tournament, entries)
    if short is not None and entries:
        return short
    net = net_pot_cents(tournament.entry, entries)
    to_divide = net if tournament.prizes.basis == "percent" else fixed_total_cents(tournament.prizes)
    of_places = place_weights(tournament.prizes, entries)
    if entries and len(best_of_rounds) != len(tournament.prizes.daily):
        raise InvariantViolated("the best entries of a day that has a prize are not known")
    days = zip(tournament.prizes.daily, best_of_rounds, strict=False)
    of_days = [daily_weight(daily) if best else 0 for daily, best in days]
    parts = split_by_weight(to_divide, of_places + of_days) if of_places else []
    prizes, remainders = _share(ranks, parts[: len(of_places)])
    for best, cents in zip(best_of_rounds, parts[len(of_places) :], strict=False):
        _share_among(best, cents, prizes, remainders)
    pot = pot_cents(tournament.entry, entries)
    surplus = net - to_divide if entries else 0
    division = Division(
        pot_cents=pot,
        rake_cents=pot - net + surplus,
        surplus_cents=surplus,
        prize_cents=tuple(prizes),
        remainder_cents=tuple(remainders),
    )
    if sum(division.prize_cents) + division.rake_cents != division.pot_cents:
        raise InvariantViolated("prizes and rake do not sum to the pot")
    return division


def _share(ranks: Sequence[int], places: Sequence[int]) -> tuple[list[int], list[int]]:
    prizes, remainders = [0] * len(ranks), [0] * len(ranks)
    first = 0
    while first < len(ranks):
        if ranks[first] != first + 1:
            raise InvariantViolated(f"rank {ranks[first]} follows {first} entries")
        # Ranks never fall, so whoever is tied follows at once.
        after = bisect_right(ranks, ranks[first], lo=first)
        if first < len(places):
            _share_among(range(first, after), sum(places[first:after]), prizes, remainders)
        first = after
    return prizes, remainders


def _share_among(winners: Sequence[int], cents: int, prizes: list[int], remainders: list[int]) -> None:
    """Add an amount to the prizes of those who share it, the odd cents to the first of them."""
    if not winners:
        return
    each, over = split_evenly(cents, len(winners))
    for number, winner in enumerate(winners):
        odd = 1 if number < over else 0
        prizes[winner] += each + odd
        remainders[winner] += odd
