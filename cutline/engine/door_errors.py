"""The registry's rows for what the doors themselves refuse, before or instead of any actor."""

from __future__ import annotations

from typing import Final

from cutline.engine.error_spec import describe as _spec
from cutline.engine.errors import RejectCode as C

ROWS: Final = (
    # Requests
    _spec(
        C.REQUEST_INVALID,
        400,
        "public",
        "The request is not what this route takes.",
        "Mend what `details` names and send it again.",
    ),
    _spec(
        C.UNAUTHENTICATED,
        401,
        "public",
        "The request carries no valid token or service key.",
        "Get a fresh token; check the key's header.",
    ),
    _spec(
        C.FORBIDDEN,
        403,
        "public",
        "The token is valid, but does not give this right.",
        "Use a token with one of the scopes in `details`.",
    ),
    _spec(
        C.CLIENT_CHANNEL_REFUSED,
        403,
        "public",
        "This build of the app may not be used with this environment.",
        "Use the API of your build's environment.",
    ),
    _spec(C.NOT_FOUND, 404, "public", "There is nothing here that you may see.", "Check the path and the ids in it."),
    _spec(
        C.METHOD_NOT_ALLOWED,
        405,
        "public",
        "This path does not take this method.",
        "Use a method of the Allow header.",
    ),
    _spec(
        C.NOT_ACCEPTABLE,
        406,
        "public",
        "Nothing of what this route can answer is what you accept.",
        "Accept one of the media types in `details`.",
    ),
    _spec(
        C.REQUEST_TIMEOUT,
        408,
        "public",
        "The request did not arrive whole in time.",
        "Send it again over a faster connection.",
    ),
    _spec(C.BODY_TOO_LARGE, 413, "public", "The body is larger than the door takes.", "Send less at a time."),
    _spec(
        C.UNSUPPORTED_MEDIA_TYPE,
        415,
        "public",
        "The body is not declared as JSON.",
        "Send Content-Type: application/json.",
    ),
    _spec(
        C.RATE_LIMITED,
        429,
        "public",
        "You ask more often than you may.",
        "Wait for Retry-After and send the same request again.",
    ),
    _spec(
        C.IDEMPOTENCY_KEY_REQUIRED,
        400,
        "public",
        "This request needs an Idempotency-Key.",
        "Make one key an intention, and keep it when you retry.",
    ),
    _spec(
        C.IDEMPOTENCY_KEY_REUSED,
        409,
        "public",
        "This key was used for a different request.",
        "Use a new key for a new intention; `details` names what differs.",
    ),
    _spec(
        C.MAILBOX_FULL,
        503,
        "public",
        "Too much is waiting for this part of the engine.",
        "Wait for Retry-After and send the same request again.",
    ),
    _spec(
        C.ACTOR_TIMEOUT,
        504,
        "public",
        "No answer came in time; the request may still happen.",
        "Send the same request again with the same key.",
        "unknown",
    ),
    _spec(
        C.SHUTTING_DOWN,
        503,
        "public",
        "The engine is stopping and takes no more requests.",
        "Wait for Retry-After and send the same request again.",
    ),
    _spec(
        C.STORAGE_UNAVAILABLE,
        503,
        "public",
        "The disk cannot take writes at the moment.",
        "Wait for Retry-After; ops: make room on the disk.",
    ),
    _spec(
        C.INTERNAL_FAULT,
        500,
        "public",
        "A fault of the engine; its log has the correlation id.",
        "Send the same request again once; then report the id.",
        "unknown",
    ),
    # The API itself
    _spec(
        C.CONTRACT_BROKEN,
        409,
        "internal",
        "This release gives a refusal's code another status or scope than it has always had.",
        "Ops: follow the runbook.",
        "no",
        "runbooks/contract-broken.md",
    ),
)
"""In the order of the page: what is wrong with a request, what is wrong here, and what a release may not do."""
