"""Appending to a log: order, time, keys, transactions, typed rows (LIFE-023, PAY-055, SET-020)."""

from __future__ import annotations

import contextlib
import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from cutline.engine.errors import InvariantViolated
from cutline.storage.chain import GENESIS, link
from cutline.storage.event_log import Entry, EventLog
from cutline.storage.files import KINDS, DataRoot
from cutline.storage.sqlite import Busy, Connection, MisusedFile, connect, open_writer, utc_text


def append(log: EventLog, key: str, at: datetime, payload: str = "{}") -> None:
    log.append(type="Noted", key=key, at=at, cause="test", payload=payload)


def find(log: EventLog, key: str) -> Entry | None:
    """The row with this business key."""
    return next((entry for entry in log.entries() if entry.key == key), None)


def test_rows_come_back_as_they_were_appended(log: EventLog, now: datetime) -> None:
    log.begin()
    entry = log.append(type="Noted", key="a", at=now, cause="someone", payload='{"text": "Müller ⛳"}')
    log.commit()
    assert (entry.seq, log.seq, log.head, log.last_at) == (4, 4, entry.hash, now)
    assert find(log, "a") == entry
    assert list(log.entries(after_seq=3)) == [entry]
    assert [known.seq for known in log.entries()] == [1, 2, 3, 4]
    assert find(log, "b") is None


def test_an_empty_log_has_the_genesis_head(root: DataRoot, now: datetime) -> None:
    kind = KINDS["governance"]
    with contextlib.closing(open_writer(root.path_of("governance"), kind, create=True, now=now)) as writer:
        log = EventLog(writer, kind)
        assert (log.seq, log.head, log.last_at, list(log.entries())) == (0, GENESIS, None, [])


def test_a_reopened_log_goes_on_where_it_stopped(contest: Path, log: EventLog, now: datetime) -> None:
    log.begin()
    append(log, "a", now)
    log.commit()
    with contextlib.closing(open_writer(contest, KINDS["contest"], create=False, now=None)) as again:
        reopened = EventLog(again, KINDS["contest"])
        assert (reopened.seq, reopened.head, reopened.last_at) == (4, log.head, now)


def test_time_never_decreases(log: EventLog, now: datetime) -> None:
    log.begin()
    append(log, "a", now + timedelta(seconds=1))
    with pytest.raises(InvariantViolated, match="before the file's last time"):
        append(log, "b", now)
    append(log, "c", now + timedelta(seconds=1))
    log.commit()
    assert log.seq == 5


def test_time_is_utc_to_the_millisecond_and_never_naive(log: EventLog, now: datetime) -> None:
    log.begin()
    with pytest.raises(ValueError, match="zone"):
        append(log, "a", now.replace(tzinfo=None))
    local = (now + timedelta(hours=1, microseconds=1_999)).astimezone(timezone(timedelta(hours=-4)))
    entry = log.append(type="X", key="b", at=local, cause="", payload="{}")
    log.commit()
    assert entry.at == datetime(2026, 4, 9, 12, 30, 0, 1_000, tzinfo=UTC)
    assert find(log, "b") == entry
    assert utc_text(local) == "2026-04-09T12:30:00.001Z"


def test_a_frozen_clock_is_recorded_as_it_stands(log: EventLog) -> None:
    """O-02: under simulation every time in the file is the virtual one."""
    with freeze_time("2031-05-06T07:08:09.123456Z"):
        log.begin()
        entry = log.append(type="X", key="frozen", at=datetime.now(UTC), cause="", payload="{}")
        log.commit()
        assert find(log, "frozen") == entry
    assert log.last_at == datetime(2031, 5, 6, 7, 8, 9, 123_000, tzinfo=UTC)


def test_the_same_fact_cannot_be_recorded_twice(log: EventLog, now: datetime) -> None:
    log.begin()
    append(log, "entry:1", now)
    with pytest.raises(MisusedFile, match="entry:1"):
        log.commit()
    log.rollback()
    log.begin()
    append(log, "entry:4", now)
    log.commit()
    assert log.seq == 4


def test_a_fact_recorded_twice_takes_the_whole_batch_with_it(log: EventLog, now: datetime) -> None:
    """The writer then runs the batch's commands one by one, so that only the second record fails."""
    before = (log.seq, log.head)
    log.begin()
    for key in ("a", "b", "a"):
        append(log, key, now)
    with pytest.raises(MisusedFile, match="2 more"):
        log.insert("entry_status", [("e1", "ACTIVE", "2026-04-09T11:30:00.000Z", 4)])
    log.rollback()
    assert (log.seq, log.head) == before
    assert find(log, "a") is None


@pytest.mark.parametrize("count", [1, 2, 3, 63, 64, 65, 200])
def test_a_batch_of_any_size_is_written_whole_and_in_order(log: EventLog, now: datetime, count: int) -> None:
    keys = [f"fact:{number}" for number in range(count)]
    log.begin()
    for key in keys:
        append(log, key, now)
    log.commit()
    assert [entry.key for entry in log.entries(3)] == keys


@pytest.mark.parametrize(
    ("key", "payload"),
    [("", "{}"), ("a", "no json"), ("a", ""), ("a", '{"lone": "\ud800"}'), ("\ud800", "{}")],
)
def test_what_the_schema_or_the_chain_cannot_hold_is_refused(
    log: EventLog, now: datetime, key: str, payload: str
) -> None:
    def record() -> None:
        append(log, key, now, payload)
        log.commit()

    head = log.head
    log.begin()
    with pytest.raises(MisusedFile):
        record()
    log.rollback()
    assert (log.seq, log.head) == (3, head)


def test_nothing_is_added_outside_a_transaction(log: EventLog, now: datetime) -> None:
    with pytest.raises(MisusedFile):
        append(log, "a", now)
    with pytest.raises(MisusedFile):
        log.insert("entry_status", [("e1", "ACTIVE", "2026-04-09T11:30:00.000Z", 1)])
    with pytest.raises(MisusedFile):
        log.commit()


def test_rollback_takes_back_rows_and_head(log: EventLog, now: datetime) -> None:
    before = (log.seq, log.head, log.last_at)
    log.begin()
    append(log, "a", now + timedelta(days=1))
    log.rollback()
    log.rollback()
    assert (log.seq, log.head, log.last_at) == before
    log.begin()
    append(log, "a", now)
    log.commit()
    assert log.seq == 4


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (("e1", "", "2026-04-09T11:30:00.000Z", 4), "CHECK"),
        (("e1", "ACTIVE", "2026-04-09T11:30:00.000Z", "four"), "cannot store TEXT"),
        (("e1", "ACTIVE", "2026-04-09T11:30:00.000Z", 99), "FOREIGN KEY"),
        (("e1", None, "2026-04-09T11:30:00.000Z", 4), "NOT NULL"),
        (("e1", "ACTIVE", "2026-04-09T11:30:00.000Z", 2**63), "too large"),
        (("e1", "\ud800", "2026-04-09T11:30:00.000Z", 4), "surrogates"),
    ],
)
def test_a_row_that_is_refused_takes_back_all_since_the_beginning(
    log: EventLog, now: datetime, refused: tuple[object, ...], why: str
) -> None:
    before = (log.seq, log.head, log.last_at)
    log.begin()
    append(log, "a", now)
    log.insert("entry_status", [("e1", "WITHDRAWN", "2026-04-09T11:30:00.000Z", 4)])
    with pytest.raises(MisusedFile, match=f"inserting into entry_status: .*{why}"):
        log.insert("entry_status", [("e1", "ACTIVE", "2026-04-09T11:30:00.000Z", 4), refused])
    with pytest.raises(MisusedFile, match="between begin and commit"):
        log.commit()
    log.rollback()
    assert (log.seq, log.head, log.last_at) == before
    assert list(log.entries(after_seq=3)) == []
    log.begin()
    append(log, "a", now)
    log.insert("entry_status", [("e1", "WITHDRAWN", "2026-04-09T11:30:00.000Z", 4)])
    log.commit()
    assert log.seq == 4


def test_a_second_writer_is_told_that_the_file_is_busy(contest: Path, log: EventLog) -> None:
    with contextlib.closing(connect(contest, mode="rw", busy_timeout_ms=10)) as second:
        log.begin()
        with pytest.raises(Busy):
            EventLog(second, KINDS["contest"]).begin()
        log.rollback()


def test_a_row_that_another_writer_slipped_in_is_noticed(contest: Path, log: EventLog, now: datetime) -> None:
    with contextlib.closing(open_writer(contest, KINDS["contest"], create=False, now=None)) as second:
        other = EventLog(second, KINDS["contest"])
        other.begin()
        append(other, "theirs", now)
        other.commit()
    log.begin()
    append(log, "ours", now)
    with pytest.raises(MisusedFile, match="not a new row"):
        log.commit()
    log.rollback()


STATUS = ("e1", "ACTIVE", "2026-04-09T11:30:00.000Z", 1)


@pytest.mark.parametrize("count", [1, 16, 17, 2_500])
def test_typed_rows_keep_their_order_in_small_and_large_numbers(log: EventLog, writer: Connection, count: int) -> None:
    log.begin()
    log.insert("entry_status", [(f"e{n % 3 + 1}", "ACTIVE", STATUS[2], n % 3 + 1) for n in range(count)])
    log.commit()
    found = writer.execute("SELECT id, entry_id, log_seq FROM entry_status ORDER BY id").fetchall()
    assert found == [(n + 1, f"e{n % 3 + 1}", n % 3 + 1) for n in range(count)]


@pytest.mark.parametrize("count", [1, 40])
def test_large_and_small_inserts_store_the_same_values(log: EventLog, writer: Connection, count: int) -> None:
    """Integers to the last bit, nulls, and any text."""
    texts = ["", "null", "1", "1.0", '"', "\\", "\n", "é⛳", "\x7f", "a\0b"]
    numbers = [2**63 - 1, -(2**63), 0, None, 2**53 + 1]
    rows = [(f"n{n}", texts[n % len(texts)], "[]", numbers[n % len(numbers)], n, STATUS[2], 1) for n in range(count)]
    log.begin()
    log.insert("entries", rows)
    log.commit()
    found = writer.execute(
        "SELECT entry_id, account_did, picks, tiebreak, fee_cents, entered_at, log_seq FROM entries WHERE id > 3"
    ).fetchall()
    assert found == rows


@pytest.mark.parametrize("copies", [1, 40])
@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("entry_status", ("e1", "WON", STATUS[2], 1)),
        ("entry_status", ("nobody", "ACTIVE", STATUS[2], 1)),
        ("entry_status", ("e1", "ACTIVE", STATUS[2], 99)),
        ("entry_status", ("e1", "ACTIVE", "today", 1)),
        ("entry_status", (None, "ACTIVE", STATUS[2], 1)),
        ("entry_status", ("e1", "ACTIVE", STATUS[2])),
        ("entry_status", ("e1", "ACTIVE", STATUS[2], 1, 1)),
        ("entries", ("e1", "did", "[]", None, 1, STATUS[2], 1)),
        ("entries", ("e9", "did", "[]", None, 12.34, STATUS[2], 1)),
        ("entries", ("e9", "did", "[]", None, "12 dollars", STATUS[2], 1)),
        ("entries", ("e9", "did", "not json", None, 1, STATUS[2], 1)),
        ("entries", ("e9", "did", "[]", None, -1, STATUS[2], 1)),
        ("scores", (1, "e1", None, "ranked", -4, 0, 1)),
        ("scores", (1, "e1", 1, "ranked", -4, 99.5, 1)),
        ("log", (4, "a", "b", STATUS[2], "c", "{}", bytes(32))),
        ("sqlite_schema", ("a",)),
        ("nothing", ()),
    ],
)
def test_typed_rows_that_the_schema_forbids_are_refused(
    log: EventLog, table: str, row: tuple[object, ...], copies: int
) -> None:
    log.begin()
    with pytest.raises(MisusedFile):
        log.insert(table, [row] * copies)
    log.rollback()


@given(
    previous=st.binary(min_size=32, max_size=32),
    seq=st.integers(min_value=1, max_value=2**53),
    fields=st.tuples(*[st.text(st.characters(exclude_categories=["Cs"]))] * 5),
)
def test_the_hash_can_be_computed_by_the_standard_library_alone(
    previous: bytes, seq: int, fields: tuple[str, str, str, str, str]
) -> None:
    row = json.dumps([seq, *fields], separators=(",", ":"), ensure_ascii=False).encode()
    assert link(previous, seq, *fields) == hashlib.sha256(previous + row).digest()


def test_the_hash_of_a_known_row_never_changes() -> None:
    """A change of the encoding would break every chain that exists."""
    digest = link(GENESIS, 1, "EntryMade", "entry:1", "2026-04-09T11:30:00.000Z", "test", '{"a":1}')
    assert digest.hex() == "e09cae23c5ac45c9c113929ff0ab0fd9c869bd4ab753e088f59d4cea6c91cb80"


def test_fields_cannot_be_shifted_into_one_another() -> None:
    assert link(GENESIS, 1, "a", "bc", "", "", "") != link(GENESIS, 1, "ab", "c", "", "", "")
    assert link(GENESIS, 1, 'a","b', "c", "", "", "") != link(GENESIS, 1, "a", 'b","c', "", "", "")
