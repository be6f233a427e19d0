"""Turns what a handler replies into HTTP: media types, ETags and what not to send again; it must not know any rule."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from pydantic import BaseModel

from cutline.engine.errors import RejectCode
from cutline.http import errors
from cutline.http.asking import Refused
from cutline.http.operation import JSON, Operation

NOT_MODIFIED: Final = 304


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A handler's answer: a response model, its status, and headers of its own.

    `text`, where it is given, is sent instead of the model's JSON: the same content, as one of the operation's `media`
    or as JSON that must keep the very bytes that were hashed.
    """

    body: BaseModel
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    media_type: str = JSON


def judge_accept(operation: Operation, request: web.Request) -> None:
    """Raise Refused with NOT_ACCEPTABLE when the caller takes nothing of what is offered (RFC 9110, 12.5.1)."""
    accept = request.headers.get("Accept")
    if accept is None:
        return
    taken = [_range(one) for one in accept.split(",") if one.strip()]
    offered = operation.produces
    if taken and not any(quality > 0 and _covers(wanted, media) for wanted, quality in taken for media in offered):
        raise Refused(RejectCode.NOT_ACCEPTABLE, {"offered": list(offered)})


def _range(text: str) -> tuple[str, float]:
    media, *parameters = (part.strip() for part in text.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return media.lower(), float(value)
            except ValueError:
                return media.lower(), 0.0
    return media.lower(), 1.0


def _covers(wanted: str, media: str) -> bool:
    if wanted == "*/*":
        return True
    kind, _, subtype = wanted.partition("/")
    return wanted == media or (subtype == "*" and media.startswith(f"{kind}/"))


def answer(operation: Operation, reply: Reply, request: web.Request, correlation_id: str) -> web.Response:
    """Return the response to an accepted request. Raises TypeError for a reply that the operation does not give."""
    raw, media_type = _content(operation, reply)
    headers = {
        "Content-Type": media_type,
        "Cache-Control": "no-store",
        errors.CORRELATION_HEADER: correlation_id,
        **reply.headers,
    }
    if operation.polled:
        # Whoever asks again is told at once that nothing has changed; nobody else may keep what is personal.
        headers["ETag"] = tag = f'"{hashlib.sha256(raw).hexdigest()[:32]}"'
        headers["Cache-Control"] = "private, no-cache"
        if reply.status == 200 and _has(request.headers.get("If-None-Match"), tag):
            del headers["Content-Type"]
            return web.Response(status=NOT_MODIFIED, headers=headers)
    return web.Response(status=reply.status, body=raw, headers=headers)


def _content(operation: Operation, reply: Reply) -> tuple[bytes, str]:
    where = f"{operation.method} {operation.path}"
    if operation.gives is None or not isinstance(reply.body, operation.gives):
        raise TypeError(f"{where} gave a {type(reply.body).__name__}")
    if reply.media_type.partition(";")[0] not in operation.produces:
        raise TypeError(f"{where} gave {reply.media_type}")
    text = reply.body.model_dump_json() if reply.text is None else reply.text
    return text.encode(), reply.media_type


def _has(if_none_match: str | None, tag: str) -> bool:
    """Compare weakly, as RFC 9110 (13.1.2) wants it for If-None-Match."""
    if if_none_match is None:
        return False
    given = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return "*" in given or tag in given
