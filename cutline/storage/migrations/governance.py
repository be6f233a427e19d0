"""The schema of the box's own records: which contests exist and what was published.

It must not hold their play.
"""

from __future__ import annotations

from cutline.storage.migrations.migration import LOG, Migration

_TABLES = (
    """
CREATE TABLE contest_directory (
  -- what is known of a contest's file: only after 'created' is a missing file a fault
  id INTEGER PRIMARY KEY CHECK (id > 0),
  contest_id TEXT NOT NULL,
  fact TEXT NOT NULL CHECK (fact IN ('planned', 'created', 'quarantined', 'released')),
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT""",
    "CREATE INDEX contest_directory_contest_id_idx ON contest_directory (contest_id, id)",
    "CREATE INDEX contest_directory_log_seq_idx ON contest_directory (log_seq)",
    """
CREATE TABLE config_publications (
  -- each published version of a tournament's config, whole; a rollback publishes the old body again
  id INTEGER PRIMARY KEY CHECK (id > 0),
  config_id TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  body TEXT NOT NULL CHECK (json_valid(body)),
  log_seq INTEGER NOT NULL REFERENCES log (seq),
  UNIQUE (config_id, version)
) STRICT""",
    "CREATE INDEX config_publications_log_seq_idx ON config_publications (log_seq)",
)

MIGRATIONS = (
    LOG,
    Migration(
        name="0002_create_governance_tables",
        creates=("contest_directory", "config_publications"),
        statements=_TABLES,
    ),
)
