"""What a forged, cut or reordered log shows (LIFE-023; faults.

Flipped byte, edited row, cut tail, swapped rows).
"""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path

import pytest

from cutline.storage.chain import GENESIS, ChainProblem, link, verify_chain
from cutline.storage.event_log import EventLog
from cutline.storage.files import KINDS
from cutline.storage.sqlite import Connection, connect, open_reader, open_writer

CONTEST = KINDS["contest"]
VIEWS = ("contest_progress", "transitions", "contest_config", "contest_config_versions", "ingestion_events")


def forge(path: Path, *statements: str) -> None:
    """Do what a person with a database tool and write access can do."""
    with contextlib.closing(connect(path, mode="rw")) as foreign:
        foreign.execute("PRAGMA foreign_keys = OFF")
        triggers = foreign.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            foreign.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            foreign.execute(statement)
        for _, sql in triggers:
            foreign.execute(sql)


def problems(path: Path, anchors: dict[int, bytes] | None = None) -> list[tuple[ChainProblem, int]]:
    with contextlib.closing(open_reader(path, CONTEST)) as reader:
        return [(problem.name, problem.seq) for problem in verify_chain(reader, anchors=anchors)]


@pytest.fixture
def hashes(contest: Path) -> dict[int, bytes]:
    with contextlib.closing(open_reader(contest, CONTEST)) as reader:
        return {entry.seq: entry.hash for entry in EventLog(reader, CONTEST).entries()}


def test_an_honest_log_is_whole_and_agrees_with_its_anchors(contest: Path, hashes: dict[int, bytes]) -> None:
    assert problems(contest) == []
    assert problems(contest, {0: GENESIS, **hashes}) == []


def test_a_flipped_byte_of_a_payload_is_found(contest: Path) -> None:
    content = contest.read_bytes()
    assert content.count(b'{"entry_id": "e2"}') == 1
    contest.write_bytes(content.replace(b'{"entry_id": "e2"}', b'{"entry_id": "e3"}'))
    assert problems(contest) == [(ChainProblem.HASH_MISMATCH, 2)]


@pytest.mark.parametrize(
    "edit",
    [
        "type = 'EntryPaid'",
        "key = 'entry:9'",
        "at = '2026-04-09T11:30:00.001Z'",
        "cause = 'nobody'",
        'payload = \'{"entry_id":  "e3"}\'',
        "hash = zeroblob(32)",
    ],
)
def test_an_edit_of_any_column_is_found(contest: Path, edit: str) -> None:
    forge(contest, f"UPDATE log SET {edit} WHERE seq = 3")
    assert problems(contest) == [(ChainProblem.HASH_MISMATCH, 3)]


def test_an_edited_hash_also_breaks_the_link_to_the_next_row(contest: Path) -> None:
    forge(contest, "UPDATE log SET hash = zeroblob(32) WHERE seq = 2")
    assert problems(contest) == [(ChainProblem.HASH_MISMATCH, 2), (ChainProblem.HASH_MISMATCH, 3)]


def test_a_removed_row_is_found(contest: Path) -> None:
    forge(contest, "DELETE FROM log WHERE seq = 2")
    assert problems(contest) == [(ChainProblem.SEQ_GAP, 3), (ChainProblem.HASH_MISMATCH, 3)]


def test_reordered_rows_are_found(contest: Path) -> None:
    forge(
        contest,
        "UPDATE log SET seq = 9 WHERE seq = 2",
        "UPDATE log SET seq = 2 WHERE seq = 3",
        "UPDATE log SET seq = 3 WHERE seq = 9",
    )
    assert problems(contest) == [(ChainProblem.HASH_MISMATCH, 2), (ChainProblem.HASH_MISMATCH, 3)]


def test_a_cut_tail_shows_against_an_anchor(contest: Path, hashes: dict[int, bytes]) -> None:
    forge(contest, "DELETE FROM log WHERE seq = 3")
    assert problems(contest) == []
    assert problems(contest, {2: hashes[2], 3: hashes[3]}) == [(ChainProblem.TAIL_CUT, 3)]


def test_a_chain_computed_anew_shows_against_an_anchor(contest: Path, hashes: dict[int, bytes]) -> None:
    at = "2026-04-09T11:30:00.000Z"
    forged = link(hashes[2], 3, "EntryMade", "entry:3", at, "test", "{}")
    forge(contest, f"UPDATE log SET payload = '{{}}', hash = x'{forged.hex()}' WHERE seq = 3")
    assert problems(contest) == []
    assert problems(contest, {3: hashes[3]}) == [(ChainProblem.ANCHOR_MISMATCH, 3)]


def test_time_that_runs_backwards_is_found_even_when_the_chain_fits(contest: Path, hashes: dict[int, bytes]) -> None:
    at = "2026-04-09T11:29:59.999Z"
    forged = link(hashes[2], 3, "EntryMade", "entry:3", at, "test", "{}")
    forge(contest, f"UPDATE log SET at = '{at}', payload = '{{}}', hash = x'{forged.hex()}' WHERE seq = 3")
    assert problems(contest) == [(ChainProblem.TIME_DECREASED, 3)]


def test_a_log_that_cannot_be_read_is_a_problem_by_name(contest: Path) -> None:
    forge(contest, "ALTER TABLE log RENAME COLUMN cause TO because")
    assert problems(contest) == [(ChainProblem.UNREADABLE, 1)]


def test_values_of_foreign_types_are_a_mismatch(contest: Path) -> None:
    forge(
        contest,
        "CREATE TABLE loose AS SELECT * FROM log",
        *(f"DROP VIEW {view}" for view in VIEWS),
        "DROP TABLE log",
        "ALTER TABLE loose RENAME TO log",
        "UPDATE log SET payload = x'00ff' WHERE seq = 2",
    )
    assert problems(contest)[0][0] in (ChainProblem.HASH_MISMATCH, ChainProblem.UNREADABLE)


def test_the_list_of_problems_is_limited(contest: Path, now: datetime) -> None:
    with contextlib.closing(open_writer(contest, CONTEST, create=False, now=None)) as writer:
        log = EventLog(writer, CONTEST)
        log.begin()
        for number in range(50):
            log.append(type="X", key=f"x{number}", at=now, cause="test", payload="{}")
        log.commit()
    forge(contest, "UPDATE log SET cause = 'forged'")
    with contextlib.closing(open_reader(contest, CONTEST)) as reader:
        assert len(verify_chain(reader, problems_max=10)) == 10
        assert len(verify_chain(reader)) == 53


def test_a_chain_can_be_verified_on_a_writers_connection(writer: Connection) -> None:
    assert verify_chain(writer) == []
