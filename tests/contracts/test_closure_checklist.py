"""The closure checklist lists the gates in their order, and each line leads to evidence that is there (POUT-051)."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/closure-checklist.md"
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
TEXT = PAGE.read_text("utf-8")


def gates() -> list[tuple[str, str]]:
    """Return each gate's title and what stands below it."""
    parts = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]


def test_the_gates_come_in_their_order() -> None:
    """POUT-051: the freeze before automatic payout, and that, verified operational, before the rest."""
    assert [title for title, _ in gates()] == [
        "Gate 1: contract freeze",
        "Gate 2: automatic payout, verified operational",
        "Gate 3: runbooks, then the founder's absence",
    ]
    for number, (_, below) in enumerate(gates()[1:], start=1):
        assert below.strip().startswith(f"Begins after gate {number}.")


def test_each_line_of_each_gate_has_evidence_that_is_there() -> None:
    for title, below in gates():
        lines = re.findall(r"^\| (?!what must hold)(.+?) \| (.+) \|$", below, re.MULTILINE)
        assert lines, title
        for claim, evidence in lines:
            links = LINK.findall(evidence)
            assert links, claim
            assert [target for _, target in links if not (PAGE.parent / target).is_file()] == [], claim


def test_each_test_that_is_named_is_in_the_file_that_is_linked() -> None:
    named = [(text, target) for text, target in LINK.findall(TEXT) if target.endswith(".py")]
    assert len(named) > 20
    missing = [
        text
        for text, target in named
        if f"def {text}(" not in (PAGE.parent / target).read_text("utf-8") or not text.startswith("test_")
    ]
    assert missing == []
