"""The arithmetic of a config's money terms: rake, net pot, worth of places. It ranks and pays nobody."""

from __future__ import annotations

from decimal import Decimal

from cutline.engine.money import BASIS_POINTS_A_WHOLE, share_cents
from cutline.engine.tournament.model import DailyPrize, EntryTerms, PrizeTerms

WHOLE_BASIS_POINTS = BASIS_POINTS_A_WHOLE


def basis_points(percent: Decimal | int) -> int:
    """Return a percentage of at most two decimals in hundredths of a percent, exactly."""
    return int(percent * 100)


def pot_cents(entry: EntryTerms, active_entries: int) -> int:
    """Return the fees of the ACTIVE entries, in cents."""
    return entry.fee_cents * active_entries


def rake_cents(entry: EntryTerms, active_entries: int) -> int:
    """Return the rake in cents: a percentage of the pot rounded down, or so many cents a paid entry."""
    if entry.rake_cents is not None:
        return entry.rake_cents * active_entries
    return share_cents(pot_cents(entry, active_entries), basis_points(entry.rake_percent or 0))


def net_pot_cents(entry: EntryTerms, active_entries: int) -> int:
    """Return what the pot leaves for prizes, in cents."""
    return pot_cents(entry, active_entries) - rake_cents(entry, active_entries)


def fixed_total_cents(prizes: PrizeTerms) -> int:
    """Return the sum of a fixed prize table over all its places and days, in cents."""
    of_places = sum((row.cents or 0) * (row.last - row.first + 1) for row in prizes.places)
    return of_places + sum(row.cents or 0 for row in prizes.daily)


def place_weights(prizes: PrizeTerms, places_max: int) -> list[int]:
    """Return what the first places are worth: basis points or cents, best place first."""
    weights: list[int] = []
    for row in prizes.places:
        count = min(row.last, places_max) - row.first + 1
        if count <= 0:
            break
        worth = basis_points(row.percent) if row.percent is not None else row.cents or 0
        weights.extend([worth] * count)
    return weights


def daily_weight(daily: DailyPrize) -> int:
    """Return what the best entry of a round is worth: basis points or cents."""
    return basis_points(daily.percent) if daily.percent is not None else daily.cents or 0
