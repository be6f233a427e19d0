"""Who is let in: pinned tokens, two keys, and what is another's does not exist."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import jwt
import pytest
from freezegun import freeze_time

from cutline.engine.messages import ReadTrialBalance
from cutline.http.asking import Refused
from cutline.http.auth import Authenticator, mint_token
from tests.http.standin import ANNA, JWT_SECRET, LEDGER_KEY, SETTLE_KEY, StandIn, bearer, token

NOW = datetime(2026, 4, 9, 12, 0, tzinfo=UTC)


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(jwt_secret=JWT_SECRET, settle_admin_key=SETTLE_KEY, ledger_admin_key=LEDGER_KEY)


def claims(**different: Any) -> dict[str, Any]:
    """Good claims, but for what differs; None leaves one out."""
    good = {
        "iss": "cutline",
        "aud": "cutline",
        "sub": ANNA,
        "scopes": ["entrant"],
        "iat": NOW,
        "exp": NOW + timedelta(hours=1),
    }
    return {name: value for name, value in {**good, **different}.items() if value is not None}


def forged(algorithm: str, content: dict[str, Any]) -> str:
    """A token that nobody signed."""
    parts = [json.dumps({"alg": algorithm, "typ": "JWT"}), json.dumps(content)]
    return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts) + "."


def test_a_minted_token_says_who_and_what(authenticator: Authenticator) -> None:
    with freeze_time(NOW):
        principal = authenticator.principal(
            bearer(mint_token(JWT_SECRET, ANNA, ["entrant"], now=NOW, lifetime=timedelta(1)))
        )
    assert (principal.subject, principal.scopes, principal.is_staff) == (ANNA, frozenset({"entrant"}), False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": NOW - timedelta(seconds=1)},
        {"exp": None},
        {"exp": "tomorrow"},
        {"nbf": NOW + timedelta(seconds=60)},
        {"iat": NOW + timedelta(seconds=60)},
        {"aud": "somebody-else"},
        {"aud": ["cutline", "somebody-else"]},
        {"aud": None},
        {"iss": "somebody-else"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "service:ledger"},
        {"sub": "did:player:anna\n"},
        {"sub": "a" * 201},
        {"scopes": None},
        {"scopes": "admin"},
        {"scopes": [1]},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(wrong: dict[str, Any], authenticator: Authenticator) -> None:
    """A7."""
    sent = jwt.encode(claims(**wrong), JWT_SECRET, algorithm="HS256")
    with freeze_time(NOW), pytest.raises(Refused, match="UNAUTHENTICATED"):
        authenticator.principal(bearer(sent))


def test_the_algorithm_is_pinned(authenticator: Authenticator) -> None:
    """A7: neither none nor another HMAC is taken, whatever the header of the token says."""
    plain = {name: int(value.timestamp()) if isinstance(value, datetime) else value for name, value in claims().items()}
    stronger = jwt.encode(claims(), JWT_SECRET * 2, algorithm="HS512")
    for sent in [forged("none", plain), forged("NONE", plain), forged("HS256", plain), stronger]:
        with freeze_time(NOW), pytest.raises(Refused, match="UNAUTHENTICATED"):
            authenticator.principal(bearer(sent))


def test_a_key_id_in_the_header_chooses_nothing(authenticator: Authenticator) -> None:
    """A7."""
    other = jwt.encode(
        claims(), "another-secret-that-is-long-enough-too", algorithm="HS256", headers={"kid": "default"}
    )
    with freeze_time(NOW), pytest.raises(Refused, match="UNAUTHENTICATED"):
        authenticator.principal(bearer(other))


def test_time_is_the_frozen_time(authenticator: Authenticator) -> None:
    sent = mint_token(JWT_SECRET, ANNA, ["entrant"], now=NOW, lifetime=timedelta(hours=1))
    with freeze_time(NOW + timedelta(minutes=59)):
        assert authenticator.principal(bearer(sent)).subject == ANNA
    with freeze_time(NOW + timedelta(minutes=61)), pytest.raises(Refused):
        authenticator.principal(bearer(sent))


def test_a_token_cannot_carry_the_scopes_of_a_key(authenticator: Authenticator) -> None:
    """C-39."""
    with pytest.raises(ValueError, match="ledger"):
        mint_token(JWT_SECRET, ANNA, ["ledger"], now=NOW, lifetime=timedelta(1))
    sent = jwt.encode(claims(scopes=["ledger", "settle", "ops"]), JWT_SECRET, algorithm="HS256")
    with freeze_time(NOW):
        assert authenticator.principal(bearer(sent)).scopes == {"ops"}


@pytest.mark.parametrize("headers", [bearer(SETTLE_KEY), {"x-admin-key": SETTLE_KEY}])
def test_a_service_key_comes_in_either_header(headers: dict[str, str], authenticator: Authenticator) -> None:
    """G-02."""
    principal = authenticator.principal(headers)
    assert (principal.actor, "admin" in principal.scopes, "ledger" in principal.scopes) == (
        "service:settle",
        True,
        False,
    )


def test_one_key_for_both_services_has_the_rights_of_both() -> None:
    both = Authenticator(jwt_secret=JWT_SECRET, settle_admin_key=SETTLE_KEY, ledger_admin_key=SETTLE_KEY)
    assert both.principal(bearer(SETTLE_KEY)).scopes == {"admin", "settle", "ledger"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {SETTLE_KEY}"},
        {"Authorization": SETTLE_KEY},
        {"x-admin-key": ""},
        {"x-admin-key": SETTLE_KEY[:-1]},
        {"x-admin-key": "\udcff"},
        {"x-admin-key": "wrong", "Authorization": f"Bearer {SETTLE_KEY}"},
    ],
    ids=str,
)
def test_what_is_no_credential_is_refused(headers: dict[str, str], authenticator: Authenticator) -> None:
    with pytest.raises(Refused, match="UNAUTHENTICATED"):
        authenticator.principal(headers)


@pytest.mark.parametrize(
    "secrets",
    [
        {"jwt_secret": "short"},
        {"settle_admin_key": ""},
        {"ledger_admin_key": "  "},
    ],
)
def test_secrets_that_protect_nothing_stop_the_start(secrets: dict[str, str]) -> None:
    """An empty key would let everybody in who sends an empty header."""
    good = {"jwt_secret": JWT_SECRET, "settle_admin_key": SETTLE_KEY, "ledger_admin_key": LEDGER_KEY}
    with pytest.raises(ValueError, match="must"):
        Authenticator(**{**good, **secrets})


async def test_each_right_opens_its_own_doors(engine: StandIn, url: str, session: aiohttp.ClientSession) -> None:
    """C-39: the matrix of principals and doors; who is refused has asked no actor."""
    engine.answers[ReadTrialBalance] = lambda _: {"usd": {"a": 5, "b": -5}}
    credentials = {
        "nobody": {},
        "entrant": bearer(token()),
        "ops": bearer(token("oscar", "ops")),
        "admin": bearer(token("ada", "admin")),
        "settle": bearer(SETTLE_KEY),
        "ledger": bearer(LEDGER_KEY),
    }
    doors = {
        ("GET", "/v1/contests"): {"entrant", "ops", "admin", "settle"},
        ("POST", "/v1/contests"): {"admin", "settle"},
        ("POST", "/v1/configs"): {"admin", "settle"},
        ("POST", "/v1/contests/c/cancel"): {"admin", "settle"},
        ("POST", "/v1/contests/c/entries"): {"entrant"},
        ("POST", "/v1/contests/c/entries/e/withdraw"): {"entrant"},
        ("GET", "/v1/payouts/transfers"): {"ops", "admin", "settle"},
        ("GET", "/v1/ledger/trial-balance"): {"ledger"},
    }
    for (method, path), welcome in doors.items():
        for name, headers in credentials.items():
            engine.asked.clear()
            async with session.request(method, url + path, headers=headers) as response:
                status = response.status
            if name in welcome:
                assert status not in (401, 403), (method, path, name)
            else:
                assert status == (401 if name == "nobody" else 403), (method, path, name)
                assert engine.asked == []
