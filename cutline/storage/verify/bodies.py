"""Check the bodies that lie beside a log against the digests in it; what is forgotten cannot be checked, by design."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator

from pysqlite3 import Connection

from cutline.storage.errors import Corrupt, FileMissing
from cutline.storage.sealing import Sealer
from cutline.storage.verify.report import Code, Problem

_SEALED = (
    ("stripe_events", "SELECT event_id, sha256, key_month, body FROM stripe_events ORDER BY log_seq"),
    (
        "stripe_events_quarantined",
        "SELECT event_id, sha256, key_month, body FROM stripe_events_quarantined ORDER BY log_seq",
    ),
)
_ROSTERS = "SELECT sha256, body FROM rosters ORDER BY id"
_PAYLOADS = "SELECT sha256, body FROM payloads ORDER BY id"


def check_sealed(connection: Connection, file: str, sealer: Sealer) -> Iterator[Problem]:
    """Yield the sealed bodies that are not what their digests say; a month whose key is gone is passed over."""
    for table, query in _SEALED:
        for event_id, sha256, month, body in connection.execute(query):
            try:
                plain = sealer.open(body, month)
            except FileMissing:
                continue
            except Corrupt as error:
                yield _altered(file, f"{table} event_id={event_id}", str(error))
                continue
            if hashlib.sha256(plain).hexdigest() != sha256:
                yield _altered(file, f"{table} event_id={event_id}", "the body is not the one that was recorded")


def check_payloads(connection: Connection, file: str) -> Iterator[Problem]:
    """Yield the feed payloads that are not what their digests say."""
    for sha256, body in connection.execute(_PAYLOADS):
        try:
            digest = hashlib.sha256(zlib.decompress(body)).hexdigest()
        except zlib.error as error:
            yield _altered(file, f"payloads sha256={sha256}", str(error))
            continue
        if digest != sha256:
            yield _altered(file, f"payloads sha256={sha256}", f"the body has the digest {digest}")


def check_rosters(connection: Connection, file: str) -> Iterator[Problem]:
    """Yield packed rosters that are not what their digest says."""
    for sha256, body in connection.execute(_ROSTERS):
        digest = hashlib.sha256(body).hexdigest()
        if digest != sha256:
            yield _altered(file, f"rosters sha256={sha256}", f"the body has the digest {digest}")


def _altered(file: str, where: str, message: str) -> Problem:
    return Problem(code=Code.BODY_ALTERED, file=file, where=where, message=message)
