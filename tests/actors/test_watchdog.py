"""A loop or an actor that hangs takes the process with it, and nothing else does (C6, P5)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from cutline.actors.mailbox import mailboxes
from cutline.actors.watchdog import ACTOR_LOOKS_MAX, LOOP_LOOKS_MAX, RUNBOOK, Watchdog
from cutline.engine.decision import Decision
from cutline.engine.errors import RejectCode
from cutline.engine.ledger.machine import LedgerMachine
from cutline.engine.ledger.state import LedgerState
from cutline.engine.messages import ReadTrialBalance
from tests.actors.town import running_town


async def test_a_loop_that_turns_is_left_alone() -> None:
    failures: list[BaseException] = []
    with Watchdog(failures.append, look_every_s=0.01):
        await asyncio.sleep(0.01 * LOOP_LOOKS_MAX * 4)
    assert failures == []


async def test_actors_that_work_or_rest_are_left_alone(tmp_path: Path) -> None:
    failures: list[BaseException] = []
    async with running_town(tmp_path) as town:
        with Watchdog(failures.append, look_every_s=0.005):
            for _ in range(3):
                await asyncio.gather(*(town.ask("ledger", ReadTrialBalance()) for _ in range(50)))
                await asyncio.sleep(0.005 * ACTOR_LOOKS_MAX)
        assert [writer.at_work_on for writer in town.system.directory.writers()] == [0] * 4
    assert failures == []


async def test_many_commands_that_break_one_after_the_other_are_no_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has the ledger folded again, and all are one message."""
    failures: list[BaseException] = []

    def slow_to_break(_machine: LedgerMachine, _state: LedgerState, _command: object, _now: datetime) -> Decision:
        time.sleep(0.1)
        raise ZeroDivisionError

    async with running_town(tmp_path) as town:
        monkeypatch.setattr(LedgerMachine, "decide", slow_to_break)
        with Watchdog(failures.append, look_every_s=0.005):
            answers = await asyncio.gather(*(town.ask("ledger", ReadTrialBalance()) for _ in range(8)))
        monkeypatch.undo()
    assert [answer.code for answer in answers] == [RejectCode.INTERNAL_FAULT] * 8
    assert failures == []


async def test_the_actors_are_seen_while_the_directory_is_locked(tmp_path: Path) -> None:
    """Whoever holds that lock may be what hangs."""
    async with running_town(tmp_path) as town:
        core = {writer.address for writer in town.system.directory.writers()}
        with town.system.directory._lock:
            seen = await asyncio.wait_for(asyncio.to_thread(mailboxes), timeout=5)
        assert core <= {actor.address for actor in seen}


def hung(script: str, *arguments: str) -> str:
    """Run a script that ends itself because something in it hangs; what it said."""
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 70, ended.stderr
    assert RUNBOOK in ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


LOCKED_JOB_STORE = """
import asyncio, threading, time
from functools import partial
from cutline.actors import timekeeper
from cutline.actors.jobs import Job, production_scheduler
from cutline.actors.supervisor import die
from cutline.actors.watchdog import RUNBOOK, Watchdog

async def main():
    scheduler = production_scheduler()
    keeper = timekeeper.Timekeeper(scheduler, alert=print, must_die=die)
    with Watchdog(partial(die, runbook=RUNBOOK), look_every_s=0.05):
        keeper.start([Job(name="tick", run=lambda: None, every_s=1)])
        await asyncio.sleep(0.2)
        threading.Thread(target=scheduler._jobstores_lock.acquire).start()
        await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_locked_job_store_that_hangs_the_loop_ends_the_process() -> None:
    """C6, P5: the service manager starts it again, and what is due lies in the files."""
    said = hung(LOCKED_JOB_STORE)
    assert "LoopHangs" in said
    assert "_process_jobs" in said, "where it hangs"


ENDLESS_DECISION = """
import asyncio, sys, time
from functools import partial
from pathlib import Path
from cutline.actors.supervisor import die
from cutline.actors.watchdog import RUNBOOK, Watchdog
from cutline.engine.ledger.machine import LedgerMachine
from cutline.engine.messages import ReadTrialBalance
from tests.actors.town import running_town

decide = LedgerMachine.decide

def hang(self, state, command, now):
    if isinstance(command, ReadTrialBalance):
        time.sleep(60)
    return decide(self, state, command, now)

async def main():
    LedgerMachine.decide = hang
    with Watchdog(partial(die, runbook=RUNBOOK), look_every_s=0.03):
        async with running_town(Path(sys.argv[1])) as town:
            await town.ask("ledger", ReadTrialBalance())

asyncio.run(main())
"""


async def test_an_actor_that_never_answers_ends_the_process_and_a_new_one_goes_on(tmp_path: Path) -> None:
    """P5: the log says who hung and where, and nothing is left of it in the files."""
    said = hung(ENDLESS_DECISION, str(tmp_path))
    assert "ActorHangs" in said
    assert "ledger has had one message in hand" in said
    assert "in hang (<string>:" in said
    async with running_town(tmp_path) as town:
        assert await town.ask("ledger", ReadTrialBalance()) == {}
