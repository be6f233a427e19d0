"""The one shape of every refusal on the wire; which status a code has is the registry's to say, not this module's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web

from cutline.engine.error_registry import REGISTRY
from cutline.engine.errors import RejectCode

CORRELATION_HEADER = "X-Correlation-Id"
RETRY_AFTER_S = 1
COMES_AGAIN = frozenset(
    {
        RejectCode.MAILBOX_FULL,
        RejectCode.RATE_LIMITED,
        RejectCode.STORAGE_UNAVAILABLE,
        RejectCode.SHUTTING_DOWN,
        RejectCode.INTENT_NOT_READY,
        RejectCode.ACCOUNT_NOT_READY,
    }
)
"""Refusals that pass by themselves; they carry Retry-After."""

_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)


def is_correlation_id(text: str) -> bool:
    """Tell whether a text may name a request: it goes into logs and into the chain, so it is kept plain."""
    return _CORRELATION_ID.fullmatch(text) is not None


def correlation_of(request: web.BaseRequest) -> str:
    """Return the caller's correlation id, or a new one if there is none or it is malformed."""
    return correlation_in(request.headers)


def correlation_in(headers: Mapping[str, str]) -> str:
    """Return the correlation id that a request's headers give, or a new one."""
    given = headers.get(CORRELATION_HEADER)
    return given if given is not None and is_correlation_id(given) else str(uuid4())


def envelope(code: RejectCode, details: Mapping[str, Any], correlation_id: str) -> bytes:
    """Return the body of a refusal. Where money may have moved, `details` says so."""
    spec = REGISTRY[code]
    said = dict(details)
    if spec.money_moved != "no":
        said["money_moved"] = spec.money_moved
    error = {"code": code.value, "message": spec.meaning, "details": said}
    return orjson.dumps({"error": error, "correlation_id": correlation_id}, default=str, option=orjson.OPT_NON_STR_KEYS)


def refusal(
    code: RejectCode,
    details: Mapping[str, Any],
    correlation_id: str,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Return the answer to a refused request; `status` overrules the registry only where HTTP itself gave one."""
    sent = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        CORRELATION_HEADER: correlation_id,
        **(headers or {}),
    }
    if code in COMES_AGAIN:
        sent["Retry-After"] = str(details.get("retry_after_s", RETRY_AFTER_S))
    if code is RejectCode.UNAUTHENTICATED:
        sent["WWW-Authenticate"] = "Bearer"
    body = envelope(code, details, correlation_id)
    return web.Response(status=status or REGISTRY[code].http_status, body=body, headers=sent)
