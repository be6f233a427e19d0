"""`replay --what-if` and `replay --diff`: one contest settled at two points, compared. They write nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cutline.commands.output import CommandFailed, print_json, print_line, print_table

NO_CONTEST = "Give a contest's file: contests/<shard>/<id>.db under a data root."


def compare(file: Path, before: str, after: str, *, as_json: bool) -> None:
    """Settle a contest's file at two points and show what differs, in the contest's currency."""
    from cutline.storage.errors import StorageError
    from cutline.storage.rescoring import PointUnknown, compare_points

    try:
        compared = compare_points(file, before, after)
    except StorageError as error:
        raise CommandFailed(str(error), NO_CONTEST) from error
    except PointUnknown as error:
        raise CommandFailed(
            str(error), "Give points that the contest has; before it is settled there is no what-if."
        ) from error
    if as_json:
        print_json(compared)
    else:
        _show(compared)


def _show(compared: dict[str, Any]) -> None:
    for side in ("before", "after"):
        point = compared[side]
        what = f"refused: {point['refused']}" if "refused" in point else f"result {point['result_sha256']}"
        print_line(f"{point['point']} (checkpoint {point['checkpoint']}): {what}")
    if compared["same"]:
        print_line(f"no difference for anybody in {compared['contest_id']}")
        return
    rows = [
        (
            row["entry_id"],
            row["account_did"],
            *_sides(row, "rank"),
            *_sides(row, "score"),
            _money(row["difference_cents"]),
        )
        for row in compared["entries"]
    ]
    columns = ("entry", "holder", "rank was>", "rank is>", "score was>", "score is>", "difference>")
    print_table(f"{compared['contest_id']}: what differs, in {compared['currency']}", columns, rows)
    print_line(f"{_money(compared['moved_cents'])} would go to others; nothing is paid, and nothing paid is taken back")
    print_line(f"{compared['changes_between']} changes of the feed lie between")


def _sides(row: dict[str, Any], name: str) -> list[Any]:
    return [None if row[side] is None else row[side][name] for side in ("before", "after")]


def _money(cents: int) -> str:
    return f"{cents / 100:+,.2f}" if cents else "0.00"
