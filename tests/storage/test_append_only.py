"""A writer's connection can change and remove no row (SCH-015, LIFE-022, LIFE-023, ING-001)."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path

import pysqlite3
import pytest

from cutline.storage.append_only import describe, guard_statements
from cutline.storage.files import KINDS, DataRoot, FileKind
from cutline.storage.sqlite import Connection, connect, create_file, open_reader, open_writer

# Per table: its row number, a column to forge with a new value, a unique column, and the values of a row
# that is whole but for its number and its unique value.
SHAPES = {
    "log": {
        "table": "log",
        "number": "seq",
        "forged": "payload = '{}'",
        "unique": "key",
        "first": "'entry:1'",
        "columns": "seq, key, type, at, cause, payload, hash",
        "rest": "'X', '2026-04-09T11:30:00.000Z', 'x', '{}', zeroblob(32)",
    },
    "entries": {
        "table": "entries",
        "number": "id",
        "forged": "fee_cents = 1",
        "unique": "entry_id",
        "first": "'e1'",
        "columns": "id, entry_id, account_did, picks, fee_cents, entered_at, log_seq",
        "rest": "'did:x', '[]', 1, '2026-04-09T11:30:00.000Z', 1",
    },
}

BYPASSES = {
    "update": ["UPDATE {table} SET {forged} WHERE {number} = 1"],
    "delete": ["DELETE FROM {table} WHERE {number} = 3"],
    "replace_same_row_number": ["INSERT OR REPLACE INTO {table} ({columns}) VALUES (2, 'new', {rest})"],
    "replace_same_unique_key": ["REPLACE INTO {table} ({columns}) VALUES (4, {first}, {rest})"],
    "upsert": [
        "INSERT INTO {table} ({columns}) VALUES (2, 'new', {rest}) ON CONFLICT DO UPDATE SET {forged}",
    ],
    "update_or_replace": ["UPDATE OR REPLACE {table} SET {unique} = {first} WHERE {number} = 3"],
    "drop_trigger": ["DROP TRIGGER {table}_block_update", "UPDATE {table} SET {forged} WHERE {number} = 1"],
    "drop_table": ["DROP TABLE {table}", "CREATE TABLE {table} ({columns})"],
    "rename_table": ["ALTER TABLE {table} RENAME TO old", "CREATE TABLE {table} AS SELECT * FROM old"],
    "drop_column": ["ALTER TABLE {table} DROP COLUMN at"],
    "writable_schema": [
        "PRAGMA writable_schema = ON",
        "DELETE FROM sqlite_schema WHERE type = 'trigger'",
        "PRAGMA writable_schema = RESET",
        "UPDATE {table} SET {forged} WHERE {number} = 1",
    ],
    "recursive_triggers_off": [
        "PRAGMA recursive_triggers = OFF",
        "REPLACE INTO {table} ({columns}) VALUES (2, 'new', {rest})",
    ],
    "insert_before_first": ["INSERT INTO {table} ({columns}) VALUES (-5, 'new', {rest})"],
    "insert_with_gap": ["INSERT INTO {table} ({columns}) VALUES (100, 'new', {rest})"],
    "temp_trigger": [
        "CREATE TEMP TRIGGER t AFTER INSERT ON main.{table} BEGIN DELETE FROM {table} WHERE {number} = 1; END"
    ],
    "temp_table_shadow": ["CREATE TEMP TABLE {table} ({columns})"],
    "attach_itself": ["ATTACH '{path}' AS z", "UPDATE z.{table} SET {forged} WHERE {number} = 1"],
    "vacuum": ["VACUUM"],
}
# Beyond the known ones.
BYPASSES |= {
    "row_number_minus_one": ["INSERT INTO {table} ({columns}) VALUES (-1, 'new', {rest})"],
    "replace_by_rowid": ["REPLACE INTO {table} (rowid, {columns}) VALUES (2, 2, 'new', {rest})"],
    "vacuum_into": ["VACUUM INTO '{path}.copy'"],
    "foreign_keys_off": ["PRAGMA foreign_keys = OFF"],
    "synchronous_off": ["PRAGMA synchronous = OFF"],
    "journal_mode": ["PRAGMA journal_mode = DELETE"],
    "user_version": ["PRAGMA user_version = 0"],
    "truncating_checkpoint": ["PRAGMA wal_checkpoint(TRUNCATE)"],
    "forged_migration": ["INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('a', 'b', 'c')"],
    "forged_schema_row": ["INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 0, '')"],
    "create_index": ["CREATE UNIQUE INDEX x ON {table} (log_seq)", "CREATE INDEX y ON {table} (at)"],
    "reindex": ["REINDEX"],
    "analyze": ["ANALYZE"],
    "load_extension": ["SELECT load_extension('x')"],
}


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with contextlib.closing(open_reader(path, KINDS["contest"])) as reader:
        names = ["log", "entries", "_sqlite_migrations", "sqlite_schema"]
        return {name: reader.execute(f"SELECT * FROM {name} ORDER BY rowid").fetchall() for name in names}


@pytest.mark.parametrize("table", SHAPES)
@pytest.mark.parametrize("bypass", BYPASSES)
def test_every_known_bypass_is_refused_on_a_writer(contest: Path, bypass: str, table: str) -> None:
    before = rows(contest)
    with contextlib.closing(open_writer(contest, KINDS["contest"], create=False, now=None)) as writer:
        for statement in BYPASSES[bypass]:
            with pytest.raises(pysqlite3.Error):
                writer.execute(statement.format(path=contest, **SHAPES[table])).fetchall()
    assert rows(contest) == before


@pytest.mark.parametrize("table", SHAPES)
@pytest.mark.parametrize(
    "bypass",
    [
        "update",
        "delete",
        "replace_same_row_number",
        "replace_same_unique_key",
        "upsert",
        "update_or_replace",
        "insert_before_first",
        "insert_with_gap",
        "row_number_minus_one",
        "replace_by_rowid",
    ],
)
def test_the_file_protects_itself_from_connections_that_are_not_ours(contest: Path, bypass: str, table: str) -> None:
    """O-01: no authorizer, and recursive_triggers off, as another program would have it."""
    before = rows(contest)
    with contextlib.closing(connect(contest, mode="rw")) as foreign:
        foreign.execute("PRAGMA recursive_triggers = OFF")
        for statement in BYPASSES[bypass]:
            with pytest.raises(pysqlite3.IntegrityError, match=r"append-only|CHECK"):
                foreign.execute(statement.format(path=contest, **SHAPES[table]))
    assert rows(contest) == before


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_no_table_of_any_kind_can_be_updated_or_deleted_from(kind: FileKind, tmp_path: Path, now: datetime) -> None:
    with contextlib.closing(open_writer(tmp_path / "x.db", kind, create=True, now=now)) as writer:
        for table in kind.tables.values():
            for sql in (
                f"UPDATE {table.name} SET {table.columns[0]} = NULL",
                f"DELETE FROM {table.name}",
                f"DROP TABLE {table.name}",
            ):
                with pytest.raises(pysqlite3.DatabaseError, match="not authorized"):
                    writer.execute(sql)
            triggers = writer.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? ORDER BY name",
                (table.name,),
            ).fetchall()
            assert [name for (name,) in triggers] == [
                f"{table.name}_block_delete",
                f"{table.name}_block_update",
                f"{table.name}_guard_insert",
            ]


def test_a_reader_can_neither_write_nor_attach(contest: Path, tmp_path: Path) -> None:
    before = rows(contest)
    with contextlib.closing(open_reader(contest, KINDS["contest"])) as reader:
        for sql in (
            "INSERT INTO entries (entry_id) VALUES ('x')",
            "UPDATE log SET payload = '{}'",
            "PRAGMA query_only = OFF",
            f"ATTACH '{tmp_path / 'other.db'}' AS other",
            "CREATE TEMP TABLE t (a)",
        ):
            with pytest.raises(pysqlite3.DatabaseError):
                reader.execute(sql)
        reader.set_authorizer(None)
        reader.execute("PRAGMA query_only = OFF")
        with pytest.raises(pysqlite3.OperationalError, match="readonly"):
            reader.execute("INSERT INTO log VALUES (4, 'a', 'b', 'c', 'd', '{}', zeroblob(32))")
    assert rows(contest) == before


def test_a_writer_may_read_what_operations_need(writer: Connection) -> None:
    assert writer.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert writer.execute("PRAGMA foreign_key_check").fetchall() == []
    assert writer.execute("PRAGMA user_version").fetchone() == (KINDS["contest"].version,)
    assert writer.execute("PRAGMA wal_checkpoint").fetchone()[0] == 0
    assert writer.execute("SELECT count(*) FROM pragma_table_info('log')").fetchone() == (7,)


def test_tables_that_the_guards_could_not_protect_are_refused() -> None:
    with contextlib.closing(pysqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE hidden (a TEXT NOT NULL PRIMARY KEY) STRICT")
        connection.execute("CREATE TABLE partial (id INTEGER PRIMARY KEY, a TEXT) STRICT")
        connection.execute("CREATE UNIQUE INDEX partial_a ON partial (a) WHERE a > ''")
        connection.execute("CREATE TABLE orderless (a TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID")
        for name in ("hidden", "partial", "orderless"):
            with pytest.raises(ValueError, match=name):
                guard_statements(describe(connection, name))


LEDGER_ROW = (
    "INSERT {how} INTO log VALUES ({seq}, '{type}', '{key}', '2026-04-09T11:30:00.000Z', 't', '{{}}', zeroblob(32))"
)


@pytest.fixture
def ledger(tmp_path: Path, now: datetime) -> Path:
    path = DataRoot(tmp_path).path_of("ledger")
    create_file(path, KINDS["ledger"], now)
    return path


def test_a_fact_of_the_ledger_is_recorded_once_whoever_writes(ledger: Path) -> None:
    """PAY-010: the log's own index has every key but those of Stripe's events and of transactions."""
    with contextlib.closing(connect(ledger, mode="rw")) as foreign:
        foreign.execute("PRAGMA recursive_triggers = OFF")
        foreign.execute(LEDGER_ROW.format(how="", seq=1, type="AnchorRecorded", key="k"))
        for how in ("", "OR REPLACE"):
            with pytest.raises(pysqlite3.IntegrityError, match="append-only: not a new row"):
                foreign.execute(LEDGER_ROW.format(how=how, seq=2, type="AccountOpened", key="k"))


KEYED = {"effects": "effect_key", "request_keys": "request_key"}
KEYED_BYPASSES = {
    "update": "UPDATE {table} SET log_seq = 9 WHERE {key} = 'a'",
    "update_key": "UPDATE {table} SET {key} = 'z' WHERE {key} = 'a'",
    "update_or_replace": "UPDATE OR REPLACE {table} SET {key} = 'b' WHERE {key} = 'a'",
    "delete": "DELETE FROM {table} WHERE {key} = 'a'",
    "delete_all": "DELETE FROM {table}",
    "insert_again": "INSERT INTO {table} VALUES ('a', 3)",
    "replace": "INSERT OR REPLACE INTO {table} VALUES ('a', 3)",
    "replace_among_others": "REPLACE INTO {table} VALUES ('c', 3), ('a', 3)",
    "upsert": "INSERT INTO {table} VALUES ('a', 3) ON CONFLICT DO UPDATE SET log_seq = 3",
    "no_key": "INSERT INTO {table} VALUES ('', 3)",
    "no_place": "INSERT INTO {table} VALUES ('c', 0)",
}


@pytest.fixture
def keyed(ledger: Path) -> Path:
    """A ledger that holds two effects and two keys of those who asked."""
    with contextlib.closing(connect(ledger, mode="rw")) as foreign:
        for table in KEYED:
            foreign.execute(f"INSERT INTO {table} VALUES ('a', 1), ('b', 2)")
    return ledger


@pytest.mark.parametrize("table", KEYED)
@pytest.mark.parametrize("bypass", KEYED_BYPASSES)
def test_what_keeps_a_transaction_unique_is_append_only_too(keyed: Path, bypass: str, table: str) -> None:
    """LED-008, SCH-014, O-01: by its effect and by the key of who asked, for connections that are not ours and ours."""
    sql = KEYED_BYPASSES[bypass].format(table=table, key=KEYED[table])
    with contextlib.closing(connect(keyed, mode="rw")) as foreign:
        foreign.execute("PRAGMA recursive_triggers = OFF")
        with pytest.raises(pysqlite3.IntegrityError, match=r"append-only|CHECK"):
            foreign.execute(sql)
        assert foreign.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() == [("a", 1), ("b", 2)]
    with contextlib.closing(open_writer(keyed, KINDS["ledger"], create=False, now=None)) as writer:
        with pytest.raises(pysqlite3.Error):
            writer.execute(sql)
        assert writer.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() == [("a", 1), ("b", 2)]


def test_a_row_in_the_way_of_another_takes_back_the_whole_transaction(keyed: Path) -> None:
    with contextlib.closing(connect(keyed, mode="rw")) as foreign:
        foreign.execute("BEGIN")
        foreign.execute("INSERT INTO effects VALUES ('c', 3)")
        with pytest.raises(pysqlite3.IntegrityError, match="append-only: not a new row"):
            foreign.execute("REPLACE INTO effects VALUES ('a', 4)")
        assert not foreign.in_transaction
        assert foreign.execute("SELECT * FROM effects ORDER BY 1").fetchall() == [("a", 1), ("b", 2)]


def test_an_event_of_stripes_is_kept_unique_by_its_own_table(ledger: Path) -> None:
    """PAY-010: the row of the log and the row of the event are one commit, so neither can be there twice."""
    event = (
        "INSERT {how} INTO stripe_events VALUES ('evt_1', 't', NULL, 0, '{sha}', '2026-04', x'00', "
        "'2026-04-09T11:30:00.000Z', {seq})"
    )
    sha = "0" * 64
    with contextlib.closing(connect(ledger, mode="rw")) as foreign:
        foreign.execute("PRAGMA recursive_triggers = OFF")
        for seq in (1, 2):
            row = LEDGER_ROW.format(how="", seq=seq, type="StripeEventRecorded", key="stripe:event:evt_1")
            foreign.execute(row)
        foreign.execute(event.format(how="", seq=1, sha=sha))
        for how in ("", "OR REPLACE"):
            with pytest.raises(pysqlite3.IntegrityError, match="append-only: not a new row"):
                foreign.execute(event.format(how=how, seq=2, sha=sha))
