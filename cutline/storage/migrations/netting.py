"""The part of the ledger's schema that shows netting: runs, their entries, and the payouts of each.

It must not know how payouts are grouped.
"""

from __future__ import annotations

from typing import Final

from cutline.storage.migrations.migration import Migration

_TABLES: Final = (
    """
CREATE TABLE netting_run_requests (
  -- what a run was asked for and what it took; how it stands is in netting_run_steps
  row_number INTEGER PRIMARY KEY CHECK (row_number > 0),
  run_id TEXT NOT NULL UNIQUE,
  idempotency_key TEXT NOT NULL UNIQUE CHECK (idempotency_key <> ''),
  payload_hash TEXT NOT NULL CHECK (length(payload_hash) = 64), -- sha256 of what was asked
  currency TEXT NOT NULL CHECK (currency GLOB '[a-z][a-z][a-z]'),
  selection_before TEXT NOT NULL CHECK (selection_before GLOB '????-??-??T*Z'), -- inclusive
  through_seq INTEGER NOT NULL CHECK (through_seq >= 0), -- the last log row that the selection reaches
  candidate_count INTEGER NOT NULL CHECK (candidate_count >= 0),
  entry_count INTEGER NOT NULL CHECK (entry_count >= 0),
  total_cents INTEGER NOT NULL,
  created_at TEXT NOT NULL CHECK (created_at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT""",
    "CREATE INDEX netting_run_requests_log_seq_idx ON netting_run_requests (log_seq)",
    """
CREATE TABLE netting_run_steps (
  -- every status that a run has had
  row_number INTEGER PRIMARY KEY CHECK (row_number > 0),
  run_id TEXT NOT NULL REFERENCES netting_run_requests (run_id),
  attempt INTEGER NOT NULL CHECK (attempt >= 0),
  status TEXT NOT NULL CHECK (status IN ('created', 'running', 'applied', 'failed')),
  error_json TEXT CHECK (error_json IS NULL OR json_valid(error_json)),
  artifact_sha256 TEXT CHECK (length(artifact_sha256) = 64), -- of the run's report
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq),
  UNIQUE (run_id, attempt, status)
) STRICT""",
    "CREATE INDEX netting_run_steps_log_seq_idx ON netting_run_steps (log_seq)",
    """
CREATE TABLE netting_entry_plans (
  -- the entries of a run, in the order in which they are applied
  row_number INTEGER PRIMARY KEY CHECK (row_number > 0),
  entry_id TEXT NOT NULL UNIQUE,
  run_id TEXT NOT NULL REFERENCES netting_run_requests (run_id),
  group_key TEXT NOT NULL CHECK (group_key <> ''),
  payout_count INTEGER NOT NULL CHECK (payout_count > 0),
  amount_cents INTEGER NOT NULL, -- below zero where more came back than was paid
  log_seq INTEGER NOT NULL REFERENCES log (seq),
  UNIQUE (run_id, group_key)
) STRICT""",
    "CREATE INDEX netting_entry_plans_log_seq_idx ON netting_entry_plans (log_seq)",
    """
CREATE TABLE netting_entry_steps (
  -- how entries ended: applied, once, or failed in an attempt
  row_number INTEGER PRIMARY KEY CHECK (row_number > 0),
  entry_id TEXT NOT NULL REFERENCES netting_entry_plans (entry_id),
  status TEXT NOT NULL CHECK (status IN ('applied', 'failed')),
  error_json TEXT CHECK (error_json IS NULL OR json_valid(error_json)),
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT""",
    "CREATE INDEX netting_entry_steps_entry_idx ON netting_entry_steps (entry_id, row_number)",
    "CREATE INDEX netting_entry_steps_log_seq_idx ON netting_entry_steps (log_seq)",
    """
CREATE TABLE netting_entry_payouts (
  -- the payouts of an applied entry; each is netted once when it is paid, and once if it comes back
  row_number INTEGER PRIMARY KEY CHECK (row_number > 0),
  entry_id TEXT NOT NULL REFERENCES netting_entry_plans (entry_id),
  payout_id TEXT NOT NULL CHECK (payout_id <> ''),
  movement TEXT NOT NULL CHECK (movement IN ('paid', 'returned')),
  amount_cents INTEGER NOT NULL CHECK (amount_cents <> 0),
  posting_seq INTEGER NOT NULL REFERENCES log (seq), -- where the payout passed clearing
  log_seq INTEGER NOT NULL REFERENCES log (seq),
  UNIQUE (payout_id, movement)
) STRICT""",
    "CREATE INDEX netting_entry_payouts_entry_idx ON netting_entry_payouts (entry_id)",
    "CREATE INDEX netting_entry_payouts_posting_idx ON netting_entry_payouts (posting_seq)",
    "CREATE INDEX netting_entry_payouts_log_seq_idx ON netting_entry_payouts (log_seq)",
)

_VIEWS: Final = (
    """
CREATE VIEW netting_runs AS
SELECT r.run_id AS id, r.idempotency_key, r.payload_hash, s.status, r.selection_before, r.currency, r.candidate_count,
  r.entry_count, r.total_cents, s.artifact_sha256, s.attempt, s.error_json AS last_error, r.created_at,
  s.at AS updated_at
FROM netting_run_requests AS r
JOIN netting_run_steps AS s
  ON s.row_number = (SELECT max(t.row_number) FROM netting_run_steps AS t WHERE t.run_id = r.run_id)""",
    """
CREATE VIEW netting_entries AS
SELECT p.entry_id AS id, p.run_id, p.group_key, p.payout_count, p.amount_cents,
  coalesce(
    CASE WHEN s.status = 'failed' AND r.status = 'running' THEN 'applying' ELSE s.status END,
    CASE
      WHEN r.status = 'running' AND p.row_number = (
        SELECT min(q.row_number) FROM netting_entry_plans AS q
        WHERE q.run_id = p.run_id
          AND NOT EXISTS (SELECT 1 FROM netting_entry_steps AS u WHERE u.entry_id = q.entry_id AND u.status = 'applied')
      ) THEN 'applying'
      ELSE 'pending'
    END
  ) AS status,
  e.log_seq AS ledger_event_id
FROM netting_entry_plans AS p
JOIN netting_runs AS r ON r.id = p.run_id
LEFT JOIN netting_entry_steps AS s
  ON s.row_number = (SELECT max(v.row_number) FROM netting_entry_steps AS v WHERE v.entry_id = p.entry_id)
LEFT JOIN effects AS e ON e.effect_key = 'netting:entry:' || p.entry_id""",
)

NETTING: Final = Migration(
    name="0004_create_netting_runs",
    creates=(
        "netting_run_requests",
        "netting_run_steps",
        "netting_entry_plans",
        "netting_entry_steps",
        "netting_entry_payouts",
    ),
    statements=_TABLES + _VIEWS,
)
