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

_CONTRACTS = (
    """
CREATE TABLE api_contract_snapshots (
  -- each OpenAPI document as some release has served it, whole
  number INTEGER PRIMARY KEY CHECK (number > 0),
  id TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
  contract_name TEXT NOT NULL CHECK (contract_name <> ''), -- public-api, admin-api
  version TEXT NOT NULL CHECK (version <> ''),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'), -- of spec_json's bytes
  spec_json TEXT NOT NULL CHECK (json_valid(spec_json)),
  created_at TEXT NOT NULL CHECK (created_at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT""",
    "CREATE UNIQUE INDEX api_contract_snapshots_unique ON api_contract_snapshots (contract_name, version, sha256)",
    "CREATE INDEX api_contract_snapshots_log_seq_idx ON api_contract_snapshots (log_seq)",
    """
CREATE TABLE api_error_codes (
  -- every code that a refusal has ever had; one status and one scope a code, for good
  number INTEGER PRIMARY KEY CHECK (number > 0),
  code TEXT NOT NULL UNIQUE CHECK (code <> ''),
  http_status INTEGER NOT NULL CHECK (http_status BETWEEN 400 AND 599),
  scope TEXT NOT NULL CHECK (scope IN ('public', 'admin', 'internal')),
  description TEXT NOT NULL CHECK (description <> ''),
  created_at TEXT NOT NULL CHECK (created_at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT""",
    "CREATE INDEX api_error_codes_log_seq_idx ON api_error_codes (log_seq)",
)

MIGRATIONS = (
    LOG,
    Migration(
        name="0002_create_governance_tables",
        creates=("contest_directory", "config_publications"),
        statements=_TABLES,
    ),
    Migration(
        name="0003_create_contract_tables",
        creates=("api_contract_snapshots", "api_error_codes"),
        statements=_CONTRACTS,
        refusals=(("api_error_codes", "api_error_codes is append-only (add new rows only)"),),
    ),
)
