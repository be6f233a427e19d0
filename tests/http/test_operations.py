"""Staff at the doors: publish and roll back, force a lock, recover, release, and every step on record."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from cutline.actors.mailbox import Tell
from cutline.engine.messages import DeclareContestError
from cutline.http.client import ApiRefused
from cutline.storage.verify import verify_root
from tests.engine.golf import CONFIG
from tests.http.standin import ANNA, SETTLE_KEY, bearer, token
from tests.http.town import CONTEST, Town, open_town, until

RUNBOOK = {"runbook_name": "contest_lock_failed", "runbook_version": "1.0.0", "executed_by": "ada"}
NO_EXECUTION = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with open_town(tmp_path) as opened:
        yield opened


async def post(town: Town, path: str, body: Any, credential: str | None = None) -> tuple[int, dict[str, Any]]:
    headers = {**bearer(credential or token("ada", "admin")), "Content-Type": "application/json"}
    async with town.session.post(town.url + path, data=orjson.dumps(body), headers=headers) as response:
        return response.status, await response.json()


async def open_execution(town: Town) -> str:
    status, started = await post(town, "/api/admin/runbooks/start", RUNBOOK)
    assert status == 200
    return str(started["execution_id"])


async def refusal(asking: Awaitable[Any]) -> tuple[int, str]:
    with pytest.raises(ApiRefused) as refused:
        await asking
    return refused.value.status, refused.value.code


def transitions(town: Town) -> list[tuple[Any, ...]]:
    return town.rows(f"contest/{CONTEST}", "SELECT to_status, actor, reason, runbook FROM transitions ORDER BY seq")


async def test_a_published_version_reaches_the_contests_that_are_still_scheduled(town: Town) -> None:
    """CFG-007, C-28: without a restart, and to others not at all."""
    await town.found()
    locked = "small-open-2"
    await town.admin.create_contest(locked, "small-open")
    await town.admin.force_lock(locked, await open_execution(town), "the lock failed")
    assert (await town.publish({"fee_cents": 2002}))["version"] == 2
    changed = await until(lambda: town.admin.contest(CONTEST), lambda contest: contest["config_version"] == 2)
    assert changed["fee_cents"] == 2002
    await town.settle()
    kept = await town.admin.contest(locked)
    assert (kept["fee_cents"], kept["config_version"]) == (1001, 0)
    outcomes = "SELECT version, outcome FROM contest_config_versions ORDER BY seq"
    assert town.rows(f"contest/{locked}", outcomes) == [(0, "TAKEN"), (2, "CONTEST_CONFIG_LOCKED")]
    assert town.rows(f"contest/{CONTEST}", outcomes) == [(0, "TAKEN"), (2, "TAKEN")]
    # Nothing is owed for ever because of a refusal.
    [governance] = [writer for writer in town.engine.system.directory.writers() if writer.address == "governance"]
    await until(_done, lambda _: not governance._owes)
    assert verify_root(town.data).problems == ()


async def _done() -> None:
    return None


async def test_a_config_change_is_refused_from_the_lock_on_and_money_once_a_seat_is_held(town: Town) -> None:
    """LIFE-018: 409 by name, asked once or twice; the stored config stays as it is, byte for byte."""
    await town.found()
    await town.enter()
    await town.publish({"fee_cents": 2002})
    for _ in range(2):
        with pytest.raises(ApiRefused, match="CONFIG_CHANGE_REFUSED") as refused:
            await town.admin.adopt_config(CONTEST)
        assert (refused.value.status, refused.value.details["paths"]) == (409, ["entry.fee_cents"])
    await town.publish({"max_entries": 50})
    assert (await town.admin.adopt_config(CONTEST))["version"] == 3
    assert (await town.admin.contest(CONTEST))["max_entries"] == 50
    await town.admin.force_lock(CONTEST, await open_execution(town), "the lock failed")
    await town.publish({"max_entries": 60})
    for _ in range(2):
        assert await refusal(town.admin.adopt_config(CONTEST)) == (409, "CONTEST_CONFIG_LOCKED")
    assert (await town.admin.contest(CONTEST))["max_entries"] == 50


async def test_a_rollback_is_a_new_version_and_reaches_the_contests_too(town: Town) -> None:
    """CFG-009, CFG-010."""
    await town.found()
    first = (await town.admin.config("small-open"))["config_sha256"]
    await town.publish({"max_entries": 50})
    await until(lambda: town.admin.contest(CONTEST), lambda contest: contest["max_entries"] == 50)
    back = await town.admin.roll_back_config("small-open", 2, "wrong limits")
    assert (back["version"], back["config_sha256"], back["rolls_back"]) == (3, first, 2)
    assert (await town.admin.roll_back_config("small-open", 2, "wrong limits"))["deduped"]
    await until(lambda: town.admin.contest(CONTEST), lambda contest: contest["max_entries"] == 100)
    active = await town.admin.config("small-open")
    assert (active["active"], active["config"]["entry"]["max_entries"]) == (True, 100)
    assert [version["version"] for version in active["versions"]] == [1, 2, 3]
    assert len(await town.admin.configs()) == 3
    assert await refusal(town.admin.config("another")) == (404, "NOT_FOUND")
    assert await refusal(town.admin.roll_back_config("small-open", 1, "r")) == (404, "NOT_FOUND")
    await town.publish({"max_entries": 70})
    assert await refusal(town.admin.roll_back_config("small-open", 3, "r")) == (409, "CONFIG_SUPERSEDED")


async def test_production_publishes_only_what_was_rehearsed(tmp_path: Path) -> None:
    """CFG-008: the same sha256 must have a recorded validation."""
    async with open_town(tmp_path, settle_env="production", stripe_allow_testmode_events_in_prod="true") as town:
        refused = await town.publish()
        assert (refused["status"], refused["error"]["code"]) == (409, "CONFIG_NOT_VALIDATED")
        config = {**CONFIG, "name": "Rehearsed"}
        status, passed = await post(town, "/v1/configs/validate", {"config": config}, token("olga", "ops"))
        assert (status, passed["deduped"]) == (200, False)
        report = passed["report"]
        assert report["prizes_cents"] + report["rake_cents"] == report["pot_cents"] > 0
        assert (await town.publish())["error"]["code"] == "CONFIG_NOT_VALIDATED"
        status, published = await post(town, "/v1/configs", {"config": config})
        assert (status, published["config_sha256"]) == (201, passed["config_sha256"])
        assert town.rows("governance", "SELECT actor, sha256 FROM config_validations") == [
            ("admin:olga", passed["config_sha256"])
        ]


async def test_a_faulty_config_passes_no_validation(town: Town) -> None:
    """CFG-003."""
    status, refused = await post(town, "/v1/configs/validate", {"config": {**CONFIG, "rounds": 4}})
    assert (status, refused["error"]["code"]) == (422, "CONFIG_INVALID")
    assert refused["error"]["details"]["faults"][0]["path"] == "rounds"
    assert town.count("config_validations", "governance") == 0


async def test_a_lock_is_forced_only_by_an_admin_within_an_open_execution(town: Town) -> None:
    """LIFE-020, C-31: without either, no row."""
    await town.found()
    path, asked = f"/v1/contests/{CONTEST}/force-lock", {"reason": "the lock failed"}
    for credential in (token("olga", "ops"), token(ANNA)):
        assert (await post(town, path, {**asked, "execution_id": NO_EXECUTION}, credential))[0] == 403
    async with town.session.post(town.url + path, data=b"{}") as response:
        assert response.status == 401
    assert (await post(town, path, {**asked, "execution_id": NO_EXECUTION}))[1]["error"]["code"] == "NOT_FOUND"
    assert (await post(town, path, asked))[0] == 400
    closed = await open_execution(town)
    await post(town, "/api/admin/runbooks/complete", {"execution_id": closed, "status": "completed"})
    status, refused = await post(town, path, {**asked, "execution_id": closed})
    assert (status, refused["error"]["code"]) == (409, "RUNBOOK_NOT_OPEN")
    assert transitions(town) == []
    execution = await open_execution(town)
    moved = [await town.admin.force_lock(CONTEST, execution, "the lock failed") for _ in range(2)]
    assert [(one["status"], one["deduped"]) for one in moved] == [("LOCKED", False), ("LOCKED", True)]
    assert transitions(town) == [("LOCKED", "admin:ada", "the lock failed", "contest_lock_failed 1.0.0")]
    assert await refusal(town.admin.force_lock(CONTEST, await open_execution(town), "r")) == (
        409,
        "INVALID_STATUS_TRANSITION",
    )
    anna = town.client(token(ANNA))
    assert await refusal(anna.enter(CONTEST, ["A", "B", "C"], None, idempotency_key="k")) == (409, "CONTEST_LOCKED")
    assert [step["step"] for step in await anna.progress(CONTEST)] == ["SCHEDULED", "LOCKED"]


async def test_a_refused_transition_and_an_error_are_counted(town: Town) -> None:
    """LIFE-011, LIFE-021, C-32."""
    await town.found()
    await town.admin.cancel_contest(CONTEST, "storm")
    assert await refusal(town.admin.cancel_contest(CONTEST, "storm")) == (409, "INVALID_STATUS_TRANSITION")
    await town.settle()
    async with town.session.get(f"{town.url}/metrics") as response:
        page = await response.text()
    assert 'contest_status_transitions_failed_total{from="CANCELLED",to="CANCELLED"} 1.0' in page
    assert 'cutline_alerts_total{name="contest_status_transition_failed"} 1.0' in page


async def test_a_contest_in_error_goes_on_within_an_open_execution(town: Town) -> None:
    """LIFE-010."""
    await town.found()
    fault = DeclareContestError(actor="feed", reason="FEED_CHANGE_UNREADABLE", runbook="runbooks/contest-in-error.md")
    town.engine.system.directory.send(f"contest/{CONTEST}", Tell(fault, "test"))
    await until(lambda: town.admin.contest(CONTEST), lambda contest: contest["status"] == "ERROR")
    assert await refusal(town.admin.recover_contest(CONTEST, NO_EXECUTION, "mended")) == (404, "NOT_FOUND")
    execution = await open_execution(town)
    assert (await town.admin.recover_contest(CONTEST, execution, "mended"))["status"] == "SCHEDULED"
    assert (await town.admin.recover_contest(CONTEST, execution, "mended"))["deduped"]
    again = await open_execution(town)
    assert await refusal(town.admin.recover_contest(CONTEST, again, "mended")) == (409, "INVALID_STATUS_TRANSITION")


async def test_a_quarantine_is_on_record_until_it_is_released(town: Town) -> None:
    """FAULTS S8: released over the doors, judged anew, and closed again if the file is no better."""
    await town.found()
    await until(town.admin.contests, lambda listed: listed[0]["created_at"] is not None)
    directory = town.engine.system.directory
    address = f"contest/{CONTEST}"
    directory.quarantine(address, "its actor kept dying")
    assert await refusal(town.admin.contest(CONTEST)) == (503, "CONTEST_QUARANTINED")
    listed = await until(town.admin.contests, lambda listed: listed[0]["quarantine"] is not None)
    assert listed[0]["quarantine"] == "its actor kept dying"
    assert (await town.admin.release_contest(CONTEST, "the file is sound"))["released"]
    assert (await town.admin.contest(CONTEST))["status"] == "SCHEDULED"
    assert not (await town.admin.release_contest(CONTEST, "the file is sound"))["released"]
    facts = town.rows("governance", "SELECT fact FROM contest_directory ORDER BY id")
    assert [fact for (fact,) in facts] == ["planned", "created", "quarantined", "released"]
    assert await refusal(town.admin.release_contest("nowhere", "r")) == (404, "NOT_FOUND")


async def test_an_execution_of_a_runbook_is_logged_step_by_step(town: Town) -> None:
    """RBA-001 to RBA-007, RBA-010, RBA-016 to RBA-023."""
    before = {"contests_unlocked": 1}
    status, started = await post(town, "/api/admin/runbooks/start", {**RUNBOOK, "system_state_before": before})
    assert status == 200
    assert set(started) == {"timestamp", "execution_id"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", started["timestamp"])
    execution = started["execution_id"]
    step = {"execution_id": execution, "execution_phase": "Steps", "phase_step": 1}
    assert (await post(town, "/api/admin/runbooks/step", step))[1]["number"] == 1
    done = {"execution_id": execution, "status": "completed", "result_json": {"locked": True}}
    status, completed = await post(town, "/api/admin/runbooks/complete", done)
    assert (status, set(completed), completed["success"]) == (200, {"timestamp", "success"}, True)
    status, refused = await post(town, "/api/admin/runbooks/complete", done)
    assert (status, refused["error"]["code"]) == (409, "RUNBOOK_NOT_OPEN")
    headers = bearer(token("olga", "ops"))
    async with town.session.get(f"{town.url}/api/admin/runbooks/executions", headers=headers) as response:
        [line] = (await response.json())["executions"]
    assert (line["status"], line["result_json"], line["system_state_before"]) == ("completed", {"locked": True}, before)
    columns = [name for _, name, *_ in town.rows("governance", "PRAGMA table_info(runbook_executions)")]
    assert columns == [
        "id",
        "runbook_name",
        "runbook_version",
        "executed_by",
        "status",
        "execution_phase",
        "phase_step",
        "start_time",
        "end_time",
        "duration_seconds",
        "result_json",
        "error_reason",
        "system_state_before",
        "system_state_after",
        "created_at",
        "updated_at",
    ]
    rows = town.rows("governance", "SELECT id, status, phase_step, result_json FROM runbook_executions")
    assert rows == [(execution, "completed", 1, '{"locked":true}')]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("start", {"runbook_name": "x", "runbook_version": "1"}),
        ("start", {**RUNBOOK, "more": 1}),
        ("complete", {"execution_id": NO_EXECUTION, "status": "in_progress"}),
        ("complete", {"execution_id": NO_EXECUTION, "status": "pending"}),
        ("complete", {"status": "failed"}),
        ("step", {"execution_id": "no uuid", "execution_phase": "Steps", "phase_step": 1}),
    ],
)
async def test_a_malformed_execution_is_refused(town: Town, path: str, body: dict[str, Any]) -> None:
    """RBA-002, RBA-005, RBA-007."""
    assert (await post(town, f"/api/admin/runbooks/{path}", body))[0] == 400
    assert town.count("runbook_execution_starts", "governance") == 0


async def test_only_an_admins_token_opens_an_execution(town: Town) -> None:
    """RBA-008, C-39: no service key, nobody else, no token that has expired."""
    expired = token("ada", "admin", lifetime=timedelta(seconds=-1))
    found = [
        (await post(town, "/api/admin/runbooks/start", RUNBOOK, credential))[0]
        for credential in (SETTLE_KEY, token("olga", "ops"), token(ANNA), expired)
    ]
    assert found == [403, 403, 403, 401]


async def test_one_idempotency_key_opens_one_execution(town: Town) -> None:
    headers = {**bearer(token("ada", "admin")), "Content-Type": "application/json", "Idempotency-Key": "k"}
    answers = []
    for body in (RUNBOOK, RUNBOOK, {**RUNBOOK, "runbook_version": "2.0.0"}):
        path = f"{town.url}/api/admin/runbooks/start"
        async with town.session.post(path, data=orjson.dumps(body), headers=headers) as response:
            answers.append((response.status, (await response.json()).get("execution_id")))
    assert answers[0] == answers[1]
    assert answers[2] == (409, None)
