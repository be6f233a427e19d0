"""The directory closes what idles, and keeps a few open all the same; an inbox knows when all of it is done with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pykka._envelope import Envelope  # what Pykka puts into an inbox

from cutline.actors.directory import IDLE_AFTER, Directory
from cutline.actors.mailbox import Inbox
from cutline.storage.files import DataRoot
from tests.actors.toy import NOON, Around

CONTESTS = ["contest/a", "contest/b", "contest/c"]
LATER = NOON + IDLE_AFTER + timedelta(seconds=1)


@pytest.fixture
def around() -> Iterator[Around]:
    system = Around()
    yield system
    for reference in system.writers.values():
        if reference.is_alive():
            reference.stop()


def directory(around: Around, path: Path, *, kept_open: int) -> Directory:
    def make_writer(address: str, create: bool) -> Any:
        return around.start(address, path / f"{address.replace('/', '-')}.db", create=create)

    made = Directory(DataRoot(path), make_writer, kept_open=kept_open)
    for address in CONTESTS:
        made.open(address, create=True)
        made.note(address, None, NOON)
    return made


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_actors_that_idle_are_closed(around: Around, tmp_path: Path) -> None:
    of = directory(around, tmp_path, kept_open=0)
    of.retire_idle(NOON + IDLE_AFTER / 2)
    time.sleep(0.05)
    assert of.addresses() == CONTESTS
    of.retire_idle(LATER)
    wait_for(lambda: of.addresses() == [])


def test_a_few_actors_stay_open_however_long_they_idle(around: Around, tmp_path: Path) -> None:
    of = directory(around, tmp_path, kept_open=2)
    of.note("contest/b", None, NOON - timedelta(minutes=1))
    of.retire_idle(LATER)
    wait_for(lambda: of.addresses() == ["contest/a", "contest/c"])
    of.retire_idle(LATER + timedelta(days=1))
    time.sleep(0.05)
    assert of.addresses() == ["contest/a", "contest/c"]


def test_an_inbox_is_idle_only_when_the_last_envelope_is_done_with() -> None:
    inbox = Inbox()
    taken, go_on = threading.Event(), threading.Event()

    def work() -> None:
        while inbox.get().message != "last":
            taken.set()
            go_on.wait(5)

    worker = threading.Thread(target=work)
    assert not inbox.idle, "its actor has not started yet"
    inbox.put(Envelope("first"))
    worker.start()
    assert taken.wait(5)
    assert inbox.empty()
    assert not inbox.idle, "the envelope is still in hand"
    go_on.set()
    wait_for(lambda: inbox.idle)
    inbox.put(Envelope("last"))
    worker.join(5)
    assert not inbox.idle, "nobody has come back from the last one"
