"""Rows of governance: what is known of each contest's file, and every published configuration."""

from __future__ import annotations

from typing import Final

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
    fact = _FACTS.get(type(event))
    if fact is None:
        return ()
    return (("contest_directory", (event.contest_id, fact, utc_text(recorded.at), recorded.seq)),)
