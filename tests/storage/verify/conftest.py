"""A data root that was played to its end, made once and copied for each test that damages it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.storage.verify.staging import box

CONTEST = "open-1"
OTHER = "open-2"


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two contests: one paid out, one that has just taken entries. Not to be written to."""
    path = tmp_path_factory.mktemp("played") / "data"
    with box(path) as made:
        made.play(CONTEST)
        made.create(OTHER)
    return path


@pytest.fixture
def root(played: Path, tmp_path: Path) -> Path:
    """A copy of the played root, to be damaged."""
    return Path(shutil.copytree(played, tmp_path / "data"))
