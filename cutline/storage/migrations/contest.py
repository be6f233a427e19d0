"""The schema of a contest's own file; it must not hold money that has moved, which is the ledger's."""

from __future__ import annotations

from cutline.storage.migrations.migration import LOG, Migration

_TABLES = (
    """
CREATE TABLE entries (
  -- one row an entry as it was made; what became of it is in entry_status
  id INTEGER PRIMARY KEY CHECK (id > 0),
  entry_id TEXT NOT NULL UNIQUE,
  account_did TEXT NOT NULL,
  picks TEXT NOT NULL CHECK (json_valid(picks)), -- JSON array of the provider's player ids
  tiebreak INTEGER,
  fee_cents INTEGER NOT NULL CHECK (fee_cents >= 0),
  entered_at TEXT NOT NULL CHECK (entered_at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT""",
    "CREATE INDEX entries_log_seq_idx ON entries (log_seq)",
    "CREATE INDEX entries_account_did_idx ON entries (account_did)",
    """
CREATE TABLE entry_status (
  -- every status an entry has had; the last row is the present one
  id INTEGER PRIMARY KEY CHECK (id > 0),
  entry_id TEXT NOT NULL REFERENCES entries (entry_id),
  status TEXT NOT NULL CHECK (
    status IN ('PENDING_PAYMENT', 'ACTIVE', 'EXPIRED', 'REFUSED', 'WITHDRAWN', 'CANCELLED')),
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT""",
    "CREATE INDEX entry_status_entry_id_idx ON entry_status (entry_id)",
    "CREATE INDEX entry_status_log_seq_idx ON entry_status (log_seq)",
    """
CREATE TABLE scores (
  -- the standings of one scoring run: a correction is a higher score_version, never another row of the same
  id INTEGER PRIMARY KEY CHECK (id > 0),
  score_version INTEGER NOT NULL CHECK (score_version > 0),
  entry_id TEXT NOT NULL REFERENCES entries (entry_id),
  rank INTEGER CHECK (rank > 0),
  status TEXT NOT NULL CHECK (status IN ('ranked', 'cut')),
  score INTEGER,
  prize_cents INTEGER NOT NULL CHECK (prize_cents >= 0),
  log_seq INTEGER NOT NULL REFERENCES log (seq),
  UNIQUE (score_version, entry_id),
  CHECK (status = 'cut' OR (rank IS NOT NULL AND score IS NOT NULL))
) STRICT""",
    "CREATE INDEX scores_entry_id_idx ON scores (entry_id)",
    "CREATE INDEX scores_log_seq_idx ON scores (log_seq)",
    """
CREATE TABLE settlement_audit (
  -- every settlement run, the failed ones too
  id INTEGER PRIMARY KEY CHECK (id > 0),
  run_id TEXT NOT NULL UNIQUE,
  contest_id TEXT NOT NULL,
  score_version INTEGER NOT NULL CHECK (score_version > 0),
  checkpoint INTEGER NOT NULL CHECK (checkpoint >= 0), -- the last log seq that the run has read
  status TEXT NOT NULL CHECK (status IN ('COMPLETE', 'FAILED')),
  error_json TEXT CHECK (error_json IS NULL OR json_valid(error_json)),
  input_sha256 TEXT NOT NULL CHECK (length(input_sha256) = 64),
  result_sha256 TEXT CHECK (length(result_sha256) = 64),
  started_at TEXT NOT NULL CHECK (started_at GLOB '????-??-??T*Z'),
  ended_at TEXT NOT NULL CHECK (ended_at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq),
  CHECK ((status = 'FAILED') = (error_json IS NOT NULL)),
  CHECK ((status = 'COMPLETE') = (result_sha256 IS NOT NULL))
) STRICT""",
    "CREATE INDEX settlement_audit_log_seq_idx ON settlement_audit (log_seq)",
)

_ENTRY_PICKS = (
    """
CREATE TABLE entry_picks (
  -- what was picked and predicted instead of what the entry was made with; the highest number is the present one
  id INTEGER PRIMARY KEY CHECK (id > 0),
  entry_id TEXT NOT NULL REFERENCES entries (entry_id),
  number INTEGER NOT NULL CHECK (number > 0),
  picks TEXT NOT NULL CHECK (json_valid(picks)),
  tiebreak INTEGER,
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq),
  UNIQUE (entry_id, number)
) STRICT""",
    "CREATE INDEX entry_picks_log_seq_idx ON entry_picks (log_seq)",
)

_VIEWS = (
    """
CREATE VIEW transitions AS
SELECT seq, at, cause, payload ->> 'from_status' AS from_status, payload ->> 'to_status' AS to_status,
  payload ->> 'trigger' AS trigger, payload ->> 'actor' AS actor, payload ->> 'reason' AS reason,
  payload ->> 'runbook' AS runbook
FROM log WHERE type = 'StatusChanged'""",
    """
CREATE VIEW contest_config AS
SELECT seq, at, payload ->> 'contest_id' AS contest_id, payload ->> 'config_sha256' AS config_sha256,
  payload ->> 'config_json' AS config
FROM log WHERE type = 'ContestCreated'""",
    """
CREATE VIEW ingestion_events AS
SELECT l.seq, l.at, l.payload ->> 'polled_at' AS polled_at, l.payload ->> 'first' + c.key AS number,
  c.value ->> 0 AS type, c.value -> 1 AS payload
FROM log AS l, json_each(l.payload, '$.changes') AS c
WHERE l.type = 'FeedApplied'""",
    """
CREATE VIEW contest_progress AS
WITH
  prizes AS (SELECT count(*) AS n FROM scores WHERE prize_cents > 0),
  ended AS (
    SELECT min(seq) AS seq FROM log WHERE type IN ('PrizePaid', 'PrizeUnpayable') GROUP BY payload ->> 'entry_id'
  ),
  steps AS (
    SELECT seq, to_status AS step FROM transitions
    UNION ALL
    SELECT seq, 'SETTLED' FROM log WHERE type = 'SettlementRecorded'
    UNION ALL
    -- a contest without prizes is paid out as soon as it is settled
    SELECT max(seq), 'PAID_OUT'
    FROM (SELECT seq FROM ended UNION ALL SELECT seq FROM log WHERE type = 'SettlementRecorded')
    WHERE (SELECT count(*) FROM ended) = (SELECT n FROM prizes)
      AND EXISTS (SELECT 1 FROM log WHERE type = 'SettlementRecorded')
    HAVING max(seq) IS NOT NULL
  )
SELECT steps.seq, log.at, steps.step FROM steps JOIN log ON log.seq = steps.seq""",
)

_CONFIG_VERSIONS = """
CREATE VIEW contest_config_versions AS
-- every configuration that the contest was given, in order; version 0 is what it was created with
SELECT seq, at, coalesce(payload ->> 'version', 0) AS version, payload ->> 'config_sha256' AS config_sha256,
  CASE type WHEN 'ConfigChangeRefused' THEN payload ->> 'code' ELSE 'TAKEN' END AS outcome,
  payload ->> 'config_json' AS config
FROM log WHERE type IN ('ContestCreated', 'ContestConfigChanged', 'ConfigChangeRefused')"""
_ROSTERS = (
    """
CREATE TABLE rosters (
  -- what every ACTIVE entry had picked when the contest was locked, packed in one piece
  id INTEGER PRIMARY KEY CHECK (id > 0),
  sha256 TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64), -- of the body
  entries INTEGER NOT NULL CHECK (entries >= 0),
  body BLOB NOT NULL, -- JSON by columns: entry ids, players, picks and tie-breaks
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT""",
    "CREATE INDEX rosters_log_seq_idx ON rosters (log_seq)",
)

MIGRATIONS = (
    LOG,
    Migration(
        name="0002_create_contest_tables",
        creates=("entries", "entry_status", "scores", "settlement_audit"),
        statements=_TABLES + _VIEWS,
    ),
    Migration(name="0003_show_config_versions", creates=(), statements=(_CONFIG_VERSIONS,)),
    Migration(name="0004_create_rosters", creates=("rosters",), statements=_ROSTERS),
    Migration(name="0005_create_entry_picks", creates=("entry_picks",), statements=_ENTRY_PICKS),
)
