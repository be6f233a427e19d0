"""Says who asks: bearer tokens for people and apps, two service keys for machines; it must not know any route.

Tokens are JWTs with one pinned algorithm; the token's own header chooses nothing. Keys are compared in constant time.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt

from cutline.engine.errors import RejectCode
from cutline.http.asking import Refused

ALGORITHM = "HS256"
AUDIENCE = "cutline"
ISSUER = "cutline"
TOKEN_SCOPES = frozenset({"admin", "ops", "entrant"})
"""What a token can say. The service scopes `settle` and `ledger` come from their keys alone."""
STAFF = frozenset({"admin", "ops"})
SECRET_BYTES_MIN = 32
"""HS256 needs a key as long as its hash (RFC 7518, 3.2)."""
ADMIN_KEY_HEADER = "x-admin-key"
_SUBJECT = re.compile(r"[A-Za-z0-9._:%@+-]{1,200}", re.ASCII)
"""The characters of a DID, and of mail addresses; a subject becomes part of account names."""

SETTLE_SCOPES = frozenset({"admin", "settle"})
LEDGER_SCOPES = frozenset({"ledger"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks. For an entrant, `subject` is the account holder's `account_did`."""

    subject: str
    scopes: frozenset[str]

    @property
    def is_staff(self) -> bool:
        """Whether this principal may see what belongs to others."""
        return bool(self.scopes & STAFF)

    @property
    def actor(self) -> str:
        """How the log names who did this: `admin:<subject>`, or the service key's own name."""
        return self.subject if self.subject.startswith("service:") else f"admin:{self.subject}"


NOBODY = Principal(subject="", scopes=frozenset())


class Authenticator:
    """Checks credentials against one installation's secrets."""

    def __init__(self, *, jwt_secret: str, settle_admin_key: str, ledger_admin_key: str) -> None:
        if len(jwt_secret.encode()) < SECRET_BYTES_MIN:
            raise ValueError(f"CUTLINE_JWT_SECRET must have at least {SECRET_BYTES_MIN} bytes")
        if not settle_admin_key.strip() or not ledger_admin_key.strip():
            raise ValueError("SETTLE_ADMIN_KEY and LEDGER_ADMIN_KEY must not be blank")
        self._jwt_secret = jwt_secret
        self._keys = (
            (settle_admin_key.encode(), Principal(subject="service:settle", scopes=SETTLE_SCOPES)),
            (ledger_admin_key.encode(), Principal(subject="service:ledger", scopes=LEDGER_SCOPES)),
        )

    def principal(self, headers: Mapping[str, str]) -> Principal:
        """Return who sent these headers, or raise Refused with UNAUTHENTICATED.

        A key may come as `x-admin-key` or as a bearer token (C-39, G-02). A wrong key is not made good by a token.
        """
        key = headers.get(ADMIN_KEY_HEADER)
        if key is not None:
            service = self._service(key)
            if service is None:
                raise Refused(RejectCode.UNAUTHENTICATED)
            return service
        scheme, _, credential = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not credential:
            raise Refused(RejectCode.UNAUTHENTICATED)
        return self._service(credential) or self._bearer(credential)

    def admit(self, headers: Mapping[str, str], needs: frozenset[str]) -> Principal:
        """Return the principal if it has any of the scopes in `needs`; otherwise FORBIDDEN, naming them."""
        principal = self.principal(headers)
        if not principal.scopes & needs:
            raise Refused(RejectCode.FORBIDDEN, {"needs_one_of": sorted(needs)})
        return principal

    def _service(self, credential: str) -> Principal | None:
        given = credential.encode("utf-8", "surrogateescape")
        # Every key is always compared, so that the time taken says nothing about which one was close.
        matches = [principal for key, principal in self._keys if hmac.compare_digest(key, given)]
        if not matches:
            return None
        # Where an installation uses one key for both, that key has the rights of both.
        scopes = frozenset[str]().union(*(principal.scopes for principal in matches))
        return Principal(subject=matches[0].subject, scopes=scopes)

    def _bearer(self, token: str) -> Principal:
        try:
            claims = jwt.decode(
                token,
                self._jwt_secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": ["exp", "sub", "aud", "iss"], "strict_aud": True},
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise Refused(RejectCode.UNAUTHENTICATED) from error
        return _principal_of(claims)


def _principal_of(claims: Mapping[str, Any]) -> Principal:
    subject, scopes = claims["sub"], claims.get("scopes")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject) or subject.startswith("service:"):
        raise Refused(RejectCode.UNAUTHENTICATED)
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise Refused(RejectCode.UNAUTHENTICATED)
    return Principal(subject=subject, scopes=TOKEN_SCOPES & frozenset(scopes))


def mint_token(secret: str, subject: str, scopes: Iterable[str], *, now: datetime, lifetime: timedelta) -> str:
    """Return a signed token for `subject`, valid from `now` (UTC) for `lifetime`.

    Raises ValueError for a scope that tokens cannot carry.
    """
    granted = sorted(scopes)
    unknown = [scope for scope in granted if scope not in TOKEN_SCOPES]
    if unknown:
        raise ValueError(f"a token cannot carry the scopes {unknown}")
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "scopes": granted, "iat": now, "exp": now + lifetime}
    return jwt.encode(claims, secret, algorithm=ALGORITHM)
