"""The benchmark of settlements runs on real contest files and refuses figures of results that differ."""

import json
from pathlib import Path

import pytest

from cutline.bench import settle
from cutline.bench.large_contest import ENTRIES_MIN
from cutline.bench.measurement import BenchmarkFailed


def test_both_scorers_and_the_settlement_come_to_one_result_from_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settle.main(json=True, rounds=1, entries=ENTRIES_MIN, data=tmp_path) == 0
    document = json.loads(capsys.readouterr().out)
    (size,) = document["sizes"]
    assert size["entries"] == ENTRIES_MIN
    assert set(size["subjects"]) == {"matrix", "plain", "settlement"}
    assert document["standings_after_a_poll"]["entries"] == ENTRIES_MIN
    assert list(tmp_path.iterdir()) == []


def test_a_contest_that_cannot_pay_its_prizes_is_not_measured(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFailed, match="501 entries"):
        settle.run_settle(tmp_path, [ENTRIES_MIN - 1], rounds=1)
