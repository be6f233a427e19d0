"""Runbooks are there where the code names them, and their commands are commands that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.runbooks.reading import BLOCK, ROOT, commands_of, front_matter, unknown_options

NAMED = re.compile(r"runbooks/([a-z0-9-]+\.md)")
RUNBOOKS = sorted((ROOT / "runbooks").glob("*.md"))
WANTED = {"runbook_name", "version", "date", "alert", "role", "inputs", "outputs"}
NAMED_OTHERWISE = {"payout_transfer_stuck_retryable": "payout_transfer_stuck_in_retryable"}
"""RB-030 gives a file and its runbook two names."""
SECTIONS = ["Prerequisites", "Steps", "Verification", "Rollback"]


def test_every_runbook_that_the_code_names_exists() -> None:
    """LIFE-010: nobody is sent to a page that is not there."""
    named = {
        name for path in sorted((ROOT / "cutline").rglob("*.py")) for name in NAMED.findall(path.read_text("utf-8"))
    }
    assert {"contest-quarantined.md", "contest-in-error.md", "engine-died-on-disk-error.md"} <= named
    assert named <= {path.name for path in RUNBOOKS}


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_says_what_it_is_for_and_how_it_ends(path: Path) -> None:
    fields = front_matter(path)
    assert set(fields) == WANTED
    name = path.stem.replace("-", "_")
    assert fields["runbook_name"] == NAMED_OTHERWISE.get(name, name)
    assert re.fullmatch(r"\d+\.\d+\.\d+", fields["version"])
    assert re.findall(r"^## (.+)$", path.read_text("utf-8"), re.MULTILINE) == SECTIONS
    assert not re.search(r"\b(?:sqlite3|SELECT|UPDATE|DELETE)\b", path.read_text("utf-8")), "ops use no SQL"


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_every_command_of_a_runbook_exists_with_its_options(path: Path) -> None:
    """RB-008 and its kin: what a runbook says to type can be typed."""
    assert BLOCK.search(path.read_text("utf-8")), "a runbook without a command"
    for line in commands_of(path):
        assert not unknown_options(line), line


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_runbooks_that_a_runbook_leads_to_exist(path: Path) -> None:
    led = set(re.findall(r"`([a-z-]+\.md)`", path.read_text("utf-8")))
    assert led <= {other.name for other in RUNBOOKS}
