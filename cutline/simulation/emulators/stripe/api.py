"""Carries API requests to the operations: authentication, idempotency, faults, errors. It must not know resources."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from cutline.simulation.emulators.stripe.calls import Call, expand
from cutline.simulation.emulators.stripe.errors import (
    ApiError,
    account_invalid,
    lock_timeout,
    route_missing,
    server_error,
    unauthenticated,
)
from cutline.simulation.emulators.stripe.faults import ApiFault, Faults
from cutline.simulation.emulators.stripe.forms import Parameters, decode_form, refuse_unknown
from cutline.simulation.emulators.stripe.idempotency import Answer, KeptAnswers
from cutline.simulation.emulators.stripe.operations import Operation
from cutline.simulation.emulators.stripe.platform import PLATFORM, Platform


class _ConnectionDropped(Exception):
    """A fault wants the connection gone, with nothing answered."""


class Api:
    """The door of the emulated Stripe. A request executes without a pause, so every one is atomic."""

    def __init__(self, platform: Platform, faults: Faults, *, secret_key: str, publishable_key: str) -> None:
        self._platform = platform
        self._faults = faults
        self._secret_key = secret_key
        self._publishable_key = publishable_key
        self._kept = KeptAnswers()
        self._requests = 0

    def add_routes(self, app: web.Application, operations: tuple[Operation, ...]) -> None:
        """Route every operation, and refuse every other URL in Stripe's words."""
        for operation in operations:
            app.router.add_route(operation.method, operation.path, self._door(operation))
        app.router.add_route("*", "/v1/{tail:.*}", self._refuse_route)

    def _door(self, operation: Operation) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def door(request: web.Request) -> web.StreamResponse:
            return await self._handle(operation, request)

        return door

    async def _refuse_route(self, request: web.Request) -> web.StreamResponse:
        return _respond(_render(route_missing(request.method, request.path), self._next_request_id()))

    def _next_request_id(self) -> str:
        self._requests += 1
        return f"req_{self._requests:014d}"

    async def _handle(self, operation: Operation, request: web.Request) -> web.StreamResponse:
        request_id = self._next_request_id()
        fault: ApiFault | None = None
        try:
            call = await self._decode(operation, request)
            self._platform.advance()
            fault = self._faults.take_api(operation.name, self._metadata(call))
            answer = await self._answer(operation, request, call, fault, request_id)
        except ApiError as error:
            answer = _render(error, request_id)
        except _ConnectionDropped:
            return _drop(request)
        if fault is not None and fault.kind == "drop_after_commit":
            return _drop(request)
        if fault is not None and fault.kind == "truncated_body":
            return await _truncate(request, answer)
        return _respond(answer)

    async def _decode(self, operation: Operation, request: web.Request) -> Call:
        body = await request.text() if operation.method == "POST" else request.query_string
        parameters = decode_form(body)
        object_id, part_id = request.match_info.get("id", ""), request.match_info.get("part", "")
        self._authenticate(operation, request, object_id, parameters)
        owner = request.headers.get("Stripe-Account", PLATFORM)
        if owner != PLATFORM and owner not in self._platform.accounts.keys() - self._platform.deauthorized:
            raise account_invalid(owner)
        base_url = str(request.url.origin())
        return Call(owner=owner, object_id=object_id, part_id=part_id, parameters=parameters, base_url=base_url)

    def _authenticate(self, operation: Operation, request: web.Request, object_id: str, parameters: Parameters) -> None:
        key = _api_key(request.headers.get("Authorization", ""))
        if not key:
            raise unauthenticated("You did not provide an API key.")
        if key == self._secret_key:
            return
        intent = self._platform.payment_intents.get(object_id, {})
        is_entrants_own = intent.get("client_secret") == parameters.get("client_secret", "")
        if not (operation.publishable and key == self._publishable_key and is_entrants_own):
            raise unauthenticated(f"Invalid API Key provided: {key[:7]}***")

    def _metadata(self, call: Call) -> dict[str, Any]:
        """Return the metadata by which faults select: the request's own, else that of the object it is about."""
        own = call.parameters.get("metadata")
        if isinstance(own, dict):
            return own
        target = call.object_id or call.parameters.get("payment_intent") or call.parameters.get("charge") or ""
        found = self._platform.lookup(target) if isinstance(target, str) else None
        return (found or {}).get("metadata") or {}

    async def _answer(
        self, operation: Operation, request: web.Request, call: Call, fault: ApiFault | None, request_id: str
    ) -> Answer:
        """Replay the answer that is kept for the key, or execute and keep what came out."""
        if fault is not None:
            _strike_before(fault)
        key = request.headers.get("Idempotency-Key") if operation.method == "POST" else None
        self._platform.begin(request_id=request_id, idempotency_key=key)
        if key is None:
            return (await self._execute(operation, call, fault, request_id))[0]
        scope = (call.owner, key)
        kept = self._kept.begin(scope, _fingerprint(request, call), self._platform.now)
        if kept is not None:
            return Answer(
                http_status=kept.http_status, body=kept.body,
                headers=_headers(request_id) | {
                    "Idempotent-Replayed": "true", "Original-Request": kept.headers["Request-Id"],
                },
            )  # fmt: skip
        is_kept = False
        try:
            answer, is_kept = await self._execute(operation, call, fault, request_id)
            if is_kept:
                self._kept.keep(scope, answer)
            return answer
        finally:
            if not is_kept:
                self._kept.release(scope)

    async def _execute(
        self, operation: Operation, call: Call, fault: ApiFault | None, request_id: str
    ) -> tuple[Answer, bool]:
        """Perform the operation; return the answer and whether it is kept under the key."""
        kind = None if fault is None else fault.kind
        is_performed = False
        try:
            if kind == "error_500":
                raise server_error()
            if fault is not None and kind == "answer":
                raise _chosen(fault)
            refuse_unknown(call.parameters, operation.parameters | {"expand"})
            wire = operation.perform(self._platform, call)
            is_performed = True
            if kind == "error_500_after_commit":
                raise server_error()
            wire = expand(self._platform, wire, call.parameters.get("expand"))
            answer, is_kept = (
                Answer(http_status=200, body=orjson.dumps(wire), headers=_headers(request_id)),
                True,
            )
        except ApiError as error:
            answer, is_kept = _render(error, request_id), error.kept or is_performed
        if fault is not None and kind == "slow":
            await asyncio.sleep(fault.seconds)
        return answer, is_kept


def _api_key(header: str) -> str:
    """Return the key of a Bearer token, or of the user of Basic authentication, or nothing."""
    scheme, _, credentials = header.partition(" ")
    if scheme == "Bearer":
        return credentials
    try:
        user, _, _ = base64.b64decode(credentials, validate=True).partition(b":")
    except ValueError:
        return ""
    return user.decode("ascii", "replace") if scheme == "Basic" else ""


def _strike_before(fault: ApiFault) -> None:
    """Let strike what comes before the idempotency key is looked at."""
    if fault.kind == "drop_before_commit":
        raise _ConnectionDropped
    if fault.kind == "lock_timeout":
        raise lock_timeout()
    if fault.kind == "answer" and not fault.kept:
        raise _chosen(fault)


def _chosen(fault: ApiFault) -> ApiError:
    fields = dict(fault.error)
    kind, message = fields.pop("type", "api_error"), fields.pop("message", "A chosen fault.")
    return ApiError(fault.http_status, kind, message, kept=fault.kept, **fields)


def _fingerprint(request: web.Request, call: Call) -> str:
    """Return what must be equal in every use of a key: method, path and parameters."""
    canonical = orjson.dumps(call.parameters, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(f"{request.method} {request.path}\n".encode() + canonical).hexdigest()


def _headers(request_id: str) -> dict[str, str]:
    return {"Request-Id": request_id}


def _render(error: ApiError, request_id: str) -> Answer:
    return Answer(http_status=error.http_status, body=orjson.dumps(error.body), headers=_headers(request_id))


def _respond(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.http_status, body=answer.body, headers=answer.headers, content_type="application/json"
    )


def _drop(request: web.Request) -> web.Response:
    """Cut the connection; what is returned then reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _truncate(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Send half of the announced body, then cut the connection."""
    response = web.StreamResponse(status=answer.http_status, headers=answer.headers)
    response.content_length = len(answer.body)
    response.content_type = "application/json"
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
