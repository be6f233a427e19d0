"""Verifies Stripe's signatures over raw bytes and reads events strictly; it must not read a clock or store anything.

The SDK's own verifier reads the process's clock, accepts any future time and lets four kinds of bad input escape as
other exceptions. This one takes the time as data, knows several live secrets, and is fast enough for the hot path.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

import orjson

TOLERANCE_S = 300
"""How far a signature's time may lie from ours, either way (Stripe, "Verify webhook signatures")."""

_PIECE_BYTES = 2047
_WHOLE_SECONDS = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)


class Absorbing(Protocol):
    """A digest or a keyed digest."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Take more bytes in."""


class SignatureInvalid(Exception):
    """The request is not provably Stripe's (PAY-002); the reason is for logs, never for the caller."""


class WebhookInvalid(Exception):
    """The bytes are no Stripe event, whoever signed them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeEvent:
    """What the engine reads of an event. `created` is in Unix seconds; `account` names a connected account."""

    id: str
    type: str
    api_version: str | None
    livemode: bool
    created: int
    account: str | None
    object: dict[str, Any]


@lru_cache(maxsize=32)
def _keyed(secret: str) -> hmac.HMAC:
    """Return an HMAC that has absorbed the secret, to be copied for each payload."""
    return hmac.new(secret.encode(), digestmod="sha256")


def verify_signature(
    payload: bytes, header: str | None, secrets: Sequence[str], now: datetime, tolerance_s: int = TOLERANCE_S
) -> None:
    """Return if any `v1` signature of the header fits any live secret and its time is near `now`; else raise.

    Raises `SignatureInvalid`. A header is `t=<Unix seconds>,v1=<hex>[,v1=<hex>...]`; other schemes are ignored. The
    tolerance binds in both directions and cannot be switched off. Source: Stripe, "Verify webhook signatures
    manually"; PAY-002.
    """
    if tolerance_s <= 0:
        raise ValueError("a tolerance of zero would switch the check off in Stripe's SDK; here it is an error")
    if not header:
        raise SignatureInvalid("no signature header")
    timestamp, candidates = _read_header(header)
    if abs(now.timestamp() - int(timestamp)) > tolerance_s:
        raise SignatureInvalid("signature time outside the tolerance")
    prefix = timestamp.encode() + b"."
    for secret in secrets:
        if not secret.strip():
            raise SignatureInvalid("a secret is blank, so anyone could sign")
        expected = _keyed(secret).copy()
        expected.update(prefix)
        absorb(expected, payload)
        digest = expected.hexdigest()
        for candidate in candidates:
            if hmac.compare_digest(digest, candidate):
                return
    raise SignatureInvalid("no signature fits")


def absorb(digest: Absorbing, payload: bytes) -> None:
    """Feed a digest in pieces below 2,048 bytes.

    From that size on the standard library hands the interpreter to another thread for each update, and gets it back
    when that thread pleases: a hash of two microseconds may cost milliseconds beside a busy writer (CPython, hashlib).
    """
    if len(payload) <= _PIECE_BYTES:
        digest.update(payload)
        return
    whole = memoryview(payload)
    for start in range(0, len(payload), _PIECE_BYTES):
        digest.update(whole[start : start + _PIECE_BYTES])


def sha256_of(payload: bytes) -> str:
    """Return the SHA-256 of a body, in hexadecimal."""
    digest = hashlib.sha256()
    absorb(digest, payload)
    return digest.hexdigest()


def _read_header(header: str) -> tuple[str, list[str]]:
    """Return the time as written and the `v1` signatures; refuse what is ambiguous."""
    if not header.isascii():
        raise SignatureInvalid("signature header is not ASCII")
    timestamp: str | None = None
    candidates: list[str] = []
    for item in header.split(","):
        name, _, value = item.partition("=")
        if name == "v1":
            candidates.append(value)
        elif name == "t":
            if timestamp is not None:
                raise SignatureInvalid("two times in the signature header")
            timestamp = value
    if timestamp is None or _WHOLE_SECONDS.fullmatch(timestamp) is None:
        raise SignatureInvalid("no legible time in the signature header")
    if not candidates:
        raise SignatureInvalid("no v1 signature")
    return timestamp, candidates


def parse_event(payload: bytes) -> StripeEvent:
    """Return the event in a webhook's body; raise `WebhookInvalid` for anything that is not exactly one.

    Refuses what is not UTF-8, not JSON, NaN and infinities, lists, objects that are no event, and duplicate keys,
    of which two readers could each believe another value. Unknown types, versions and fields are accepted.
    """
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise WebhookInvalid("body is not JSON") from error
    if type(body) is not dict or body.get("object") != "event":
        raise WebhookInvalid("body is not an event")
    event = _read_event(body)
    if _may_repeat_keys(payload, body):
        _refuse_repeated_keys(payload)
    return event


def _read_event(body: dict[str, Any]) -> StripeEvent:
    get = body.get
    event_id, kind, created, livemode = get("id"), get("type"), get("created"), get("livemode")
    data, version, account = get("data"), get("api_version"), get("account")
    carried = data.get("object") if type(data) is dict else None
    if type(event_id) is not str or not event_id or type(kind) is not str or not kind:
        raise WebhookInvalid("event has no id or no type")
    if type(created) is not int or type(livemode) is not bool or type(carried) is not dict:
        raise WebhookInvalid("event has no created, livemode or data.object")
    if not (version is None or type(version) is str) or not (account is None or type(account) is str):
        raise WebhookInvalid("event's api_version or account is no string")
    return StripeEvent(
        id=event_id,
        type=kind,
        api_version=version,
        livemode=livemode,
        created=created,
        account=account,
        object=carried,
    )


def _may_repeat_keys(payload: bytes, body: dict[str, Any]) -> bool:
    r"""Tell, exactly where it says no, whether the body could repeat a key; costs microseconds, not a second parse.

    Outside strings a colon follows each key and stands nowhere else; inside strings colons are what they are. The
    parser keeps one of two equal keys, so if the payload and its re-serialisation hold equally many colons, no key
    was lost. Only a colon spelled by escape (`\u003a`), which the re-serialisation writes out, could hide one:
    bodies with such an escape get the slow and certain look.
    """
    try:
        compact = orjson.dumps(body)
    except orjson.JSONEncodeError:
        return True  # orjson reads deeper than it writes
    if payload.count(b":") != compact.count(b":"):
        return True
    return b"\\" in payload and b"\\u003" in payload


def _refuse_repeated_keys(payload: bytes) -> None:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise WebhookInvalid("body repeats a key")
        return members

    try:
        json.loads(payload, object_pairs_hook=unique)
    except (RecursionError, ValueError) as error:
        raise WebhookInvalid("body is nested too deeply to be checked") from error
