"""Writes the table of docs/mutation.md from what `mutmut results --all true` says. It runs no mutant."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator

UNTRIED = {"not checked", "no tests", "check was interrupted by user"}
KILLED = {"killed", "timeout", "segfault"}
"""A mutant that never ends, or ends Python, is noticed as well."""


def table(lines: Iterable[str]) -> Iterator[str]:
    """Yield a row a module and one for all: mutants, tried, killed, survived."""
    counts: dict[str, Counter[str]] = {}
    for line in lines:
        mutant, found, verdict = line.strip().rpartition(": ")
        if found:
            # cutline.engine.scoring.board.x_rounds_begun__mutmut_1
            module = mutant.rpartition(".")[0].removeprefix("cutline.").replace(".", "/")
            counts.setdefault(module, Counter())[_kind(verdict)] += 1
    yield "| module | mutants | tried | killed | survived |"
    yield "|---|---|---|---|---|"
    for module, of_module in sorted(counts.items()):
        yield _row(f"`{module}`", of_module)
    yield _row("all", sum(counts.values(), Counter()))


def _kind(verdict: str) -> str:
    if verdict in UNTRIED:
        return "untried"
    return "killed" if verdict in KILLED else "survived"


def _row(name: str, counted: Counter[str]) -> str:
    tried = counted["killed"] + counted["survived"]
    return f"| {name} | {counted.total()} | {tried} | {counted['killed']} | {counted['survived']} |"


if __name__ == "__main__":
    sys.stdout.writelines(f"{row}\n" for row in table(sys.stdin))
