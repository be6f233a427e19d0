"""`cutline simulate`: contests live through days of virtual time in seconds, with one crash, from one seed.

The recorded Masters is played by several contests of different shapes; the same seed gives the same digest of every
file, in any process.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson

from cutline.http.client import CutlineClient
from cutline.simulation.calendar import LoopCalendar
from cutline.simulation.digest import digest
from cutline.simulation.emulators.feed import feed_app
from cutline.simulation.emulators.stripe.emulator import StripeEmulator
from cutline.simulation.emulators.stripe.webhooks import WebhookEndpoint
from cutline.simulation.machine import ENGINE_HOST, FEED_HOST, STRIPE_HOST, SimulatedBox, now, time_machine
from cutline.simulation.outcome import read_outcome
from cutline.simulation.production import CAPITAL_CENTS, token_for
from cutline.simulation.stage import WEBHOOK_SECRET, Script, masters_recording, masters_toml, write_script
from cutline.simulation.world import World
from cutline.storage.verify import verify_root

DAYS_MIN = 7
PLAY_DAYS = 5
ENTRANTS = 24
LOOK_EVERY_S = 60


class SimulationTooShort(ValueError):
    """The recorded event does not fit into so few days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What a simulation came to."""

    seed: int
    days: int
    contests: list[dict[str, Any]]
    digest: str
    result_sha256: str
    crashed_at: datetime
    starts: int
    problems: list[str]
    wall_seconds: float

    @property
    def holds(self) -> bool:
        """Whether every contest is paid out and `verify` finds nothing."""
        return not self.problems and all(one["progress"] == "PAID_OUT" for one in self.contests)

    def as_json(self) -> dict[str, Any]:
        """Return the report as one document."""
        return {
            "seed": self.seed,
            "days": self.days,
            "contests": self.contests,
            "digest": self.digest,
            "result_sha256": self.result_sha256,
            "crashed_at": self.crashed_at.isoformat(),
            "engine_starts": self.starts,
            "verify": "ok" if not self.problems else self.problems,
            "wall_seconds": round(self.wall_seconds, 2),
            "holds": self.holds,
        }


def shaped(toml: str, number: int) -> str:
    """Return the configuration with another id, fee and rake for each contest (LIFE-028, SIM)."""
    toml = re.sub(r'^id = "[^"]+"', f'id = "masters-2026-{number}"', toml, count=1, flags=re.MULTILINE)
    fee_cents = 1000 * (1 + number % 5)
    return re.sub(r"^fee_cents = \d+", f"fee_cents = {fee_cents}", toml, count=1, flags=re.MULTILINE)


class _Simulation:
    """One run of the time machine."""

    def __init__(self, data: Path, *, days: int, seed: int, contests: int) -> None:
        self._data = data
        self._seed = seed
        self._chance = Random(f"simulate:{seed}")
        first_tee_at = write_script(toml=masters_toml(), contest_id="probe", entrants=3, seed=0).lock_at
        self.start = first_tee_at - timedelta(days=days - PLAY_DAYS)
        self._end = self.start + timedelta(days=days)
        self._scripts = [self._script(number) for number in range(1, contests + 1)]
        self.crashed_at = self.start + (self._end - self.start) * self._chance.random()
        self.box = SimulatedBox(data, look_every_s=LOOK_EVERY_S)
        self.contests: list[dict[str, Any]] = []

    def _script(self, number: int) -> Script:
        return write_script(
            toml=shaped(masters_toml(), number),
            contest_id=f"masters-2026-{number}",
            entrants=ENTRANTS,
            seed=self._seed,
            opens_at=self.start + timedelta(hours=1),
        )

    async def live(self) -> None:
        """Live through the days."""
        session = self.box.new_session()
        stripe = StripeEmulator(session=session)
        stripe.top_up(CAPITAL_CENTS)
        stripe.add_endpoint(WebhookEndpoint(url=f"http://{ENGINE_HOST}/v1/stripe/webhook", secrets=(WEBHOOK_SECRET,)))
        await self.box.host(STRIPE_HOST, stripe.app)
        await self.box.host(FEED_HOST, feed_app(masters_recording()))
        await self.box.boot()
        admin = CutlineClient(session, f"http://{ENGINE_HOST}", token_for("did:ops:simulate", ["admin", "ops"]))
        courier = asyncio.ensure_future(_deliver(stripe))
        lives = [asyncio.ensure_future(self._crash())]
        for script in self._scripts:
            await self.box.insist(lambda script=script: admin.publish_config(script.toml))  # type: ignore[misc]  # bound now
            await self.box.insist(
                lambda script=script: admin.create_contest(script.contest_id, script.tournament.id)  # type: ignore[misc]  # bound now
            )
            world = World(
                contest_id=script.contest_id,
                plans=script.plans,
                client_for=lambda did: CutlineClient(session, f"http://{ENGINE_HOST}", token_for(did, ["entrant"])),
                stripe=stripe,
                calendar=LoopCalendar(),
                settled_by=script.settled_by,
                insist=self.box.insist,
            )
            lives += [asyncio.ensure_future(live()) for live in world.people()]
        await asyncio.gather(*lives)
        await LoopCalendar().sleep_until(self._end)
        for script in self._scripts:
            self.contests.append(await self.box.insist(lambda script=script: admin.contest(script.contest_id)))  # type: ignore[misc]  # bound now
        courier.cancel()
        with suppress(asyncio.CancelledError):
            await courier
        await self.box.shut_down()
        await session.close()

    async def _crash(self) -> None:
        await LoopCalendar().sleep_until(self.crashed_at)
        await self.box.crash()
        await asyncio.sleep(self._chance.uniform(1, 120))
        await self.box.boot()

    def ids(self) -> list[str]:
        """Return the contests' ids."""
        return [script.contest_id for script in self._scripts]


async def _deliver(stripe: StripeEmulator) -> None:
    """Deliver webhooks when they are due, sleeping in virtual time in between."""
    while True:
        stripe.webhooks.arrived.clear()
        await stripe.deliver_due()
        due_at = stripe.next_due_at
        left_s = 3600.0 if due_at is None else max(0.001, (due_at - now()).total_seconds())
        try:
            async with asyncio.timeout(left_s):
                await stripe.webhooks.arrived.wait()
        except TimeoutError:
            continue


def simulate(data: Path, *, days: int, seed: int, contests: int) -> Simulated:
    """Run one simulation into an empty data root. Raises SimulationTooShort below seven days."""
    if days < DAYS_MIN:
        raise SimulationTooShort(f"--days {days}: the recorded event and its payouts need at least {DAYS_MIN}")
    began = time.perf_counter()
    simulation = _Simulation(data, days=days, seed=seed, contests=contests)
    with time_machine(simulation.start, seed) as run:
        run(simulation.live())
    report = verify_root(data)
    return Simulated(
        seed=seed,
        days=days,
        contests=simulation.contests,
        digest=digest(data),
        result_sha256=read_outcome(data, simulation.ids()).sha256,
        crashed_at=simulation.crashed_at,
        starts=simulation.box.starts,
        problems=[str(problem) for problem in report.problems],
        wall_seconds=time.perf_counter() - began,
    )


def main(*, days: int, seed: int, contests: int, report: Path | None, data: Path | None, as_json: bool) -> int:
    """Run a simulation for the command line; return 0 iff no invariant broke."""
    folder: AbstractContextManager[str]
    folder = tempfile.TemporaryDirectory(prefix="cutline-simulate-") if data is None else nullcontext(str(data))
    with folder as path:
        simulated = simulate(Path(path), days=days, seed=seed, contests=contests)
    document = orjson.dumps(simulated.as_json(), option=orjson.OPT_INDENT_2).decode()
    if report is not None:
        report.write_text(document + "\n", "utf-8")
    if as_json:
        sys.stdout.write(document + "\n")
    else:
        for line in _lines(simulated):
            sys.stdout.write(line + "\n")
    return 0 if simulated.holds else 1


def _lines(simulated: Simulated) -> list[str]:
    lines = [
        f"{simulated.days} days in {simulated.wall_seconds:.1f} s, crash at {simulated.crashed_at:%a %H:%M:%S} UTC"
    ]
    lines += [f"{one['contest_id']}: {one['progress']}" for one in simulated.contests]
    lines += [f"digest {simulated.digest}", *(f"problem: {problem}" for problem in simulated.problems)]
    if not simulated.holds:
        lines.append(
            f"repeat with: cutline simulate --days {simulated.days} --seed {simulated.seed} "
            f"--contests {len(simulated.contests)}"
        )
    return lines
