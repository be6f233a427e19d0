"""The crash tests know every event there is: a new one is either crashed upon, or said to belong to another story."""

from __future__ import annotations

import pytest

from cutline.storage.kinds import KINDS
from cutline.storage.machines import rules_of
from tests.e2e.test_crash import ELSEWHERE, EVENTS


def test_every_kind_of_file_is_listed() -> None:
    assert set(EVENTS) == set(ELSEWHERE) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_event_is_missing_from_the_crash_list(kind: str) -> None:
    """P1: EVENTS is for what the undisturbed contest writes (`make crash` says so), ELSEWHERE for all others."""
    listed, elsewhere = set(EVENTS[kind].split()), set(ELSEWHERE[kind].split())
    assert listed & elsewhere == set()
    assert listed | elsewhere == set(rules_of(kind).codec.names)
