"""Says who asks: bearer tokens for people and apps, two service keys for machines; it must not know any route.

Tokens are JWTs with one pinned algorithm; the token's own header chooses nothing. Keys are compared in constant time.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import jwt

from cutline.actors.clock import utc_now
from cutline.engine.errors import RejectCode
from cutline.engine.ledger.accounts import is_owner
from cutline.http.asking import Refused

ALGORITHM = "HS256"
AUDIENCE = "cutline"
ISSUER = "cutline"
TOKEN_SCOPES = frozenset({"admin", "ops", "tenant", "entrant"})
"""What a token can say. The service scopes `settle` and `ledger` come from their keys alone."""
STAFF = frozenset({"admin", "ops"})
SECRET_BYTES_MIN = 32
"""HS256 needs a key as long as its hash (RFC 7518, 3.2)."""
ADMIN_KEY_HEADER = "x-admin-key"
_TOKENS = UUID("5d1f3a62-8c1e-5f0b-9d0f-7b6f6d2f9a31")

KNOWN_TOKENS_MAX = 10_000
"""So many tokens are remembered; then all are forgotten, and each is judged whole when it comes again."""

_UNLIMITED = frozenset({"admin", "ops", "settle", "ledger"})
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
    def is_limited(self) -> bool:
        """Whether there is a limit to how often this principal may ask."""
        return not self.scopes & _UNLIMITED

    @property
    def actor(self) -> str:
        """How the log names who did this: `admin:<subject>`, or the service key's own name."""
        return self.subject if self.subject.startswith("service:") else f"admin:{self.subject}"


NOBODY = Principal(subject="", scopes=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A token that was judged and found ours. `ends_at` is in Unix seconds."""

    principal: Principal
    token_id: str
    ends_at: int


class Authenticator:
    """Checks credentials against one installation's secrets.

    Of each kind there may be several while one takes the place of another: all are taken, and tokens are signed with
    the first (ENV-012). Revoked tokens are refused by their id.
    """

    def __init__(
        self, *, jwt_secrets: Sequence[str], settle_admin_keys: Sequence[str], ledger_admin_keys: Sequence[str]
    ) -> None:
        if not jwt_secrets or min(len(secret.encode()) for secret in jwt_secrets) < SECRET_BYTES_MIN:
            raise ValueError(f"CUTLINE_JWT_SECRET must have at least {SECRET_BYTES_MIN} bytes")
        if not settle_admin_keys or not ledger_admin_keys:
            raise ValueError("SETTLE_ADMIN_KEY and LEDGER_ADMIN_KEY must not be blank")
        self._jwt_secrets = tuple(jwt_secrets)
        self._keys = (
            *_named(settle_admin_keys, Principal(subject="service:settle", scopes=SETTLE_SCOPES)),
            *_named(ledger_admin_keys, Principal(subject="service:ledger", scopes=LEDGER_SCOPES)),
        )
        self._revoked: set[str] = set()
        self._known: dict[str, _Known] = {}

    def deny(self, *token_ids: str) -> None:
        """Let nobody in by these tokens from now on."""
        self._revoked.update(token_ids)

    def token_id(self, token: str) -> str:
        """Return the id of a token of ours, expired or not; NOT_FOUND for any other text."""
        claims = self._claims(token, verify_exp=False)
        if claims is None:
            raise Refused(RejectCode.NOT_FOUND, {"field": "token"})
        return str(claims["jti"])

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
        """Return whose token it is. What cannot change is judged once; its end and its revocation, each time."""
        known = self._known.get(token) or self._judge(token)
        if known.token_id in self._revoked or known.ends_at <= utc_now().timestamp():
            raise Refused(RejectCode.UNAUTHENTICATED)
        return known.principal

    def _judge(self, token: str) -> _Known:
        claims = self._claims(token)
        if claims is None:
            raise Refused(RejectCode.UNAUTHENTICATED)
        known = _Known(principal=_principal_of(claims), token_id=claims["jti"], ends_at=int(claims["exp"]))
        if len(self._known) >= KNOWN_TOKENS_MAX:
            self._known.clear()
        self._known[token] = known
        return known

    def _claims(self, token: str, *, verify_exp: bool = True) -> Mapping[str, Any] | None:
        """Return what a token says if one of our secrets has signed it, or None."""
        for secret in self._jwt_secrets:
            try:
                return jwt.decode(
                    token,
                    secret,
                    algorithms=[ALGORITHM],
                    audience=AUDIENCE,
                    issuer=ISSUER,
                    options={
                        "require": ["exp", "sub", "aud", "iss", "jti"],
                        "strict_aud": True,
                        "verify_exp": verify_exp,
                    },
                )
            except jwt.InvalidSignatureError:
                continue
            except (jwt.InvalidTokenError, ValueError):
                return None
        return None


def _named(keys: Iterable[str], principal: Principal) -> list[tuple[bytes, Principal]]:
    return [(key.encode(), principal) for key in keys]


def _principal_of(claims: Mapping[str, Any]) -> Principal:
    subject, scopes = claims["sub"], claims.get("scopes")
    if not isinstance(subject, str) or not is_owner(subject) or subject.startswith("service:"):
        raise Refused(RejectCode.UNAUTHENTICATED)
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise Refused(RejectCode.UNAUTHENTICATED)
    return Principal(subject=subject, scopes=TOKEN_SCOPES & frozenset(scopes))


def mint_token(secret: str, subject: str, scopes: Iterable[str], *, now: datetime, lifetime: timedelta) -> str:
    """Return a signed token for `subject`, valid from `now` (UTC) for `lifetime`. Equal tokens have one id.

    Raises ValueError for a scope that tokens cannot carry.
    """
    granted = sorted(scopes)
    unknown = [scope for scope in granted if scope not in TOKEN_SCOPES]
    if unknown:
        raise ValueError(f"a token cannot carry the scopes {unknown}")
    ends_at = now + lifetime
    jti = str(uuid5(_TOKENS, f"{subject} {granted} {now.isoformat()} {ends_at.isoformat()}"))
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "scopes": granted}
    claims = {**said, "jti": jti, "iat": now, "exp": ends_at}
    return jwt.encode(claims, secret, algorithm=ALGORITHM)
