"""Which kinds of file there are and what each is made of; it must not open or place any file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import pysqlite3

from cutline.storage.append_only import Table, describe
from cutline.storage.migrations import contest, feed, governance, ledger, payments, payouts
from cutline.storage.migrations.migration import Migration


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """A file's schema and identity. Its version (SQLite's user_version) is the number of its migrations."""

    name: str
    application_id: int
    migrations: tuple[Migration, ...]
    cache_kib: int

    @property
    def version(self) -> int:
        """The user_version of a file that is up to date."""
        return len(self.migrations)

    @property
    def tables(self) -> Mapping[str, Table]:
        """Every append-only table by name, the log first.

        Columns and unique keys as the migrations define them.
        """
        return _tables(self.migrations)

    def tables_at(self, version: int) -> Mapping[str, Table]:
        """Return the tables of a file that has had only the first `version` migrations."""
        return _tables(self.migrations[:version])


@cache
def _tables(migrations: tuple[Migration, ...]) -> Mapping[str, Table]:
    connection = pysqlite3.connect(":memory:", isolation_level=None)
    try:
        for migration in migrations:
            for statement in migration.statements:
                connection.execute(statement)
        names = [name for migration in migrations for name in migration.creates]
        return MappingProxyType({name: describe(connection, name) for name in names})
    finally:
        connection.close()


# The application ids spell CUT and a number: `file` and SQLite's own tools can tell one kind from another.
# Caches are small where many files are open at once, and nowhere large: most commits walk through the whole of theirs
# (docs/decisions/0029).
KINDS: Mapping[str, FileKind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            FileKind(name="contest", application_id=0x43555401, migrations=contest.MIGRATIONS, cache_kib=1_024),
            FileKind(name="feed", application_id=0x43555402, migrations=feed.MIGRATIONS, cache_kib=1_024),
            FileKind(name="ledger", application_id=0x43555403, migrations=ledger.MIGRATIONS, cache_kib=8_192),
            FileKind(name="payouts", application_id=0x43555404, migrations=payouts.MIGRATIONS, cache_kib=8_192),
            FileKind(name="payments", application_id=0x43555405, migrations=payments.MIGRATIONS, cache_kib=8_192),
            FileKind(
                name="governance",
                application_id=0x43555406,
                migrations=governance.MIGRATIONS,
                cache_kib=4_096,
            ),
        )
    }
)
