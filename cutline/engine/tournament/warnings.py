"""What a valid config should make its author think twice about; it refuses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cutline.engine.money import share_cents
from cutline.engine.tournament.faults import ConfigFault, fault
from cutline.engine.tournament.model import Tournament
from cutline.engine.tournament.prize_table import basis_points, rake_cents

STRIPE_FEE_PERCENT = Decimal("2.9")
STRIPE_FEE_CENTS = 30
"""What Stripe's standard price takes of a card payment in the United States; other prices differ."""


def warnings_of(tournament: Tournament) -> list[ConfigFault]:
    """Return what is allowed and doubtful, each with its path, its value and what would be safe."""
    return [*_rake(tournament), *_prizes(tournament)]


def stripe_fee_cents(fee_cents: int) -> int:
    """Return what Stripe keeps of one entry fee at its standard price, in cents, rounded up."""
    if not fee_cents:
        return 0
    return share_cents(fee_cents, basis_points(STRIPE_FEE_PERCENT)) + 1 + STRIPE_FEE_CENTS


def _rake(tournament: Tournament) -> Iterator[ConfigFault]:
    entry = tournament.entry
    fee, rake = stripe_fee_cents(entry.fee_cents), rake_cents(entry, 1)
    if rake >= fee:
        return
    key = "rake_percent" if entry.rake_cents is None else "rake_cents"
    value = entry.rake_percent if entry.rake_cents is None else entry.rake_cents
    right = (
        f"takes {rake} cents of an entry and Stripe about {fee}: below that, transfers to winners wait until somebody "
        "tops the platform's balance up"
    )
    yield fault(f"entry.{key}", value, right)


def _prizes(tournament: Tournament) -> Iterator[ConfigFault]:
    places = tournament.prizes.places[-1].last
    if places > tournament.entry.max_entries:
        right = f"reaches beyond entry.max_entries ({tournament.entry.max_entries}): these places fold into the others"
        yield fault(f"prizes.places[{len(tournament.prizes.places) - 1}].to", places, right)
