"""docs/emulators.md holds: its session runs, and its tables name every operation, lever and fault there is."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import get_args

from cutline.simulation.emulators.stripe import StripeEmulator
from cutline.simulation.emulators.stripe.events import Events
from cutline.simulation.emulators.stripe.faults import ApiFaultKind, WebhookFaultKind
from cutline.simulation.emulators.stripe.operations import operations

PAGE = (Path(__file__).resolve().parents[2] / "docs/emulators.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    table = [line for line in section(title).splitlines() if line.startswith("| ")][1:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table]


def test_the_documented_session_runs_against_the_emulator_alone() -> None:
    """The winner's money returns to the connected balance after the bank refused it."""
    script = section("A session").split("```sh\n")[1].split("```")[0]
    assert len(script.splitlines()) == 10
    bash, command = shutil.which("bash"), [sys.executable, "-m", "cutline", "emulate", "stripe", "--port", "0"]
    assert bash is not None
    assert shutil.which("curl") is not None, "the documented session needs curl"
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as emulator:
        try:
            assert emulator.stdout is not None
            environment = os.environ | {"STRIPE": emulator.stdout.readline().split()[-1], "no_proxy": "127.0.0.1"}
            ended = subprocess.run(
                [bash, "-euo", "pipefail", "-c", script],
                env=environment, capture_output=True, text=True, timeout=30, check=False,
            )  # fmt: skip
        finally:
            emulator.send_signal(signal.SIGTERM)
        assert emulator.wait(timeout=10) == 0
    assert ended.returncode == 0, ended.stdout + ended.stderr
    answers = [json.loads(line) for line in ended.stdout.splitlines() if line]
    assert [answer.get("object") for answer in answers] == [
        "payment_intent", "account", "transfer", None, "payout", "balance",
    ]  # fmt: skip
    assert (answers[0]["status"], answers[4]["status"]) == ("succeeded", "failed")
    assert answers[5]["available"][0]["amount"] == 2_000


def test_every_operation_is_listed() -> None:
    listed = [f"{row[0]}.{verb}" for row in rows("What it answers") for verb in row[1].split(", ")]
    names = [operation.name for operation in operations(Events(lambda _event_id: True))]
    assert sorted(listed) == sorted(names)


def test_every_lever_is_listed_with_what_it_takes() -> None:
    routes = {
        re.sub(r"^/_emulator/", "", route.resource.canonical)
        for route in StripeEmulator().app.router.routes()
        if route.resource is not None and route.method == "POST"
    }
    levers = {path for path in routes if not path.startswith("/")}
    assert [row[0] for row in rows("Levers")] == sorted(levers)


def test_every_fault_is_listed() -> None:
    listed = {(row[0], row[1]) for row in rows("Faults")}
    assert listed == {("api", kind) for kind in get_args(ApiFaultKind)} | {
        ("webhook", kind) for kind in get_args(WebhookFaultKind)
    }
