"""Where files lie, and that a data root has one engine (LIFE-024, O-13)."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from cutline.storage.event_log import EventLog
from cutline.storage.files import DataRoot, kind_of
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import Corrupt, DataRootLocked, StorageError, open_writer


def test_every_address_has_its_place(tmp_path: Path) -> None:
    root = DataRoot(tmp_path)
    shard = hashlib.sha256(b"masters-2026").hexdigest()[:2]
    assert root.path_of("ledger") == tmp_path / "core" / "ledger.db"
    assert root.path_of("payouts") == tmp_path / "core" / "payouts.db"
    assert root.path_of("payments") == tmp_path / "core" / "payments.db"
    assert root.path_of("governance") == tmp_path / "core" / "governance.db"
    assert root.path_of("contest/masters-2026") == tmp_path / "contests" / shard / "masters-2026.db"
    assert root.path_of("feed/event_1") == tmp_path / "feeds" / "event_1.db"
    assert kind_of("feed/event_1").name == "feed"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/",
        "contest",
        "contest/",
        "ledger/x",
        "ledger/",
        "risk",
        "contest/../core/ledger",
        "contest/..",
        "contest/.hidden",
        "contest/a/b",
        "contest/A",
        "contest/-a",
        "contest/a.db",
        "contest/a\n",
        "contest/a\0",
        "contest/é",
        "contest/" + "a" * 65,
        "feed//etc/passwd",
    ],
)
def test_an_address_that_could_leave_its_folder_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        DataRoot(tmp_path).path_of(address)


def test_all_files_are_found_and_strays_are_named(tmp_path: Path) -> None:
    root = DataRoot(tmp_path)
    addresses = ["ledger", "governance", "feed/e1", *sorted(f"contest/c{number}" for number in range(5))]
    strays = [
        tmp_path / "contests" / "zz" / "c1.db",
        tmp_path / "core" / "other.db",
        tmp_path / "feeds" / "A.db",
    ]
    for path in [*map(root.path_of, addresses), *strays]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    root.path_of("contest/c1").with_name("c1.db-wal").touch()
    assert sorted(address for address, _ in root.all_files()) == sorted(addresses)
    assert all(root.path_of(address) == path for address, path in root.all_files())
    assert sorted(address for address, _ in root.contest_paths()) == addresses[3:]
    assert sorted(root.strays()) == sorted(strays)


def test_each_engine_of_a_root_gets_the_next_boot_epoch(tmp_path: Path) -> None:
    root = DataRoot(tmp_path / "deep" / "data")
    epochs = []
    for _ in range(3):
        with root.lock() as lock:
            epochs.append(lock.boot_epoch)
    assert epochs == [1, 2, 3]
    assert (root.path / "boot_epoch").read_text() == "3\n"
    assert stat.S_IMODE((root.path / "boot_epoch").stat().st_mode) == 0o600
    assert stat.S_IMODE((root.path / "engine.lock").stat().st_mode) == 0o600
    assert stat.S_IMODE(root.path.stat().st_mode) == 0o700


def test_a_root_without_its_counter_is_a_restored_one_until_it_has_caught_up(tmp_path: Path, now: datetime) -> None:
    """FAULTS O3: the mark is made before the counter, and outlives the process."""
    root = DataRoot(tmp_path)
    with root.lock() as lock, closing(open_writer(root.path_of("ledger"), KINDS["ledger"], create=True, now=now)) as db:
        log = EventLog(db, KINDS["ledger"])
        log.begin()
        payload = f'{{"boot_epoch": {lock.boot_epoch}, "opening": 1}}'
        log.append(type="WriterOpened", key="writer-opened:1", at=now, cause="boot", payload=payload)
        log.commit()
    assert not root.is_restored
    (tmp_path / "boot_epoch").unlink()
    for epoch in (2, 3):
        with root.lock() as lock:
            assert (lock.boot_epoch, root.is_restored) == (epoch, True)
    root.forget_restore()
    with root.lock():
        assert not root.is_restored


def test_a_second_lock_in_one_process_is_refused_and_starts_no_epoch(tmp_path: Path) -> None:
    root = DataRoot(tmp_path)
    with root.lock() as lock:
        with pytest.raises(DataRootLocked, match=str(os.getpid())):
            DataRoot(tmp_path).lock()
        assert (tmp_path / "boot_epoch").read_text() == f"{lock.boot_epoch}\n"
    lock.release()


def test_an_unreadable_epoch_is_refused_and_the_lock_let_go(tmp_path: Path) -> None:
    (tmp_path / "boot_epoch").write_text("many\n")
    for _ in range(2):
        with pytest.raises(Corrupt, match="number"):
            DataRoot(tmp_path).lock()


def test_a_root_that_cannot_be_made_is_an_error_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        DataRoot(tmp_path / "file" / "data").lock()


HOLD = """
import sys, time
from pathlib import Path
from cutline.storage.files import DataRoot
lock = DataRoot(Path(sys.argv[1])).lock()
print(lock.boot_epoch, flush=True)
time.sleep(60)
"""


def test_a_second_process_is_refused_until_the_first_is_dead(tmp_path: Path) -> None:
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "1\n"
        with pytest.raises(DataRootLocked, match=f"process {first.pid}"):
            DataRoot(tmp_path).lock()
        second = subprocess.run(
            [sys.executable, "-c", HOLD, str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert second.returncode != 0
        assert f"process {first.pid}" in second.stderr
        first.send_signal(signal.SIGKILL)
        first.wait()
        with DataRoot(tmp_path).lock() as lock:
            assert lock.boot_epoch == 2
    finally:
        first.kill()
        first.communicate()
