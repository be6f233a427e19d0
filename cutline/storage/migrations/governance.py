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

_EXECUTIONS = (
    """
CREATE TABLE config_validations (
  -- a content that was checked and rehearsed without a fault, once
  id INTEGER PRIMARY KEY CHECK (id > 0),
  config_id TEXT NOT NULL,
  sha256 TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
  actor TEXT NOT NULL CHECK (actor <> ''),
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT""",
    "CREATE INDEX config_validations_log_seq_idx ON config_validations (log_seq)",
    """
CREATE TABLE runbook_execution_starts (
  -- who opened an execution of which runbook; what came of it are rows of the two tables below
  id TEXT NOT NULL UNIQUE CHECK (id <> ''), -- UUID
  runbook_name TEXT NOT NULL CHECK (runbook_name <> ''),
  runbook_version TEXT NOT NULL CHECK (runbook_version <> ''),
  executed_by TEXT NOT NULL CHECK (executed_by <> ''),
  subject TEXT NOT NULL CHECK (subject <> ''), -- who signed the request
  system_state_before TEXT CHECK (system_state_before IS NULL OR json_valid(system_state_before)),
  start_time TEXT NOT NULL CHECK (start_time GLOB '????-??-??T*Z'),
  created_at TEXT NOT NULL CHECK (created_at GLOB '????-??-??T*Z'),
  log_seq INTEGER PRIMARY KEY REFERENCES log (seq)
) STRICT""",
    "CREATE INDEX idx_runbook_executions_created_at ON runbook_execution_starts (created_at)",
    "CREATE INDEX idx_runbook_executions_runbook_name ON runbook_execution_starts (runbook_name)",
    """
CREATE TABLE runbook_execution_steps (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  execution_id TEXT NOT NULL REFERENCES runbook_execution_starts (id),
  number INTEGER NOT NULL CHECK (number > 0),
  execution_phase TEXT NOT NULL CHECK (execution_phase <> ''),
  phase_step INTEGER NOT NULL CHECK (phase_step >= 0),
  outcome TEXT NOT NULL CHECK (outcome IN ('done', 'failed')),
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq),
  UNIQUE (execution_id, number)
) STRICT""",
    "CREATE INDEX runbook_execution_steps_log_seq_idx ON runbook_execution_steps (log_seq)",
    """
CREATE TABLE runbook_execution_ends (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  execution_id TEXT NOT NULL UNIQUE REFERENCES runbook_execution_starts (id),
  status TEXT NOT NULL CONSTRAINT runbook_executions_status_check CHECK (
    status IN ('pending', 'in_progress', 'completed', 'failed', 'partial')),
  duration_seconds INTEGER NOT NULL CONSTRAINT runbook_executions_duration_seconds_check CHECK (duration_seconds >= 0),
  result_json TEXT CHECK (result_json IS NULL OR json_valid(result_json)),
  error_reason TEXT,
  system_state_after TEXT CHECK (system_state_after IS NULL OR json_valid(system_state_after)),
  end_time TEXT NOT NULL CHECK (end_time GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT""",
    "CREATE INDEX runbook_execution_ends_log_seq_idx ON runbook_execution_ends (log_seq)",
    "CREATE INDEX idx_runbook_executions_status ON runbook_execution_ends (status)",
    """
CREATE VIEW runbook_executions AS
SELECT s.id, s.runbook_name, s.runbook_version, s.executed_by, coalesce(e.status, 'in_progress') AS status,
  t.execution_phase, t.phase_step, s.start_time, e.end_time, e.duration_seconds, e.result_json, e.error_reason,
  s.system_state_before, e.system_state_after, s.created_at,
  coalesce(e.end_time, t.at, s.start_time) AS updated_at
FROM runbook_execution_starts AS s
LEFT JOIN runbook_execution_ends AS e ON e.execution_id = s.id
LEFT JOIN runbook_execution_steps AS t ON t.execution_id = s.id
  AND t.number = (SELECT max(number) FROM runbook_execution_steps WHERE execution_id = s.id)""",
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
    Migration(
        name="0004_create_runbook_executions",
        creates=(
            "config_validations",
            "runbook_execution_starts",
            "runbook_execution_steps",
            "runbook_execution_ends",
        ),
        statements=_EXECUTIONS,
    ),
)
