"""`verify`, `replay` and `score`: what can be checked from files alone. They write nothing."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from cutline.commands.comparing import NO_CONTEST, compare
from cutline.commands.output import CommandFailed, print_json, print_line, print_table

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def verify(
    data: Annotated[Path, typer.Argument(metavar="DIR", help="A data root, stopped or running.")],
    as_json: AsJson = False,
) -> None:
    """Check a data root: chains, anchors, append-only schema, projections, balances, exactly-once, re-settlement."""
    from cutline.storage.verify import verify_root

    try:
        report = verify_root(data)
    except FileNotFoundError as error:
        raise CommandFailed(str(error), "Give the folder that `cutline serve --data` was given.") from error
    if not report.counts["files"] and report.ok:
        raise CommandFailed(
            f"{data} holds no file of Cutline", "Give the folder that `cutline serve --data` was given."
        )
    if as_json:
        print_json(report.to_dict())
    else:
        _show_report(data, report)
    raise typer.Exit(0 if report.ok else 1)


def _show_report(data: Path, report: Any) -> None:
    counts = ", ".join(f"{number} {name}" for name, number in report.counts.items())
    if report.ok:
        print_line(f"ok: {data} ({counts})")
        return
    rows = [(problem.code, problem.file, problem.where, problem.message) for problem in report.problems]
    print_table(f"{data}: {len(rows)} problems", ("code", "file", "where", "what is wrong"), rows)
    for step in dict.fromkeys(problem.what_to_do for problem in report.problems):
        print_line(f"What to do: {step}")


def replay(
    file: Annotated[Path, typer.Argument(metavar="CONTEST.db", help="A contest's file.")],
    at: Annotated[
        int | None, typer.Option("--at", min=1, metavar="SEQ", help="Stop after this row of its log.")
    ] = None,
    what_if: Annotated[
        bool, typer.Option("--what-if", help="Show what late corrections would have changed; nothing is paid.")
    ] = False,
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option("--diff", metavar="POINT POINT", help="Compare two of: a run's id, settled, late, checkpoint:N."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fold and settle a contest file again, and compare with what it says."""
    from cutline.storage.errors import StorageError
    from cutline.storage.replay import replay as read_again

    if what_if or diff is not None:
        if at is not None or (what_if and diff is not None):
            raise CommandFailed("--at, --what-if and --diff do not go together", "Give one of them.")
        compare(file, *(diff or ("settled", "late")), as_json=as_json)
        return
    try:
        again = read_again(file, at)
    except StorageError as error:
        raise CommandFailed(str(error), NO_CONTEST) from error
    except ValueError as error:
        raise CommandFailed(str(error), "Give a row that the file has, or leave --at out.") from error
    if as_json:
        print_json(again.to_dict())
    else:
        _show_replay(file, again)
    raise typer.Exit(0 if again.ok else 1)


def _show_replay(file: Path, again: Any) -> None:
    contest = again.contest or {"contest_id": "no contest", "progress": "nothing"}
    print_line(f"{contest['contest_id']} is {contest['progress']} after row {again.seq} ({file})")
    print_line(f"head {again.head}")
    if again.recorded_sha256 is not None and again.ok:
        print_line(f"settled again with the same result: {again.recorded_sha256}")
    if again.would_settle is not None:
        refused = again.would_settle.get("refused")
        said = (
            f"could not be settled: {refused}" if refused else f"would settle to {again.would_settle['result_sha256']}"
        )
        print_line(f"at this row it {said}")
    for problem in again.problems:
        print_line(f"problem: {problem}")


def score(
    config: Annotated[Path, typer.Option("--config", metavar="F.toml", help="The tournament's configuration.")],
    feed: Annotated[
        Path, typer.Option("--feed", metavar="F.jsonl", help="One leaderboard snapshot a line; may be .gz.")
    ],
    entries: Annotated[Path, typer.Option("--entries", metavar="F.json", help="A list of entry_id, picks, tiebreak.")],
    as_json: AsJson = False,
) -> None:
    """Score a recorded feed with the rules of a configuration, and nothing else."""
    from cutline.engine.feed_scoring import ScoreInputInvalid, score_feed
    from cutline.engine.tournament import ConfigInvalid

    try:
        result = score_feed(config.read_text("utf-8"), _lines(feed), entries.read_bytes())
    except ConfigInvalid as error:
        raise CommandFailed(f"{config}: {error}", "Mend the configuration and score again.", exit_code=2) from error
    except ScoreInputInvalid as error:
        raise CommandFailed(str(error), "Mend the named input and score again.", exit_code=2) from error
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise CommandFailed(str(error), "Give files that exist and can be read.", exit_code=2) from error
    if as_json:
        print_json(result)
    else:
        _show_scores(result)


def _lines(feed: Path) -> Iterator[bytes]:
    if feed.suffix == ".gz":
        with gzip.open(feed) as lines:
            yield from lines
    else:
        with feed.open("rb") as lines:
            yield from lines


def _show_scores(result: dict[str, Any]) -> None:
    rows = [
        (row["rank"], row["entry_id"], row["status"], row["score"], f"{row['prize_cents'] / 100:,.2f}")
        for row in result["standings"]
    ]
    print_table("Standings", ("rank>", "entry", "status", "score>", "prize>"), rows)
    print_line("feed: " + ", ".join(f"{number} {name}" for name, number in result["feed"].items()))
    print_line(f"result {result['result_sha256']}")
