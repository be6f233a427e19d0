"""Divide integer cents exactly: every cent goes somewhere, by a stated rule. It knows no contest."""

from __future__ import annotations

from collections.abc import Sequence

from cutline.engine.errors import InvariantViolated

BASIS_POINTS_A_WHOLE = 10_000
"""One hundred percent, in hundredths of a percent."""


def share_cents(amount_cents: int, basis_points: int) -> int:
    """Return the share of an amount in cents, rounded down: a rake never takes more than its percentage."""
    if amount_cents < 0 or not 0 <= basis_points <= BASIS_POINTS_A_WHOLE:
        raise InvariantViolated(f"no share of {basis_points} basis points in {amount_cents} cents")
    return amount_cents * basis_points // BASIS_POINTS_A_WHOLE


def split_by_weight(total_cents: int, weights: Sequence[int]) -> list[int]:
    """Divide a total by weights: each part rounded down, then a cent more from the first part on.

    The parts sum to the total, and where weights do not rise, parts do not rise either. (SET-019)
    """
    whole = sum(weights)
    if total_cents < 0 or whole <= 0 or min(weights) < 0:
        raise InvariantViolated(f"cannot divide {total_cents} cents by weights that sum to {whole}")
    parts = [total_cents * weight // whole for weight in weights]
    for place in range(total_cents - sum(parts)):
        parts[place] += 1
    return parts


def split_evenly(total_cents: int, parts: int) -> tuple[int, int]:
    """Divide a total among equals: return what each gets, and how many (the first) get a cent more."""
    if total_cents < 0 or parts <= 0:
        raise InvariantViolated(f"cannot divide {total_cents} cents among {parts}")
    return divmod(total_cents, parts)
