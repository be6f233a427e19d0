"""The table of a mutation run counts every verdict once (SET-001)."""

from tests.mutation.tally import table

RESULTS = """
    cutline.engine.money.x_split_evenly__mutmut_1: killed
    cutline.engine.money.x_split_evenly__mutmut_2: survived
    cutline.engine.money.x_split_evenly__mutmut_3: no tests
    cutline.engine.scoring.matrix.xǁ_Contestǁ_over__mutmut_7: timeout
"""


def test_a_run_is_told_by_module_and_as_a_whole() -> None:
    assert list(table(RESULTS.splitlines()))[2:] == [
        "| `engine/money` | 3 | 2 | 1 | 1 |",
        "| `engine/scoring/matrix` | 1 | 1 | 1 | 0 |",
        "| all | 4 | 3 | 2 | 1 |",
    ]
