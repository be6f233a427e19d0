"""The API as Python calls it: typed methods over aiohttp, with retries that cannot do anything twice.

Every request of this API may be sent again: what it creates has a business key. The client has no randomness of its
own, so that a simulated world is the same every time. It must not import the server's side.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID, uuid5

import aiohttp
import orjson

RETRIED_STATUSES = frozenset({502, 503, 504})
PAUSE_MAX_S = 10.0
PAGE_LINES = 200
"""Long lists are read in pages of so many lines."""
OWN_ENTRIES_LINES = 50
"""The list across contests has shorter pages: each contest on one is asked."""
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

    async def validate_config(self, toml: str) -> dict[str, Any]:
        """Check and rehearse a configuration: `config_sha256`, `report`, `warnings`, `deduped`."""
        return await self._post("/v1/configs/validate", {"toml": toml})

    async def roll_back_config(self, config_id: str, version: int, reason: str) -> dict[str, Any]:
        """Publish again what stood before the newest version, which is named."""
        asked = {"version": version, "reason": reason}
        return await self._post(f"/v1/configs/{quote(config_id, safe='')}/rollback", asked)

    async def configs(self) -> list[dict[str, Any]]:
        """Return every published version of every configuration."""
        return list((await self._get("/v1/configs"))["configs"])

    async def config(self, config_id: str) -> dict[str, Any]:
        """Return a configuration's active version whole, and the list of all."""
        return await self._get(f"/v1/configs/{quote(config_id, safe='')}")

    async def adopt_config(self, contest_id: str) -> dict[str, Any]:
        """Have a contest play by the newest version of its configuration, if it still may change."""
        return await self._post(f"/v1/contests/{quote(contest_id, safe='')}/config", None)

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

    async def progress(self, contest_id: str) -> list[dict[str, Any]]:
        """Return the steps that a contest has taken, oldest first, each `step` and `at`."""
        return list((await self._get(f"/v1/contests/{quote(contest_id, safe='')}/progress"))["steps"])

    async def force_lock(self, contest_id: str, execution_id: str, reason: str) -> dict[str, Any]:
        """Lock a contest by hand, within an open execution of a runbook."""
        asked = {"execution_id": execution_id, "reason": reason}
        return await self._post(f"/v1/contests/{quote(contest_id, safe='')}/force-lock", asked)

    async def recover_contest(self, contest_id: str, execution_id: str, reason: str) -> dict[str, Any]:
        """Let a contest in ERROR go on, within an open execution of a runbook."""
        asked = {"execution_id": execution_id, "reason": reason}
        return await self._post(f"/v1/contests/{quote(contest_id, safe='')}/recover", asked)

    async def release_contest(self, contest_id: str, reason: str) -> dict[str, Any]:
        """Open a contest again that was kept closed; its file is judged anew."""
        return await self._post(f"/v1/contests/{quote(contest_id, safe='')}/release", {"reason": reason})

    async def cancel_contest(self, contest_id: str, reason: str) -> dict[str, Any]:
        """Cancel a contest; every fee is given back."""
        return await self._post(f"/v1/contests/{quote(contest_id, safe='')}/cancel", {"reason": reason})

    # Runbooks -------------------------------------------------------------------------------------------------

    async def start_runbook(
        self, name: str, version: str, executed_by: str, state_before: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Open an execution of a runbook: `execution_id`, `timestamp`."""
        asked = {"runbook_name": name, "runbook_version": version, "executed_by": executed_by}
        return await self._post("/api/admin/runbooks/start", {**asked, "system_state_before": state_before})

    async def complete_runbook(self, execution_id: str, status: str, error_reason: str | None = None) -> dict[str, Any]:
        """Close an execution as `completed`, `failed` or `partial`."""
        asked = {"execution_id": execution_id, "status": status, "error_reason": error_reason}
        return await self._post("/api/admin/runbooks/complete", asked)

    async def runbook_executions(self) -> list[dict[str, Any]]:
        """Return executions of runbooks, the newest first."""
        return list((await self._get("/api/admin/runbooks/executions"))["executions"])

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

    async def own_entries(self) -> list[dict[str, Any]]:
        """Return the caller's entries in all contests, the newest first: `contest_id`, `entry`, `payment_status`."""
        return [entry async for entry in self._pages("/v1/entries", "entries", lines=OWN_ENTRIES_LINES)]

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

    async def run_netting(
        self, currency: str, *, idempotency_key: str, selection_before: datetime | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """Net what is final, the oldest first: `run_id`, `status`, `candidate_count`, `deduped`; needs an admin."""
        before = None if selection_before is None else selection_before.isoformat()
        asked = {"currency": currency, "selection_before": before, "limit": limit}
        return await self._post("/v1/netting/runs", asked, idempotency_key=idempotency_key)

    async def retry_netting(self, run_id: str) -> dict[str, Any]:
        """Take up a netting run that has failed."""
        return await self._post(f"/v1/netting/runs/{quote(run_id, safe='')}/retry", None)

    async def netting_run(self, run_id: str) -> dict[str, Any]:
        """Return a netting run as it stands."""
        return await self._get(f"/v1/netting/runs/{quote(run_id, safe='')}")

    async def netting_report(self, run_id: str) -> dict[str, Any]:
        """Return the report of an applied netting run: `artifact_sha256`, `entries` with their `payouts`."""
        return await self._get(f"/v1/netting/runs/{quote(run_id, safe='')}/report")

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

    # Tokens ---------------------------------------------------------------------------------------------------

    async def revoke_token(self, token: str, reason: str) -> dict[str, Any]:
        """Take a token back before it expires; needs an admin's."""
        return await self._post("/v1/tokens/revoke", {"token": token, "reason": reason})

    async def pay_out(
        self, amount_cents: int, currency: str, *, idempotency_key: str, account_did: str | None = None
    ) -> dict[str, Any]:
        """Have an account holder's money paid to their bank: `payout_id`, `status`, `deduped`. A key is one payout."""
        asked = {"amount_cents": amount_cents, "currency": currency}
        if account_did is not None:
            asked["account_did"] = account_did
        return await self._post("/v1/payouts", asked, idempotency_key=idempotency_key)

    async def compared_day(self, day: str) -> dict[str, Any]:
        """Return where a UTC day, YYYY-MM-DD, differs from Stripe's: `differences_found`, `differences`, ..."""
        return await self._get(f"/v1/reconciliation/stripe/days/{quote(day, safe='')}")

    async def payout(self, payout_id: str) -> dict[str, Any]:
        """Return a payout as it stands, with its `audit_events`."""
        return await self._get(f"/v1/payouts/{quote(payout_id, safe='')}")

    async def payouts(self, **query: str | int) -> dict[str, Any]:
        """Return a page of payouts and its `next_cursor`; `from_` and `to` bound when they were created."""
        asked = urlencode({name.removesuffix("_"): value for name, value in query.items()})
        return await self._get(f"/v1/payouts?{asked}")

    async def retry_payout(self, payout_id: str) -> dict[str, Any]:
        """Take the next step of a stuck payout at once."""
        return await self._post(f"/v1/payouts/{quote(payout_id, safe='')}/retry", None)

    async def stuck_payouts(self, minutes: int | None = None) -> list[dict[str, Any]]:
        """Return the payouts that have waited too long."""
        asked = "" if minutes is None else f"?minutes={minutes}"
        return list((await self._get(f"/v1/payouts/ops/stuck{asked}"))["payouts"])

    async def failed_payouts(self) -> list[dict[str, Any]]:
        """Return the payouts that failed, the latest first."""
        return list((await self._get("/v1/payouts/ops/failed"))["payouts"])

    # The wire -------------------------------------------------------------------------------------------------

    @staticmethod
    def _entry_path(contest_id: str, entry_id: str) -> str:
        return f"/v1/contests/{quote(contest_id, safe='')}/entries/{quote(entry_id, safe='')}"

    async def _pages(self, path: str, name: str, lines: int = PAGE_LINES) -> AsyncIterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            page = await self._get(_page(path, lines, cursor))
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
