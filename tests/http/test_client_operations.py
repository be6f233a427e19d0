"""The client has a method for everything that the API can do, and each sends what its operation takes."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from cutline.http.app import OPERATIONS
from cutline.http.client import CutlineClient
from cutline.http.operation import Operation
from tests.http.samples import CONTEST, ENTRY, PAYOUT
from tests.http.standin import ANNA, token

STRIPES_OWN = "takeStripeEvent"
"""Only who has Stripe's secret can ask it, and that is Stripe."""

CALLS: dict[str, Callable[[CutlineClient], Awaitable[Any]]] = {
    "account": lambda client: client.account(ANNA),
    "admin_document": lambda client: client.admin_document(),
    "adopt_config": lambda client: client.adopt_config(CONTEST),
    "all_debts": lambda client: client.all_debts(),
    "cancel_contest": lambda client: client.cancel_contest(CONTEST, "rain"),
    "change_picks": lambda client: client.change_picks(CONTEST, ENTRY, ["D"], -3),
    "close_account": lambda client: client.close_account(ANNA, "asked for"),
    "compare_day": lambda client: client.compare_day("2026-04-09"),
    "compared_day": lambda client: client.compared_day("2026-04-09"),
    "compared_days": lambda client: client.compared_days(),
    "complete_runbook": lambda client: client.complete_runbook(ENTRY, "failed", "it broke"),
    "config": lambda client: client.config("small-open"),
    "configs": lambda client: client.configs(),
    "contest": lambda client: client.contest(CONTEST),
    "contests": lambda client: client.contests(),
    "create_contest": lambda client: client.create_contest(CONTEST, "small-open"),
    "daily_payouts": lambda client: client.daily_payouts("2026-04-09"),
    "daily_payouts_csv": lambda client: client.daily_payouts_csv("2026-04-09"),
    "dead_letters": lambda client: client.dead_letters(event_type="charge.failed", cursor="3", limit=5),
    "debts": lambda client: client.debts(ANNA),
    "enter": lambda client: client.enter(CONTEST, ["A"], None, idempotency_key="one"),
    "entries": lambda client: client.entries(CONTEST),
    "entry": lambda client: client.entry(CONTEST, ENTRY),
    "failed_payouts": lambda client: client.failed_payouts(),
    "force_lock": lambda client: client.force_lock(CONTEST, ENTRY, "the clock"),
    "golfers": lambda client: client.golfers(CONTEST),
    "health": lambda client: client.health(),
    "ingest_settlement": lambda client: client.ingest_settlement("ref", ANNA, 100, "usd", idempotency_key="one"),
    "ingestion": lambda client: client.ingestion(CONTEST),
    "intent": lambda client: client.intent(CONTEST, ENTRY, idempotency_key="one"),
    "metrics": lambda client: client.metrics(),
    "netting_report": lambda client: client.netting_report(ENTRY),
    "netting_report_csv": lambda client: client.netting_report_csv(ENTRY),
    "netting_run": lambda client: client.netting_run(ENTRY),
    "onboard": lambda client: client.onboard(ANNA, "anna@example.org"),
    "orphaned_intents": lambda client: client.orphaned_intents(5),
    "own_entries": lambda client: client.own_entries(),
    "pay_out": lambda client: client.pay_out(100, "usd", idempotency_key="one", account_did=ANNA),
    "payout": lambda client: client.payout(PAYOUT),
    "payouts": lambda client: client.payouts(from_="2026-04-01", to="2026-05-01", status="paid"),
    "progress": lambda client: client.progress(CONTEST),
    "public_document": lambda client: client.public_document(),
    "publish_config": lambda client: client.publish_config("[event]"),
    "readiness": lambda client: client.readiness(),
    "record_runbook_step": lambda client: client.record_runbook_step(ENTRY, "steps", 1, "failed", {"n": 1}),
    "recover_contest": lambda client: client.recover_contest(CONTEST, ENTRY, "mended"),
    "refund": lambda client: client.refund(CONTEST, ENTRY),
    "release_contest": lambda client: client.release_contest(CONTEST, "mended"),
    "restart_ingestion": lambda client: client.restart_ingestion(CONTEST),
    "retry_forwarding": lambda client: client.retry_forwarding(limit=5, force=True, event_id="evt_1"),
    "retry_netting": lambda client: client.retry_netting(ENTRY),
    "retry_payout": lambda client: client.retry_payout(PAYOUT),
    "return_fee": lambda client: client.return_fee("pi_1"),
    "revoke_token": lambda client: client.revoke_token(token(), "lost"),
    "roll_back_config": lambda client: client.roll_back_config("small-open", 2, "a mistake"),
    "run_netting": lambda client: client.run_netting(
        "usd", idempotency_key="one", selection_before=datetime(2026, 4, 9, tzinfo=UTC), limit=5
    ),
    "runbook_executions": lambda client: client.runbook_executions(),
    "settlement_audit": lambda client: client.settlement_audit(CONTEST),
    "settlement_difference": lambda client: client.settlement_difference(CONTEST, "checkpoint:3", "late"),
    "settlements": lambda client: client.settlements("out-1"),
    "standings": lambda client: client.standings(CONTEST),
    "standings_page": lambda client: client.standings_page(CONTEST, cursor="3", limit=5),
    "start_runbook": lambda client: client.start_runbook("contest_in_error", "1.0.0", "ada", {"n": 1}),
    "statement": lambda client: client.statement(ANNA, "2026-04-01", "2026-04-30"),
    "statement_csv": lambda client: client.statement_csv(ANNA),
    "stranded_fees": lambda client: client.stranded_fees(5),
    "stuck_payouts": lambda client: client.stuck_payouts(5),
    "transfers": lambda client: client.transfers(CONTEST),
    "trial_balance": lambda client: client.trial_balance(),
    "untriggered_payouts": lambda client: client.untriggered_payouts(5),
    "validate_config": lambda client: client.validate_config("[event]"),
    "withdraw": lambda client: client.withdraw(CONTEST, ENTRY),
    "write_off_debt": lambda client: client.write_off_debt("dp_1", "gone"),
    "yearly_totals": lambda client: client.yearly_totals(2026),
    "yearly_totals_csv": lambda client: client.yearly_totals_csv(2026),
}


def operation_of(request: web.BaseRequest) -> Operation:
    """Return the operation that serves a request; of two that could, the one with fewer parts in its path."""
    found = [
        one
        for one in OPERATIONS
        if one.method == request.method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", one.path), request.rel_url.raw_path)
    ]
    return min(found, key=lambda one: len(one.parts))


class Reader:
    """A server that reads each request as its operation does, and answers something of the right outline."""

    def __init__(self) -> None:
        self.read: list[str] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        operation = operation_of(request)
        body = await request.read()
        if operation.takes is None:
            assert body == b""
        else:
            operation.takes.model_validate_json(body)
        if operation.query is None:
            assert not request.query
        else:
            operation.query.model_validate(dict(request.query))
        if operation.idempotency == "required":
            assert request.headers["Idempotency-Key"]
        self.read.append(operation.name)
        fields = operation.gives.model_fields if operation.gives else {}
        return web.Response(body=orjson.dumps({name: None if name == "next_cursor" else {} for name in fields}))


@pytest.fixture
async def reader() -> AsyncIterator[tuple[Reader, str]]:
    made = Reader()
    runner = web.ServerRunner(web.Server(made.handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield made, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def test_every_method_is_tried_here() -> None:
    methods = {name for name, _ in inspect.getmembers(CutlineClient, inspect.isfunction) if not name.startswith("_")}
    assert methods == set(CALLS)


async def test_every_operation_has_a_method_that_sends_what_it_takes(
    reader: tuple[Reader, str], session: aiohttp.ClientSession
) -> None:
    """Of both documents, the public one whole: whoever builds on this needs no other way in."""
    server, url = reader
    for name, call in CALLS.items():
        before = len(server.read)
        await call(CutlineClient(session, url, token(), retries=0))
        assert len(server.read) == before + 1, name
    assert set(server.read) == {one.name for one in OPERATIONS} - {STRIPES_OWN}


async def test_an_engine_that_is_not_ready_says_so(session: aiohttp.ClientSession) -> None:
    """The one 503 that is an answer: which actor does not answer is what was asked."""

    async def not_ready(_request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"status": "not_ready", "actors": {"ledger": "timeout"}}, status=503)

    runner = web.ServerRunner(web.Server(not_ready))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    assert (await CutlineClient(session, url, token(), retries=0).readiness())["actors"] == {"ledger": "timeout"}
    await runner.cleanup()
