"""Stands in for the score provider: serves a recorded feed over HTTP by (virtual) time. Knows no contest.

Path and headers follow https://developer.sportradar.com/golf/docs/golf-ig-api-basics and
https://developer.sportradar.com/golf/reference/golf-tournament-leaderboard (ING-017).
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from cutline.simulation.emulators.feed_faults import FaultKind, FaultQueue, FeedFault, told_wrong
from cutline.simulation.playback import Frame, Recording, load_recording

Clock = Callable[[], datetime]

LEADERBOARD_PATH = "/golf/{access_level}/{tour}/v3/{language}/{season_year}/tournaments/{event_id}/leaderboard.json"
BOMB_BYTES = 64 * 1024 * 1024
FLOOD_BYTES = 6 * 1024 * 1024

FAULTS = web.AppKey("faults", FaultQueue)
_FAULT_LIST = TypeAdapter(list[FeedFault])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What is served, by which clock, to whom."""

    recording: Recording
    clock: Clock
    api_key: str | None


_SOURCE = web.AppKey("source", _Source)


def utc_now() -> datetime:
    """Return the time of day, which a simulation may have frozen."""
    return datetime.now(UTC)


def replay_clock(starts_at_utc: datetime, *, speed: float = 1.0, now: Clock = utc_now) -> Clock:
    """Return a clock that shows `starts_at_utc` at this moment and runs `speed` times as fast as `now`."""
    if speed <= 0:
        raise ValueError(f"speed: {speed}: must be above 0")
    began_at_utc = now()
    return lambda: starts_at_utc + (now() - began_at_utc) * speed


def feed_app(
    recording: Recording,
    clock: Clock = utc_now,
    *,
    faults: FaultQueue | None = None,
    api_key: str | None = None,
) -> web.Application:
    """Build the emulator; with an `api_key`, requests without it get 403. Faults are in `app[FAULTS]`."""
    app = web.Application()
    app[_SOURCE] = _Source(recording=recording, clock=clock, api_key=api_key)
    app[FAULTS] = FaultQueue() if faults is None else faults
    app.router.add_get(LEADERBOARD_PATH, _leaderboard)
    app.router.add_post("/_emulator/faults", _add_faults)
    app.router.add_delete("/_emulator/faults", _clear_faults)
    return app


async def _leaderboard(request: web.Request) -> web.StreamResponse:
    key = request.app[_SOURCE].api_key
    if key is not None and request.headers.get("x-api-key") != key:
        return web.json_response({"message": "Authentication Error"}, status=HTTPStatus.FORBIDDEN)
    fault = request.app[FAULTS].take()
    if fault is not None and fault.kind is FaultKind.SLOW:
        await asyncio.sleep(fault.seconds)
        fault = None
    frame = _frame(request, back=fault.frames if fault and fault.kind is FaultKind.OLDER_SNAPSHOT else 0)
    if fault is not None and (broken := await _broken(request, fault, frame)) is not None:
        return broken
    if frame is None:
        return web.json_response({"message": "Object not found"}, status=HTTPStatus.NOT_FOUND)
    return _served(request, frame, told_wrong(frame.body, fault.kind) if fault else frame.body)


def _frame(request: web.Request, *, back: int) -> Frame | None:
    """Find the frame to serve, `back` frames before the current one but never before the first."""
    source = request.app[_SOURCE]
    place = source.recording.index_at(source.clock())
    if place is None or request.match_info["event_id"] != source.recording.event_id:
        return None
    return source.recording.frames[max(0, place - back)]


def _served(request: web.Request, frame: Frame, body: bytes) -> web.Response:
    etag = hashlib.sha256(body).hexdigest()[:32]
    headers = {
        "ETag": f'"{etag}"',
        "Last-Modified": format_datetime(frame.at_utc, usegmt=True),
        "Cache-Control": "public, must-revalidate, max-age=3",
        "x-generated-date": format_datetime(frame.at_utc, usegmt=True),
    }
    asked = request.if_none_match or ()
    if any(tag.value in (etag, "*") for tag in asked):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    response = web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)
    response.enable_compression()
    return response


async def _broken(request: web.Request, fault: FeedFault, frame: Frame | None) -> web.StreamResponse | None:
    """Answer in a way that no client can use, or return None where the fault is of another sort."""
    whole = b"{}" if frame is None else frame.body
    match fault.kind:
        case FaultKind.HTTP_STATUS:
            return web.json_response({"message": HTTPStatus(fault.status).phrase}, status=fault.status)
        case FaultKind.HTML:
            return web.Response(text="<!doctype html><title>Maintenance</title>", content_type="text/html")
        case FaultKind.HALF_JSON:
            return web.Response(body=whole[: len(whole) // 2], content_type="application/json")
        case FaultKind.CUT_CONNECTION:
            return await _cut_connection(request, whole)
        case FaultKind.REDIRECT:
            return web.Response(status=HTTPStatus.FOUND, headers={"Location": "http://127.0.0.1:9/elsewhere"})
        case FaultKind.NOT_MODIFIED:
            return web.Response(status=HTTPStatus.NOT_MODIFIED)
        case FaultKind.TOO_LARGE:
            return web.Response(body=b'"' + b"x" * FLOOD_BYTES + b'"', content_type="application/json")
        case FaultKind.GZIP_BOMB:
            return await _gzip_bomb()
        case _:
            return None


async def _cut_connection(request: web.Request, whole: bytes) -> web.StreamResponse:
    """Promise the whole body, send half of it, and hang up."""
    response = web.StreamResponse(headers={"Content-Length": str(len(whole))})
    response.content_type = "application/json"
    await response.prepare(request)
    await response.write(whole[: len(whole) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _gzip_bomb() -> web.Response:
    bomb = await asyncio.to_thread(gzip.compress, bytes(BOMB_BYTES), 6)
    return web.Response(body=bomb, content_type="application/json", headers={"Content-Encoding": "gzip"})


async def _add_faults(request: web.Request) -> web.Response:
    """Queue faults: a JSON list of `{"kind": ..., "times": ..., ...}`."""
    try:
        faults = _FAULT_LIST.validate_json(await request.read())
    except ValidationError as error:
        return web.json_response({"message": str(error)}, status=HTTPStatus.BAD_REQUEST)
    request.app[FAULTS].add(*faults)
    return web.json_response({"waiting": len(request.app[FAULTS])}, status=HTTPStatus.CREATED)


async def _clear_faults(request: web.Request) -> web.Response:
    return web.json_response({"dropped": request.app[FAULTS].clear()})


@asynccontextmanager
async def running(app: web.Application, port: int, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Serve an emulator while the block runs; yields the port, which the system chooses where `port` is 0."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def serve_feed(
    port: int,
    recording_path: Path,
    *,
    starts_at_utc: datetime | None = None,
    speed: float = 1.0,
    ready: Callable[[int], None] | None = None,
) -> None:
    """Serve a recording on 127.0.0.1 until cancelled; `ready` is told the port.

    With `starts_at_utc` the recording plays from that moment of its own time, `speed` times as fast as real
    time; without, the time of day decides. Raises RecordingInvalid, OSError.
    """
    recording = await asyncio.to_thread(load_recording, recording_path)
    clock = utc_now if starts_at_utc is None else replay_clock(starts_at_utc, speed=speed)
    async with running(feed_app(recording, clock), port) as bound_port:
        if ready is not None:
            ready(bound_port)
        await asyncio.Event().wait()
