"""What a person reads after the demo: standings, prizes, what each fault did, the trial balance, and the verdict."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import orjson
from rich.console import Console
from rich.table import Table

from cutline.simulation.demo_screen import to_par
from cutline.simulation.entrants import Behaviour
from cutline.simulation.world import Story

if TYPE_CHECKING:
    from cutline.simulation.demo import Demo

TOP = 15


def dollars(cents: int) -> str:
    """Write cents as dollars."""
    sign = "-" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def name_of(account_did: str) -> str:
    """Write an account holder of the demo as a person would."""
    return f"entrant {account_did.rsplit(':', 1)[-1]}"


def print_report(demo: Demo) -> None:
    """Print everything to standard output."""
    console = Console()
    for table in (_golfers(demo), _standings(demo), _faults(demo), _books(demo)):
        console.print(table)
        console.print()
    _verdict(demo, console)


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in headings:
        number = heading.startswith("#")
        table.add_column(heading.lstrip("#"), justify="right" if number else "left")
    return table


def _golfers(demo: Demo) -> Table:
    """The golfers of the winning entry, whose scores are those of the real event."""
    winner = demo.outcome.standings[0]
    story = next(story for story in demo.played.world.stories if story.entry_id == winner[2])
    board = {p["id"]: p for p in orjson.loads(demo.recording.frames[-1].body)["leaderboard"]}
    table = _table(f"The winner's golfers ({name_of(winner[3])})", "Golfer", "#To par", "Rounds", "Status")
    for player_id in story.plan.picks:
        player = board[player_id]
        rounds = " ".join(str(one["strokes"]) for one in player["rounds"])
        status = player.get("status") or "played"
        table.add_row(f"{player['first_name']} {player['last_name']}", to_par(player["score"]), rounds, status)
    return table


def _standings(demo: Demo) -> Table:
    status = {one["entry_id"]: one["status"] for one in demo.played.transfers}
    active = len(demo.outcome.standings)
    table = _table(
        f"Standings (the first {min(TOP, active)} of {active})",
        "#Rank",
        "Entrant",
        "#Score",
        "#Prize",
        "Transfer",
        "Cut",
    )
    for _, rank, entry_id, account_did, entry_status, score, prize_cents in demo.outcome.standings[:TOP]:
        prize = dollars(prize_cents) if prize_cents else ""
        shown = "" if score is None else to_par(score)
        cut = "missed, ranks below" if entry_status == "cut" else ""
        table.add_row(str(rank or ""), name_of(account_did), shown, prize, status.get(entry_id, ""), cut)
    return table


def _faults(demo: Demo) -> Table:
    table = _table("What went wrong on the way, and what came of it", "What happened", "Who", "What came of it")
    people: dict[tuple[str, str], list[str]] = {}
    for story in demo.played.world.stories:
        if story.plan.behaviour is not Behaviour.PAYS:
            people.setdefault((story.plan.behaviour, _came_of(demo, story)), []).append(story.plan.account_did)
    for (behaviour, came_of), who in sorted(people.items()):
        table.add_row(behaviour, name_of(who[0]) if len(who) == 1 else f"{len(who)} entrants", came_of)
    for fault in demo.played.faults_struck:
        if fault["on"] == "api":
            table.add_row(Behaviour.TRANSFER_TIMES_OUT, "Stripe", _transfer_fault(demo))
    return table


def _came_of(demo: Demo, story: Story) -> str:
    active = {row[2] for row in demo.outcome.standings}
    postings = [row for row in demo.outcome.postings if story.payment_intent and story.payment_intent in row[0]]
    keys = {row[0] for row in postings if row[0].endswith(":succeeded")}
    refunded = any(r["payment_intent"] == story.payment_intent for r in demo.played.stripe.refunds)
    deliveries = _deliveries(demo, story)
    if story.entry_id in active:
        times = f"{deliveries} answers, " if deliveries > 1 else ""
        return f"{times}fee posted {'once' if len(keys) == 1 else f'{len(keys)} times'}, entry played"
    if refunded:
        return "refused, and refunded in full"
    return "seat freed, nothing charged"


def _deliveries(demo: Demo, story: Story) -> int:
    events = {
        event["id"]
        for event in demo.played.stripe.events
        if event["type"] == "payment_intent.succeeded" and event["data"]["object"]["id"] == story.payment_intent
    }
    return sum(attempt["event_id"] in events for attempt in demo.played.webhook_attempts)


def _transfer_fault(demo: Demo) -> str:
    made = len(demo.played.stripe.transfers)
    return f"same key again: {made} transfers, {len(demo.played.transfers)} winners"


def _books(demo: Demo) -> Table:
    table = _table("Trial balance", "Account", "#Debit", "#Credit")
    rows: Counter[str] = Counter()
    for account, cents in demo.played.trial_balance.items():
        rows[_row_of(account)] += cents
    for account, cents in sorted(rows.items()):
        if cents:
            table.add_row(account, dollars(cents) if cents > 0 else "", dollars(-cents) if cents < 0 else "")
    table.add_section()
    debit_cents = sum(cents for cents in rows.values() if cents > 0)
    table.add_row("sum", dollars(debit_cents), dollars(debit_cents - rows.total()))
    return table


def _row_of(account: str) -> str:
    """Each account has its own row, but for those of single people."""
    if account.startswith("stripe:connected:"):
        return "stripe:connected (all winners)"
    if account.startswith("user:"):
        return f"user (all, {account.rsplit(':', 1)[-1]})"
    return account


def _verdict(demo: Demo, console: Console) -> None:
    summary = demo.summary()
    console.print(
        f"{summary['active_entries']} entries played for {dollars(summary['pot_cents'])}: "
        f"{dollars(summary['paid_cents'])} paid in {summary['transfers']} transfers, "
        f"{dollars(summary['rake_cents'])} rake."
    )
    console.print(f"{dollars(summary['owed_cents'])} still owed, {dollars(summary['refunded_cents'])} refunded.")
    console.print(
        f"{summary['virtual_days']} days in {summary['engine_seconds']} s. Result {summary['result_sha256'][:16]}."
    )
    if demo.report.problems:
        console.print("[bold red]verify: failed")
        for problem in demo.report.problems:
            console.print(f"  {problem}")
    else:
        console.print("[bold green]verify: ok[/] every event, posting and transfer is where it should be")
