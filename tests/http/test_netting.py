"""Netting through its doors: who may, which answers, one report in two forms, and runs that break or die on the way."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cutline.engine.decision import Accepted, Decision
from cutline.engine.ledger.state import LedgerState
from cutline.engine.messages import ApplyNettingEntry
from cutline.engine.netting import run_id_of
from cutline.http.client import ApiRefused, CutlineClient
from cutline.storage.verify import verify_root
from tests.engine.ledger.netted import asked, paid
from tests.http.bank import Bank, FragileLedger, bank_with_stripe, until
from tests.http.standin import LEDGER_KEY, SETTLE_KEY, bearer, token

ADMIN = {**bearer(token("ada", "admin")), "Content-Type": "application/json"}


class StumblingLedger(FragileLedger):
    """The ledger's rules, with netting entries at which they raise, or fall silent as a dying process does."""

    def __init__(self) -> None:
        super().__init__()
        self.raises_at: int | None = None
        self.falls_silent_at: int | None = None

    def decide(self, state: LedgerState, command: Any, now: datetime) -> Decision:
        if isinstance(command, ApplyNettingEntry):
            done = state.netting.runs[command.run_id].done
            if done == self.raises_at:
                raise ValueError("a bug")
            if done == self.falls_silent_at:
                return Accepted()
        return super().decide(state, command, now)


@pytest.fixture
async def bank(tmp_path: Path, session: aiohttp.ClientSession) -> AsyncIterator[Bank]:
    async with bank_with_stripe(tmp_path, session) as bank:
        bank.ledger = StumblingLedger()
        yield bank
        assert not verify_root(tmp_path).problems


def stumbling(bank: Bank) -> StumblingLedger:
    assert isinstance(bank.ledger, StumblingLedger)
    return bank.ledger


async def pay(bank: Bank, *numbers: int, returned: bool = False) -> None:
    """Let payouts reach the bank."""
    posts = [paid(number, 1000 + number, returned=returned) for number in numbers]
    for start in range(0, len(posts), 1_000):
        asking = (bank.system.ask("ledger", post, "test") for post in posts[start : start + 1_000])
        assert all(isinstance(answer, Accepted) for answer in await asyncio.gather(*asking))


async def post(bank: Bank, body: dict[str, Any], **headers: str) -> tuple[int, dict[str, Any]]:
    async with bank.session.post(f"{bank.url}/v1/netting/runs", json=body, headers={**ADMIN, **headers}) as response:
        return response.status, await response.json()


async def fetch(bank: Bank, path: str, headers: dict[str, str] = ADMIN) -> tuple[int, aiohttp.ClientResponse, bytes]:
    async with bank.session.get(f"{bank.url}{path}", headers=headers) as response:
        return response.status, response, await response.read()


async def applied(client: CutlineClient, run_id: str) -> dict[str, Any]:
    return await until(lambda: client.netting_run(run_id), lambda run: run["status"] == "applied")


async def test_a_run_is_created_with_201_and_answered_again_with_200(bank: Bank) -> None:
    """NET-001, NET-015, NET-016, NET-022."""
    async with bank.open():
        await pay(bank, 1, 2, 3)
        status, run = await post(bank, {"currency": "usd"}, **{"Idempotency-Key": "monday"})
        assert (status, run["status"], run["result"], run["deduped"]) == (201, "applied", "netted", False)
        assert (run["candidate_count"], run["entry_count"], run["total_cents"]) == (3, 1, 3006)
        status, again = await post(bank, {"currency": "usd", "idempotency_key": "monday"})
        assert (status, again) == (200, {**run, "deduped": True})
        assert await bank.admin.netting_run(run["run_id"]) == run
        balances = await bank.books.trial_balance()
        assert (balances["clearing:payouts"], balances["clearing:bank"]) == (0, 0)


async def test_a_follow_up_run_is_a_noop(bank: Bank) -> None:
    """NET-021: also in another currency, and over an empty ledger."""
    async with bank.open():
        for number, currency in enumerate(("usd", "eur", "usd")):
            run = await bank.admin.run_netting(currency, idempotency_key=f"run-{number}")
            assert (run["result"], run["candidate_count"], run["status"]) == ("noop", 0, "applied")
        assert bank.rows("SELECT count(*) FROM transactions") == [(0,)]
        empty = await bank.admin.netting_report(run_id_of("run-0"))
        assert (empty["entries"], empty["artifact_sha256"]) == ([], run["artifact_sha256"])


async def test_each_refusal_has_its_name(bank: Bank) -> None:
    """NET-001, NET-007, NET-015, NET-016, NET-020."""
    stumbling(bank).falls_silent_at = 0
    async with bank.open():
        await pay(bank, 1)
        assert (await post(bank, {"currency": "usd"}))[1]["error"]["code"] == "IDEMPOTENCY_KEY_REQUIRED"
        await bank.system.ask("ledger", asked("held"), "test")
        answers = {
            "second": (409, "DUPLICATE_CONFLICT"),
            "held": (409, "IDEMPOTENCY_KEY_REUSED"),
            "a key with spaces": (400, "REQUEST_INVALID"),
        }
        for key, expected in answers.items():
            status, body = await post(bank, {"currency": "usd", "limit": 5}, **{"Idempotency-Key": key})
            assert (status, body["error"]["code"]) == expected
        for body in ({}, {"currency": "USD"}, {"currency": "usd", "limit": 0}, {"currency": "usd", "more": 1}):
            assert (await post(bank, body, **{"Idempotency-Key": "x"}))[0] == 400
        tomorrow = {"currency": "usd", "selection_before": "2999-01-01T00:00:00Z"}
        assert (await post(bank, tomorrow, **{"Idempotency-Key": "x"}))[1]["error"]["details"] == {
            "field": "selection_before"
        }
        for path, code in {
            "/v1/netting/runs/nowhere": "NOT_FOUND",
            "/v1/netting/runs/nowhere/report": "NOT_FOUND",
            f"/v1/netting/runs/{run_id_of('held')}/report": "NETTING_NOT_APPLIED",
            f"/v1/netting/runs/{run_id_of('held')}/report?format=xml": "REQUEST_INVALID",
        }.items():
            assert json.loads((await fetch(bank, path))[2])["error"]["code"] == code
        assert bank.rows("SELECT count(*) FROM transactions WHERE kind = 'netting'") == [(0,)]


@pytest.mark.parametrize("credential", ["", LEDGER_KEY, token("anna"), token("olga", "ops")])
async def test_only_admins_net(bank: Bank, credential: str) -> None:
    """NET-015 to NET-017; the settlement service's key is an admin's."""
    async with bank.open():
        headers = {**bearer(credential), "Content-Type": "application/json"} if credential else {}
        async with bank.session.post(f"{bank.url}/v1/netting/runs", json={}, headers=headers) as response:
            assert response.status == (403 if credential else 401)
        for path in ("/v1/netting/runs/x", "/v1/netting/runs/x/report"):
            assert (await fetch(bank, path, headers))[0] == (403 if credential else 401)
            assert (await fetch(bank, path, bearer(SETTLE_KEY)))[0] == 404


async def test_the_report_is_the_same_as_json_and_as_csv_under_one_sha256(bank: Bank) -> None:
    """NET-009, NET-010, NET-017, NET-018: the hash is that of the CSV's bytes, and stays the same when asked again."""
    async with bank.open():
        await pay(bank, *range(1, 1_203))
        await pay(bank, 7, returned=True)
        run = await bank.admin.run_netting("usd", idempotency_key="monday")
        path = f"/v1/netting/runs/{run['run_id']}/report"
        _, as_csv, table = await fetch(bank, f"{path}?format=csv")
        _, as_json, document = await fetch(bank, path)
        assert as_csv.headers["Content-Type"] == "text/csv; charset=utf-8"
        digest = hashlib.sha256(table).hexdigest()
        report = json.loads(document)
        assert {
            digest,
            as_csv.headers["x-clawsettle-report-sha256"],
            as_json.headers["x-clawsettle-report-sha256"],
        } == {report["artifact_sha256"]}
        assert run["artifact_sha256"] == digest
        rows = list(csv.DictReader(table.decode().splitlines()))
        listed = [
            {
                **{name: entry[name] for name in ("entry_id", "group_key")},
                **{name: str(payout[name]) for name in ("payout_id", "movement", "amount_cents", "ledger_seq")},
                "finalized_at": payout["finalized_at"],
                "currency": report["currency"],
            }
            for entry in report["entries"]
            for payout in entry["payouts"]
        ]
        for one in (*rows, *listed):
            one["finalized_at"] = datetime.fromisoformat(one["finalized_at"]).astimezone(UTC).isoformat()
        assert rows == listed
        assert sum(int(row["amount_cents"]) for row in rows) == report["total_cents"] == run["total_cents"]
        assert len(rows) == report["candidate_count"] == 1_203
        assert [len(entry["payouts"]) for entry in report["entries"]] == [500, 500, 203]
    async with bank.open():
        assert (await fetch(bank, f"{path}?format=csv"))[2] == table
        assert (await fetch(bank, path))[2] == document


async def test_the_tables_show_each_run_entry_and_payout(bank: Bank) -> None:
    """NET-011 to NET-013: with the hash of the request, and the posting of each entry."""
    async with bank.open():
        await pay(bank, 1, 2)
        run = await bank.admin.run_netting("usd", idempotency_key="monday")
        [entry] = run["entries"]
        query = "SELECT id, idempotency_key, status, currency, candidate_count, total_cents, artifact_sha256"
        assert bank.rows(f"{query} FROM netting_runs") == [
            (run["run_id"], "monday", "applied", "usd", 2, 2003, run["artifact_sha256"])
        ]
        assert bank.rows("SELECT length(payload_hash), created_at <= updated_at FROM netting_runs") == [(64, 1)]
        [(posting,)] = bank.rows("SELECT log_seq FROM transactions WHERE kind = 'netting'")
        assert bank.rows("SELECT * FROM netting_entries") == [
            (entry["entry_id"], run["run_id"], entry["group_key"], 2, 2003, "applied", posting)
        ]
        assert bank.rows(f"SELECT key FROM log WHERE seq = {posting}") == [(f"netting:entry:{entry['entry_id']}",)]
        shown = bank.rows("SELECT entry_id, payout_id, movement, amount_cents FROM netting_entry_payouts")
        assert shown == [(entry["entry_id"], f"po_{n:04d}", "paid", 1000 + n) for n in (1, 2)]


async def test_each_clearing_account_is_mirrored_once_under_its_did(bank: Bank) -> None:
    """LED-012, POUT-022: from its first posting on, and however often it is used."""
    async with bank.open():
        assert bank.rows("SELECT * FROM clearing_accounts") == []
        await pay(bank, 1, 2)
        await bank.admin.run_netting("usd", idempotency_key="monday")
        mirrored = bank.rows("SELECT id, domain, account, currency FROM clearing_accounts ORDER BY id")
        assert mirrored == [
            (f"did:internal:clearing:{domain}", domain, f"clearing:{domain}", "usd")
            for domain in ("bank", "payouts", "provider")
        ]


@pytest.mark.parametrize("way", ["key", "retry"])
async def test_an_entry_that_breaks_fails_the_run_until_it_is_taken_up_again(bank: Bank, way: str) -> None:
    """NET-004 to NET-008, NET-020: other requests go on meanwhile, and the tables tell what happened."""
    stumbling(bank).raises_at = 1
    async with bank.open():
        await pay(bank, *range(1_250))
        run = await bank.admin.run_netting("usd", idempotency_key="monday")
        assert (run["status"], run["failure"]["code"]) == ("failed", "INTERNAL_FAULT")
        assert "a bug" not in run["failure"]["reason"]
        assert [entry["status"] for entry in run["entries"]] == ["applied", "failed", "pending"]
        shown = bank.rows("SELECT status FROM netting_entries ORDER BY group_key")
        assert shown == [("applied",), ("failed",), ("pending",)]
        with pytest.raises(ApiRefused, match="DUPLICATE_CONFLICT"):
            await bank.admin.run_netting("usd", idempotency_key="tuesday")
        assert (await bank.admin.run_netting("usd", idempotency_key="monday"))["status"] == "failed"
        stumbling(bank).raises_at = None
        if way == "key":
            run = await bank.admin.run_netting("usd", idempotency_key="monday")
        else:
            run = await bank.admin.retry_netting(run["run_id"])
        assert (run["status"], run["attempt"], run["deduped"]) == ("applied", 3, True)
        with pytest.raises(ApiRefused, match="INVALID_STATUS_TRANSITION"):
            await bank.admin.retry_netting(run["run_id"])
        with pytest.raises(ApiRefused, match="NOT_FOUND"):
            await bank.admin.retry_netting("nowhere")
        balances = await bank.books.trial_balance()
        assert (balances["clearing:payouts"], balances["clearing:bank"]) == (0, 0)
        assert bank.rows("SELECT status, count(*) FROM netting_entries GROUP BY 1") == [("applied", 3)]


@pytest.mark.parametrize("entries", [0, 1, 2])
async def test_a_run_goes_on_by_itself_after_a_restart(bank: Bank, entries: int) -> None:
    """NET-008, NET-018: whichever entry was under way."""
    stumbling(bank).falls_silent_at = entries
    async with bank.open():
        await pay(bank, *range(1_250))
        await bank.system.ask("ledger", asked("monday"), "test")
        ask = bank.admin.netting_run
        run = await until(lambda: ask(run_id_of("monday")), lambda run: run["applied_entry_count"] == entries)
        statuses = ["applied"] * entries + ["applying"] + ["pending"] * (2 - entries)
        assert [entry["status"] for entry in run["entries"]] == statuses
        assert bank.rows("SELECT status FROM netting_entries ORDER BY group_key") == [(one,) for one in statuses]
    stumbling(bank).falls_silent_at = None
    async with bank.open():
        run = await applied(bank.admin, run_id_of("monday"))
        assert (run["attempt"], run["candidate_count"], run["total_cents"]) == (1, 1_250, sum(range(1000, 2250)))
        balances = await bank.books.trial_balance()
        assert (balances["clearing:payouts"], balances["clearing:bank"]) == (0, 0)


async def test_a_lost_message_is_made_good_by_sending_the_key_again(bank: Bank) -> None:
    """NET-008: a run that stands still for no reason can always be moved."""
    stumbling(bank).falls_silent_at = 0
    async with bank.open():
        await pay(bank, 1)
        await bank.system.ask("ledger", asked("monday"), "test")
        stumbling(bank).falls_silent_at = None
        await bank.system.ask("ledger", asked("monday"), "test")
        await applied(bank.admin, run_id_of("monday"))
