"""Every operation against every principal, generated from the table: who may not is stopped before actors are asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from cutline.http import asking
from cutline.http.app import BARE, ROUTES
from cutline.http.auth import LEDGER_SCOPES, SETTLE_SCOPES, mint_token
from cutline.http.door import OPEN, STRIPE, Route
from cutline.http.server import serve
from tests.http.samples import Sample, sample
from tests.http.standin import ANNA, BERT, JWT_SECRET, LEDGER_KEY, SETTLE_KEY, StandIn, bearer, settings, token
from tests.http.town import CONTEST, Town, open_town

SCOPES: Mapping[str, frozenset[str]] = {
    "entrant": frozenset({"entrant"}),
    "tenant": frozenset({"tenant"}),
    "ops": frozenset({"ops"}),
    "admin": frozenset({"admin"}),
    "powerless": frozenset(),
    "settle": SETTLE_SCOPES,
    "ledger": LEDGER_SCOPES,
}
"""What each principal is allowed, as it is written down; not read from what the doors think."""
UNPROVEN = ("nobody", "stranger", "expired", "revoked", "another installation's", "wrong key")


def credentials() -> dict[str, dict[str, str]]:
    expired = mint_token(JWT_SECRET, ANNA, ["admin"], now=datetime.now(UTC) - timedelta(2), lifetime=timedelta(1))
    other_secret = "a-secret-of-somebody-else-that-is-long-enough"
    foreign = mint_token(other_secret, ANNA, ["admin"], now=datetime.now(UTC), lifetime=timedelta(1))
    return {
        "entrant": bearer(token(ANNA, "entrant")),
        "tenant": bearer(token("tina", "tenant")),
        "ops": bearer(token("oscar", "ops")),
        "admin": bearer(token("ada", "admin")),
        "powerless": bearer(mint_token(JWT_SECRET, "paul", [], now=datetime.now(UTC), lifetime=timedelta(1))),
        "settle": {"x-admin-key": SETTLE_KEY},
        "ledger": bearer(LEDGER_KEY),
        "nobody": {},
        "stranger": bearer("no.token.atall"),
        "expired": bearer(expired),
        "revoked": bearer(REVOKED),
        "another installation's": bearer(foreign),
        "wrong key": {"x-admin-key": "wrong"},
    }


REVOKED = mint_token(JWT_SECRET, "rosa", ["admin", "ops", "entrant"], now=datetime.now(UTC), lifetime=timedelta(1))


async def ask(session: aiohttp.ClientSession, request: Sample, headers: Mapping[str, str]) -> tuple[int, bytes]:
    sent = {**request.headers, **headers}
    async with session.request(
        request.method, request.path, data=request.body, params=request.query, headers=sent
    ) as response:
        return response.status, await response.read()


async def test_each_principal_gets_through_its_own_doors_and_no_other(
    engine: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C-39: the matrix of every operation and every principal."""
    monkeypatch.setattr(asking, "PATIENCE_S", 0.0)
    engine.revoked.append(mint_id(REVOKED))
    runner, (host, port) = await serve(engine, settings(cutline_principal_requests_per_minute=0))
    tried = 0
    async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
        for route in ROUTES:
            assert route.needs, f"{route.name} is open to everybody"
            for name, headers in credentials().items():
                engine.asked.clear()
                status, _ = await ask(session, sample(route), headers)
                tried += 1
                if name in UNPROVEN:
                    assert (status, engine.asked) == (401, []), (route.name, name)
                elif SCOPES[name] & route.needs:
                    assert status not in (401, 403), (route.name, name, status)
                else:
                    assert (status, engine.asked) == (403, []), (route.name, name)
    await runner.cleanup()
    assert tried == len(ROUTES) * len(credentials())


def mint_id(sent: str) -> str:
    import jwt

    return str(jwt.decode(sent, options={"verify_signature": False})["jti"])


def test_what_is_open_is_open_on_purpose() -> None:
    assert {one.name for one in BARE if one.needs == OPEN} == {
        "readHealth",
        "readMetrics",
        "readPublicDocument",
        "readReadiness",
    }
    assert {one.name for one in BARE if one.needs == STRIPE} == {"takeStripeEvent"}
    assert {one.name for one in BARE} == {one.name for one in BARE if one.needs in (OPEN, STRIPE)}


@dataclass(frozen=True, slots=True)
class Belongings:
    """What is Anna's, and what would show it."""

    entry_id: str
    payment_intent: str
    account_did: str = ANNA

    @property
    def marks(self) -> tuple[bytes, ...]:
        return (ANNA.encode(), self.payment_intent.encode(), b'client_secret": "pi_', b'client_secret":"pi_')


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with open_town(tmp_path) as opened:
        await opened.found(max_entries_per_user=3)
        yield opened


def about_anna(route: Route, belongings: Belongings) -> Sample:
    parts = {"contest_id": CONTEST, "entry_id": belongings.entry_id, "account_did": belongings.account_did}
    fields: dict[str, Any] = (
        {}
        if route.takes is None
        else {name: value for name, value in parts.items() if name in route.takes.model_fields}
    )
    return sample(route, parts, fields)


async def test_an_entrant_sees_and_moves_only_what_is_theirs(town: Town) -> None:
    """A8: whatever an entrant may call, called about another's things, shows none of them and changes none."""
    belongings = Belongings(*await town.enter(ANNA))
    mine = bearer(token(ANNA))
    async with aiohttp.ClientSession(town.url) as session:
        before = await _entry(session, belongings, mine)
        for route in ROUTES:
            if "entrant" not in route.needs:
                continue
            request = about_anna(route, belongings)
            status, body = await ask(session, request, bearer(token(BERT)))
            told = request.path.encode() + (request.body or b"")
            assert not [mark for mark in belongings.marks if mark in body and mark not in told], route.name
            named = {*route.parts, *(route.takes.model_fields if route.takes else ())}
            names_hers = {"entry_id", "account_did"} & named
            if names_hers:
                assert status == 404, (route.name, status, body)
                absent = Belongings("00000000-0000-4000-8000-000000000000", "pi_none", "did:player:nobody")
                nothing = await ask(session, about_anna(route, absent), bearer(token(BERT)))
                assert _without_ids(body, belongings) == _without_ids(nothing[1], absent), route.name
        assert await _entry(session, belongings, mine) == before
        status, body = await ask(session, about_anna(_route("readIntent"), belongings), mine)
        assert (status, belongings.payment_intent in body.decode()) == (200, True)


def _route(name: str) -> Route:
    return next(route for route in ROUTES if route.name == name)


async def _entry(session: aiohttp.ClientSession, belongings: Belongings, headers: Mapping[str, str]) -> dict[str, Any]:
    status, body = await ask(session, about_anna(_route("readEntry"), belongings), headers)
    assert status == 200
    return dict(orjson.loads(body))


def _without_ids(body: bytes, belongings: Belongings) -> str:
    said = orjson.loads(body.replace(belongings.entry_id.encode(), b"X").replace(belongings.account_did.encode(), b"Y"))
    said.pop("correlation_id")
    return str(said)


async def test_a_token_is_taken_back_for_good(tmp_path: Path) -> None:
    """Also after a restart, and said twice it is said once."""
    leaked = token("oscar", "ops")
    async with open_town(tmp_path) as town:
        assert await town.client(leaked).contests() == []
        asked = orjson.dumps({"token": leaked, "reason": "it lay in a chat"})
        for deduped in (False, True):
            headers = {**bearer(token("ada", "admin")), "Content-Type": "application/json"}
            async with town.session.post(f"{town.url}/v1/tokens/revoke", data=asked, headers=headers) as response:
                assert (response.status, (await response.json())["deduped"]) == (200, deduped)
        assert await _status(town, leaked) == 401
        assert await _status(town, token("olga", "ops")) == 200
        [row] = town.rows("governance", "SELECT payload FROM log WHERE type = 'TokenRevoked'")
        assert leaked not in row[0]
    async with open_town(tmp_path) as town:
        assert await _status(town, leaked) == 401


async def _status(town: Town, credential: str) -> int:
    async with town.session.get(f"{town.url}/v1/contests", headers=bearer(credential)) as response:
        return response.status
