"""Shows figures: a table for people, one JSON document for programs; it must not measure."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from cutline.bench.measurement import Figures, machine


def print_json(benchmark: str, figures: Sequence[Figures], more: Mapping[str, Any]) -> None:
    """Write the one document of a benchmark to standard output."""
    document = {"benchmark": benchmark, "machine": machine(), **more, "figures": [one.as_json() for one in figures]}
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")


def print_table(title: str, unit: str, figures: Sequence[Figures], *, limit: str | None = None) -> None:
    """Print one row a subject and load. With `limit`, every other subject is shown as a share of that one."""
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("What")
    for heading in ("In flight", f"{unit}/s", "min..max", "p50 ms", "p99 ms", "CPU µs each"):
        table.add_column(heading, justify="right")
    limits = {one.in_flight: one.spread("per_second").median for one in figures if one.subject == limit}
    if limits:
        table.add_column(f"of {limit}", justify="right")
    for one in figures:
        rate = one.spread("per_second")
        row = [
            one.subject,
            str(one.in_flight),
            f"{rate.median:,.0f}",
            f"{rate.low:,.0f}..{rate.high:,.0f}",
            f"{one.spread('p50_ms').median:.2f}",
            f"{one.spread('p99_ms').median:.2f}",
            f"{one.spread('cpu_us').median:,.0f}",
        ]
        if limits and one.subject != limit:
            row.append(f"{rate.median / limits[one.in_flight]:.2f}")
        table.add_row(*row)
    Console().print(table)
