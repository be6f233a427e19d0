"""Executions of runbooks: one line each, however many rows, and a failed step is never hidden."""

from datetime import timedelta
from typing import Any

import pytest

from cutline.engine.decision import Rejected
from cutline.engine.governance import GovernanceMachine
from cutline.engine.messages import (
    CompleteRunbook,
    RaiseAlert,
    ReadRunbookExecution,
    ReadRunbookExecutions,
    RecordRunbookStep,
    StartRunbook,
)
from tests.engine.driver import File, at, types

NOW = at("2026-02-16 20:00")


def start(execution_id: str = "x1", name: str = "contest_lock_failed") -> StartRunbook:
    return StartRunbook(
        execution_id=execution_id,
        runbook_name=name,
        runbook_version="1.0.0",
        executed_by="ops-user-123",
        subject="ada",
        system_state_before={"stuck": 2},
    )


def step(number: int, outcome: Any = "done") -> RecordRunbookStep:
    return RecordRunbookStep(
        execution_id="x1", execution_phase="Steps", phase_step=number, outcome=outcome, subject="ada"
    )


def complete(status: Any = "completed") -> CompleteRunbook:
    return CompleteRunbook(
        execution_id="x1", status=status, subject="ada", result={"ok": 1}, system_state_after={"stuck": 0}
    )


def opened() -> File:
    file = File(GovernanceMachine())
    file.send(start(), NOW)
    return file


def listed(file: File, **which: Any) -> list[dict[str, Any]]:
    file.send(ReadRunbookExecutions(limit=10, **which), NOW)
    return list(file.reply["executions"])


def test_an_execution_is_one_line_from_its_start_to_its_end() -> None:
    """RBA-010, RBA-016, RBA-023."""
    file = opened()
    assert file.reply == {"execution_id": "x1", "timestamp": NOW}
    (line,) = listed(file)
    assert (line["status"], line["end_time"], line["duration_seconds"]) == ("in_progress", None, None)
    file.send(step(1), NOW + timedelta(seconds=100))
    assert types(file.send(complete(), NOW + timedelta(seconds=300))) == ["RunbookCompleted"]
    assert file.reply["success"]
    (line,) = listed(file)
    assert (line["status"], line["duration_seconds"], line["phase_step"]) == ("completed", 300, 1)
    assert (line["system_state_before"], line["system_state_after"]) == ({"stuck": 2}, {"stuck": 0})
    assert list(line)[:11] == [
        "id",
        "runbook_name",
        "executed_by",
        "status",
        "start_time",
        "end_time",
        "duration_seconds",
        "system_state_before",
        "result_json",
        "error_reason",
        "system_state_after",
    ]
    file.assert_replays()


def test_asking_again_opens_and_notes_nothing_twice() -> None:
    file = opened()
    assert file.send(start(), NOW + timedelta(seconds=5)) == []
    assert file.reply["timestamp"] == NOW
    file.send(step(1), NOW)
    assert file.send(step(1), NOW) == []
    assert len(file.send(step(2), NOW)) == 1


@pytest.mark.parametrize("command", [step(1), complete(), ReadRunbookExecution(execution_id="x1")])
def test_an_unknown_execution_is_not_found(command: Any) -> None:
    """RBA-022."""
    assert File(GovernanceMachine()).refuse(command, NOW).code == "NOT_FOUND"


def test_a_closed_execution_takes_nothing_more() -> None:
    """RBA-021: its fields stay as they are."""
    file = opened()
    file.send(complete(), NOW)
    before = listed(file)
    for command in (complete("failed"), step(1), ReadRunbookExecution(execution_id="x1", must_be_open=True)):
        assert file.refuse(command, NOW).code == "RUNBOOK_NOT_OPEN"
    file.send(ReadRunbookExecution(execution_id="x1"), NOW)
    assert [file.reply] == before == listed(file)


@pytest.mark.parametrize("status", ["completed", "partial"])
def test_after_a_failed_step_only_failed_is_an_end(status: str) -> None:
    """RBA-020, C-05: there is no silent partial recovery."""
    file = opened()
    file.send(step(1), NOW)
    file.send(step(2, "failed"), NOW)
    for command in (complete(status), step(3)):
        refusal = file.refuse(command, NOW)
        assert isinstance(refusal, Rejected)
        assert (refusal.code, refusal.details["step"]) == ("RUNBOOK_STEP_FAILED", 2)
    file.send(complete("failed"), NOW)
    file.assert_replays()


@pytest.mark.parametrize(("status", "escalated"), [("completed", False), ("partial", True), ("failed", True)])
def test_what_did_not_complete_is_escalated(status: str, escalated: bool) -> None:
    file = opened()
    file.send(complete(status), NOW)
    assert bool(file.effects) == escalated
    if escalated:
        (alert,) = file.effects
        assert isinstance(alert, RaiseAlert)
        assert (alert.name, alert.runbook) == ("runbook_execution_failed", "runbooks/contest-lock-failed.md")


def test_a_clock_that_went_back_gives_no_negative_duration() -> None:
    """RBA-013."""
    file = opened()
    file.send(complete(), NOW - timedelta(hours=1))
    assert listed(file)[0]["duration_seconds"] == 0


def test_the_list_is_newest_first_and_by_name() -> None:
    file = opened()
    file.send(start("x2", "contest_in_error"), NOW)
    assert [line["id"] for line in listed(file)] == ["x2", "x1"]
    assert [line["id"] for line in listed(file, runbook_name="contest_lock_failed")] == ["x1"]
