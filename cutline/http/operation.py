"""What an operation of the API is, as data: who may, what it takes, what it answers; it must not handle any request.

The one table of operations is made of these. From it come the check of rights, the validation of what is asked and
answered, the two OpenAPI documents and the list of refusals that a route may give.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel

from cutline.engine.errors import RejectCode as C

Document = Literal["public", "admin"]
Idempotency = Literal["required", "taken", "by content"]
"""How a POST that comes twice is known again: by an Idempotency-Key that it must or may carry, by a business key in
its path or body (what is asked twice happens once)."""

ENTRANT = frozenset({"entrant"})
ADMIN = frozenset({"admin"})
STAFF = frozenset({"admin", "ops"})
ANYONE = frozenset({"entrant", "admin", "ops"})
LEDGER = frozenset({"ledger"})
SETTLE = frozenset({"settle"})
STRIPE = frozenset({"stripe"})
"""Not a scope of any principal: Stripe proves itself by its signature, and the webhook's own door checks it."""
OPEN: frozenset[str] = frozenset()
"""No credentials needed."""

JSON: Final = "application/json"

EVERYWHERE: Final = frozenset({C.CLIENT_CHANNEL_REFUSED, C.NOT_ACCEPTABLE, C.RATE_LIMITED, C.INTERNAL_FAULT})
"""What the common door itself may answer to any operation behind it."""
NOWHERE: Final = frozenset({C.METHOD_NOT_ALLOWED})
"""What is answered only where there is no operation; REQUEST_INVALID and NOT_FOUND are answered there, too."""
_OF_RIGHTS = frozenset({C.UNAUTHENTICATED, C.FORBIDDEN})
_OF_ACTORS = frozenset({C.MAILBOX_FULL, C.ACTOR_TIMEOUT, C.SHUTTING_DOWN, C.STORAGE_UNAVAILABLE})
_OF_BODIES = frozenset({C.REQUEST_INVALID, C.BODY_TOO_LARGE, C.REQUEST_TIMEOUT, C.UNSUPPORTED_MEDIA_TYPE})
_PART = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    `needs`: scopes of which the caller must have one. `takes` and `query`: models of the body and of the query, None
    where there is none. `gives`: the model of every success in JSON (FRZ-024), None where no answer is JSON.
    `media`: what else than JSON it can answer with. `statuses`: its successes. `refuses`: codes of its own rules; what
    follows from the other fields is added by `codes`. `polled`: clients read it again and again, so it has an ETag.
    `asks`: whether it asks any actor. `paged`: its query has `cursor` and `limit`, and its answer `next_cursor`.
    """

    method: str
    path: str
    needs: frozenset[str]
    gives: type[BaseModel] | None
    summary: str
    takes: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    media: tuple[str, ...] = ()
    statuses: tuple[int, ...] = (200,)
    refuses: tuple[C, ...] = ()
    document: Document | None = None
    idempotency: Idempotency | None = None
    polled: bool = False
    asks: bool = True
    operation_id: str = ""

    @property
    def name(self) -> str:
        """The operation's id in the documents and in generated clients; it never changes."""
        return self.operation_id

    @property
    def in_document(self) -> Document:
        """Which document describes it: what an entrant may call is public, the rest is for staff (FRZ-023)."""
        if self.document is not None:
            return self.document
        return "public" if "entrant" in self.needs else "admin"

    @property
    def parts(self) -> tuple[str, ...]:
        """The names in its path."""
        return tuple(_PART.findall(self.path))

    @property
    def paged(self) -> bool:
        """Whether it answers page by page."""
        return self.query is not None and "cursor" in self.query.model_fields

    @property
    def behind_the_common_door(self) -> bool:
        """Whether `door.wrap` serves it."""
        return False

    @property
    def produces(self) -> tuple[str, ...]:
        """The media types of its successes, the usual one first."""
        return (JSON, *self.media) if self.gives is not None else self.media

    @property
    def codes(self) -> frozenset[C]:
        """Every code that this operation may refuse with (FRZ-020)."""
        found = frozenset(self.refuses)
        if not self.behind_the_common_door:
            return found
        found |= EVERYWHERE
        if self.asks:
            found |= _OF_ACTORS
        if self.needs:
            found |= _OF_RIGHTS
        if self.takes is not None:
            found |= _OF_BODIES
        if self.query is not None or self.idempotency in ("required", "taken"):
            found |= {C.REQUEST_INVALID}
        if self.idempotency in ("required", "taken"):
            found |= {C.IDEMPOTENCY_KEY_REUSED}
        if self.idempotency == "required":
            found |= {C.IDEMPOTENCY_KEY_REQUIRED}
        if self.parts:
            found |= {C.NOT_FOUND}
        if "contest_id" in self.parts:
            found |= {C.CONTEST_QUARANTINED}
        return found
