"""Reads bodies and queries strictly, in one place for all routes: whole, in time, real JSON, of the route's model.

It must not answer anything itself: it raises Refused.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from cutline.engine import strict_json
from cutline.engine.errors import RejectCode
from cutline.http.asking import Refused

BODY_BYTES_MAX = 1024 * 1024
BODY_WITHIN_S = 10.0
FAULTS_SHOWN_MAX = 20

B = TypeVar("B", bound=BaseModel)


async def read_body(request: web.Request) -> bytes:
    """Return the raw body.

    Refusals: BODY_TOO_LARGE above 1 MiB, counted after decompression; REQUEST_TIMEOUT when it has not come whole
    after ten seconds, for aiohttp itself waits for ever (A2, A3); REQUEST_INVALID when it is cut or mis-coded.
    """
    try:
        if request.content.is_eof():
            return await request.read()
        async with asyncio.timeout(BODY_WITHIN_S):
            return await request.read()
    except TimeoutError as error:
        raise Refused(RejectCode.REQUEST_TIMEOUT, {"within_s": BODY_WITHIN_S}) from error
    except web.HTTPRequestEntityTooLarge as error:
        raise Refused(RejectCode.BODY_TOO_LARGE, {"bytes_max": BODY_BYTES_MAX}) from error
    except web.RequestPayloadError as error:
        raise Refused(RejectCode.REQUEST_INVALID, {"fault": "body"}) from error


def parse_object(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in a body, or refuse what two readers could read differently (A1)."""
    try:
        value = strict_json.parse(raw, small_integers=True)
    except strict_json.NotStrictJson as error:
        raise Refused(RejectCode.REQUEST_INVALID, {"fault": error.fault.value, "detail": error.detail}) from error
    if not isinstance(value, dict):
        raise Refused(RejectCode.REQUEST_INVALID, {"fault": "not_an_object"})
    return value


async def read_model(request: web.Request, model: type[B]) -> B:
    """Return the body as the route's model; every fault found is named by its path, without what stood there."""
    if request.content_type != "application/json":
        raise Refused(RejectCode.UNSUPPORTED_MEDIA_TYPE, {"expected": "application/json"})
    raw = await read_body(request)
    parse_object(raw)
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise Refused(RejectCode.REQUEST_INVALID, {"faults": _faults(error)}) from error


def read_query(request: web.Request, model: type[B]) -> B:
    """Return the query as the route's model. A name that it has not, or has twice, is a fault like any other."""
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in given:
            raise Refused(RejectCode.REQUEST_INVALID, {"faults": [{"path": f"query.{name}", "fault": "repeated"}]})
        given[name] = value
    try:
        return model.model_validate_strings(given)
    except ValidationError as error:
        faults = [{**fault, "path": f"query.{fault['path']}"} for fault in _faults(error)]
        raise Refused(RejectCode.REQUEST_INVALID, {"faults": faults}) from error


def _faults(error: ValidationError) -> list[dict[str, str]]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        {"path": ".".join(str(step) for step in fault["loc"]), "fault": fault["type"]}
        for fault in found[:FAULTS_SHOWN_MAX]
    ]
