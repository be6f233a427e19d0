"""The benchmarks run on the real engine, and refuse to show figures that mean nothing."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from cutline.bench import api, webhooks
from cutline.bench.api_load import ApiSpec, Question, run_api_load
from cutline.bench.books import read_books
from cutline.bench.crowd import Crowd, write_crowd
from cutline.bench.ledger import LEDGER, LIMIT, run_ledger
from cutline.bench.load import LoadSpec, run_load
from cutline.bench.measurement import IN_FLIGHT
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


@pytest.mark.slow
def test_the_api_is_measured_in_crowded_contests_and_every_acknowledged_entry_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert api.main(json=True, rounds=1, seconds=0.2, entries=300, data=tmp_path) == 0
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
