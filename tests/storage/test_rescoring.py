"""A contest's file scored again beside the engine: at any row or checkpoint, with late corrections, and audited."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from cutline.storage.files import DataRoot
from cutline.storage.replay import replay
from cutline.storage.rescoring import PointUnknown, audit_json, compare_json, compare_points, read_mismatches
from cutline.storage.verify import verify_root
from tests.engine.golf import CARDS, EVENT_ID, Cards, payload, raw
from tests.storage.verify.staging import box
from tests.storage.verify.tampering import changed, forge, run

CONTEST = "contest/open-1"
PENALTY: Cards = {**CARDS, "A": (None, [*CARDS["A"][1][:3], (0, 18)])}


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A contest paid to its winners, and a penalty that the provider gave a day later. Not to be written to."""
    path = tmp_path_factory.mktemp("rescoring") / "data"
    with box(path) as made:
        made.play("open-1")
        made.served = raw(payload(PENALTY, status="complete"))
        for _ in range(3):
            made.now += timedelta(hours=6)
            made.look(f"feed/{EVENT_ID}")
    return path


@pytest.fixture
def file(corrected: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(DataRoot(corrected).path_of(CONTEST), tmp_path / "open-1.db"))


def test_a_root_with_late_corrections_is_sound(corrected: Path) -> None:
    assert verify_root(corrected).problems == ()


def test_what_late_corrections_would_have_changed_is_shown_for_each_holder(file: Path) -> None:
    """FAULTS F7: the difference in cents; nothing is paid by it."""
    compared = compare_points(file)
    assert (compared["before"]["point"], compared["after"]["point"]) == ("settled", "late")
    assert compared["before"]["result_sha256"] == replay(file).recorded_sha256
    assert not compared["same"]
    assert sum(compared["accounts"].values()) == 0
    assert compared["accounts"]["did:e5"] > 0
    assert {entry["account_did"] for entry in compared["entries"]} >= set(compared["accounts"])
    assert [change["payload"]["corrects"] for change in compared["changes"] if change["type"] == "RoundScored"] == [
        "score:A:4:1"
    ]
    assert compared["changes_between"] == len(compared["changes"]) >= 3


def test_a_run_compared_with_itself_differs_in_nothing(file: Path) -> None:
    compared = compare_points(file, "open-1:settlement:1", "settled")
    assert (compared["same"], compared["entries"], compared["changes_between"]) == (True, [], 0)


def test_the_settled_checkpoint_gives_the_settled_result(file: Path) -> None:
    """SET-012: replay from the right checkpoint."""
    settled = compare_points(file, "settled", "settled")["before"]
    again = compare_points(file, f"checkpoint:{settled['checkpoint']}", "settled")
    assert again["same"]
    assert again["before"]["input_sha256"] == settled["input_sha256"]


def test_a_checkpoint_before_the_end_says_why_it_cannot_be_settled(file: Path) -> None:
    compared = compare_points(file, "checkpoint:0", "settled")
    assert compared["before"]["refused"]["code"] == "SETTLEMENT_NOT_READY"
    assert compared["entries"] == []


@pytest.mark.parametrize("point", ["open-1:settlement:9", "checkpoint:99999", "checkpoint:-1", "checkpoint:x", ""])
def test_a_point_that_is_not_there_is_refused_by_name(file: Path, point: str) -> None:
    with pytest.raises(PointUnknown, match="is no point of this contest"):
        compare_points(file, point, "settled")
    assert "is no point" in orjson.loads(compare_json(str(file), "settled", point))["unknown"]


def test_a_contest_that_is_not_settled_has_no_what_if(tmp_path: Path) -> None:
    with box(tmp_path / "data") as made:
        made.create("open-1")
        with pytest.raises(PointUnknown, match="checkpoint:0"):
            compare_points(made.root.path_of(CONTEST))


def test_every_row_of_the_log_can_be_replayed_and_settles_or_says_why_not(file: Path) -> None:
    """SET-012: any checkpoint."""
    last = replay(file).seq
    seen: set[Any] = set()
    for row in range(2, last + 1):
        again = replay(file, row)
        assert again.ok, (row, again.problems)
        if again.would_settle is not None:
            refused = again.would_settle.get("refused")
            seen.add(refused["details"]["reason"] if refused else again.would_settle["result_sha256"])
    assert {"event_not_final", replay(file).recorded_sha256} <= seen


# Audits -----------------------------------------------------------------------------------------------------------


def audited(file: Path) -> tuple[str, ...]:
    return tuple(read_mismatches(audit_json(str(file))))


def test_a_sound_file_audits_to_nothing(file: Path) -> None:
    assert audited(file) == ()


FORGERIES: dict[str, Callable[[Path], None]] = {
    "a score in its table": lambda file: run(file, "UPDATE scores SET prize_cents = prize_cents + 1 WHERE rank = 1"),
    "a row of the audit": lambda file: run(file, "UPDATE settlement_audit SET score_version = 7"),
    "a recorded prize, its chain made anew": lambda file: forge(
        file, "SettlementRecorded", lambda event: changed(event, rake_cents=0)
    ),
    "a change of the feed": lambda file: forge(file, "FeedApplied", _better_round),
    "the chain": lambda file: run(file, "UPDATE log SET cause = 'nobody' WHERE seq = 9"),
}


def _better_round(event: dict[str, Any]) -> bool:
    for kind, change in event["changes"]:
        if kind == "RoundScored" and change["player_id"] == "E":
            change["to_par"] -= 3
            change["strokes"] -= 3
            return True
    return False


@pytest.mark.parametrize("forge_it", FORGERIES.values(), ids=FORGERIES)
def test_whatever_is_forged_in_a_settled_file_is_found(file: Path, forge_it: Callable[[Path], None]) -> None:
    """SET-009: a forged row gives a mismatch."""
    forge_it(file)
    assert audited(file)


def test_a_file_that_cannot_be_read_is_a_mismatch_and_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "open-1.db").write_bytes(b"nothing")
    (said,) = audited(tmp_path / "open-1.db")
    assert said.startswith("the file cannot be read again")
