"""One number for each entry orders as all its keys do, however far they spread (SET-001)."""

import numpy as np
import pytest

from cutline.engine.scoring.matrix import COMPOSITE_MAX, RADIX_MAX, SPAN_MAX, _composite, _dense
from cutline.engine.scoring.matrix_golfers import Ints


def ints(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


def ranks_of(*keys: Ints) -> list[int]:
    """Rank by the composite, from 0 on, equal ones alike."""
    composite = _composite(keys, len(keys[0]))
    return [int(rank) for rank in np.unique(composite, return_inverse=True)[1]]


@pytest.mark.parametrize(
    ("key", "dense", "span"),
    [
        (ints(), [], 1),
        (ints(7, 7), [0, 0], 1),
        # A narrow key is counted from its least, wherever that is.
        (ints(307, 303, 307), [4, 0, 4], 5),
        (ints(-303, -307), [4, 0], 5),
        (ints(0, SPAN_MAX - 1), [0, SPAN_MAX - 1], SPAN_MAX),
        # A wide one is counted by rank.
        (ints(0, SPAN_MAX), [0, 1], 2),
        (ints(2**40, -(2**40), 2**40), [1, 0, 1], 2),
    ],
)
def test_a_key_is_counted_from_nothing(key: Ints, dense: list[int], span: int) -> None:
    values, counted = _dense(key)
    assert (values.tolist(), counted) == (dense, span)


def test_earlier_keys_come_first() -> None:
    assert ranks_of(ints(1, 0, 0, 1), ints(0, 9, 5, 0)) == [2, 1, 0, 2]
    # What is true of an entry puts it after those of which it is false.
    assert ranks_of(np.array([True, False, False]), ints(0, 2, 1)) == [2, 1, 0]


# Four entries with the most that a narrow key can say, after one with the least.
WIDE = ints(0, *[SPAN_MAX - 1] * 4)
LAST = ints(7, 2, 0, 1, SPAN_MAX - 1)
IN_ORDER = [0, 3, 1, 2, 4]


@pytest.mark.parametrize(
    ("keys", "ranks"),
    [
        ((WIDE, WIDE, LAST), IN_ORDER),
        # One that says nothing.
        ((WIDE, WIDE, LAST, ints(5, 5, 5, 5, 5)), IN_ORDER),
        # One that is itself spread out.
        ((WIDE, WIDE, WIDE, ints(0, 2**40, -(2**40), 0, 2**40)), [0, 3, 1, 2, 3]),
    ],
)
def test_keys_wider_together_than_exact_floats_order_by_the_last(keys: tuple[Ints, ...], ranks: list[int]) -> None:
    """Three keys of 2^20 values are 2^60, where neighbours share a float."""
    assert ranks_of(*keys) == ranks


def test_keys_wider_together_than_a_number_still_order_by_all() -> None:
    """Four keys of 2^20 values would need 80 bits of 63."""
    assert SPAN_MAX**4 > COMPOSITE_MAX
    assert ranks_of(WIDE, WIDE, WIDE, LAST) == IN_ORDER
    assert ranks_of(ints(0, 0, 1, 1, SPAN_MAX - 1), WIDE, WIDE, LAST) == [0, 1, 2, 3, 4]


def test_keys_that_fit_two_bytes_sort_by_their_digits() -> None:
    """256 by 256 values are all that two bytes hold, and one that says nothing takes no room."""
    key = np.arange(1000, 1256, dtype=np.int64)
    same = np.full(256, 7, dtype=np.int64)
    assert _composite([key, same, key[::-1]], 256).dtype == np.uint16
    assert _composite([key, np.append(key[:-1], 1256)], 256).dtype == np.int64
    assert RADIX_MAX == 256 * 256
