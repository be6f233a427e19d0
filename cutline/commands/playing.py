"""`demo`, `simulate`, `emulate` and `bench`: Cutline played, alone or measured. Everything stays on this machine."""

from __future__ import annotations

import asyncio
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cutline.commands.checking import AsJson
from cutline.commands.output import CommandFailed, print_line

RECORDING = Path("config/tournaments/masters-2026.feed.jsonl.gz")
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Where to listen; 0 takes any free port.")]
Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Keep the files here; without, they are thrown away.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="S", help="The same seed gives the same result.")]

emulate_commands = typer.Typer(no_args_is_help=True, help="The emulators alone, over real HTTP.")
bench_commands = typer.Typer(no_args_is_help=True, help="Measured figures of this machine.")


class Faults(StrEnum):
    """How unfriendly the simulated world is."""

    NONE = "none"
    STANDARD = "standard"
    CHAOS = "chaos"


def demo(
    as_json: AsJson = False, data: Data = None, seed: Seed = 1, entrants: Annotated[int, typer.Option(min=12)] = 200
) -> None:
    """Play the recorded Masters 2026, from creation to paid winners, and verify every file afterwards."""
    from cutline.simulation.demo import main

    _must_be_empty(data)
    raise typer.Exit(main(as_json=as_json, data=data, seed=seed, entrants=entrants))


def simulate(
    days: Annotated[int, typer.Option("--days", min=1, metavar="N", help="How long the world lives.")],
    seed: Seed,
    contests: Annotated[int, typer.Option("--contests", min=1, metavar="K", help="How many contests.")] = 2,
    faults: Annotated[Faults, typer.Option("--faults", help="What goes wrong on the way.")] = Faults.NONE,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="F.json", help="Write the document here too.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Live through weeks of contests in seconds, on one thread, decided by one seed."""
    from cutline.simulation.simulate import main

    if faults is not Faults.NONE:
        raise CommandFailed(f"there are no {faults.value} faults to simulate", "Use --faults none.", exit_code=2)
    _must_be_empty(data)
    raise typer.Exit(main(days=days, seed=seed, contests=contests, report=report, data=data, as_json=as_json))


def _must_be_empty(data: Path | None) -> None:
    if data is not None and data.is_dir() and any(data.iterdir()):
        raise CommandFailed(f"{data} is not empty", "Give a folder that is empty or does not exist yet.")


@emulate_commands.command("stripe")
def emulate_stripe(
    port: Port,
    webhook_url: Annotated[str | None, typer.Option("--webhook-url", help="Where events are sent.")] = None,
    secret: Annotated[str, typer.Option("--secret", help="What events are signed with.")] = "whsec_emulated",  # noqa: S107  # it signs for the emulator only
) -> None:
    """Serve the part of Stripe's API that Cutline uses, and send its webhooks."""
    from cutline.simulation.emulators.stripe.emulator import serve_stripe

    def ready(url: str) -> None:
        print_line(f"Stripe is emulated at {url}")

    _until_stopped(serve_stripe(port, webhook_url, secret, on_ready=ready))


@emulate_commands.command("feed")
def emulate_feed(
    port: Port,
    recording: Annotated[Path, typer.Option("--recording", metavar="F.jsonl", help="What is played back.")] = RECORDING,
    starts_at: Annotated[
        datetime | None, typer.Option("--from", metavar="TIME", help="Play from this moment of the recording (UTC).")
    ] = None,
    speed: Annotated[float, typer.Option("--speed", min=0.001, help="So many times as fast as real time.")] = 1.0,
) -> None:
    """Serve a recorded score feed as its provider would."""
    from datetime import UTC

    from cutline.simulation.emulators.feed import serve_feed
    from cutline.simulation.playback import RecordingInvalid

    def ready(bound_port: int) -> None:
        print_line(f"The feed is emulated at http://127.0.0.1:{bound_port}")

    at = None if starts_at is None else starts_at.replace(tzinfo=UTC) if starts_at.tzinfo is None else starts_at
    try:
        _until_stopped(serve_feed(port, recording, starts_at_utc=at, speed=speed, ready=ready))
    except (RecordingInvalid, FileNotFoundError) as error:
        raise CommandFailed(str(error), "Name a recording with --recording.", exit_code=2) from error


def _until_stopped(serving: Any) -> None:
    """Serve until SIGTERM or Ctrl-C; both are a proper end."""
    import signal

    async def run() -> None:
        task = asyncio.ensure_future(serving)
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            return

    try:
        asyncio.run(run())
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise CommandFailed(str(error), "Choose another --port.") from error


Rounds = Annotated[int, typer.Option("--rounds", min=1, help="So many interleaved rounds; the median counts.")]
Seconds = Annotated[float, typer.Option("--seconds", min=0.1, help="How long one measurement takes.")]


@bench_commands.command("api")
def bench_api(
    as_json: AsJson = False,
    rounds: Rounds = 3,
    seconds: Seconds = 3.0,
    entries: Annotated[int, typer.Option("--entries", min=1, metavar="N", help="Entries in each contest.")] = 100_000,
) -> None:
    """Reads and entering over HTTP, in contests that a crowd has entered."""
    from cutline.bench import api

    raise typer.Exit(api.main(json=as_json, rounds=rounds, seconds=seconds, entries=entries))


@bench_commands.command("webhooks")
def bench_webhooks(as_json: AsJson = False, rounds: Rounds = 3, seconds: Seconds = 3.0) -> None:
    """Signed webhooks over HTTP, to their committed answer: 1, 8, 64 and 256 in flight."""
    from cutline.bench.webhooks import main

    raise typer.Exit(main(json=as_json, rounds=rounds, seconds=seconds))


@bench_commands.command("netting")
def bench_netting(
    as_json: AsJson = False,
    payouts: Annotated[int, typer.Option("--payouts", min=1, max=1_000_000, help="How many one run nets.")] = 100_000,
) -> None:
    """Measure a netting run, and how long others wait for the ledger meanwhile."""
    from cutline.bench.netting import main
    from cutline.commands.serving import run_as_served

    run_as_served()
    raise typer.Exit(main(json=as_json, payouts=payouts))


@bench_commands.command("ledger")
def bench_ledger(as_json: AsJson = False, rounds: Rounds = 3, seconds: Seconds = 2.0) -> None:
    """Balanced transactions through the ledger's actor: 1, 8 and 64 in flight."""
    from cutline.bench.ledger import main
    from cutline.commands.serving import run_as_served

    run_as_served()
    raise typer.Exit(main(json=as_json, rounds=rounds, seconds=seconds))


@bench_commands.command("activate")
def bench_activate(
    as_json: AsJson = False,
    contests: Annotated[int, typer.Option("--contests", min=1, help="So many contests in the root.")] = 10_000,
    active: Annotated[int, typer.Option("--active", min=1, help="So many of them are opened.")] = 1_000,
    lock: Annotated[bool, typer.Option("--lock", help="Have all of them lock at one instant too.")] = False,
) -> None:
    """Contests at rest: memory, cold and warm reads over HTTP."""
    from cutline.bench.activation import main

    if active > contests:
        raise CommandFailed(
            f"{active} of {contests} contests cannot be active", "Give a smaller --active.", exit_code=2
        )
    raise typer.Exit(main(json=as_json, contests=contests, active=active, lock=lock))


@bench_commands.command("settle")
def bench_settle(
    as_json: AsJson = False,
    rounds: Rounds = 3,
    entries: Annotated[int, typer.Option("--entries", min=501, help="The largest contest.")] = 1_000_000,
) -> None:
    """Settling from the contest's file, by the fast scorer and the plain one: 10,000 entries and up."""
    from cutline.bench.settle import main

    raise typer.Exit(main(json=as_json, rounds=rounds, entries=entries))


@bench_commands.command("reconcile")
def bench_reconcile(
    as_json: AsJson = False,
    rounds: Rounds = 3,
    count: Annotated[int, typer.Option("--transactions", min=1000, help="How large the ledger is.")] = 100_000,
) -> None:
    """Reports over a large ledger: a day held against Stripe, the daily report, a statement, a journal."""
    from cutline.bench.reconcile import main

    raise typer.Exit(main(json=as_json, rounds=rounds, count=count))


@bench_commands.command("payouts")
def bench_payouts(
    as_json: AsJson = False,
    rounds: Rounds = 3,
    winners: Annotated[int, typer.Option("--winners", min=1, help="So many prizes to pay.")] = 500,
) -> None:
    """Transfers to winners through the payout actor, Stripe answering in 50 ms."""
    from cutline.bench.payouts import main

    raise typer.Exit(main(json=as_json, rounds=rounds, winners=winners))
