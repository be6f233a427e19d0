"""Rows of governance: contests' files, configurations, executions of runbooks, and what the API has promised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from uuid import UUID, uuid5

import orjson

from cutline.engine.contracts import ContractPublished, ErrorCodeRegistered
from cutline.engine.decision import Recorded
from cutline.engine.executions import RunbookCompleted, RunbookStarted, RunbookStepRecorded
from cutline.engine.governance import (
    ContestConfirmed,
    ContestPlanned,
    ContestQuarantined,
    ContestReleased,
)
from cutline.engine.publications import ConfigPublished, ConfigValidated
from cutline.storage.projections import Rows
from cutline.storage.sqlite import utc_text

_CONTRACTS = UUID("b0b7c1f4-6a57-5b3a-9d5e-2f6f0b1f3d52")
_FACTS: Final[dict[type, str]] = {
    ContestPlanned: "planned",
    ContestConfirmed: "created",
    ContestQuarantined: "quarantined",
    ContestReleased: "released",
}


def project(recorded: Recorded, blob: bytes | None) -> Rows:  # noqa: ARG001  # every projection has this shape
    """Return the rows of one governance event."""
    event = recorded.event
    make = _ROWS.get(type(event))
    if make is not None:
        return make(recorded, event)
    fact = _FACTS.get(type(event))
    if fact is None:
        return ()
    return (("contest_directory", (event.contest_id, fact, utc_text(recorded.at), recorded.seq)),)


def _published(recorded: Recorded, event: ConfigPublished) -> Iterator[tuple[str, Any]]:
    row = (event.config_id, event.version, event.config_sha256, event.config_json, recorded.seq)
    yield "config_publications", row


def _validated(recorded: Recorded, event: ConfigValidated) -> Iterator[tuple[str, Any]]:
    row = (event.config_id, event.config_sha256, event.actor, utc_text(recorded.at), recorded.seq)
    yield "config_validations", row


def _started(recorded: Recorded, event: RunbookStarted) -> Iterator[tuple[str, Any]]:
    at = utc_text(recorded.at)
    yield (
        "runbook_execution_starts",
        (
            event.execution_id,
            event.runbook_name,
            event.runbook_version,
            event.executed_by,
            event.subject,
            _json(event.system_state_before),
            at,
            at,
            recorded.seq,
        ),
    )


def _step(recorded: Recorded, event: RunbookStepRecorded) -> Iterator[tuple[str, Any]]:
    yield (
        "runbook_execution_steps",
        (
            event.execution_id,
            event.number,
            event.execution_phase,
            event.phase_step,
            event.outcome,
            utc_text(recorded.at),
            recorded.seq,
        ),
    )


def _completed(recorded: Recorded, event: RunbookCompleted) -> Iterator[tuple[str, Any]]:
    yield (
        "runbook_execution_ends",
        (
            event.execution_id,
            event.status,
            event.duration_seconds,
            _json(event.result),
            event.error_reason,
            _json(event.system_state_after),
            utc_text(recorded.at),
            recorded.seq,
        ),
    )


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _contract(recorded: Recorded, event: ContractPublished) -> Iterator[tuple[str, Any]]:
    about = (event.contract_name, event.version, event.sha256, event.spec_json)
    yield "api_contract_snapshots", (str(uuid5(_CONTRACTS, event.key)), *about, utc_text(recorded.at), recorded.seq)


def _error_code(recorded: Recorded, event: ErrorCodeRegistered) -> Iterator[tuple[str, Any]]:
    about = (event.code, event.http_status, event.scope, event.description)
    yield "api_error_codes", (*about, utc_text(recorded.at), recorded.seq)


_ROWS: Final[Mapping[type, Callable[[Recorded, Any], Rows]]] = {
    ConfigPublished: _published,
    ConfigValidated: _validated,
    RunbookStarted: _started,
    RunbookStepRecorded: _step,
    RunbookCompleted: _completed,
    ContractPublished: _contract,
    ErrorCodeRegistered: _error_code,
}
