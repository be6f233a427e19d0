"""Exact division of cents (SET-019, SET-020)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutline.engine.errors import InvariantViolated
from cutline.engine.money import share_cents, split_by_weight, split_evenly


def test_a_share_is_rounded_down_to_the_cent() -> None:
    assert share_cents(6006, 500) == 300  # 300.30
    assert share_cents(99, 10_000) == 99
    assert share_cents(99, 0) == 0


def test_cents_that_remain_go_to_the_first_parts() -> None:
    assert split_by_weight(100, [1, 1, 1]) == [34, 33, 33]
    assert split_by_weight(5706, [5000, 3000, 2000]) == [2854, 1711, 1141]


@given(
    total=st.integers(0, 10**12),
    weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=60).filter(any),
)
def test_parts_sum_to_the_total_and_never_rise(total: int, weights: list[int]) -> None:
    falling = sorted(weights, reverse=True)
    parts = split_by_weight(total, falling)
    assert sum(parts) == total
    assert parts == sorted(parts, reverse=True)
    assert all(
        abs(part * sum(falling) - total * weight) < sum(falling) for part, weight in zip(parts, falling, strict=True)
    )


@given(total=st.integers(0, 10**12), parts=st.integers(1, 10**6))
def test_an_even_split_loses_no_cent(total: int, parts: int) -> None:
    each, over = split_evenly(total, parts)
    assert each * parts + over == total
    assert 0 <= over < parts


@pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (1, [0]), (1, [])])
def test_what_cannot_be_divided_is_a_bug(total: int, weights: list[int]) -> None:
    with pytest.raises(InvariantViolated, match=f"{total} cents by weights that sum to {sum(weights)}"):
        split_by_weight(total, weights)


@pytest.mark.parametrize(("amount", "basis_points"), [(-1, 1), (1, -1), (1, 10_001)])
def test_no_share_of_less_than_nothing_or_more_than_all(amount: int, basis_points: int) -> None:
    with pytest.raises(InvariantViolated, match=f"{basis_points} basis points in {amount} cents"):
        share_cents(amount, basis_points)
    with pytest.raises(InvariantViolated, match="1 cents among 0"):
        split_evenly(1, 0)
