"""Rows of governance: contests' files, published configurations, and what the API has promised."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

from cutline.engine.contracts import ContractPublished, ErrorCodeRegistered
from cutline.engine.decision import Recorded
from cutline.engine.governance import (
    ConfigPublished,
    ContestConfirmed,
    ContestPlanned,
    ContestQuarantined,
    ContestReleased,
)
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
    if isinstance(event, ConfigPublished):
        row = (event.config_id, event.version, event.config_sha256, event.config_json, recorded.seq)
        return (("config_publications", row),)
    if isinstance(event, ContractPublished):
        name, version, sha256 = event.contract_name, event.version, event.sha256
        about = (str(uuid5(_CONTRACTS, event.key)), name, version, sha256, event.spec_json)
        return (("api_contract_snapshots", (*about, utc_text(recorded.at), recorded.seq)),)
    if isinstance(event, ErrorCodeRegistered):
        code = (event.code, event.http_status, event.scope, event.description)
        return (("api_error_codes", (*code, utc_text(recorded.at), recorded.seq)),)
    fact = _FACTS.get(type(event))
    if fact is None:
        return ()
    return (("contest_directory", (event.contest_id, fact, utc_text(recorded.at), recorded.seq)),)
