"""The benchmarks run on the real engine, and refuse to show figures that mean nothing."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from cutline.bench import activation, api, reconcile, webhooks
from cutline.bench.api_load import ApiSpec, Question, run_api_load
from cutline.bench.books import read_books
from cutline.bench.crowd import Crowd, write_crowd
from cutline.bench.ledger import LEDGER, LIMIT, run_ledger
from cutline.bench.load import LoadSpec, run_load
from cutline.bench.measurement import IN_FLIGHT
from cutline.bench.netting import run_netting
from cutline.bench.payouts import LIMITED, UNLIMITED, run_payouts
from cutline.bench.population import ENTRIES, populate
from cutline.bench.stripe_event import UID, body_template
from cutline.gateways.stripe_webhook import parse_event, verify_signature
from cutline.storage.boards import Boards
from cutline.storage.event_log import EventLog
from cutline.storage.files import KINDS, DataRoot
from cutline.storage.replay import replay
from cutline.storage.sqlite import open_writer

SECRET = "whsec_test"


async def test_the_ledger_is_measured_beside_bare_sqlite(tmp_path: Path) -> None:
    figures = await run_ledger(tmp_path, rounds=1, seconds=0.05)
    assert {(one.subject, one.in_flight) for one in figures} == {(s, n) for s in (LEDGER, LIMIT) for n in IN_FLIGHT}
    assert all(one.runs[0].done > 0 for one in figures)


async def test_netting_is_measured_alone_and_beside_others(tmp_path: Path) -> None:
    figures = await run_netting(tmp_path, payouts=600, seconds=0.05)
    assert (figures.payouts, figures.entries) == (600, 2)
    assert figures.meanwhile.done > 0
    assert figures.seconds > 0


@pytest.mark.slow
def test_webhooks_are_measured_over_http_and_every_acknowledged_one_is_in_the_books(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert webhooks.main(json=True, rounds=1, seconds=0.2, data=tmp_path) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["books"]["acknowledged"] > 0
    assert (document["books"]["missing"], document["books"]["unbalanced"]) == (0, 0)
    assert len(document["figures"]) == 2 * len(webhooks.CONNECTIONS)
    assert list(tmp_path.iterdir()) == []


def test_reports_are_measured_over_a_ledger_that_agrees_with_stripe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reconcile.main(json=True, rounds=1, count=2_000, data=tmp_path) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["transactions"], len(document["seconds"])) == (2_000, 6)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
async def test_payouts_are_measured_with_and_without_stripes_limit(tmp_path: Path) -> None:
    """Every prize is one transfer at Stripe and in the books, and the limit is kept."""
    figures = await run_payouts(tmp_path, rounds=1, winners=120)
    assert [one.subject for one in figures] == [LIMITED, UNLIMITED]
    limited, unlimited = (one.runs[0] for one in figures)
    assert limited.done == unlimited.done == 120
    assert limited.per_second <= 105, "the first call needs no wait"


@pytest.mark.slow
def test_the_api_is_measured_in_crowded_contests_and_every_acknowledged_entry_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Longer than a disk is likely to stall: what is answered after the end of a measurement does not count.
    assert api.main(json=True, rounds=1, seconds=0.6, entries=300, data=tmp_path) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["entries"] == 300
    assert len(document["figures"]) == len(api.SUBJECTS) * len(IN_FLIGHT)
    assert all(figure["per_second"]["median"] > 0 for figure in document["figures"])
    assert list(tmp_path.iterdir()) == []


def test_a_crowd_s_file_is_one_that_a_contest_s_actor_could_have_left(tmp_path: Path) -> None:
    root = DataRoot(tmp_path)
    for live in (True, False):
        name = "crowd-live" if live else "crowd-open"
        crowd = Crowd(contest_id=name, tournament=api.crowded_terms(20), entries=20, live=live)
        write_crowd(root, crowd, datetime.now(UTC))
        path = root.path_of(f"contest/{name}")
        assert replay(path).ok
        picture = Boards().look(str(path), None)
        assert picture is not None
        assert (len(picture.ranking), picture.closed) == ((20, True) if live else (0, False))


async def test_an_answer_that_does_not_say_what_was_asked_counts_as_refused() -> None:
    """A fast server that answers nothing must not look good."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"standings": []})

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    questions: tuple[Question, ...] = ("standings", "entry", "enter")
    for question in questions:
        spec = ApiSpec(
            question=question,
            port=runner.addresses[0][1],
            jwt_secret="x" * 32,
            entries=100,
            picks=("a",),
            run="1",
            connections=2,
            warm_up_s=0.0,
            seconds=0.05,
        )
        result = await run_api_load(spec)
        assert result.refused == result.requests > 0
    await runner.cleanup()


def test_the_event_is_one_that_stripe_could_send() -> None:
    event = parse_event(body_template())
    assert event.type == "payment_intent.succeeded"
    assert event.object["amount_received"] == 2_500
    assert len(UID) == 24
    assert 2_000 < len(body_template()) < 3_000


def _spec(port: int, folder: Path) -> LoadSpec:
    return LoadSpec(
        port=port,
        path="/hook",
        secret=SECRET,
        connections=3,
        warm_up_s=0.0,
        seconds=0.15,
        redelivered=0.0,
        prefix="0000000a",
        acknowledged_file=str(folder / "acknowledged.txt"),
    )


async def _receiver(seen: list[str], status: int) -> tuple[web.AppRunner, int]:
    async def receive(request: web.Request) -> web.Response:
        body = await request.read()
        verify_signature(body, request.headers["Stripe-Signature"], (SECRET,), datetime.now(UTC))
        seen.append(parse_event(body).id)
        return web.Response(status=status, text="answer")

    app = web.Application()
    app.router.add_post("/hook", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, runner.addresses[0][1]


async def test_every_request_is_signed_and_every_new_event_is_sent_once(tmp_path: Path) -> None:
    seen: list[str] = []
    runner, port = await _receiver(seen, 200)
    result = await run_load(_spec(port, tmp_path))
    await runner.cleanup()
    assert result.requests == len(seen) == len(set(seen)) > 0
    assert sorted((tmp_path / "acknowledged.txt").read_text().split()) == sorted(seen)


async def test_nine_of_ten_requests_repeat_an_acknowledged_event(tmp_path: Path) -> None:
    seen: list[str] = []
    runner, port = await _receiver(seen, 200)
    await run_load(replace(_spec(port, tmp_path), redelivered=0.9))
    await runner.cleanup()
    assert len(set(seen)) / len(seen) == pytest.approx(0.1, abs=0.05)


async def test_a_refused_event_counts_as_refused_and_not_as_acknowledged(tmp_path: Path) -> None:
    seen: list[str] = []
    runner, port = await _receiver(seen, 500)
    result = await run_load(_spec(port, tmp_path))
    await runner.cleanup()
    assert result.refused == len(seen) > 0
    assert result.first_refusal == "answer"
    assert (tmp_path / "acknowledged.txt").read_text() == ""


async def test_a_connection_that_ends_without_an_answer_counts_as_broken(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    result = await run_load(_spec(server.sockets[0].getsockname()[1], tmp_path))
    server.close()
    await server.wait_closed()
    assert (result.broken, result.requests) == (3, 0)


def test_books_tell_what_is_missing_and_what_is_unbalanced(tmp_path: Path) -> None:
    path, kind, now = DataRoot(tmp_path).path_of("ledger"), KINDS["ledger"], datetime.now(UTC)
    with closing(open_writer(path, kind, create=True, now=now)) as connection:
        log = EventLog(connection, kind)
        log.begin()
        log.append(type="Noted", key="a", at=now, cause="test", payload="{}")
        received_at = "2026-01-01T00:00:00.000Z"
        row = ("evt_1", "x", None, 0, "0" * 64, "2026-01", b"sealed", received_at, 1)
        log.insert("stripe_events", [row])
        log.commit()
    books = read_books(path, {"evt_1", "evt_2"})
    assert (books.recorded, books.missing, books.unbalanced, books.hold) == (1, 1, 1, False)


@pytest.mark.slow
def test_contests_at_rest_are_measured_and_all_of_them_lock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """O1: memory, cold reads, and a lock time that all have in common."""
    assert activation.main(json=True, contests=20, active=10, lock=True, data=tmp_path) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["memory_mib"]["active"] > 0
    assert document["cold_ms"]["p99"] >= document["cold_ms"]["p50"] > 0
    assert document["common_lock"]["threads"] > 1
    assert list(tmp_path.iterdir()) == []


def test_a_population_is_what_its_writers_would_have_left(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    populate(tmp_path, contests=2, at=now, lock_at=now + timedelta(days=30))
    root = DataRoot(tmp_path)
    contests = [address for address, _ in root.all_files() if address.startswith("contest/")]
    assert len(contests) == 2
    again = replay(root.path_of(contests[0]))
    assert again.contest is not None
    assert (again.ok, again.contest["contest_id"]) == (True, contests[0].partition("/")[2])
    assert again.contest["entries"]["active"] == ENTRIES
