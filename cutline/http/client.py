"""The API as Python calls it: typed methods over aiohttp, with retries that cannot do anything twice.

Every request of this API may be sent again: what it creates has a business key. The client has no randomness of its
own, so that a simulated world is the same every time. It must not import the server's side.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid5

import aiohttp
import orjson

RETRIED_STATUSES = frozenset({502, 503, 504})
PAUSE_MAX_S = 10.0
PAGE_LINES = 200
"""Long lists are read in pages of so many lines."""
_REQUESTS = UUID("0d3b6f0e-4a55-5e0a-8a3f-6d0a9f4f6c52")
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
_UNREACHED = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError)


class ApiRefused(Exception):
    """The API said no: `code` names why (see the registry of refusals), `status` is HTTP's."""

    def __init__(self, code: str, status: int, details: Mapping[str, Any], correlation_id: str) -> None:
        super().__init__(f"{status} {code} {dict(details)} (correlation id {correlation_id})")
        self.code = code
        self.status = status
        self.details = dict(details)
        self.correlation_id = correlation_id


class CutlineClient:
    """One principal's client. `token` is a bearer token, or a service key."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        token: str,
        *,
        retries: int = 4,
        first_backoff_s: float = 0.2,
    ) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._authorization = f"Bearer {token}"
        self._retries = retries
        self._first_backoff_s = first_backoff_s
        self._sent = 0

    # Contests -------------------------------------------------------------------------------------------------

    async def publish_config(self, toml: str) -> dict[str, Any]:
        """Publish a tournament configuration: `config_id`, `version`, `config_sha256`, `deduped`."""
        return await self._post("/v1/configs", {"toml": toml})

    async def create_contest(self, contest_id: str, config_id: str) -> dict[str, Any]:
        """Create a contest on the newest version of a configuration."""
        return await self._post("/v1/contests", {"contest_id": contest_id, "config_id": config_id})

    async def contests(self) -> list[dict[str, Any]]:
        """Return every contest's line in the list, by id."""
        return [line async for line in self._pages("/v1/contests", "contests")]

    async def contest(self, contest_id: str) -> dict[str, Any]:
        """Return a contest as it is: `status`, `progress`, `entries` by status, `pot_cents`, `settlement`, ..."""
        return await self._get(f"/v1/contests/{quote(contest_id, safe='')}")

    async def standings(self, contest_id: str) -> list[dict[str, Any]]:
        """Return every ranked entry, best first; none before the lock, and final only once the contest is settled."""
        path = f"/v1/contests/{quote(contest_id, safe='')}/standings"
        return [row async for row in self._pages(path, "standings")]

    async def standings_page(self, contest_id: str, *, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
        """Return a page of the standings: `final`, `version`, `entries`, `standings`, `next_cursor`, ..."""
        return await self._get(_page(f"/v1/contests/{quote(contest_id, safe='')}/standings", limit, cursor))

    async def golfers(self, contest_id: str) -> dict[str, Any]:
        """Return whom an entry can pick: `roster_size`, `tiers`, `golfers`, and whether the field is `published`."""
        return await self._get(f"/v1/contests/{quote(contest_id, safe='')}/golfers")

    async def cancel_contest(self, contest_id: str, reason: str) -> dict[str, Any]:
        """Cancel a contest; every fee is given back."""
        return await self._post(f"/v1/contests/{quote(contest_id, safe='')}/cancel", {"reason": reason})

    # Entries --------------------------------------------------------------------------------------------------

    async def enter(
        self, contest_id: str, picks: list[str], tiebreak: int | None, *, idempotency_key: str
    ) -> dict[str, Any]:
        """Reserve a seat: `entry_id`, `status`, `expires_at`. The same key is the same entry, however often sent."""
        path = f"/v1/contests/{quote(contest_id, safe='')}/entries"
        return await self._post(path, {"picks": picks, "tiebreak": tiebreak}, idempotency_key=idempotency_key)

    async def entry(self, contest_id: str, entry_id: str) -> dict[str, Any]:
        """Return an entry as it is: `status`, `prize_cents` (None until settled), `paid`."""
        return await self._get(self._entry_path(contest_id, entry_id))

    async def entries(self, contest_id: str) -> list[dict[str, Any]]:
        """Return the caller's entries in a contest, in the order of entering; everybody's to staff."""
        path = f"/v1/contests/{quote(contest_id, safe='')}/entries"
        return [entry async for entry in self._pages(path, "entries")]

    async def change_picks(
        self, contest_id: str, entry_id: str, picks: list[str], tiebreak: int | None = None
    ) -> dict[str, Any]:
        """Give an entry other golfers before the lock."""
        body = orjson.dumps({"picks": picks, "tiebreak": tiebreak})
        return await self._insist("PUT", f"{self._entry_path(contest_id, entry_id)}/picks", body, None)

    async def withdraw(self, contest_id: str, entry_id: str) -> dict[str, Any]:
        """Withdraw an entry before the lock."""
        return await self._post(f"{self._entry_path(contest_id, entry_id)}/withdraw", None)

    # Money ----------------------------------------------------------------------------------------------------

    async def intent(self, contest_id: str, entry_id: str, *, idempotency_key: str | None = None) -> dict[str, Any]:
        """Return an entry's payment intent: `payment_intent`, `client_secret`, `status`, `amount_cents`, `currency`."""
        asked = {"contest_id": contest_id, "entry_id": entry_id}
        return await self._post("/v1/payments/intents", asked, idempotency_key=idempotency_key)

    async def refund(self, contest_id: str, entry_id: str) -> dict[str, Any]:
        """Take an entry back before the lock, and its fee with it: `status`, `amount_cents`, `entry_status`."""
        return await self._post("/v1/payments/refunds", {"contest_id": contest_id, "entry_id": entry_id})

    async def ingest_settlement(
        self, provider_reference: str, account_did: str, amount_cents: int, currency: str, *, idempotency_key: str
    ) -> dict[str, Any]:
        """Credit what an outside service has collected; needs the ledger's key."""
        asked = {
            "provider_reference": provider_reference,
            "account_did": account_did,
            "amount_cents": amount_cents,
            "currency": currency,
        }
        return await self._post("/v1/payments/settlements/ingest", asked, idempotency_key=idempotency_key)

    async def settlements(self, provider_reference: str) -> list[dict[str, Any]]:
        """Return the settlement of a payment intent or an outside reference; needs the ledger's key."""
        query = quote(provider_reference, safe="")
        return list((await self._get(f"/v1/payments/settlements?provider_reference={query}"))["settlements"])

    async def retry_forwarding(
        self, *, limit: int = 100, force: bool = False, event_id: str | None = None
    ) -> dict[str, Any]:
        """Post again what broke: `attempted`, `forwarded`, `failed`; needs the settlement service's key."""
        asked = {"limit": limit, "force": force, "event_id": event_id}
        return await self._post("/v1/stripe/forwarding/retry", asked)

    async def onboard(self, account_did: str | None = None, email: str | None = None) -> dict[str, Any]:
        """Return a connected account: `stripe_account_id`, `url`, `transfers_active`."""
        return await self._post("/v1/payouts/connect/onboard", {"account_did": account_did, "email": email})

    async def transfers(self, contest_id: str | None = None) -> list[dict[str, Any]]:
        """Return the transfers of one contest, or of all."""
        query = f"?contest_id={quote(contest_id, safe='')}" if contest_id is not None else ""
        return list((await self._get(f"/v1/payouts/transfers{query}"))["transfers"])

    async def account(self, account_did: str) -> dict[str, Any]:
        """Return an account holder's balances, with `available_cents` and `held_cents` of the first currency."""
        account = await self._get(f"/v1/accounts/{quote(account_did, safe='')}")
        return {**account, "available_cents": account["available"], "held_cents": account["held"]}

    async def trial_balance(self, currency: str = "usd") -> dict[str, int]:
        """Return every account's balance in one currency, in cents, debit positive; they sum to zero."""
        balances = (await self._get("/v1/ledger/trial-balance"))["balances"]
        return dict(balances.get(currency, {}))

    # The wire -------------------------------------------------------------------------------------------------

    @staticmethod
    def _entry_path(contest_id: str, entry_id: str) -> str:
        return f"/v1/contests/{quote(contest_id, safe='')}/entries/{quote(entry_id, safe='')}"

    async def _pages(self, path: str, name: str) -> AsyncIterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            page = await self._get(_page(path, PAGE_LINES, cursor))
            for line in page[name]:
                yield line
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def _get(self, path: str) -> dict[str, Any]:
        return await self._insist("GET", path, None, None)

    async def _post(
        self, path: str, content: Mapping[str, Any] | None, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        body = orjson.dumps(content) if content is not None else None
        return await self._insist("POST", path, body, idempotency_key)

    async def _insist(self, method: str, path: str, body: bytes | None, idempotency_key: str | None) -> dict[str, Any]:
        """Send a request, and the very same again while nobody can be reached or the engine asks for patience."""
        headers = self._headers(method, path, body, idempotency_key)
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            pause_s = min(self._first_backoff_s * 2.0**attempt, PAUSE_MAX_S)
            try:
                return await self._send(method, path, body, headers)
            except _UNREACHED:
                if last:
                    raise
            except ApiRefused as refused:
                if last or refused.status not in RETRIED_STATUSES:
                    raise
            await asyncio.sleep(pause_s)
        raise AssertionError("the last attempt returns or raises")

    async def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> dict[str, Any]:
        async with self._session.request(method, f"{self._base_url}{path}", data=body, headers=headers) as response:
            raw = await response.read()
            status = response.status
        answer = _object(raw)
        if status < 400 and answer is not None:
            return answer
        raise _refusal(status, answer, headers["X-Correlation-Id"])

    def _headers(self, method: str, path: str, body: bytes | None, idempotency_key: str | None) -> dict[str, str]:
        self._sent += 1
        headers = {"Authorization": self._authorization}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        if idempotency_key is not None and _CORRELATION_ID.fullmatch(idempotency_key):
            headers["X-Correlation-Id"] = idempotency_key
        else:
            said = (body or b"").decode()
            headers["X-Correlation-Id"] = str(uuid5(_REQUESTS, f"{self._sent} {method} {path} {said}"))
        return headers


def _page(path: str, limit: int, cursor: str | None) -> str:
    after = "" if cursor is None else f"&cursor={quote(cursor, safe='')}"
    return f"{path}?limit={limit}{after}"


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        answer = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def _refusal(status: int, answer: dict[str, Any] | None, correlation_id: str) -> ApiRefused:
    """Read the envelope; what has none comes from something between us and the API."""
    error = (answer or {}).get("error")
    if not isinstance(error, dict):
        return ApiRefused("NO_ANSWER_OF_CUTLINE", status, {}, correlation_id)
    said = (answer or {}).get("correlation_id", correlation_id)
    return ApiRefused(str(error.get("code")), status, error.get("details") or {}, str(said))
