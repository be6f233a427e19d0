"""Brings a file's schema up to date, step by step; it must not open files, copy rows or go down."""

from __future__ import annotations

import time

import pysqlite3
from sqlite_utils import Database, Migrations

from cutline.storage.append_only import describe, guard_statements
from cutline.storage.kinds import FileKind
from cutline.storage.migrations.migration import Migration

BUSY_TIMEOUT_MS = 30_000  # SCH-012
STATEMENT_LIMIT_SECONDS = 300.0  # SCH-012
_STEPS_BETWEEN_LOOKS = 100_000

APPLIED = "_sqlite_migrations"
# The shape that sqlite-utils expects, made by us first so that it is STRICT and append-only like every
# other table.
_APPLIED_TABLE = f"""
CREATE TABLE {APPLIED} (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  migration_set TEXT NOT NULL,
  name TEXT NOT NULL,
  applied_at TEXT NOT NULL,
  UNIQUE (migration_set, name)
) STRICT"""


class _TimedMigrations(Migrations):
    """sqlite-utils' runner, but the time of a migration is given: it would read the clock itself."""

    def __init__(self, name: str, applied_at: str) -> None:
        super().__init__(name)
        self._applied_at = applied_at

    def _record_applied(self, db: Database, name: str) -> None:
        db.execute(
            f"INSERT INTO {APPLIED} (migration_set, name, applied_at) VALUES (?, ?, ?)",  # noqa: S608 - a constant
            [self.name, name, self._applied_at],
        )


def upgrade(
    connection: pysqlite3.Connection,
    kind: FileKind,
    *,
    applied_at: str,
    to_version: int | None = None,
    limit_seconds: float = STATEMENT_LIMIT_SECONDS,
) -> list[str]:
    """Apply the missing migrations up to `to_version` (default: all); return their names (SCH-010).

    Each step is one transaction with its version number, so a crash leaves a whole version. A step that
    runs for longer than `limit_seconds` is interrupted and rolled back; one that waits 30 s for a lock
    fails.
    """
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    database = Database(connection, execute_plugins=False)
    if not database[APPLIED].exists():
        _create_guarded(connection, _APPLIED_TABLE, APPLIED)
    steps = _TimedMigrations(kind.name, applied_at)
    for version, migration in enumerate(kind.migrations[:to_version], start=1):
        steps(name=migration.name)(_step(migration, version, limit_seconds))
    pending = [step.name for step in steps.pending(database)]
    try:
        steps.apply(database)
    finally:
        connection.set_progress_handler(None, 0)
    return pending


class _step:  # noqa: N801 - stands where sqlite-utils wants a function
    """One migration as sqlite-utils calls it."""

    def __init__(self, migration: Migration, version: int, limit_seconds: float) -> None:
        self.__name__ = migration.name
        self._migration = migration
        self._version = version
        self._limit_seconds = limit_seconds

    def __call__(self, database: Database, /) -> None:
        connection = database.conn
        # How long a statement may run is no business time: the process's own steady clock is the right one.
        ends = time.monotonic() + self._limit_seconds
        connection.set_progress_handler(lambda: int(time.monotonic() > ends), _STEPS_BETWEEN_LOOKS)
        for statement in self._migration.statements:
            connection.execute(statement)
        refusals = dict(self._migration.refusals)
        for name in self._migration.creates:
            for statement in guard_statements(describe(connection, name), refusals.get(name)):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {self._version}")


def _create_guarded(connection: pysqlite3.Connection, statement: str, name: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(statement)
        for guard in guard_statements(describe(connection, name)):
            connection.execute(guard)
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled back already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
