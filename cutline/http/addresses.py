"""Judges the ids and keys that callers send, and turns keys into ids; it must not ask anybody."""

from __future__ import annotations

import json
import re
from uuid import UUID, uuid5

from cutline.engine.errors import RejectCode
from cutline.http.asking import Refused
from cutline.http.schemas.base import ACCOUNT_DID, CONTEST_ID

_ACCOUNT_DID = re.compile(ACCOUNT_DID, re.ASCII)
_CONTEST_ID = re.compile(CONTEST_ID, re.ASCII)
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_ENTRIES = UUID("6a1f6d52-3b0c-5c39-9d52-8d9e4f0c7a11")
"""The namespace of entry ids. It never changes: a retry of an old request must give its old id."""
_PAYOUTS = UUID("c3d2a4b7-8f41-5d0e-9a6c-2f5b7e1d9c30")
"""The namespace of payout ids, which never changes either."""


def contest_id_of(given: str) -> str:
    """Return a contest's id. One that could name no contest is NOT_FOUND, and reaches no file system."""
    if _CONTEST_ID.fullmatch(given) is None:
        raise Refused(RejectCode.NOT_FOUND, {"contest_id": given[:64]})
    return given


def account_did_of(given: str) -> str:
    """Return an account holder's name. One that nobody could have is ACCOUNT_UNKNOWN, and nobody is asked."""
    if _ACCOUNT_DID.fullmatch(given) is None:
        raise Refused(RejectCode.ACCOUNT_UNKNOWN, {"account_did": given[:200]})
    return given


def idempotency_key_of(given: str | None) -> str:
    """Return the caller's Idempotency-Key; refused are none (IDEMPOTENCY_KEY_REQUIRED) and one that is not legible."""
    if given is None:
        raise Refused(RejectCode.IDEMPOTENCY_KEY_REQUIRED, {"header": "Idempotency-Key"})
    if _IDEMPOTENCY_KEY.fullmatch(given) is None:
        raise Refused(RejectCode.REQUEST_INVALID, {"header": "Idempotency-Key"})
    return given


def given_idempotency_key(header: str | None, in_body: str | None) -> str:
    """Return the key that came as the header or in the body (G-16); where both name one, they must agree."""
    if header is None:
        return idempotency_key_of(in_body)
    if in_body not in (None, header):
        raise Refused(RejectCode.REQUEST_INVALID, {"field": "idempotency_key", "header": "Idempotency-Key"})
    return header


def entry_id_of(contest_id: str, account_did: str, idempotency_key: str) -> str:
    """Return the id of the entry that this person means by this key: a key belongs to its principal."""
    return str(uuid5(_ENTRIES, json.dumps([contest_id, account_did, idempotency_key])))


def payout_id_of(principal: str, idempotency_key: str) -> str:
    """Return the id of the payout that this principal means by this key."""
    return str(uuid5(_PAYOUTS, json.dumps([principal, idempotency_key])))
