"""Who is let in: pinned tokens, two keys, and what is another's does not exist."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from freezegun import freeze_time

from cutline.http import auth
from cutline.http.asking import Refused
from cutline.http.auth import Authenticator, mint_token
from tests.http.standin import ANNA, JWT_SECRET, LEDGER_KEY, SETTLE_KEY, bearer

NOW = datetime(2026, 4, 9, 12, 0, tzinfo=UTC)


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(jwt_secrets=[JWT_SECRET], settle_admin_keys=[SETTLE_KEY], ledger_admin_keys=[LEDGER_KEY])


def claims(**different: Any) -> dict[str, Any]:
    """Good claims, but for what differs; None leaves one out."""
    good = {
        "iss": "cutline",
        "aud": "cutline",
        "sub": ANNA,
        "scopes": ["entrant"],
        "iat": NOW,
        "exp": NOW + timedelta(hours=1),
        "jti": "a-token",
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


def test_a_token_that_was_let_in_is_refused_once_it_ends_or_is_revoked(authenticator: Authenticator) -> None:
    """What was judged once is remembered, but never beyond the token's end or its revocation."""
    token, other = (mint_token(JWT_SECRET, who, ["entrant"], now=NOW, lifetime=timedelta(hours=1)) for who in "ab")
    ends_at = NOW + timedelta(hours=1)
    with freeze_time(NOW) as clock:
        assert [authenticator.principal(bearer(token)).subject for _ in range(2)] == ["a", "a"]
        authenticator.principal(bearer(other))
        authenticator.deny(authenticator.token_id(other))
        with pytest.raises(Refused, match="UNAUTHENTICATED"):
            authenticator.principal(bearer(other))
        clock.move_to(ends_at - timedelta(seconds=1))
        assert authenticator.principal(bearer(token)).subject == "a"
        clock.move_to(ends_at)
        with pytest.raises(Refused, match="UNAUTHENTICATED"):
            authenticator.principal(bearer(token))


def test_tokens_beyond_those_that_are_remembered_are_let_in_all_the_same(
    authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "KNOWN_TOKENS_MAX", 2)
    tokens = [mint_token(JWT_SECRET, who, ["entrant"], now=NOW, lifetime=timedelta(hours=1)) for who in "abc"]
    with freeze_time(NOW):
        seen = [authenticator.principal(bearer(token)).subject for token in [*tokens, *tokens]]
    assert seen == [*"abc", *"abc"]


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
        {"sub": "did:internal:clearing:payouts"},
        {"sub": "did:player:anna\n"},
        {"sub": "a" * 201},
        {"jti": None},
        {"jti": 7},
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
    both = Authenticator(jwt_secrets=[JWT_SECRET], settle_admin_keys=[SETTLE_KEY], ledger_admin_keys=[SETTLE_KEY])
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
        {"jwt_secrets": []},
        {"jwt_secrets": ["short"]},
        {"jwt_secrets": [JWT_SECRET, "short"]},
        {"settle_admin_keys": []},
        {"ledger_admin_keys": []},
    ],
)
def test_secrets_that_protect_nothing_stop_the_start(secrets: dict[str, list[str]]) -> None:
    """An empty key would let everybody in who sends an empty header."""
    good = {"jwt_secrets": [JWT_SECRET], "settle_admin_keys": [SETTLE_KEY], "ledger_admin_keys": [LEDGER_KEY]}
    with pytest.raises(ValueError, match="must"):
        Authenticator(**{**good, **secrets})


def test_tokens_of_a_secret_that_goes_are_taken_beside_those_of_one_that_comes() -> None:
    """ENV-012: both while it lasts; afterwards the old one opens nothing."""
    new = "a-new-secret-of-the-tests-that-is-long-too"
    old_token, new_token = (
        mint_token(secret, ANNA, ["entrant"], now=NOW, lifetime=timedelta(1)) for secret in (JWT_SECRET, new)
    )
    keys = {"settle_admin_keys": ["new-key", SETTLE_KEY], "ledger_admin_keys": [LEDGER_KEY]}
    during, after = Authenticator(jwt_secrets=[new, JWT_SECRET], **keys), Authenticator(jwt_secrets=[new], **keys)
    with freeze_time(NOW):
        assert {during.principal(bearer(one)).subject for one in (old_token, new_token)} == {ANNA}
        assert after.principal(bearer(new_token)).subject == ANNA
        with pytest.raises(Refused, match="UNAUTHENTICATED"):
            after.principal(bearer(old_token))
    assert {during.principal(bearer(one)).subject for one in ("new-key", SETTLE_KEY)} == {"service:settle"}


def test_a_revoked_token_opens_nothing(authenticator: Authenticator) -> None:
    one, other = (mint_token(JWT_SECRET, ANNA, ["entrant"], now=NOW, lifetime=timedelta(days)) for days in (1, 2))
    with freeze_time(NOW):
        authenticator.deny(authenticator.token_id(one))
        with pytest.raises(Refused, match="UNAUTHENTICATED"):
            authenticator.principal(bearer(one))
        assert authenticator.principal(bearer(other)).subject == ANNA


def test_the_id_of_a_token_is_read_after_its_end_and_never_from_a_forged_one(authenticator: Authenticator) -> None:
    token_ = mint_token(JWT_SECRET, ANNA, ["entrant"], now=NOW, lifetime=timedelta(hours=1))
    with freeze_time(NOW + timedelta(days=9)):
        assert authenticator.token_id(token_) == jwt.decode(token_, options={"verify_signature": False})["jti"]
        for other in (forged("none", {"jti": "x"}), "no token", ""):
            with pytest.raises(Refused, match="NOT_FOUND"):
                authenticator.token_id(other)
