"""The box dies with its Litestream in mid-contest, and is restored from the replica alone (FAULTS O3, RB-008, SCH-018).

`cutline serve --replicate` runs in real time over real sockets; people and Stripe outlive it.
"""

from __future__ import annotations

import asyncio
import json
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
from tests.e2e.served import FEE_CENTS, Served, Town, cutline, open_town

pytestmark = pytest.mark.slow

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

        restored = await asyncio.to_thread(cutline, "restore", "--replica", replica, "--data", new, "--json")
        assert restored.returncode == 0, restored.stderr
        document = json.loads(restored.stdout)
        assert {"core/ledger.db", "core/payouts.db"} <= {file["path"] for file in document["files"]}
        assert all(file["last_commit_at"] for file in document["files"])
        verified = await asyncio.to_thread(cutline, "verify", new)
        assert verified.returncode == 0, verified.stdout

        async with town.served(new, replica) as served:
            contest = await town.admin.contest(BEFORE)
            assert contest["entries"]["active"] >= len(known)
            for did, entry_id in known.items():
                assert (await town.client(did).entry(BEFORE, entry_id))["status"] == "ACTIVE"
            assert epoch(new) > epoch(old), "an engine after a restore is not taken for one before it"
            newcomer = await town.enter_and_pay(BEFORE, "did:player:newcomer")
            await town.enter_and_pay(BEFORE, "did:player:known-0-again")
            balance = await town.books.trial_balance()
            assert sum(balance.values()) == 0
            assert balance[f"pot:{BEFORE}"] <= -FEE_CENTS * (len(known) + 2)
            assert await served.stop() == 0, "SIGTERM drains the engine, then Litestream"

        restored = await asyncio.to_thread(cutline, "restore", "--replica", replica, "--data", again)
        assert restored.returncode == 0, restored.stderr
        assert f"Next: cutline verify {again}" in restored.stdout
        assert heads(again) == heads(new), "the last commits before a clean end are in the replica"
        assert (await asyncio.to_thread(cutline, "verify", again)).returncode == 0
        assert newcomer
