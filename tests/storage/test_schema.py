"""The snapshot is the schema, and the schema keeps the rules of every table (SCH-001 to SCH-007)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pysqlite3
import pytest

from cutline.storage import schema
from cutline.storage.files import KINDS
from cutline.storage.kinds import FileKind
from cutline.storage.migrator import upgrade
from cutline.storage.sqlite import connect, open_writer


@pytest.fixture(params=KINDS.values(), ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> FileKind:
    assert isinstance(request.param, FileKind)
    return request.param


@pytest.fixture
def built(kind: FileKind) -> Iterator[pysqlite3.Connection]:
    with contextlib.closing(pysqlite3.connect(":memory:", isolation_level=None)) as connection:
        upgrade(connection, kind, applied_at="2026-04-09T11:30:00.000Z")
        yield connection


def test_the_snapshot_is_current() -> None:
    assert schema.check() == []
    assert schema.dump() == schema.SNAPSHOT.read_text("utf-8")


def test_the_snapshots_header_has_the_four_facts() -> None:
    header = schema.read_header()
    assert int(header.iteration) > 0
    assert date.fromisoformat(header.date).isoformat() == header.date
    assert header.summary
    assert re.fullmatch(r"[0-9a-f]{7,40}", header.commit)


def test_a_snapshot_without_a_fact_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.sql"
    path.write_text("-- iteration: 1\n-- date: 2026-04-09\n-- summary: x\n")
    with pytest.raises(ValueError, match="commit"):
        schema.read_header(path)


def test_drift_is_named_and_comments_are_no_drift(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.sql"
    text = schema.dump(schema.Header(iteration="9", date="2030-01-01", summary="other", commit="abcdef0"))
    path.write_text(text.replace(") STRICT", ")   /* hm */ -- and\nSTRICT"))
    assert schema.check(path) == []
    path.write_text(text.replace("fee_cents INTEGER", "fee_cents REAL"))
    drift = schema.check(path)
    assert len(drift) == 2
    assert "fee_cents REAL" in drift[0]
    assert "fee_cents INTEGER" in drift[1]
    path.write_text(text.replace("-- file kind: feed", "").replace("user_version = 2", "user_version = 1", 1))
    assert schema.check(path) != []
    assert schema.check(tmp_path / "none.sql") == ["none.sql does not exist"]


def test_normalising_keeps_quoted_text() -> None:
    assert schema.normalise("a  -- x\n 'it''s -- no /* comment */'\t/* y */ \"b  c\"") == (
        "a 'it''s -- no /* comment */' \"b  c\""
    )


def test_a_files_drift_is_named(contest: Path) -> None:
    with contextlib.closing(connect(contest, mode="rw")) as foreign:
        foreign.execute("DROP TRIGGER log_block_update")
        foreign.execute("DROP VIEW transitions")
        foreign.execute("CREATE VIEW transitions AS SELECT 1")
        foreign.execute("CREATE TABLE extra (a)")
        assert schema.check_file(foreign, KINDS["contest"]) == [
            "missing: trigger log_block_update",
            "unknown: table extra",
            "differs: view transitions",
        ]


def tables(connection: pysqlite3.Connection) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name"
    ).fetchall()
    assert found
    return found


def test_every_table_is_strict_append_only_and_free_of_inexact_numbers(built: pysqlite3.Connection) -> None:
    """SET-020, O-02, O-03."""
    for name, sql in tables(built):
        plain = schema.normalise(sql)
        assert plain.endswith((") STRICT", ") STRICT, WITHOUT ROWID")), name
        assert not re.search(r"\b(REAL|FLOAT|DOUBLE|NUMERIC|DECIMAL|ANY)\b", plain, re.IGNORECASE), name
        assert not re.search(r"CURRENT_|datetime\(|date\(|strftime\(|unixepoch|julianday|random", plain), name
        assert "ON DELETE" not in plain, name
        for _, column, declared, required, _, key in built.execute(f"PRAGMA table_info({name})"):
            if column.endswith("_cents"):
                assert (declared, required) == ("INTEGER", 1), (name, column)
            if column.endswith(("_id", "_key", "_did", "_seq")) and column != "stripe_event_id":
                assert required or key, (name, column)


def test_text_that_is_a_key_is_never_null(built: pysqlite3.Connection, kind: FileKind) -> None:
    """O-03: SQLite lets NULL into a TEXT key, any number of times."""
    for table in kind.tables.values():
        required = {row[1] for row in built.execute(f"PRAGMA table_info({table.name})") if row[3]}
        for key in table.unique_keys:
            assert set(key.columns) <= required, table.name


def test_every_foreign_key_is_covered_by_an_index(built: pysqlite3.Connection, kind: FileKind) -> None:
    """SCH-005. A row number needs no index of its own."""
    for table in kind.tables.values():
        leading = {table.row_number}
        for index in built.execute(f"PRAGMA index_list({table.name})").fetchall():
            leading.add(built.execute(f"PRAGMA index_info({index[1]})").fetchone()[2])
        for foreign in built.execute(f"PRAGMA foreign_key_list({table.name})").fetchall():
            assert foreign[3] in leading, (table.name, foreign[3])


def test_every_typed_row_names_the_log_row_that_caused_it(kind: FileKind) -> None:
    for name, table in kind.tables.items():
        assert name == "log" or "log_seq" in table.columns


def test_the_names_that_the_requirements_fix_exist() -> None:
    """SET-005, FRZ-008, FRZ-010, PAY-010, POUT-018, POUT-020, LIFE-008."""
    ledger, contest = schema.expected_objects(KINDS["ledger"]), schema.expected_objects(KINDS["contest"])
    assert "index stripe_webhook_dead_letters_event_id_idx" in ledger
    assert {"table stripe_events", "table stripe_webhook_dead_letters", "view ledger_entries"} <= set(ledger)
    assert {"table settlement_audit", "view contest_progress", "view ingestion_events"} <= set(contest)
    assert {"payout_connect_accounts", "payout_audit_events"} <= set(KINDS["payouts"].tables)


def test_every_view_can_be_read(built: pysqlite3.Connection) -> None:
    for (name,) in built.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall():
        assert built.execute(f"SELECT * FROM {name}").fetchall() == []


def test_application_ids_tell_kinds_apart() -> None:
    assert len({kind.application_id for kind in KINDS.values()}) == len(KINDS)


def test_a_float_is_refused_where_money_is_kept(contest: Path) -> None:
    with (
        contextlib.closing(open_writer(contest, KINDS["contest"], create=False, now=None)) as writer,
        pytest.raises(pysqlite3.IntegrityError, match="REAL"),
    ):
        writer.execute(
            "INSERT INTO scores (score_version, entry_id, rank, status, score, prize_cents, log_seq)"
            " VALUES (1, 'e1', 1, 'ranked', -3, 12.34, 1)"
        )
