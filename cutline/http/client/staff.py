"""The admin document's operations, for staff and services, in Python's words; it must not know what entrants do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cutline.http.client.wire import Wire, part, with_query


class StaffOperations(Wire):
    """The admin API."""

    # Contests -------------------------------------------------------------------------------------------------------

    async def publish_config(self, toml: str) -> dict[str, Any]:
        """Publish a tournament configuration: `config_id`, `version`, `config_sha256`, `deduped`."""
        return await self._post("/v1/configs", {"toml": toml})

    async def validate_config(self, toml: str) -> dict[str, Any]:
        """Check and rehearse a configuration: `config_sha256`, `report`, `warnings`, `deduped`."""
        return await self._post("/v1/configs/validate", {"toml": toml})

    async def roll_back_config(self, config_id: str, version: int, reason: str) -> dict[str, Any]:
        """Publish again what stood before the newest version, which is named."""
        asked = {"version": version, "reason": reason}
        return await self._post(f"/v1/configs/{part(config_id)}/rollback", asked)

    async def configs(self) -> list[dict[str, Any]]:
        """Return every published version of every configuration."""
        return list((await self._get("/v1/configs"))["configs"])

    async def config(self, config_id: str) -> dict[str, Any]:
        """Return a configuration's active version whole, and the list of all."""
        return await self._get(f"/v1/configs/{part(config_id)}")

    async def adopt_config(self, contest_id: str) -> dict[str, Any]:
        """Have a contest play by the newest version of its configuration, if it still may change."""
        return await self._post(f"/v1/contests/{part(contest_id)}/config", None)

    async def create_contest(self, contest_id: str, config_id: str) -> dict[str, Any]:
        """Create a contest on the newest version of a configuration."""
        return await self._post("/v1/contests", {"contest_id": contest_id, "config_id": config_id})

    async def cancel_contest(self, contest_id: str, reason: str) -> dict[str, Any]:
        """Cancel a contest; every fee is given back."""
        return await self._post(f"/v1/contests/{part(contest_id)}/cancel", {"reason": reason})

    async def force_lock(self, contest_id: str, execution_id: str, reason: str) -> dict[str, Any]:
        """Lock a contest by hand, within an open execution of a runbook."""
        asked = {"execution_id": execution_id, "reason": reason}
        return await self._post(f"/v1/contests/{part(contest_id)}/force-lock", asked)

    async def recover_contest(self, contest_id: str, execution_id: str, reason: str) -> dict[str, Any]:
        """Let a contest in ERROR go on, within an open execution of a runbook."""
        asked = {"execution_id": execution_id, "reason": reason}
        return await self._post(f"/v1/contests/{part(contest_id)}/recover", asked)

    async def release_contest(self, contest_id: str, reason: str) -> dict[str, Any]:
        """Open a contest again that was kept closed; its file is judged anew."""
        return await self._post(f"/v1/contests/{part(contest_id)}/release", {"reason": reason})

    async def ingestion(self, contest_id: str) -> dict[str, Any]:
        """Return how a contest's provider is doing, what waits, what is held, and what happened last."""
        return await self._get(f"/v1/contests/{part(contest_id)}/ingestion")

    async def restart_ingestion(self, contest_id: str) -> dict[str, Any]:
        """Open a contest's feed again from its file and poll at once."""
        return await self._post(f"/v1/contests/{part(contest_id)}/ingestion/restart", None)

    async def settlement_audit(self, contest_id: str) -> dict[str, Any]:
        """Return every settlement run, the failed ones too, and every audit."""
        return await self._get(f"/v1/contests/{part(contest_id)}/settlement-audit")

    async def settlement_difference(
        self, contest_id: str, before: str = "settled", after: str = "late"
    ) -> dict[str, Any]:
        """Return how a contest's result differs between two points: a run's id, `settled`, `late`, `checkpoint:N`."""
        path = f"/v1/contests/{part(contest_id)}/settlement-audit/diff"
        return await self._get(with_query(path, before=before, after=after))

    # Runbooks -------------------------------------------------------------------------------------------------------

    async def start_runbook(
        self, name: str, version: str, executed_by: str, state_before: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Open an execution of a runbook: `execution_id`, `timestamp`."""
        asked = {"runbook_name": name, "runbook_version": version, "executed_by": executed_by}
        return await self._post("/api/admin/runbooks/start", {**asked, "system_state_before": state_before})

    async def record_runbook_step(
        self,
        execution_id: str,
        phase: str,
        step: int,
        outcome: str = "done",
        result: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Note a step of an open execution as `done` or `failed`."""
        asked = {"execution_id": execution_id, "execution_phase": phase, "phase_step": step}
        return await self._post("/api/admin/runbooks/step", {**asked, "outcome": outcome, "result_json": result})

    async def complete_runbook(self, execution_id: str, status: str, error_reason: str | None = None) -> dict[str, Any]:
        """Close an execution as `completed`, `failed` or `partial`."""
        asked = {"execution_id": execution_id, "status": status, "error_reason": error_reason}
        return await self._post("/api/admin/runbooks/complete", asked)

    async def runbook_executions(self) -> list[dict[str, Any]]:
        """Return executions of runbooks, the newest first."""
        return list((await self._get("/api/admin/runbooks/executions"))["executions"])

    # Money ----------------------------------------------------------------------------------------------------------

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
        path = with_query("/v1/payments/settlements", provider_reference=provider_reference)
        return list((await self._get(path))["settlements"])

    async def retry_forwarding(
        self, *, limit: int = 100, force: bool = False, event_id: str | None = None
    ) -> dict[str, Any]:
        """Post again what broke: `attempted`, `forwarded`, `failed`; needs the settlement service's key."""
        asked = {"limit": limit, "force": force, "event_id": event_id}
        return await self._post("/v1/stripe/forwarding/retry", asked)

    async def trial_balance(self, currency: str = "usd") -> dict[str, int]:
        """Return every account's balance in one currency, in cents, debit positive; they sum to zero."""
        balances = (await self._get("/v1/ledger/trial-balance"))["balances"]
        return dict(balances.get(currency, {}))

    async def dead_letters(
        self,
        *,
        event_type: str | None = None,
        failure_class: str | None = None,
        stripe_event_id: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> dict[str, Any]:
        """Return a page of Stripe's events that a person must look at, the newest first: `dead_letters`, `counts`."""
        chosen = {"event_type": event_type, "failure_class": failure_class, "stripe_event_id": stripe_event_id}
        return await self._get(with_query("/v1/stripe/dead-letters", cursor=cursor, limit=limit, **chosen))

    async def orphaned_intents(self, older_than_minutes: int | None = None) -> list[dict[str, Any]]:
        """Return the payment intents that have not ended for so long, oldest first."""
        path = with_query("/v1/payments/intents/ops/orphaned", older_than_minutes=older_than_minutes)
        return list((await self._get(path))["intents"])

    async def stranded_fees(self, older_than_minutes: int | None = None) -> list[dict[str, Any]]:
        """Return the fees that have waited for their contest for so long, oldest first."""
        path = with_query("/v1/payments/fees/ops/stranded", older_than_minutes=older_than_minutes)
        return list((await self._get(path))["fees"])

    async def return_fee(self, payment_intent: str) -> dict[str, Any]:
        """Give back a fee whose contest does not exist."""
        return await self._post(f"/v1/payments/fees/{part(payment_intent)}/return", None)

    async def all_debts(self) -> dict[str, Any]:
        """Return every debt and open dispute."""
        return await self._get("/v1/debts")

    async def write_off_debt(self, loss_event_id: str, reason: str) -> dict[str, Any]:
        """Give up a debt; asked twice, it happens once."""
        return await self._post("/v1/debts/write-off", {"loss_event_id": loss_event_id, "reason": reason})

    async def close_account(self, account_did: str, reason: str) -> dict[str, Any]:
        """Close an account for good: its money goes to suspense."""
        return await self._post(f"/v1/accounts/{part(account_did)}/close", {"reason": reason})

    async def yearly_totals(self, year: int) -> list[dict[str, Any]]:
        """Return what every winner of a year won, paid and was paid."""
        return list((await self._get(with_query("/v1/accounts/yearly-totals", year=year)))["totals"])

    async def yearly_totals_csv(self, year: int) -> str:
        """Return the same totals as CSV."""
        return await self._text(with_query("/v1/accounts/yearly-totals", year=year, format="csv"))

    # Netting --------------------------------------------------------------------------------------------------------

    async def run_netting(
        self, currency: str, *, idempotency_key: str, selection_before: datetime | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """Net what is final, the oldest first: `run_id`, `status`, `candidate_count`, `deduped`; needs an admin."""
        before = None if selection_before is None else selection_before.isoformat()
        asked = {"currency": currency, "selection_before": before, "limit": limit}
        return await self._post("/v1/netting/runs", asked, idempotency_key=idempotency_key)

    async def retry_netting(self, run_id: str) -> dict[str, Any]:
        """Take up a netting run that has failed."""
        return await self._post(f"/v1/netting/runs/{part(run_id)}/retry", None)

    async def netting_run(self, run_id: str) -> dict[str, Any]:
        """Return a netting run as it stands."""
        return await self._get(f"/v1/netting/runs/{part(run_id)}")

    async def netting_report(self, run_id: str) -> dict[str, Any]:
        """Return the report of an applied netting run: `artifact_sha256`, `entries` with their `payouts`."""
        return await self._get(f"/v1/netting/runs/{part(run_id)}/report")

    async def netting_report_csv(self, run_id: str) -> str:
        """Return the same report as CSV."""
        return await self._text(with_query(f"/v1/netting/runs/{part(run_id)}/report", format="csv"))

    # Payouts --------------------------------------------------------------------------------------------------------

    async def transfers(self, contest_id: str | None = None) -> list[dict[str, Any]]:
        """Return the transfers of one contest, or of all."""
        return list((await self._get(with_query("/v1/payouts/transfers", contest_id=contest_id)))["transfers"])

    async def payouts(self, **query: str | int) -> dict[str, Any]:
        """Return a page of payouts and its `next_cursor`; `from_` and `to` bound when they were created."""
        return await self._get(with_query("/v1/payouts", **query))

    async def retry_payout(self, payout_id: str) -> dict[str, Any]:
        """Take the next step of a stuck payout at once."""
        return await self._post(f"/v1/payouts/{part(payout_id)}/retry", None)

    async def stuck_payouts(self, minutes: int | None = None) -> list[dict[str, Any]]:
        """Return the payouts that have waited too long."""
        return list((await self._get(with_query("/v1/payouts/ops/stuck", minutes=minutes)))["payouts"])

    async def untriggered_payouts(self, minutes: int | None = None) -> list[dict[str, Any]]:
        """Return the contests that settled long ago and whose winners nobody has begun to pay."""
        return list((await self._get(with_query("/v1/payouts/ops/untriggered", minutes=minutes)))["contests"])

    async def failed_payouts(self) -> list[dict[str, Any]]:
        """Return the payouts that failed, the latest first."""
        return list((await self._get("/v1/payouts/ops/failed"))["payouts"])

    async def compared_day(self, day: str) -> dict[str, Any]:
        """Return where a UTC day, YYYY-MM-DD, differs from Stripe's: `differences_found`, `differences`, ..."""
        return await self._get(f"/v1/reconciliation/stripe/days/{part(day)}")

    async def compared_days(self) -> dict[str, Any]:
        """Return a line for each day that was compared with Stripe, and how many differences are open."""
        return await self._get("/v1/reconciliation/stripe/days")

    async def compare_day(self, day: str) -> dict[str, Any]:
        """Have a day that is over compared with Stripe, again if it was compared before."""
        return await self._post("/v1/reconciliation/stripe/days", {"date": day})

    async def daily_payouts(self, day: str) -> dict[str, Any]:
        """Return the report of a day's payouts."""
        return await self._get(with_query("/v1/reconciliation/payouts/daily", date=day))

    async def daily_payouts_csv(self, day: str) -> str:
        """Return the same report as CSV."""
        return await self._text(with_query("/v1/reconciliation/payouts/daily", date=day, format="csv"))

    # The house ------------------------------------------------------------------------------------------------------

    async def revoke_token(self, token: str, reason: str) -> dict[str, Any]:
        """Take a token back before it expires; needs an admin's."""
        return await self._post("/v1/tokens/revoke", {"token": token, "reason": reason})

    async def metrics(self) -> str:
        """Return the page that Prometheus reads."""
        return await self._text("/metrics")

    async def admin_document(self) -> dict[str, Any]:
        """Return the OpenAPI document of this part of the API."""
        return await self._get("/v1/openapi/admin-api.json")
