"""The box dies with its Litestream in mid-contest, and is restored from the replica alone (FAULTS O3, RB-008, SCH-018).

`cutline serve --replicate` runs in real time over real sockets; people and Stripe outlive it. The commands are typed
as the runbook has them.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from cutline.http.client import ApiRefused
from cutline.simulation.production import token_for
from cutline.storage.epochs import highest_epoch
from cutline.storage.event_log import EventLog
from cutline.storage.files import DataRoot, kind_of
from cutline.storage.sqlite import open_reader
from tests.e2e.served import FEE_CENTS, Served, Town, open_town, until
from tests.runbooks.reading import ROOT, commands_of

pytestmark = pytest.mark.slow

RUNBOOK = ROOT / "runbooks" / "restore-from-replica.md"

BEFORE, LATE = "open-before", "open-late"


def heads(data: Path) -> dict[str, tuple[int, str]]:
    """Return how far each file's chain reaches."""
    found = {}
    for address, path in DataRoot(data).all_files():
        with closing(open_reader(path, kind_of(address))) as connection:
            log = EventLog(connection, kind_of(address))
            found[address] = (log.seq, log.head.hex())
    return found


def epoch(data: Path) -> int:
    return highest_epoch((path, kind_of(address)) for address, path in DataRoot(data).all_files())


def typed(command: str, folder: Path, replica: str, data: Path) -> subprocess.CompletedProcess[str]:
    """Type a runbook's command as it is written."""
    program = folder / "bin" / "cutline"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cutline "$@"\n')
    program.chmod(0o700)
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    environment |= {"REPLICA_URL": replica, "DATA_DIR": str(data)}
    # Our own runbook, in our own shell.
    return subprocess.run(  # noqa: S602 - see above
        command, shell=True, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


async def kill_in_mid_contest(town: Town, served: Served) -> dict[str, str]:
    """Have four entries acknowledged and copied, then kill everything while others enter; return the four."""
    await town.publish()
    await town.admin.create_contest(BEFORE, "small-open")
    known = {did: await town.enter_and_pay(BEFORE, did) for did in (f"did:player:known-{n}" for n in range(4))}
    await served.replicate_all()
    await town.admin.create_contest(LATE, "small-open")
    crowd = [
        asyncio.create_task(town.enter_and_pay(contest, f"did:player:crowd-{n}"))
        for n in range(12)
        for contest in (BEFORE, LATE)
    ]
    await asyncio.wait(crowd, return_when=asyncio.FIRST_COMPLETED)
    await served.kill_with_litestream()
    for outcome in await asyncio.gather(*crowd, return_exceptions=True):
        assert isinstance(outcome, str | aiohttp.ClientError | ApiRefused), outcome
    return known


async def test_a_killed_box_is_restored_verified_and_goes_on(tmp_path: Path) -> None:
    replica = (tmp_path / "replica").as_uri()
    old, new, again = tmp_path / "old", tmp_path / "new", tmp_path / "again"
    async with open_town(token_for) as town:
        async with town.served(old, replica) as served:
            known = await kill_in_mid_contest(town, served)

        restore, verify, verify_again = commands_of(RUNBOOK)
        restored = await asyncio.to_thread(typed, restore, tmp_path, replica, new)
        assert restored.returncode == 0, restored.stderr
        for expected in ("Restored into", "core/ledger.db", "last commit", "Nothing after", "Next: cutline verify"):
            assert expected in restored.stdout
        verified = await asyncio.to_thread(typed, verify, tmp_path, replica, new)
        assert verified.returncode == 0, verified.stdout
        assert verified.stdout.startswith("ok: ")

        async with town.served(new, replica) as served:
            contest = await town.admin.contest(BEFORE)
            assert contest["entries"]["active"] >= len(known)
            for did, entry_id in known.items():
                assert (await town.client(did).entry(BEFORE, entry_id))["status"] == "ACTIVE"
            assert epoch(new) > epoch(old), "an engine after a restore is not taken for one before it"
            await town.enter_and_pay(BEFORE, "did:player:newcomer")
            await town.enter_and_pay(BEFORE, "did:player:known-0-again")
            # An entry plays before its fee has left the escrow: that message waits for the replica.
            balance = await until(town.books.trial_balance, lambda books: books[f"escrow:{BEFORE}"] == 0)
            assert sum(balance.values()) == 0
            assert balance[f"pot:{BEFORE}"] <= -FEE_CENTS * (len(known) + 2)
            assert (await asyncio.to_thread(typed, verify_again, tmp_path, replica, new)).returncode == 0
            assert await served.stop() == 0, "SIGTERM drains the engine, then Litestream"

        assert (await asyncio.to_thread(typed, restore, tmp_path, replica, again)).returncode == 0
        assert heads(again) == heads(new), "the last commits before a clean end are in the replica"
        assert (await asyncio.to_thread(typed, verify, tmp_path, replica, again)).returncode == 0
