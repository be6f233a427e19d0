"""The public document's operations, in Python's words; it must not know what is for staff alone."""

from __future__ import annotations

from typing import Any

from cutline.http.client.wire import Wire, part, with_query

OWN_ENTRIES_LINES = 50
"""The list across contests has shorter pages than others: each contest on one is asked."""


class EntrantOperations(Wire):
    """The public API."""

    # Contests -------------------------------------------------------------------------------------------------------

    async def contests(self) -> list[dict[str, Any]]:
        """Return every contest's line in the list, by id."""
        return [line async for line in self._pages("/v1/contests", "contests")]

    async def contest(self, contest_id: str) -> dict[str, Any]:
        """Return a contest as it is: `status`, `progress`, `entries` by status, `pot_cents`, `settlement`, ..."""
        return await self._get(f"/v1/contests/{part(contest_id)}")

    async def standings(self, contest_id: str) -> list[dict[str, Any]]:
        """Return every ranked entry, best first; none before the lock, and final only once the contest is settled."""
        path = f"/v1/contests/{part(contest_id)}/standings"
        return [row async for row in self._pages(path, "standings")]

    async def standings_page(self, contest_id: str, *, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
        """Return a page of the standings: `final`, `version`, `entries`, `standings`, `next_cursor`, ..."""
        return await self._get(with_query(f"/v1/contests/{part(contest_id)}/standings", limit=limit, cursor=cursor))

    async def golfers(self, contest_id: str) -> dict[str, Any]:
        """Return whom an entry can pick: `roster_size`, `tiers`, `golfers`, and whether the field is `published`."""
        return await self._get(f"/v1/contests/{part(contest_id)}/golfers")

    async def progress(self, contest_id: str) -> list[dict[str, Any]]:
        """Return the steps that a contest has taken, oldest first, each `step` and `at`."""
        return list((await self._get(f"/v1/contests/{part(contest_id)}/progress"))["steps"])

    # Entries --------------------------------------------------------------------------------------------------------

    async def enter(
        self, contest_id: str, picks: list[str], tiebreak: int | None, *, idempotency_key: str
    ) -> dict[str, Any]:
        """Reserve a seat: `entry_id`, `status`, `expires_at`. The same key is the same entry, however often sent."""
        path = f"/v1/contests/{part(contest_id)}/entries"
        return await self._post(path, {"picks": picks, "tiebreak": tiebreak}, idempotency_key=idempotency_key)

    async def entry(self, contest_id: str, entry_id: str) -> dict[str, Any]:
        """Return an entry as it is: `status`, `prize_cents` (None until settled), `paid`."""
        return await self._get(_entry(contest_id, entry_id))

    async def entries(self, contest_id: str) -> list[dict[str, Any]]:
        """Return the caller's entries in a contest, in the order of entering; everybody's to staff."""
        path = f"/v1/contests/{part(contest_id)}/entries"
        return [entry async for entry in self._pages(path, "entries")]

    async def own_entries(self) -> list[dict[str, Any]]:
        """Return the caller's entries in all contests, the newest first: `contest_id`, `entry`, `payment_status`."""
        return [entry async for entry in self._pages("/v1/entries", "entries", lines=OWN_ENTRIES_LINES)]

    async def change_picks(
        self, contest_id: str, entry_id: str, picks: list[str], tiebreak: int | None = None
    ) -> dict[str, Any]:
        """Give an entry other golfers before the lock."""
        path = f"{_entry(contest_id, entry_id)}/picks"
        return await self._put(path, {"picks": picks, "tiebreak": tiebreak})

    async def withdraw(self, contest_id: str, entry_id: str) -> dict[str, Any]:
        """Withdraw an entry before the lock."""
        return await self._post(f"{_entry(contest_id, entry_id)}/withdraw", None)

    # Money ----------------------------------------------------------------------------------------------------------

    async def intent(self, contest_id: str, entry_id: str, *, idempotency_key: str | None = None) -> dict[str, Any]:
        """Return an entry's payment intent: `payment_intent`, `client_secret`, `status`, `amount_cents`, `currency`."""
        asked = {"contest_id": contest_id, "entry_id": entry_id}
        return await self._post("/v1/payments/intents", asked, idempotency_key=idempotency_key)

    async def refund(self, contest_id: str, entry_id: str) -> dict[str, Any]:
        """Take an entry back before the lock, and its fee with it: `status`, `amount_cents`, `entry_status`."""
        return await self._post("/v1/payments/refunds", {"contest_id": contest_id, "entry_id": entry_id})

    async def onboard(self, account_did: str | None = None, email: str | None = None) -> dict[str, Any]:
        """Return a connected account: `stripe_account_id`, `url`, `transfers_active`."""
        return await self._post("/v1/payouts/connect/onboard", {"account_did": account_did, "email": email})

    async def statement(self, account_did: str, first: str | None = None, last: str | None = None) -> dict[str, Any]:
        """Return a holder's statement of the UTC days from `first` to `last`, YYYY-MM-DD, both included: `lines`."""
        return await self._get(_statement(account_did, first, last))

    async def statement_csv(self, account_did: str, first: str | None = None, last: str | None = None) -> str:
        """Return the same statement as CSV."""
        return await self._text(_statement(account_did, first, last, "csv"))

    async def debts(self, account_did: str) -> dict[str, Any]:
        """Return what a holder owes, and which of their payments are disputed."""
        return await self._get(f"/v1/accounts/{part(account_did)}/debts")

    async def account(self, account_did: str) -> dict[str, Any]:
        """Return an account holder's balances, with `available_cents` and `held_cents` of the first currency."""
        account = await self._get(f"/v1/accounts/{part(account_did)}")
        return {**account, "available_cents": account["available"], "held_cents": account["held"]}

    async def pay_out(
        self, amount_cents: int, currency: str, *, idempotency_key: str, account_did: str | None = None
    ) -> dict[str, Any]:
        """Have an account holder's money paid to their bank: `payout_id`, `status`, `deduped`. A key is one payout."""
        asked = {"amount_cents": amount_cents, "currency": currency}
        if account_did is not None:
            asked["account_did"] = account_did
        return await self._post("/v1/payouts", asked, idempotency_key=idempotency_key)

    async def payout(self, payout_id: str) -> dict[str, Any]:
        """Return a payout as it stands, with its `audit_events`."""
        return await self._get(f"/v1/payouts/{part(payout_id)}")

    # The house ------------------------------------------------------------------------------------------------------

    async def health(self) -> dict[str, Any]:
        """Return whether the process is alive: `status`."""
        return await self._get("/healthz")

    async def readiness(self) -> dict[str, Any]:
        """Return whether every core actor answers, and which does not: `status` is `ready` or `not_ready`."""
        return await self._get("/readyz", also=(503,))

    async def public_document(self) -> dict[str, Any]:
        """Return the OpenAPI document of this part of the API."""
        return await self._get("/v1/openapi/public-api.json")


def _entry(contest_id: str, entry_id: str) -> str:
    return f"/v1/contests/{part(contest_id)}/entries/{part(entry_id)}"


def _statement(account_did: str, first: str | None, last: str | None, form: str | None = None) -> str:
    return with_query(f"/v1/accounts/{part(account_did)}/statement", from_=first, to=last, format=form)
