"""Rows of a provider event's feed: the bodies that the provider has served."""

from __future__ import annotations

from cutline.engine.decision import Recorded
from cutline.engine.feed.events import PayloadRejected, PayloadStored
from cutline.storage.projections import Rows
from cutline.storage.sqlite import utc_text


def project(recorded: Recorded, blob: bytes | None) -> Rows:
    """Return the rows of one feed event; `blob` is the compressed body."""
    event = recorded.event
    if not isinstance(event, PayloadStored | PayloadRejected):
        return ()
    at = utc_text(event.received_at)
    return (("payloads", (event.sha256, at, event.http_status, blob, recorded.seq)),)
