"""`cutline promote`: nothing without the words, everything in order, and nothing behind a step that fails."""

from __future__ import annotations

import io
import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from cutline.commands.promoting import STEPS, TRACKER, read_plan
from tests.commands.conftest import Ended, Run

ROOT = Path(__file__).resolve().parents[2]
RELEASE = "v2.3.0"
WORDS = "GO PROD\n"


class Box:
    """A folder to promote in, with a plan whose steps write down that they ran."""

    def __init__(self, folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.ran = folder / "ran"
        self.plan = folder / "plan.toml"
        self._run = run
        self._monkeypatch = monkeypatch
        self.write(STEPS)

    def write(self, names: Sequence[str], failing: str | None = None) -> None:
        """Write a plan of these steps; one of them may fail after it was run."""
        code = "import os, sys; open({!r}, 'a').write(sys.argv[1] + ' ' + os.environ['RELEASE'] + '\\n'); {}"
        lines = []
        for name in names:
            ends = "sys.exit(3)" if name == failing else "print('done')"
            command = [sys.executable, "-c", code.format(str(self.ran), ends), name]
            lines.append(f"[{name}]\nrun = {json.dumps([command])}\n")
        self.plan.write_text("\n".join(lines), "utf-8")

    def promote(self, typed: str, *options: str, release: str = RELEASE, **given: str) -> Ended:
        self._monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        said = {"--by": "ada", "--reason": "the release of May"} | {f"--{name}": text for name, text in given.items()}
        named = [part for option in said.items() for part in option]
        where = ("--plan", self.plan, "--records", self.folder / "promotions")
        return self._run("promote", release, *named, *where, *options)

    def steps_run(self) -> list[str]:
        return self.ran.read_text("utf-8").splitlines() if self.ran.exists() else []

    def record(self) -> Mapping[str, Any]:
        [path] = (self.folder / "promotions").iterdir()
        document: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        return document


@pytest.fixture
def box(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Box:
    return Box(tmp_path, run, monkeypatch)


def test_the_steps_run_in_their_order_and_the_release_passes_last(box: Box) -> None:
    """NET-023, ENV-016: ledger fix, smoke, migration, deploy, regression, and only then `passes`; on record by whom."""
    ended = box.promote(WORDS, "--json")
    assert (ended.code, box.steps_run()) == (0, [f"{name} {RELEASE}" for name in STEPS])
    assert STEPS == ("ledger_fix", "ledger_smoke", "migration", "deploy", "regression")
    record = box.record()
    assert (record["approved_by"], record["reason"], record["approval"]) == ("ada", "the release of May", "GO PROD")
    assert (record["passes"], [step["name"] for step in record["steps"]]) == (True, [*STEPS, TRACKER])
    assert {step["status"] for step in record["steps"]} == {"passed"}
    assert record["started_at"] < record["ended_at"]
    document = json.loads(ended.out)
    assert (document.pop("ok"), Path(document.pop("record")).exists(), document) == (True, True, record)


@pytest.mark.parametrize("failing", STEPS)
def test_a_step_that_fails_ends_the_promotion(box: Box, failing: str) -> None:
    """NET-023, ENV-025: what is behind it is not run, and the release does not pass."""
    box.write(STEPS, failing)
    ended = box.promote(WORDS)
    place = STEPS.index(failing)
    assert (ended.code, len(box.steps_run())) == (1, place + 1)
    record = box.record()
    statuses = [step["status"] for step in record["steps"]]
    assert statuses == ["passed"] * place + ["failed"] + ["not_run"] * (len(STEPS) - place)
    assert (record["passes"], record["steps"][place]["exit_code"]) == (False, 3)
    assert "does not pass" in ended.err


@pytest.mark.parametrize("typed", ["", "\n", "go prod\n", "GO PROD!\n", " GO PROD\n", "GO\nPROD\n", "yes\n"])
def test_without_the_very_words_nothing_is_run(box: Box, typed: str) -> None:
    """NET-024: no other words, no end of input, and no option stand for them."""
    ended = box.promote(typed)
    assert (ended.code, box.steps_run(), (box.folder / "promotions").exists()) == (1, [], False)
    assert "nothing was run" in ended.err
    assert all(f"{name}: " in ended.err for name in STEPS), "what would be run is shown before"


@pytest.mark.parametrize("given", [{"by": " "}, {"reason": ""}, {"release": "2.3.0"}, {"release": "v2.3"}])
def test_an_approval_names_somebody_a_reason_and_a_release(box: Box, given: dict[str, str]) -> None:
    """ENV-016, ENV-027."""
    assert (box.promote(WORDS, **given).code, box.steps_run()) == (2, [])


@pytest.mark.parametrize(
    "names", [(), STEPS[1:], STEPS[:-1], (*STEPS, "celebration"), (STEPS[1], STEPS[0], *STEPS[2:])]
)
def test_a_plan_with_other_steps_or_another_order_is_refused(box: Box, names: Sequence[str]) -> None:
    """NET-023."""
    box.write(names)
    ended = box.promote(WORDS)
    assert (ended.code, box.steps_run()) == (2, [])
    assert ", ".join(STEPS) in ended.err


@pytest.mark.parametrize("text", ["run = []", "run = [[]]", 'run = [["x", ""]]', "run = [[1]]", 'run = "x"', "", "["])
def test_a_step_that_runs_nothing_is_refused(box: Box, text: str) -> None:
    whole = box.plan.read_text("utf-8")
    box.plan.write_text(f"{whole.partition('[regression]')[0]}[regression]\n{text}\n", "utf-8")
    assert (box.promote(WORDS).code, box.steps_run()) == (2, [])


def test_a_program_that_is_not_there_fails_its_step(box: Box) -> None:
    box.plan.write_text("".join(f'[{name}]\nrun = [["/nowhere/{name}"]]\n' for name in STEPS), "utf-8")
    assert box.promote(WORDS).code == 1
    first = box.record()["steps"][0]
    assert (first["status"], first["exit_code"], first["command"]) == ("failed", None, "/nowhere/ledger_fix")


def test_nothing_runs_off_the_record(box: Box) -> None:
    (box.folder / "promotions").write_text("a file where the folder should be", "utf-8")
    ended = box.promote(WORDS)
    assert (ended.code, box.steps_run()) == (1, [])
    assert "--records" in ended.err


def test_the_plan_beside_the_release_is_whole_and_names_programs_that_are_there() -> None:
    """NET-023: our own programs and tests, by the paths of a checkout."""
    plan = read_plan(ROOT / "deploy/promotion.toml")
    words = [word for programs in plan.values() for program in programs for word in program]
    assert [word for word in words if word.startswith("tests/") and not (ROOT / word).exists()] == []
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    assert {"cutline"} <= set(scripts)
