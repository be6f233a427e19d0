"""`replay --what-if`, `--diff` and `--at`, as runbooks type them: documents, exit codes, what to do next."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from cutline.storage.files import DataRoot
from tests.commands.conftest import Run
from tests.engine.golf import CARDS, EVENT_ID, payload, raw
from tests.storage.verify.staging import box


def contest_file(data: Path) -> Path:
    return DataRoot(data).path_of("contest/open-1")


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A settled contest, and a penalty that came a day later. Not to be written to."""
    path = tmp_path_factory.mktemp("comparing") / "data"
    penalty = {**CARDS, "A": (None, [*CARDS["A"][1][:3], (0, 18)])}
    with box(path) as made:
        made.play("open-1")
        made.served = raw(payload(penalty, status="complete"))
        for _ in range(3):
            made.now += timedelta(hours=6)
            made.look(f"feed/{EVENT_ID}")
    return contest_file(path)


def test_what_if_shows_people_who_would_have_got_what(run: Run, corrected: Path) -> None:
    """FAULTS F7."""
    ended = run("replay", corrected, "--what-if")
    assert ended.code == 0
    assert "+7.61" in ended.out
    assert "nothing is paid, and nothing paid is taken back" in ended.out


def test_what_if_gives_programs_one_document(run: Run, corrected: Path) -> None:
    ended = run("replay", corrected, "--what-if", "--json")
    assert ended.code == 0
    document = json.loads(ended.out)
    assert document["accounts"] == {"did:e3": 190, "did:e4": -951, "did:e5": 761}
    assert document["moved_cents"] == 951


def test_without_late_corrections_nobody_would_have_got_anything_else(run: Run, data: Path) -> None:
    ended = run("replay", contest_file(data), "--what-if")
    assert (ended.code, "no difference for anybody in open-1" in ended.out) == (0, True)


def test_two_points_are_compared(run: Run, corrected: Path) -> None:
    """SET-011: a run by its id, or a checkpoint of the feed."""
    ended = run("replay", corrected, "--diff", "checkpoint:0", "open-1:settlement:1")
    assert ended.code == 0
    assert "checkpoint:0 (checkpoint 0): refused" in ended.out


def test_a_row_before_the_end_says_what_it_would_settle_to(run: Run, data: Path) -> None:
    """SET-012."""
    ended = run("replay", contest_file(data), "--at", "10")
    assert (ended.code, "at this row it could not be settled" in ended.out) == (0, True)


@pytest.mark.parametrize(
    "options",
    [
        ("--diff", "settled", "nowhere"),
        ("--what-if", "--at", "3"),
        ("--what-if", "--diff", "settled", "late"),
    ],
)
def test_what_cannot_be_compared_says_what_to_give(run: Run, data: Path, options: tuple[str, ...]) -> None:
    ended = run("replay", contest_file(data), *options)
    assert (ended.code, ended.out) == (1, "")
    assert "Give" in ended.err


def test_what_if_of_what_is_no_contest_says_what_to_give(run: Run, data: Path) -> None:
    ended = run("replay", DataRoot(data).path_of("ledger"), "--what-if")
    assert ended.code == 1
    assert "Give a contest's file" in ended.err
