"""Plays one scripted contest against a real engine process in held time; demo and crash tests share it.

Emulators and people live in this process and outlive the engine, which may be killed at any commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import freezegun.api

from cutline.http.auth import mint_token
from cutline.http.client import CutlineClient
from cutline.simulation.calendar import PacedCalendar
from cutline.simulation.clock import UNFROZEN
from cutline.simulation.emulators.feed import feed_app, running
from cutline.simulation.emulators.stripe.emulator import StripeEmulator, listening
from cutline.simulation.emulators.stripe.state import StripeState
from cutline.simulation.emulators.stripe.webhooks import WebhookEndpoint
from cutline.simulation.engine_process import EngineProcess
from cutline.simulation.pace import Pace
from cutline.simulation.playback import Recording
from cutline.simulation.stage import ADMIN_KEY, JWT_SECRET, OPENS_BEFORE_TEE, WEBHOOK_SECRET, Script, engine_environment
from cutline.simulation.world import World

TOKEN_LIFETIME = timedelta(days=60)
GIVES_UP_AFTER = timedelta(days=10)
CAPITAL_CENTS = 100_000
"""What the owner puts in at first, so that Stripe's fees never wait for the first fees to become available."""
ASKS_EVERY = timedelta(hours=4)
"""How often the onlookers ask how the contest stands; from the end of play on they look all the time."""
KEPT_ALIVE_S = 7 * 86_400.0
"""Connections stay open while the held clock jumps."""
WEBHOOK_RETRIES_S = (5, 60, 300, 1_800, 7_200, 36_000, 86_400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What happened, as far as the world outside the engine can tell."""

    contest: dict[str, Any]
    trial_balance: dict[str, int]
    transfers: list[dict[str, Any]]
    world: World
    stripe: StripeState
    faults_struck: list[dict[str, Any]]
    webhook_attempts: list[dict[str, Any]]
    started_at: datetime
    ended_at: datetime
    engine_seconds: float
    engine_starts: int
    steps: int


@contextmanager
def held(start: datetime) -> Iterator[Any]:
    """Hold the calendar at `start`; asyncio keeps real time."""
    with freezegun.freeze_time(start, real_asyncio=True, ignore=UNFROZEN) as calendar:
        yield calendar


def token_for(subject: str, scopes: list[str]) -> str:
    """Mint a token that outlives the simulated contest."""
    return mint_token(JWT_SECRET, subject, scopes, now=datetime.now(UTC), lifetime=TOKEN_LIFETIME)


async def play(
    script: Script,
    recording: Recording,
    data: Path,
    *,
    calendar: Any,
    on_step: Callable[[datetime, dict[str, Any]], None],
    extras: Sequence[Mapping[str, str]] = (),
) -> Played:
    """Play a contest from its creation to its paid winners. The clock must be held at the start already.

    The n-th of `extras` joins the environment of the engine's n-th process (crash plans).
    """
    started_at = datetime.now(UTC)
    stripe = StripeEmulator()
    stripe.webhooks.retry_delays_s = WEBHOOK_RETRIES_S
    stripe.top_up(CAPITAL_CENTS)
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(keepalive_timeout=KEPT_ALIVE_S)) as session,
        listening(stripe) as stripe_url,
        running(feed_app(recording), 0) as feed_port,
    ):
        environment = engine_environment(data, stripe_url=stripe_url, feed_url=f"http://127.0.0.1:{feed_port}")
        engine = EngineProcess(environment, extras=extras)
        began = freezegun.api.real_perf_counter()
        await engine.start(started_at)
        stripe.use_session(session)
        stripe.add_endpoint(WebhookEndpoint(url=f"{engine.url}/v1/stripe/webhook", secrets=(WEBHOOK_SECRET,)))
        people_calendar = PacedCalendar()
        pace = Pace(
            clock=calendar,
            calendar=people_calendar,
            engine=engine,
            stripe=stripe,
            happenings=sorted([script.lock_at, *(frame.at_utc for frame in recording.frames)]),
        )
        admin = CutlineClient(session, engine.url, token_for("did:ops:demo", ["admin", "ops"]), retries=0)
        books = CutlineClient(session, engine.url, ADMIN_KEY, retries=0)
        world = World(
            contest_id=script.contest_id,
            plans=script.plans,
            client_for=lambda did: CutlineClient(session, engine.url, token_for(did, ["entrant"]), retries=0),
            stripe=stripe,
            calendar=people_calendar,
            settled_by=script.settled_by,
            insist=pace.insist,
        )
        await pace.insist(lambda: admin.publish_config(script.toml))
        await pace.insist(lambda: admin.create_contest(script.contest_id, script.tournament.id))
        pace.admit(world.people())
        status = _Status(script, admin, stripe, people_calendar, on_step)
        try:
            await pace.run(status.finished, status.step)
            contest = await pace.insist(lambda: admin.contest(script.contest_id))
            trial_balance = await pace.insist(books.trial_balance)
            transfers = await pace.insist(lambda: admin.transfers(script.contest_id))
            await engine.stop()
        finally:
            await engine.kill()
        return Played(
            contest=contest,
            trial_balance=trial_balance,
            transfers=transfers,
            world=world,
            stripe=stripe.state,
            faults_struck=stripe.faults.struck,
            webhook_attempts=stripe.webhooks.attempts,
            started_at=started_at,
            ended_at=datetime.now(UTC),
            engine_seconds=freezegun.api.real_perf_counter() - began,
            engine_starts=engine.starts,
            steps=pace.steps,
        )


class _Status:
    """Watches the contest from outside and says when the story is over."""

    def __init__(
        self,
        script: Script,
        admin: CutlineClient,
        stripe: StripeEmulator,
        calendar: PacedCalendar,
        on_step: Callable[[datetime, dict[str, Any]], None],
    ) -> None:
        self._script = script
        self._admin = admin
        self._stripe = stripe
        self._calendar = calendar
        self._on_step = on_step
        self._contest: dict[str, Any] = {}
        self._asked_at = datetime.min.replace(tzinfo=UTC)

    async def finished(self) -> bool:
        """Whether the winners are paid and nothing is left to come."""
        now = datetime.now(UTC)
        if now - self._asked_at >= ASKS_EVERY or now >= self._script.tournament.event.ends_at:
            self._contest = await self._admin.contest(self._script.contest_id)
            self._asked_at = now
        if now > self._script.settled_by + GIVES_UP_AFTER:
            return True
        over = self._contest.get("progress") in ("PAID_OUT", "CANCELLED")
        return over and self._calendar.next_at() is None and self._stripe.pending_deliveries == 0

    def step(self, now: datetime) -> None:
        """Report one step in held time."""
        self._on_step(now, self._contest)


def opening(script: Script) -> datetime:
    """Return when the story of a contest begins: a week before the first tee."""
    return script.tournament.event.first_tee_at - OPENS_BEFORE_TEE
