"""The runbook on webhook validation, typed word for word into a shell beside a running engine (PAY-029)."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from cutline.gateways.stripe_webhook import TOLERANCE_S
from tests.http.standin import WEBHOOK_SECRET
from tests.http.town import Town, open_town
from tests.runbooks.reading import BLOCK, ROOT

RUNBOOK = ROOT / "runbooks" / "webhook-validation.md"
EXPECTED = ["200", "200", "401", "401", "401", "401"]


async def typed(town: Town, **environment: str) -> tuple[int, list[str], str]:
    """Type every block of the runbook into one shell; return its exit status, its lines, and what went wrong."""
    blocks = BLOCK.findall(RUNBOOK.read_text("utf-8"))
    # In the page, code is indented by the list that it stands in.
    lines = [line.removeprefix("   ") for block in blocks[:-1] for line in block.splitlines()]
    lines += [line.removeprefix("  ") for line in blocks[-1].splitlines()]
    script = "\n".join(["set -eu", f'cutline() {{ "{sys.executable}" -m cutline "$@"; }}', *lines])
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        script,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "CUTLINE_URL": town.url,
            "DATA_DIR": str(town.data),
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "LIVEMODE": "false",
            **environment,
        },
    )
    out, err = await shell.communicate()
    return shell.returncode or 0, out.decode().splitlines(), err.decode()


async def test_the_procedure_shows_that_only_what_is_signed_is_taken(tmp_path: Path) -> None:
    """PAY-029: as the page promises, one row is left and no money is moved."""
    async with open_town(tmp_path / "data") as town:
        code, said, trouble = await typed(town)
        assert (code, said[: len(EXPECTED)]) == (0, EXPECTED), trouble
        assert said[len(EXPECTED)].startswith("ok")
        assert town.rows("ledger", "SELECT count(*), min(type) FROM stripe_events") == [(1, "cutline.probe")]
        assert town.count("transactions") == 0
        assert town.count("stripe_webhook_dead_letters") == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "engine", "answers"),
    [
        ({"STRIPE_WEBHOOK_SECRET": "whsec_of_another_engine"}, {}, ["401", "401"]),
        ({"LIVEMODE": "true"}, {}, ["422", "422"]),
        ({}, {"stripe_webhook_secret": f"whsec_the_next_one, {WEBHOOK_SECRET}"}, ["200", "200"]),
    ],
    ids=["another secret", "another mode", "a secret being rotated"],
)
async def test_the_procedure_tells_what_is_wrong(
    tmp_path: Path, environment: dict[str, str], engine: dict[str, str], answers: list[str]
) -> None:
    """PAY-029, PAY-002, PAY-020."""
    async with open_town(tmp_path / "data", **engine) as town:
        _, said, trouble = await typed(town, **environment)
        assert said[:2] == answers, trouble
        assert said[2:6] == EXPECTED[2:]


def test_the_page_states_the_tolerance_of_the_code() -> None:
    """PAY-029."""
    assert f"{TOLERANCE_S} seconds from the engine's clock" in RUNBOOK.read_text("utf-8")
