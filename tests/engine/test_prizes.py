"""Prizes and rake sum to the pot, better ranks never win less, cents fall by the written rule (SET-019)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutline.engine.decision import Rejected
from cutline.engine.errors import InvariantViolated, RejectCode
from cutline.engine.prizes import Division, check_pot, divide_pot
from cutline.engine.tournament import Tournament
from tests.engine.golf import tournament


def terms(basis: str, places: list[dict[str, int]], fee_cents: int = 1000, **rake: int) -> Tournament:
    entry: dict[str, Any] = {"entry.fee_cents": fee_cents, "entry.rake_percent": None}
    entry |= {f"entry.{key}": value for key, value in (rake or {"rake_percent": 0}).items()}
    return tournament({**entry, "entry.max_entries": 10**6, "prizes.basis": basis, "prizes.places": places})


def rows(basis: str, *worths: int) -> list[dict[str, int]]:
    key = "percent" if basis == "percent" else "cents"
    return [{"from": place, "to": place, key: worth} for place, worth in enumerate(worths, start=1)]


def divided(config: Tournament, ranks: list[int]) -> Division:
    division = divide_pot(config, ranks)
    assert isinstance(division, Division), division
    return division


def test_a_pot_without_ties_is_divided_by_the_table() -> None:
    division = divided(terms("percent", rows("percent", 60, 30, 10)), [1, 2, 3, 4])
    assert division.prize_cents == (2400, 1200, 400, 0)
    assert (division.pot_cents, division.rake_cents) == (4000, 0)


def test_ties_pool_the_places_they_span_and_odd_cents_go_to_the_first_ids() -> None:
    # 4 entries at 10.01: places of 2,002.00, 1,201.20 and 800.80 cents; the odd cent goes to the first place: 2,003.
    # Ranks 2, 2, 2 span places 2 to 4: 1,201 + 800 + 0 = 2,001 = 3 x 667.
    division = divided(terms("percent", rows("percent", 50, 30, 20), 1001), [1, 2, 2, 2])
    assert division.prize_cents == (2003, 667, 667, 667)
    # Ranks 1, 1 span places 1 and 2: 3,204 = 2 x 1,602; ranks 3, 3 span 800: 2 x 400.
    division = divided(terms("percent", rows("percent", 50, 30, 20), 1001), [1, 1, 3, 3])
    assert division.prize_cents == (1602, 1602, 400, 400)
    # All four share 4,004.
    assert divided(terms("percent", rows("percent", 50, 30, 20), 1001), [1, 1, 1, 1]).prize_cents == (1001,) * 4


def test_the_remainder_of_a_tie_goes_to_the_first_ids_and_is_stated() -> None:
    # 5 entries at 1.04: 520, less 2 % = 510: places of 357 and 153; four share the second: 38 each and 1 over.
    division = divided(terms("percent", rows("percent", 70, 30), 104, rake_percent=2), [1, 2, 2, 2, 2])
    assert (division.pot_cents, division.rake_cents) == (520, 10)
    assert (division.prize_cents, division.remainder_cents) == ((357, 39, 38, 38, 38), (0, 1, 0, 0, 0))


def test_places_beyond_the_entries_fold_into_the_others_pro_rata() -> None:
    # 2 entries: 60 and 30 of 90 parts of 2,000: 1,333.33 and 666.67; the odd cent goes to the first place.
    assert divided(terms("percent", rows("percent", 60, 30, 10)), [1, 2]).prize_cents == (1334, 666)
    assert divided(terms("percent", rows("percent", 60, 30, 10)), [1]).prize_cents == (1000,)
    # Fixed: the table of 1,500 stays whole: 800 and 500 of 1,300 parts: 923.08 and 576.92.
    division = divided(terms("fixed", rows("fixed", 800, 500, 200)), [1, 2])
    assert division.prize_cents == (924, 576)
    assert (division.pot_cents, division.rake_cents, division.surplus_cents) == (2000, 500, 500)


def test_fixed_prizes_leave_a_surplus_that_is_income() -> None:
    division = divided(terms("fixed", rows("fixed", 1000, 500), 1000, rake_cents=100), [1, 2, 3])
    assert division.prize_cents == (1000, 500, 0)
    assert (division.pot_cents, division.rake_cents, division.surplus_cents) == (3000, 1500, 1200)


def test_fixed_prizes_that_the_pot_does_not_cover_are_refused_by_name() -> None:
    config = terms("fixed", rows("fixed", 1000, 800), 1000, rake_cents=100)
    assert check_pot(config, 2) is None
    short = divide_pot(config, [1])
    assert isinstance(short, Rejected)
    assert short.code is RejectCode.POT_SHORT
    assert short.details == {"net_pot_cents": 900, "prizes_cents": 1800}
    assert check_pot(config, 1) == short
    assert check_pot(terms("percent", rows("percent", 100)), 0) is None


def test_a_real_fixed_table_of_41_places_pays_what_501_entries_bring() -> None:
    ranges = [
        (1, 1, 1200),
        (2, 2, 800),
        (3, 3, 500),
        (4, 4, 400),
        (5, 5, 250),
        (6, 10, 100),
        (11, 15, 75),
        (16, 25, 50),
        (26, 35, 35),
        (36, 40, 25),
        (41, 41, 10),
    ]
    places = [{"from": first, "to": last, "cents": dollars * 100} for first, last, dollars in ranges]
    division = divided(terms("fixed", places), list(range(1, 502)))
    assert division.pot_cents == 501_000
    assert sum(division.prize_cents) + division.rake_cents == 501_000
    assert division.prize_cents[40:42] == (1000, 0)


DAILY = {"prizes.daily": [{"round": 1, "percent": 20}, {"round": 4, "percent": 15}]}


def daily_terms(fee_cents: int = 1000) -> Tournament:
    places = [{"from": 1, "to": 1, "percent": 50}, {"from": 2, "to": 2, "percent": 15}]
    changes = {"entry.fee_cents": fee_cents, "entry.rake_percent": 0, "entry.max_entries": 1000}
    return tournament({**changes, "prizes.places": places, **DAILY})


def split(config: Tournament, ranks: list[int], days: list[list[int]]) -> Division:
    division = divide_pot(config, ranks, days)
    assert isinstance(division, Division)
    assert sum(division.prize_cents) + division.rake_cents == division.pot_cents
    return division


def test_the_best_entries_of_a_day_win_its_prize_beside_their_place() -> None:
    """Four entries at 10: 4,000. Places 2,000 and 600; days 800 and 600. The second wins the first day as well."""
    assert split(daily_terms(), [1, 2, 3, 4], [[1], [3]]).prize_cents == (2000, 1400, 0, 600)


def test_a_day_that_several_win_is_shared_and_its_odd_cents_fall_as_those_of_a_tie() -> None:
    """Three entries at 10.01: 3,003. Shares 1,501.5, 450.45, 600.6, 450.45: 1,501 + 450 + 600 + 450 = 3,001; the two
    cents left go to the first two places: 1,502 and 451. Day one: 600 = 3 x 200. Day two: 450 = 2 x 225.
    """
    division = split(daily_terms(1001), [1, 2, 3], [[0, 1, 2], [1, 2]])
    assert division.prize_cents == (1502 + 200, 451 + 200 + 225, 200 + 225)
    # At 10.03 the pot is 3,009, day one 601.8: two share 601, and the odd cent goes to the first of them.
    assert split(daily_terms(1003), [1, 2, 3], [[1, 2], [1]]).remainder_cents == (0, 1, 0)


def test_a_day_that_was_not_played_folds_into_the_others_pro_rata() -> None:
    """4,000 by 50, 15 and 20 of 85 parts: 2,352.94, 705.88 and 941.18; two cents are left: 2,353 and 706, and 941."""
    assert split(daily_terms(), [1, 2, 3, 4], [[3], []]).prize_cents == (2353, 706, 0, 941)
    assert split(daily_terms(), [1, 2], [[], []]).prize_cents == (1539, 461)


def test_without_entries_no_day_has_a_winner() -> None:
    for division in (split(daily_terms(), [], []), split(daily_terms(), [], [[], []])):
        assert (division.pot_cents, division.prize_cents) == (0, ())


def test_days_of_which_nothing_is_known_are_a_bug() -> None:
    with pytest.raises(InvariantViolated, match=r"^the best entries of a day that has a prize are not known$"):
        divide_pot(daily_terms(), [1, 2])


def test_fixed_prizes_of_days_must_be_covered_too() -> None:
    places = [{"from": 1, "to": 1, "cents": 1500}]
    config = tournament(
        {
            "entry.fee_cents": 1000,
            "entry.rake_percent": 0,
            "prizes.basis": "fixed",
            "prizes.places": places,
            "prizes.daily": [{"round": 1, "cents": 600}],
        }
    )
    assert check_pot(config, 2) == Rejected(
        code=RejectCode.POT_SHORT, details={"net_pot_cents": 2000, "prizes_cents": 2100}
    )
    division = split(config, [1, 2, 3], [[2]])
    assert (division.prize_cents, division.surplus_cents) == ((1500, 0, 600), 900)


def test_no_entries_are_an_empty_division() -> None:
    for config in (terms("percent", rows("percent", 100)), terms("fixed", rows("fixed", 100))):
        assert divided(config, []) == Division(
            pot_cents=0, rake_cents=0, surplus_cents=0, prize_cents=(), remainder_cents=()
        )


def test_ranks_that_cannot_be_are_a_bug() -> None:
    with pytest.raises(InvariantViolated, match="rank 3 follows 1 entries"):
        divide_pot(terms("percent", rows("percent", 100)), [1, 3])


def ranks_with_heavy_ties() -> st.SearchStrategy[list[int]]:
    def to_ranks(sizes: list[int]) -> list[int]:
        ranks: list[int] = []
        for size in sizes:
            ranks += [len(ranks) + 1] * size
        return ranks

    return st.lists(st.integers(1, 30), min_size=1, max_size=12).map(to_ranks)


def percent_tables() -> st.SearchStrategy[list[int]]:
    tables = st.lists(st.integers(1, 40), min_size=1, max_size=8).filter(lambda parts: sum(parts) <= 100)
    return tables.map(lambda parts: sorted([*parts[:-1], parts[-1] + 100 - sum(parts)], reverse=True))


@given(
    ranks=ranks_with_heavy_ties(),
    table=percent_tables(),
    fee_cents=st.integers(0, 100_000),
    rake_percent=st.integers(0, 100),
)
def test_prizes_and_rake_sum_to_the_pot_and_a_better_rank_never_wins_less(
    ranks: list[int], table: list[int], fee_cents: int, rake_percent: int
) -> None:
    config = terms("percent", rows("percent", *table), fee_cents, rake_percent=rake_percent)
    division = divided(config, ranks)
    assert division.pot_cents == fee_cents * len(ranks)
    assert division.rake_cents == division.pot_cents * rake_percent // 100
    check_division(division, ranks)


@given(
    ranks=ranks_with_heavy_ties(),
    table=st.lists(st.integers(1, 5000), min_size=1, max_size=40),
    fee_cents=st.integers(1, 1000),
)
def test_fixed_prizes_are_paid_in_full_or_not_at_all(ranks: list[int], table: list[int], fee_cents: int) -> None:
    config = terms("fixed", rows("fixed", *sorted(table, reverse=True)), fee_cents, rake_cents=0)
    division = divide_pot(config, ranks)
    if sum(table) > fee_cents * len(ranks):
        assert isinstance(division, Rejected)
    else:
        assert isinstance(division, Division)
        assert sum(division.prize_cents) == sum(table)
        check_division(division, ranks)


def check_division(division: Division, ranks: list[int]) -> None:
    assert sum(division.prize_cents) + division.rake_cents == division.pot_cents
    assert list(division.prize_cents) == sorted(division.prize_cents, reverse=True)
    for rank in set(ranks):
        tied = [cents for cents, of_rank in zip(division.prize_cents, ranks, strict=True) if of_rank == rank]
        over = [cents for cents, of_rank in zip(division.remainder_cents, ranks, strict=True) if of_rank == rank]
        assert {cents - odd for cents, odd in zip(tied, over, strict=True)} == {tied[-1]}
        assert sum(over) < len(tied)
