"""What stands behind a result, over the doors of a real engine on a played data root (ING-012 to ING-015, SET-005)."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cutline.http.vital_signs import VitalSigns
from tests.engine.golf import CARDS, EVENT_ID, payload, raw
from tests.http.standin import bearer, token
from tests.http.town import Town, open_town, until
from tests.ingestion.provider import Answer, Line, line
from tests.storage.verify.staging import box
from tests.storage.verify.tampering import path_of, run

OPS = token("olga", "ops")
SETTLED = "/v1/contests/open-1"
LIVE = "/v1/contests/open-2"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A settled contest with a late correction, long ago: its audit is due. Not to be written to."""
    path = tmp_path_factory.mktemp("records") / "data"
    penalty = {**CARDS, "A": (None, [*CARDS["A"][1][:3], (0, 18)])}
    with box(path) as made:
        made.play("open-1")
        made.served = raw(payload(penalty, status="complete"))
        for _ in range(3):
            made.now += timedelta(hours=6)
            made.look(f"feed/{EVENT_ID}")
    return path


@pytest.fixture
async def wire() -> AsyncIterator[Line]:
    async with line() as opened:
        yield opened


async def get(town: Town, path: str, credential: str = OPS, status: int = 200) -> Any:
    async with town.session.get(town.url + path, headers=bearer(credential)) as response:
        assert response.status == status, await response.text()
        return await response.json()


async def tick(town: Town, path: str) -> Any:
    """Do what the clock's job does, then read."""
    town.engine.system.directory.look_at_due(datetime.now(UTC), "tick")
    return await get(town, path)


async def metrics(town: Town) -> dict[str, float]:
    async with town.session.get(f"{town.url}/metrics") as response:
        lines = (await response.text()).splitlines()
    return {name: float(value) for name, _, value in (row.rpartition(" ") for row in lines if not row.startswith("#"))}


async def test_a_settled_contest_is_audited_by_itself_and_its_runs_are_read(played: Path, tmp_path: Path) -> None:
    """SET-005, SET-010: no request asks for the audit; the rows are those of `settlement_audit`."""
    root = Path(shutil.copytree(played, tmp_path / "data"))
    async with open_town(root) as town:
        said = await until(lambda: tick(town, f"{SETTLED}/settlement-audit"), lambda one: bool(one["audits"]))
        assert [(one["number"], one["mismatches"], one["error"]) for one in said["audits"]] == [(1, [], None)]
        (run_row,) = said["runs"]
        columns = ("run_id", "score_version", "checkpoint", "status", "input_sha256", "result_sha256")
        rows = town.rows("contest/open-1", f"SELECT {', '.join(columns)} FROM settlement_audit")  # constant names
        assert rows == [tuple(run_row[name] for name in columns)]
        page = await metrics(town)
        assert page["score_audit_mismatches"] == 0
        assert page["cutline_score_audits"] == 1
        assert page['settlement_status{status="COMPLETE"}'] == 1
        assert page['settlement_status{status="FAILED"}'] == 0
        assert page["settlement_duration_seconds_count"] == 1
        assert page["cutline_late_corrections"] == 1


async def test_a_forged_score_is_found_by_the_scheduled_audit(played: Path, tmp_path: Path) -> None:
    """SET-009, SET-010: the figure is above 0, and the contest still answers."""
    root = Path(shutil.copytree(played, tmp_path / "data"))
    run(path_of(root, "contest/open-1"), "UPDATE scores SET score = score - 1 WHERE rank = 1")
    async with open_town(root) as town:
        said = await until(lambda: tick(town, f"{SETTLED}/settlement-audit"), lambda one: bool(one["audits"]))
        assert said["mismatches"]
        assert (await metrics(town))["score_audit_mismatches"] == len(said["mismatches"])


async def test_runs_are_compared_over_the_doors(played: Path, tmp_path: Path) -> None:
    """SET-011, FAULTS F7: by default, the result with what it would have been."""
    root = Path(shutil.copytree(played, tmp_path / "data"))
    async with open_town(root) as town:
        said = await get(town, f"{SETTLED}/settlement-audit/diff")
        assert said["accounts"] == {"did:e3": 190, "did:e4": -951, "did:e5": 761}
        assert {change["type"] for change in said["changes"]} >= {"RoundScored", "RegressionHeld"}
        same = await get(town, f"{SETTLED}/settlement-audit/diff?before=settled&after=open-1:settlement:1")
        assert same["same"]
        refused = await get(town, f"{SETTLED}/settlement-audit/diff?after=nowhere", status=400)
        assert refused["error"]["code"] == "REQUEST_INVALID"
        await get(town, f"{SETTLED}/settlement-audit/diff?after={'x' * 300}", status=400)
        unknown = await get(town, f"{SETTLED}/settlement-audit/diff?after=checkpoint:999999", status=404)
        assert unknown["error"]["details"]["point"].startswith("checkpoint:999999 is no point")
        await get(town, "/v1/contests/nobody/settlement-audit/diff", status=404)


@pytest.mark.parametrize("path", ["ingestion", "settlement-audit", "settlement-audit/diff"])
async def test_records_are_for_staff(played: Path, tmp_path: Path, path: str) -> None:
    root = Path(shutil.copytree(played, tmp_path / "data"))
    async with open_town(root) as town:
        await get(town, f"{SETTLED}/{path}", token("did:player:anna"), status=403)
        async with town.session.post(f"{town.url}{SETTLED}/ingestion/restart", headers=bearer(OPS)) as response:
            assert response.status == 403


async def test_ops_read_ingestion_and_restart_it_without_losing_an_event(tmp_path: Path, wire: Line) -> None:
    """ING-002, ING-012 to ING-015, ING-017: a provider over HTTP, an outage, a restart, and everything once."""
    endpoint = str(wire.client._base_url)  # the line's own address
    wire.provider.next = Answer(body=raw(payload({player: (None, []) for player in CARDS}, "scheduled")))
    async with open_town(tmp_path, ingestion_endpoint_url=endpoint) as town:
        await town.found("open-2")
        look = partial(tick, town, f"{LIVE}/ingestion")
        said = await until(look, lambda one: one["field_complete"])
        assert (said["field_count"], said["provider"]["pending"], said["provider"]["failing"]) == (8, 0, None)
        assert said["changes_applied"] == said["provider"]["changes"]
        assert said["provider"]["last_poll"]["http_status"] == 200
        assert (await metrics(town))[f'ingestion_lag_seconds{{provider_event_id="{EVENT_ID}"}}'] < 60

        wire.provider.next = Answer(status=503)
        async with town.session.post(
            f"{town.url}{LIVE}/ingestion/restart", headers=bearer(token("ada", "admin"))
        ) as response:
            assert (response.status, (await response.json())["restarted"]) == (200, True)
        said = await until(look, lambda one: one["provider"]["failing"] is not None)
        assert (said["provider"]["failing"], said["provider"]["last_poll"]["http_status"]) == ("HTTP_STATUS", 503)
        assert said["provider"]["recent"][0]["type"] == "PollFailed"
        assert (await metrics(town))[f'cutline_feed_failing{{provider_event_id="{EVENT_ID}"}}'] == 1
        assert town.count("payloads", f"feed/{EVENT_ID}") == 1

        wire.provider.next = Answer(body=raw(payload({player: (None, []) for player in CARDS}, "scheduled")))
        async with town.session.post(
            f"{town.url}{LIVE}/ingestion/restart", headers=bearer(token("ada", "admin"))
        ) as response:
            assert response.status == 200
        said = await until(look, lambda one: one["provider"]["failing"] is None)
        assert said["changes_applied"] == said["provider"]["changes"]
        assert town.count("payloads", f"feed/{EVENT_ID}") == 1
        await get(town, "/v1/contests/nobody/ingestion", status=404)


def test_no_figures_are_shown_of_nothing() -> None:
    from datetime import UTC, datetime

    names = {metric.name for metric in VitalSigns([], datetime.now(UTC)).collect()}
    assert {
        "ingestion_lag_seconds",
        "settlement_duration_seconds",
        "settlement_status",
        "score_audit_mismatches",
    } <= names
