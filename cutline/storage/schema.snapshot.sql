-- iteration: 4
-- date: 2026-11-22
-- summary: what keeps transactions apart is a table of keys; transactions and their legs are views over the log
-- commit: 33a5ad0


-- file kind: contest
PRAGMA application_id = 1129665537;
PRAGMA user_version = 5;

CREATE TABLE _sqlite_migrations (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  migration_set TEXT NOT NULL,
  name TEXT NOT NULL,
  applied_at TEXT NOT NULL,
  UNIQUE (migration_set, name)
) STRICT;

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
) STRICT;

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
) STRICT;

CREATE TABLE entry_status (
  -- every status an entry has had; the last row is the present one
  id INTEGER PRIMARY KEY CHECK (id > 0),
  entry_id TEXT NOT NULL REFERENCES entries (entry_id),
  status TEXT NOT NULL CHECK (
    status IN ('PENDING_PAYMENT', 'ACTIVE', 'EXPIRED', 'REFUSED', 'WITHDRAWN', 'CANCELLED')),
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT;

CREATE TABLE log (
  -- the truth of this file: what was decided, in order, each row chained to the one before
  seq INTEGER PRIMARY KEY,
  type TEXT NOT NULL CHECK (type <> ''),
  key TEXT NOT NULL UNIQUE CHECK (key <> ''), -- the business key: the same fact cannot be recorded twice
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T??:??:??.???Z'), -- commit time, UTC, never decreasing
  cause TEXT NOT NULL, -- what led to it: a message, a request, a job
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  hash BLOB NOT NULL CHECK (length(hash) = 32) -- sha256 over the hash before and this row
) STRICT;

CREATE TABLE rosters (
  -- what every ACTIVE entry had picked when the contest was locked, packed in one piece
  id INTEGER PRIMARY KEY CHECK (id > 0),
  sha256 TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64), -- of the body
  entries INTEGER NOT NULL CHECK (entries >= 0),
  body BLOB NOT NULL, -- JSON by columns: entry ids, players, picks and tie-breaks
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT;

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
) STRICT;

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
) STRICT;

CREATE INDEX entries_account_did_idx ON entries (account_did);

CREATE INDEX entries_log_seq_idx ON entries (log_seq);

CREATE INDEX entry_picks_log_seq_idx ON entry_picks (log_seq);

CREATE INDEX entry_status_entry_id_idx ON entry_status (entry_id);

CREATE INDEX entry_status_log_seq_idx ON entry_status (log_seq);

CREATE INDEX rosters_log_seq_idx ON rosters (log_seq);

CREATE INDEX scores_entry_id_idx ON scores (entry_id);

CREATE INDEX scores_log_seq_idx ON scores (log_seq);

CREATE INDEX settlement_audit_log_seq_idx ON settlement_audit (log_seq);

CREATE VIEW contest_config AS
SELECT seq, at, payload ->> 'contest_id' AS contest_id, payload ->> 'config_sha256' AS config_sha256,
  payload ->> 'config_json' AS config
FROM log WHERE type = 'ContestCreated';

CREATE VIEW contest_config_versions AS
-- every configuration that the contest was given, in order; version 0 is what it was created with
SELECT seq, at, coalesce(payload ->> 'version', 0) AS version, payload ->> 'config_sha256' AS config_sha256,
  CASE type WHEN 'ConfigChangeRefused' THEN payload ->> 'code' ELSE 'TAKEN' END AS outcome,
  payload ->> 'config_json' AS config
FROM log WHERE type IN ('ContestCreated', 'ContestConfigChanged', 'ConfigChangeRefused');

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
SELECT steps.seq, log.at, steps.step FROM steps JOIN log ON log.seq = steps.seq;

CREATE VIEW ingestion_events AS
SELECT l.seq, l.at, l.payload ->> 'polled_at' AS polled_at, l.payload ->> 'first' + c.key AS number,
  c.value ->> 0 AS type, c.value -> 1 AS payload
FROM log AS l, json_each(l.payload, '$.changes') AS c
WHERE l.type = 'FeedApplied';

CREATE VIEW transitions AS
SELECT seq, at, cause, payload ->> 'from_status' AS from_status, payload ->> 'to_status' AS to_status,
  payload ->> 'trigger' AS trigger, payload ->> 'actor' AS actor, payload ->> 'reason' AS reason,
  payload ->> 'runbook' AS runbook
FROM log WHERE type = 'StatusChanged';

CREATE TRIGGER _sqlite_migrations_block_delete BEFORE DELETE ON _sqlite_migrations BEGIN SELECT RAISE(ABORT, '_sqlite_migrations is append-only'); END;

CREATE TRIGGER _sqlite_migrations_block_update BEFORE UPDATE ON _sqlite_migrations BEGIN SELECT RAISE(ABORT, '_sqlite_migrations is append-only'); END;

CREATE TRIGGER _sqlite_migrations_guard_insert BEFORE INSERT ON _sqlite_migrations WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM _sqlite_migrations)) OR EXISTS (SELECT 1 FROM _sqlite_migrations WHERE migration_set = NEW.migration_set AND name = NEW.name) BEGIN SELECT RAISE(ROLLBACK, '_sqlite_migrations is append-only: not a new row'); END;

CREATE TRIGGER entries_block_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries is append-only'); END;

CREATE TRIGGER entries_block_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries is append-only'); END;

CREATE TRIGGER entries_guard_insert BEFORE INSERT ON entries WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM entries)) OR EXISTS (SELECT 1 FROM entries WHERE entry_id = NEW.entry_id) BEGIN SELECT RAISE(ROLLBACK, 'entries is append-only: not a new row'); END;

CREATE TRIGGER entry_picks_block_delete BEFORE DELETE ON entry_picks BEGIN SELECT RAISE(ABORT, 'entry_picks is append-only'); END;

CREATE TRIGGER entry_picks_block_update BEFORE UPDATE ON entry_picks BEGIN SELECT RAISE(ABORT, 'entry_picks is append-only'); END;

CREATE TRIGGER entry_picks_guard_insert BEFORE INSERT ON entry_picks WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM entry_picks)) OR EXISTS (SELECT 1 FROM entry_picks WHERE entry_id = NEW.entry_id AND number = NEW.number) BEGIN SELECT RAISE(ROLLBACK, 'entry_picks is append-only: not a new row'); END;

CREATE TRIGGER entry_status_block_delete BEFORE DELETE ON entry_status BEGIN SELECT RAISE(ABORT, 'entry_status is append-only'); END;

CREATE TRIGGER entry_status_block_update BEFORE UPDATE ON entry_status BEGIN SELECT RAISE(ABORT, 'entry_status is append-only'); END;

CREATE TRIGGER entry_status_guard_insert BEFORE INSERT ON entry_status WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM entry_status)) BEGIN SELECT RAISE(ROLLBACK, 'entry_status is append-only: not a new row'); END;

CREATE TRIGGER log_block_delete BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'log is append-only'); END;

CREATE TRIGGER log_block_update BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'log is append-only'); END;

CREATE TRIGGER log_guard_insert BEFORE INSERT ON log WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM log) OR EXISTS (SELECT 1 FROM log WHERE key = NEW.key) BEGIN SELECT RAISE(ROLLBACK, 'log is append-only: not a new row'); END;

CREATE TRIGGER rosters_block_delete BEFORE DELETE ON rosters BEGIN SELECT RAISE(ABORT, 'rosters is append-only'); END;

CREATE TRIGGER rosters_block_update BEFORE UPDATE ON rosters BEGIN SELECT RAISE(ABORT, 'rosters is append-only'); END;

CREATE TRIGGER rosters_guard_insert BEFORE INSERT ON rosters WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM rosters)) OR EXISTS (SELECT 1 FROM rosters WHERE sha256 = NEW.sha256) BEGIN SELECT RAISE(ROLLBACK, 'rosters is append-only: not a new row'); END;

CREATE TRIGGER scores_block_delete BEFORE DELETE ON scores BEGIN SELECT RAISE(ABORT, 'scores is append-only'); END;

CREATE TRIGGER scores_block_update BEFORE UPDATE ON scores BEGIN SELECT RAISE(ABORT, 'scores is append-only'); END;

CREATE TRIGGER scores_guard_insert BEFORE INSERT ON scores WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM scores)) OR EXISTS (SELECT 1 FROM scores WHERE score_version = NEW.score_version AND entry_id = NEW.entry_id) BEGIN SELECT RAISE(ROLLBACK, 'scores is append-only: not a new row'); END;

CREATE TRIGGER settlement_audit_block_delete BEFORE DELETE ON settlement_audit BEGIN SELECT RAISE(ABORT, 'settlement_audit is append-only'); END;

CREATE TRIGGER settlement_audit_block_update BEFORE UPDATE ON settlement_audit BEGIN SELECT RAISE(ABORT, 'settlement_audit is append-only'); END;

CREATE TRIGGER settlement_audit_guard_insert BEFORE INSERT ON settlement_audit WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM settlement_audit)) OR EXISTS (SELECT 1 FROM settlement_audit WHERE run_id = NEW.run_id) BEGIN SELECT RAISE(ROLLBACK, 'settlement_audit is append-only: not a new row'); END;


-- file kind: feed
PRAGMA application_id = 1129665538;
PRAGMA user_version = 2;

CREATE TABLE _sqlite_migrations (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  migration_set TEXT NOT NULL,
  name TEXT NOT NULL,
  applied_at TEXT NOT NULL,
  UNIQUE (migration_set, name)
) STRICT;

CREATE TABLE log (
  -- the truth of this file: what was decided, in order, each row chained to the one before
  seq INTEGER PRIMARY KEY,
  type TEXT NOT NULL CHECK (type <> ''),
  key TEXT NOT NULL UNIQUE CHECK (key <> ''), -- the business key: the same fact cannot be recorded twice
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T??:??:??.???Z'), -- commit time, UTC, never decreasing
  cause TEXT NOT NULL, -- what led to it: a message, a request, a job
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  hash BLOB NOT NULL CHECK (length(hash) = 32) -- sha256 over the hash before and this row
) STRICT;

CREATE TABLE payloads (
  -- every distinct body the provider has served, accepted or not
  id INTEGER PRIMARY KEY CHECK (id > 0),
  sha256 TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64), -- of the body before compression
  received_at TEXT NOT NULL CHECK (received_at GLOB '????-??-??T*Z'),
  http_status INTEGER NOT NULL CHECK (http_status BETWEEN 100 AND 599),
  body BLOB NOT NULL, -- compressed by zlib
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT;

CREATE INDEX payloads_log_seq_idx ON payloads (log_seq);

CREATE TRIGGER _sqlite_migrations_block_delete BEFORE DELETE ON _sqlite_migrations BEGIN SELECT RAISE(ABORT, '_sqlite_migrations is append-only'); END;

CREATE TRIGGER _sqlite_migrations_block_update BEFORE UPDATE ON _sqlite_migrations BEGIN SELECT RAISE(ABORT, '_sqlite_migrations is append-only'); END;

CREATE TRIGGER _sqlite_migrations_guard_insert BEFORE INSERT ON _sqlite_migrations WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM _sqlite_migrations)) OR EXISTS (SELECT 1 FROM _sqlite_migrations WHERE migration_set = NEW.migration_set AND name = NEW.name) BEGIN SELECT RAISE(ROLLBACK, '_sqlite_migrations is append-only: not a new row'); END;

CREATE TRIGGER log_block_delete BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'log is append-only'); END;

CREATE TRIGGER log_block_update BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'log is append-only'); END;

CREATE TRIGGER log_guard_insert BEFORE INSERT ON log WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM log) OR EXISTS (SELECT 1 FROM log WHERE key = NEW.key) BEGIN SELECT RAISE(ROLLBACK, 'log is append-only: not a new row'); END;

CREATE TRIGGER payloads_block_delete BEFORE DELETE ON payloads BEGIN SELECT RAISE(ABORT, 'payloads is append-only'); END;

CREATE TRIGGER payloads_block_update BEFORE UPDATE ON payloads BEGIN SELECT RAISE(ABORT, 'payloads is append-only'); END;

CREATE TRIGGER payloads_guard_insert BEFORE INSERT ON payloads WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM payloads)) OR EXISTS (SELECT 1 FROM payloads WHERE sha256 = NEW.sha256) BEGIN SELECT RAISE(ROLLBACK, 'payloads is append-only: not a new row'); END;


-- file kind: ledger
PRAGMA application_id = 1129665539;
PRAGMA user_version = 6;

CREATE TABLE _sqlite_migrations (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  migration_set TEXT NOT NULL,
  name TEXT NOT NULL,
  applied_at TEXT NOT NULL,
  UNIQUE (migration_set, name)
) STRICT;

CREATE TABLE accounts (
  -- an account exists from its first posting on
  id INTEGER PRIMARY KEY CHECK (id > 0),
  account TEXT NOT NULL UNIQUE CHECK (account <> ''),
  kind TEXT NOT NULL CHECK (kind <> ''),
  currency TEXT NOT NULL CHECK (currency GLOB '[a-z][a-z][a-z]'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT;

CREATE TABLE effects (
  -- what each transaction did, by name, so that it is booked once
  effect_key TEXT NOT NULL PRIMARY KEY CHECK (effect_key <> ''),
  log_seq INTEGER NOT NULL CHECK (log_seq > 0) -- the row of the log that booked it
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
  -- the truth of this file: what was decided, in order, each row chained to the one before
  seq INTEGER PRIMARY KEY,
  type TEXT NOT NULL CHECK (type <> ''),
  key TEXT NOT NULL CHECK (key <> ''), -- the business key: the same fact cannot be recorded twice
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T??:??:??.???Z'), -- commit time, UTC, never decreasing
  cause TEXT NOT NULL, -- what led to it: a message, a request, a job
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  hash BLOB NOT NULL CHECK (length(hash) = 32) -- sha256 over the hash before and this row
) STRICT;

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
) STRICT;

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
) STRICT;

CREATE TABLE netting_entry_steps (
  -- how entries ended: applied, once, or failed in an attempt
  row_number INTEGER PRIMARY KEY CHECK (row_number > 0),
  entry_id TEXT NOT NULL REFERENCES netting_entry_plans (entry_id),
  status TEXT NOT NULL CHECK (status IN ('applied', 'failed')),
  error_json TEXT CHECK (error_json IS NULL OR json_valid(error_json)),
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT;

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
) STRICT;

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
) STRICT;

CREATE TABLE outbox_attempts (
  -- each try to post an event whose first posting broke
  id INTEGER PRIMARY KEY CHECK (id > 0),
  event_id TEXT NOT NULL REFERENCES stripe_events (event_id),
  attempt INTEGER NOT NULL CHECK (attempt > 0),
  outcome TEXT NOT NULL CHECK (outcome <> ''),
  error_json TEXT CHECK (error_json IS NULL OR json_valid(error_json)),
  next_retry_at TEXT CHECK (next_retry_at GLOB '????-??-??T*Z'),
  attempted_at TEXT NOT NULL CHECK (attempted_at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq),
  UNIQUE (event_id, attempt)
) STRICT;

CREATE TABLE request_keys (
  -- the idempotency key of a transaction that was asked for under another name than its effect's
  request_key TEXT NOT NULL PRIMARY KEY CHECK (request_key <> ''),
  log_seq INTEGER NOT NULL CHECK (log_seq > 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE stripe_events (
  -- what Stripe sent, byte for byte; the log seq is the row number, because one event is one log row
  event_id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  api_version TEXT,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64), -- of the raw body
  key_month TEXT NOT NULL CHECK (key_month GLOB '????-??'), -- whose key the body is encrypted with
  body BLOB NOT NULL,
  received_at TEXT NOT NULL CHECK (received_at GLOB '????-??-??T*Z'),
  log_seq INTEGER PRIMARY KEY REFERENCES log (seq)
) STRICT;

CREATE TABLE stripe_events_quarantined (
  -- another body under the id of a recorded event: kept as it came, believed in nothing
  row_number INTEGER PRIMARY KEY CHECK (row_number > 0),
  event_id TEXT NOT NULL REFERENCES stripe_events (event_id),
  type TEXT NOT NULL,
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64), -- of the raw body
  key_month TEXT NOT NULL CHECK (key_month GLOB '????-??'), -- whose key the body is encrypted with
  body BLOB NOT NULL,
  received_at TEXT NOT NULL CHECK (received_at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq),
  UNIQUE (event_id, sha256)
) STRICT;

CREATE TABLE stripe_webhook_dead_letters (
  -- what a person must look at; the event itself stays in stripe_events and is not repeated here
  row_number INTEGER PRIMARY KEY CHECK (row_number > 0),
  id TEXT NOT NULL UNIQUE, -- UUID
  stripe_event_id TEXT,
  event_type TEXT,
  failure_class TEXT NOT NULL CHECK (failure_class <> ''),
  error_json TEXT NOT NULL CHECK (json_valid(error_json)),
  created_at TEXT NOT NULL CHECK (created_at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT;

CREATE INDEX accounts_log_seq_idx ON accounts (log_seq);

CREATE UNIQUE INDEX log_key_idx ON log (key) WHERE type <> 'StripeEventRecorded' AND type <> 'TransactionPosted';

CREATE INDEX netting_entry_payouts_entry_idx ON netting_entry_payouts (entry_id);

CREATE INDEX netting_entry_payouts_log_seq_idx ON netting_entry_payouts (log_seq);

CREATE INDEX netting_entry_payouts_posting_idx ON netting_entry_payouts (posting_seq);

CREATE INDEX netting_entry_plans_log_seq_idx ON netting_entry_plans (log_seq);

CREATE INDEX netting_entry_steps_entry_idx ON netting_entry_steps (entry_id, row_number);

CREATE INDEX netting_entry_steps_log_seq_idx ON netting_entry_steps (log_seq);

CREATE INDEX netting_run_requests_log_seq_idx ON netting_run_requests (log_seq);

CREATE INDEX netting_run_steps_log_seq_idx ON netting_run_steps (log_seq);

CREATE INDEX outbox_attempts_log_seq_idx ON outbox_attempts (log_seq);

CREATE INDEX stripe_events_quarantined_log_seq_idx ON stripe_events_quarantined (log_seq);

CREATE INDEX stripe_webhook_dead_letters_event_id_idx ON stripe_webhook_dead_letters (stripe_event_id);

CREATE INDEX stripe_webhook_dead_letters_log_seq_idx ON stripe_webhook_dead_letters (log_seq);

CREATE VIEW clearing_accounts AS
SELECT 'did:internal:' || account AS id, substr(account, 10) AS domain, account, currency, log_seq
FROM accounts WHERE kind = 'clearing';

CREATE VIEW ledger_entries AS
-- the legs of each transaction, in order; amount_cents is debit positive, and the legs sum to zero
-- balance_cents is that of the account after this leg
SELECT t.log_seq, leg.key AS leg, t.effect_key, t.kind, leg.value ->> 0 AS account, leg.value ->> 1 AS amount_cents,
  leg.value ->> 2 AS balance_cents, t.currency, t.occurred_at, t.recorded_at, t.payload
FROM transactions AS t JOIN json_each(t.payload, '$.posting.legs') AS leg;

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
LEFT JOIN effects AS e ON e.effect_key = 'netting:entry:' || p.entry_id;

CREATE VIEW netting_runs AS
SELECT r.run_id AS id, r.idempotency_key, r.payload_hash, s.status, r.selection_before, r.currency, r.candidate_count,
  r.entry_count, r.total_cents, s.artifact_sha256, s.attempt, s.error_json AS last_error, r.created_at,
  s.at AS updated_at
FROM netting_run_requests AS r
JOIN netting_run_steps AS s
  ON s.row_number = (SELECT max(t.row_number) FROM netting_run_steps AS t WHERE t.run_id = r.run_id);

CREATE VIEW postings AS
SELECT log_seq, leg, account, amount_cents, balance_cents FROM ledger_entries;

CREATE VIEW stripe_webhook_outbox AS
SELECT a.event_id,
  'stripe:event:' || a.event_id AS idempotency_key,
  CASE WHEN a.outcome = 'forwarded' THEN 'forwarded' WHEN a.next_retry_at IS NULL THEN 'failed' ELSE 'pending' END
    AS status,
  a.attempt AS attempts,
  a.next_retry_at,
  (SELECT b.error_json FROM outbox_attempts AS b WHERE b.event_id = a.event_id AND b.error_json IS NOT NULL
    ORDER BY b.attempt DESC LIMIT 1) AS last_error,
  (SELECT l.payload ->> '$.posting.effect_key' FROM log AS l WHERE l.seq = a.log_seq) AS settlement_id,
  a.attempted_at AS last_attempt_at
FROM outbox_attempts AS a
WHERE a.attempt = (SELECT max(c.attempt) FROM outbox_attempts AS c WHERE c.event_id = a.event_id);

CREATE VIEW transactions AS
-- one balanced movement of money each; occurred_at is by the sender's clock
SELECT l.seq AS log_seq, l.payload ->> '$.posting.effect_key' AS effect_key, l.payload ->> '$.posting.kind' AS kind,
  l.payload ->> '$.posting.currency' AS currency, l.payload ->> '$.posting.occurred_at' AS occurred_at,
  l.at AS recorded_at, l.payload
FROM log AS l WHERE l.payload ->> '$.posting.kind' IS NOT NULL;

CREATE TRIGGER _sqlite_migrations_block_delete BEFORE DELETE ON _sqlite_migrations BEGIN SELECT RAISE(ABORT, '_sqlite_migrations is append-only'); END;

CREATE TRIGGER _sqlite_migrations_block_update BEFORE UPDATE ON _sqlite_migrations BEGIN SELECT RAISE(ABORT, '_sqlite_migrations is append-only'); END;

CREATE TRIGGER _sqlite_migrations_guard_insert BEFORE INSERT ON _sqlite_migrations WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM _sqlite_migrations)) OR EXISTS (SELECT 1 FROM _sqlite_migrations WHERE migration_set = NEW.migration_set AND name = NEW.name) BEGIN SELECT RAISE(ROLLBACK, '_sqlite_migrations is append-only: not a new row'); END;

CREATE TRIGGER accounts_block_delete BEFORE DELETE ON accounts BEGIN SELECT RAISE(ABORT, 'accounts is append-only'); END;

CREATE TRIGGER accounts_block_update BEFORE UPDATE ON accounts BEGIN SELECT RAISE(ABORT, 'accounts is append-only'); END;

CREATE TRIGGER accounts_guard_insert BEFORE INSERT ON accounts WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM accounts)) OR EXISTS (SELECT 1 FROM accounts WHERE account = NEW.account) BEGIN SELECT RAISE(ROLLBACK, 'accounts is append-only: not a new row'); END;

CREATE TRIGGER effects_block_delete BEFORE DELETE ON effects BEGIN SELECT RAISE(ABORT, 'effects is append-only'); END;

CREATE TRIGGER effects_block_update BEFORE UPDATE ON effects BEGIN SELECT RAISE(ABORT, 'effects is append-only'); END;

CREATE TRIGGER effects_guard_insert BEFORE INSERT ON effects WHEN EXISTS (SELECT 1 FROM effects WHERE effect_key = NEW.effect_key) BEGIN SELECT RAISE(ROLLBACK, 'effects is append-only: not a new row'); END;

CREATE TRIGGER log_block_delete BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'log is append-only'); END;

CREATE TRIGGER log_block_update BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'log is append-only'); END;

CREATE TRIGGER log_guard_insert BEFORE INSERT ON log WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM log) OR (NEW.type <> 'StripeEventRecorded' AND NEW.type <> 'TransactionPosted' AND EXISTS (SELECT 1 FROM log WHERE key = NEW.key AND type <> 'StripeEventRecorded' AND type <> 'TransactionPosted')) BEGIN SELECT RAISE(ROLLBACK, 'log is append-only: not a new row'); END;

CREATE TRIGGER netting_entry_payouts_block_delete BEFORE DELETE ON netting_entry_payouts BEGIN SELECT RAISE(ABORT, 'netting_entry_payouts is append-only'); END;

CREATE TRIGGER netting_entry_payouts_block_update BEFORE UPDATE ON netting_entry_payouts BEGIN SELECT RAISE(ABORT, 'netting_entry_payouts is append-only'); END;

CREATE TRIGGER netting_entry_payouts_guard_insert BEFORE INSERT ON netting_entry_payouts WHEN (NEW.row_number <> -1 AND NEW.row_number IS NOT (SELECT coalesce(max(row_number), 0) + 1 FROM netting_entry_payouts)) OR EXISTS (SELECT 1 FROM netting_entry_payouts WHERE payout_id = NEW.payout_id AND movement = NEW.movement) BEGIN SELECT RAISE(ROLLBACK, 'netting_entry_payouts is append-only: not a new row'); END;

CREATE TRIGGER netting_entry_plans_block_delete BEFORE DELETE ON netting_entry_plans BEGIN SELECT RAISE(ABORT, 'netting_entry_plans is append-only'); END;

CREATE TRIGGER netting_entry_plans_block_update BEFORE UPDATE ON netting_entry_plans BEGIN SELECT RAISE(ABORT, 'netting_entry_plans is append-only'); END;

CREATE TRIGGER netting_entry_plans_guard_insert BEFORE INSERT ON netting_entry_plans WHEN (NEW.row_number <> -1 AND NEW.row_number IS NOT (SELECT coalesce(max(row_number), 0) + 1 FROM netting_entry_plans)) OR EXISTS (SELECT 1 FROM netting_entry_plans WHERE entry_id = NEW.entry_id) OR EXISTS (SELECT 1 FROM netting_entry_plans WHERE run_id = NEW.run_id AND group_key = NEW.group_key) BEGIN SELECT RAISE(ROLLBACK, 'netting_entry_plans is append-only: not a new row'); END;

CREATE TRIGGER netting_entry_steps_block_delete BEFORE DELETE ON netting_entry_steps BEGIN SELECT RAISE(ABORT, 'netting_entry_steps is append-only'); END;

CREATE TRIGGER netting_entry_steps_block_update BEFORE UPDATE ON netting_entry_steps BEGIN SELECT RAISE(ABORT, 'netting_entry_steps is append-only'); END;

CREATE TRIGGER netting_entry_steps_guard_insert BEFORE INSERT ON netting_entry_steps WHEN (NEW.row_number <> -1 AND NEW.row_number IS NOT (SELECT coalesce(max(row_number), 0) + 1 FROM netting_entry_steps)) BEGIN SELECT RAISE(ROLLBACK, 'netting_entry_steps is append-only: not a new row'); END;

CREATE TRIGGER netting_run_requests_block_delete BEFORE DELETE ON netting_run_requests BEGIN SELECT RAISE(ABORT, 'netting_run_requests is append-only'); END;

CREATE TRIGGER netting_run_requests_block_update BEFORE UPDATE ON netting_run_requests BEGIN SELECT RAISE(ABORT, 'netting_run_requests is append-only'); END;

CREATE TRIGGER netting_run_requests_guard_insert BEFORE INSERT ON netting_run_requests WHEN (NEW.row_number <> -1 AND NEW.row_number IS NOT (SELECT coalesce(max(row_number), 0) + 1 FROM netting_run_requests)) OR EXISTS (SELECT 1 FROM netting_run_requests WHERE run_id = NEW.run_id) OR EXISTS (SELECT 1 FROM netting_run_requests WHERE idempotency_key = NEW.idempotency_key) BEGIN SELECT RAISE(ROLLBACK, 'netting_run_requests is append-only: not a new row'); END;

CREATE TRIGGER netting_run_steps_block_delete BEFORE DELETE ON netting_run_steps BEGIN SELECT RAISE(ABORT, 'netting_run_steps is append-only'); END;

CREATE TRIGGER netting_run_steps_block_update BEFORE UPDATE ON netting_run_steps BEGIN SELECT RAISE(ABORT, 'netting_run_steps is append-only'); END;

CREATE TRIGGER netting_run_steps_guard_insert BEFORE INSERT ON netting_run_steps WHEN (NEW.row_number <> -1 AND NEW.row_number IS NOT (SELECT coalesce(max(row_number), 0) + 1 FROM netting_run_steps)) OR EXISTS (SELECT 1 FROM netting_run_steps WHERE run_id = NEW.run_id AND attempt = NEW.attempt AND status = NEW.status) BEGIN SELECT RAISE(ROLLBACK, 'netting_run_steps is append-only: not a new row'); END;

CREATE TRIGGER outbox_attempts_block_delete BEFORE DELETE ON outbox_attempts BEGIN SELECT RAISE(ABORT, 'outbox_attempts is append-only'); END;

CREATE TRIGGER outbox_attempts_block_update BEFORE UPDATE ON outbox_attempts BEGIN SELECT RAISE(ABORT, 'outbox_attempts is append-only'); END;

CREATE TRIGGER outbox_attempts_guard_insert BEFORE INSERT ON outbox_attempts WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM outbox_attempts)) OR EXISTS (SELECT 1 FROM outbox_attempts WHERE event_id = NEW.event_id AND attempt = NEW.attempt) BEGIN SELECT RAISE(ROLLBACK, 'outbox_attempts is append-only: not a new row'); END;

CREATE TRIGGER request_keys_block_delete BEFORE DELETE ON request_keys BEGIN SELECT RAISE(ABORT, 'request_keys is append-only'); END;

CREATE TRIGGER request_keys_block_update BEFORE UPDATE ON request_keys BEGIN SELECT RAISE(ABORT, 'request_keys is append-only'); END;

CREATE TRIGGER request_keys_guard_insert BEFORE INSERT ON request_keys WHEN EXISTS (SELECT 1 FROM request_keys WHERE request_key = NEW.request_key) BEGIN SELECT RAISE(ROLLBACK, 'request_keys is append-only: not a new row'); END;

CREATE TRIGGER stripe_events_block_delete BEFORE DELETE ON stripe_events BEGIN SELECT RAISE(ABORT, 'stripe_events is append-only'); END;

CREATE TRIGGER stripe_events_block_update BEFORE UPDATE ON stripe_events BEGIN SELECT RAISE(ABORT, 'stripe_events is append-only'); END;

CREATE TRIGGER stripe_events_guard_insert BEFORE INSERT ON stripe_events WHEN NEW.log_seq <= (SELECT max(log_seq) FROM stripe_events) OR EXISTS (SELECT 1 FROM stripe_events WHERE event_id = NEW.event_id) BEGIN SELECT RAISE(ROLLBACK, 'stripe_events is append-only: not a new row'); END;

CREATE TRIGGER stripe_events_quarantined_block_delete BEFORE DELETE ON stripe_events_quarantined BEGIN SELECT RAISE(ABORT, 'stripe_events_quarantined is append-only'); END;

CREATE TRIGGER stripe_events_quarantined_block_update BEFORE UPDATE ON stripe_events_quarantined BEGIN SELECT RAISE(ABORT, 'stripe_events_quarantined is append-only'); END;

CREATE TRIGGER stripe_events_quarantined_guard_insert BEFORE INSERT ON stripe_events_quarantined WHEN (NEW.row_number <> -1 AND NEW.row_number IS NOT (SELECT coalesce(max(row_number), 0) + 1 FROM stripe_events_quarantined)) OR EXISTS (SELECT 1 FROM stripe_events_quarantined WHERE event_id = NEW.event_id AND sha256 = NEW.sha256) BEGIN SELECT RAISE(ROLLBACK, 'stripe_events_quarantined is append-only: not a new row'); END;

CREATE TRIGGER stripe_webhook_dead_letters_block_delete BEFORE DELETE ON stripe_webhook_dead_letters BEGIN SELECT RAISE(ABORT, 'stripe_webhook_dead_letters is append-only'); END;

CREATE TRIGGER stripe_webhook_dead_letters_block_update BEFORE UPDATE ON stripe_webhook_dead_letters BEGIN SELECT RAISE(ABORT, 'stripe_webhook_dead_letters is append-only'); END;

CREATE TRIGGER stripe_webhook_dead_letters_guard_insert BEFORE INSERT ON stripe_webhook_dead_letters WHEN (NEW.row_number <> -1 AND NEW.row_number IS NOT (SELECT coalesce(max(row_number), 0) + 1 FROM stripe_webhook_dead_letters)) OR EXISTS (SELECT 1 FROM stripe_webhook_dead_letters WHERE id = NEW.id) BEGIN SELECT RAISE(ROLLBACK, 'stripe_webhook_dead_letters is append-only: not a new row'); END;


-- file kind: payouts
PRAGMA application_id = 1129665540;
PRAGMA user_version = 3;

CREATE TABLE _sqlite_migrations (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  migration_set TEXT NOT NULL,
  name TEXT NOT NULL,
  applied_at TEXT NOT NULL,
  UNIQUE (migration_set, name)
) STRICT;

CREATE TABLE log (
  -- the truth of this file: what was decided, in order, each row chained to the one before
  seq INTEGER PRIMARY KEY,
  type TEXT NOT NULL CHECK (type <> ''),
  key TEXT NOT NULL UNIQUE CHECK (key <> ''), -- the business key: the same fact cannot be recorded twice
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T??:??:??.???Z'), -- commit time, UTC, never decreasing
  cause TEXT NOT NULL, -- what led to it: a message, a request, a job
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  hash BLOB NOT NULL CHECK (length(hash) = 32) -- sha256 over the hash before and this row
) STRICT;

CREATE TABLE payout_attempts (
  -- each call that may have an effect, exactly, committed before it is made
  -- subject: a transfer_key, or what is asked about a connected account
  id INTEGER PRIMARY KEY CHECK (id > 0),
  subject TEXT NOT NULL CHECK (subject <> ''),
  operation TEXT NOT NULL CHECK (operation <> ''), -- the gateway's name of the call
  attempt INTEGER NOT NULL CHECK (attempt > 0),
  stripe_idempotency_key TEXT NOT NULL UNIQUE,
  parameters TEXT NOT NULL CHECK (json_valid(parameters)),
  log_seq INTEGER NOT NULL REFERENCES log (seq),
  UNIQUE (subject, attempt)
) STRICT;

CREATE TABLE payout_audit_events (
  -- every change of a transfer, a payout or a connected account: when, by whom, why
  id INTEGER PRIMARY KEY CHECK (id > 0),
  subject TEXT NOT NULL CHECK (subject <> ''),
  status TEXT NOT NULL CHECK (status <> ''),
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T*Z'),
  actor TEXT NOT NULL CHECK (actor <> ''),
  reason TEXT NOT NULL,
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT;

CREATE TABLE payout_connect_accounts (
  -- which connected account belongs to whom; its changing readiness is in payout_audit_events
  id INTEGER PRIMARY KEY CHECK (id > 0),
  account_did TEXT NOT NULL UNIQUE,
  stripe_account_id TEXT NOT NULL UNIQUE,
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT;

CREATE TABLE payout_transfers (
  -- what is owed to a winner, from the platform to the connected account
  id INTEGER PRIMARY KEY CHECK (id > 0),
  transfer_key TEXT NOT NULL UNIQUE,
  contest_id TEXT NOT NULL,
  entry_id TEXT NOT NULL,
  account_did TEXT NOT NULL,
  amount_cents INTEGER NOT NULL CHECK (amount_cents > 0),
  currency TEXT NOT NULL CHECK (currency GLOB '[a-z][a-z][a-z]'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT;

CREATE TABLE payouts (
  -- what is paid from a connected account to its bank; how it stands is in payout_states
  id INTEGER PRIMARY KEY CHECK (id > 0),
  payout_id TEXT NOT NULL UNIQUE CHECK (payout_id <> ''),
  account_did TEXT NOT NULL,
  amount_cents INTEGER NOT NULL CHECK (amount_cents > 0),
  currency TEXT NOT NULL CHECK (currency GLOB '[a-z][a-z][a-z]'),
  transfer_cents INTEGER NOT NULL CHECK (transfer_cents BETWEEN 0 AND amount_cents), -- what the account lacked of it
  principal TEXT NOT NULL, -- who asked
  idempotency_key TEXT NOT NULL CHECK (idempotency_key <> ''), -- the asker's own
  request_hash TEXT NOT NULL CHECK (length(request_hash) = 64), -- sha256 of what was asked
  created_at TEXT NOT NULL CHECK (created_at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq),
  UNIQUE (principal, idempotency_key)
) STRICT;

CREATE INDEX payout_attempts_log_seq_idx ON payout_attempts (log_seq);

CREATE INDEX payout_audit_events_log_seq_idx ON payout_audit_events (log_seq);

CREATE INDEX payout_audit_events_subject_idx ON payout_audit_events (subject, id);

CREATE INDEX payout_connect_accounts_log_seq_idx ON payout_connect_accounts (log_seq);

CREATE INDEX payout_transfers_account_did_idx ON payout_transfers (account_did);

CREATE INDEX payout_transfers_contest_idx ON payout_transfers (contest_id, entry_id);

CREATE INDEX payout_transfers_log_seq_idx ON payout_transfers (log_seq);

CREATE INDEX payouts_account_did_idx ON payouts (account_did);

CREATE INDEX payouts_created_at_idx ON payouts (created_at, payout_id);

CREATE INDEX payouts_log_seq_idx ON payouts (log_seq);

CREATE VIEW payout_states AS
SELECT p.payout_id, p.account_did, p.amount_cents, p.currency, p.idempotency_key, p.request_hash, p.created_at,
  coalesce(
    (SELECT a.status FROM payout_audit_events AS a WHERE a.subject = 'payout:' || p.payout_id
      AND a.status IN ('finalizing_paid', 'finalizing_failed', 'paid', 'failed') ORDER BY a.id DESC LIMIT 1),
    CASE
      WHEN EXISTS (SELECT 1 FROM payout_attempts AS c
        WHERE c.subject IN ('payout:' || p.payout_id, 'payout:' || p.payout_id || ':transfer')) THEN 'submitted'
      WHEN EXISTS (SELECT 1 FROM payout_audit_events AS a
        WHERE a.subject = 'payout:' || p.payout_id AND a.status = 'accepted') THEN 'submitted'
      ELSE 'initiated'
    END
  ) AS status,
  (SELECT a.reason FROM payout_audit_events AS a
    WHERE a.subject = 'payout:' || p.payout_id AND a.status = 'accepted') AS stripe_payout_id,
  (SELECT max(a.at) FROM payout_audit_events AS a
    WHERE a.subject = 'payout:' || p.payout_id AND a.status IN ('paid', 'failed')) AS finalized_at
FROM payouts AS p;

CREATE TRIGGER _sqlite_migrations_block_delete BEFORE DELETE ON _sqlite_migrations BEGIN SELECT RAISE(ABORT, '_sqlite_migrations is append-only'); END;

CREATE TRIGGER _sqlite_migrations_block_update BEFORE UPDATE ON _sqlite_migrations BEGIN SELECT RAISE(ABORT, '_sqlite_migrations is append-only'); END;

CREATE TRIGGER _sqlite_migrations_guard_insert BEFORE INSERT ON _sqlite_migrations WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM _sqlite_migrations)) OR EXISTS (SELECT 1 FROM _sqlite_migrations WHERE migration_set = NEW.migration_set AND name = NEW.name) BEGIN SELECT RAISE(ROLLBACK, '_sqlite_migrations is append-only: not a new row'); END;

CREATE TRIGGER log_block_delete BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'log is append-only'); END;

CREATE TRIGGER log_block_update BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'log is append-only'); END;

CREATE TRIGGER log_guard_insert BEFORE INSERT ON log WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM log) OR EXISTS (SELECT 1 FROM log WHERE key = NEW.key) BEGIN SELECT RAISE(ROLLBACK, 'log is append-only: not a new row'); END;

CREATE TRIGGER payout_attempts_block_delete BEFORE DELETE ON payout_attempts BEGIN SELECT RAISE(ABORT, 'payout_attempts is append-only'); END;

CREATE TRIGGER payout_attempts_block_update BEFORE UPDATE ON payout_attempts BEGIN SELECT RAISE(ABORT, 'payout_attempts is append-only'); END;

CREATE TRIGGER payout_attempts_guard_insert BEFORE INSERT ON payout_attempts WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM payout_attempts)) OR EXISTS (SELECT 1 FROM payout_attempts WHERE stripe_idempotency_key = NEW.stripe_idempotency_key) OR EXISTS (SELECT 1 FROM payout_attempts WHERE subject = NEW.subject AND attempt = NEW.attempt) BEGIN SELECT RAISE(ROLLBACK, 'payout_attempts is append-only: not a new row'); END;

CREATE TRIGGER payout_audit_events_block_delete BEFORE DELETE ON payout_audit_events BEGIN SELECT RAISE(ABORT, 'payout_audit_events is append-only'); END;

CREATE TRIGGER payout_audit_events_block_update BEFORE UPDATE ON payout_audit_events BEGIN SELECT RAISE(ABORT, 'payout_audit_events is append-only'); END;

CREATE TRIGGER payout_audit_events_guard_insert BEFORE INSERT ON payout_audit_events WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM payout_audit_events)) BEGIN SELECT RAISE(ROLLBACK, 'payout_audit_events is append-only: not a new row'); END;

CREATE TRIGGER payout_connect_accounts_block_delete BEFORE DELETE ON payout_connect_accounts BEGIN SELECT RAISE(ABORT, 'payout_connect_accounts is append-only'); END;

CREATE TRIGGER payout_connect_accounts_block_update BEFORE UPDATE ON payout_connect_accounts BEGIN SELECT RAISE(ABORT, 'payout_connect_accounts is append-only'); END;

CREATE TRIGGER payout_connect_accounts_guard_insert BEFORE INSERT ON payout_connect_accounts WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM payout_connect_accounts)) OR EXISTS (SELECT 1 FROM payout_connect_accounts WHERE account_did = NEW.account_did) OR EXISTS (SELECT 1 FROM payout_connect_accounts WHERE stripe_account_id = NEW.stripe_account_id) BEGIN SELECT RAISE(ROLLBACK, 'payout_connect_accounts is append-only: not a new row'); END;

CREATE TRIGGER payout_transfers_block_delete BEFORE DELETE ON payout_transfers BEGIN SELECT RAISE(ABORT, 'payout_transfers is append-only'); END;

CREATE TRIGGER payout_transfers_block_update BEFORE UPDATE ON payout_transfers BEGIN SELECT RAISE(ABORT, 'payout_transfers is append-only'); END;

CREATE TRIGGER payout_transfers_guard_insert BEFORE INSERT ON payout_transfers WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM payout_transfers)) OR EXISTS (SELECT 1 FROM payout_transfers WHERE transfer_key = NEW.transfer_key) BEGIN SELECT RAISE(ROLLBACK, 'payout_transfers is append-only: not a new row'); END;

CREATE TRIGGER payouts_block_delete BEFORE DELETE ON payouts BEGIN SELECT RAISE(ABORT, 'payouts is append-only'); END;

CREATE TRIGGER payouts_block_update BEFORE UPDATE ON payouts BEGIN SELECT RAISE(ABORT, 'payouts is append-only'); END;

CREATE TRIGGER payouts_guard_insert BEFORE INSERT ON payouts WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM payouts)) OR EXISTS (SELECT 1 FROM payouts WHERE payout_id = NEW.payout_id) OR EXISTS (SELECT 1 FROM payouts WHERE principal = NEW.principal AND idempotency_key = NEW.idempotency_key) BEGIN SELECT RAISE(ROLLBACK, 'payouts is append-only: not a new row'); END;


-- file kind: payments
PRAGMA application_id = 1129665541;
PRAGMA user_version = 2;

CREATE TABLE _sqlite_migrations (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  migration_set TEXT NOT NULL,
  name TEXT NOT NULL,
  applied_at TEXT NOT NULL,
  UNIQUE (migration_set, name)
) STRICT;

CREATE TABLE log (
  -- the truth of this file: what was decided, in order, each row chained to the one before
  seq INTEGER PRIMARY KEY,
  type TEXT NOT NULL CHECK (type <> ''),
  key TEXT NOT NULL UNIQUE CHECK (key <> ''), -- the business key: the same fact cannot be recorded twice
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T??:??:??.???Z'), -- commit time, UTC, never decreasing
  cause TEXT NOT NULL, -- what led to it: a message, a request, a job
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  hash BLOB NOT NULL CHECK (length(hash) = 32) -- sha256 over the hash before and this row
) STRICT;

CREATE TABLE payment_attempts (
  -- each call that may have an effect, exactly, committed before it is made
  -- subject: what is asked for, an intent, its cancellation or a refund
  id INTEGER PRIMARY KEY CHECK (id > 0),
  subject TEXT NOT NULL CHECK (subject <> ''),
  operation TEXT NOT NULL CHECK (operation <> ''), -- the gateway's name of the call
  attempt INTEGER NOT NULL CHECK (attempt > 0),
  stripe_idempotency_key TEXT NOT NULL UNIQUE,
  parameters TEXT NOT NULL CHECK (json_valid(parameters)),
  log_seq INTEGER NOT NULL REFERENCES log (seq),
  UNIQUE (subject, attempt)
) STRICT;

CREATE TABLE payment_events (
  -- everything that has happened to an intent or a refund, in order
  id INTEGER PRIMARY KEY CHECK (id > 0),
  subject TEXT NOT NULL CHECK (subject <> ''),
  status TEXT NOT NULL CHECK (status <> ''),
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT;

CREATE TABLE payment_intents (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  intent_key TEXT NOT NULL UNIQUE,
  contest_id TEXT NOT NULL,
  entry_id TEXT NOT NULL,
  account_did TEXT NOT NULL,
  amount_cents INTEGER NOT NULL CHECK (amount_cents > 0),
  currency TEXT NOT NULL CHECK (currency GLOB '[a-z][a-z][a-z]'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT;

CREATE TABLE refunds (
  -- a fee, or part of one, that goes back to who paid it
  id INTEGER PRIMARY KEY CHECK (id > 0),
  refund_key TEXT NOT NULL UNIQUE,
  contest_id TEXT NOT NULL,
  entry_id TEXT NOT NULL,
  account_did TEXT NOT NULL,
  amount_cents INTEGER NOT NULL CHECK (amount_cents > 0),
  currency TEXT NOT NULL CHECK (currency GLOB '[a-z][a-z][a-z]'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT;

CREATE INDEX payment_attempts_log_seq_idx ON payment_attempts (log_seq);

CREATE INDEX payment_events_log_seq_idx ON payment_events (log_seq);

CREATE INDEX payment_events_subject_idx ON payment_events (subject, id);

CREATE INDEX payment_intents_contest_idx ON payment_intents (contest_id, entry_id);

CREATE INDEX payment_intents_log_seq_idx ON payment_intents (log_seq);

CREATE INDEX refunds_contest_idx ON refunds (contest_id, entry_id);

CREATE INDEX refunds_log_seq_idx ON refunds (log_seq);

CREATE TRIGGER _sqlite_migrations_block_delete BEFORE DELETE ON _sqlite_migrations BEGIN SELECT RAISE(ABORT, '_sqlite_migrations is append-only'); END;

CREATE TRIGGER _sqlite_migrations_block_update BEFORE UPDATE ON _sqlite_migrations BEGIN SELECT RAISE(ABORT, '_sqlite_migrations is append-only'); END;

CREATE TRIGGER _sqlite_migrations_guard_insert BEFORE INSERT ON _sqlite_migrations WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM _sqlite_migrations)) OR EXISTS (SELECT 1 FROM _sqlite_migrations WHERE migration_set = NEW.migration_set AND name = NEW.name) BEGIN SELECT RAISE(ROLLBACK, '_sqlite_migrations is append-only: not a new row'); END;

CREATE TRIGGER log_block_delete BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'log is append-only'); END;

CREATE TRIGGER log_block_update BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'log is append-only'); END;

CREATE TRIGGER log_guard_insert BEFORE INSERT ON log WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM log) OR EXISTS (SELECT 1 FROM log WHERE key = NEW.key) BEGIN SELECT RAISE(ROLLBACK, 'log is append-only: not a new row'); END;

CREATE TRIGGER payment_attempts_block_delete BEFORE DELETE ON payment_attempts BEGIN SELECT RAISE(ABORT, 'payment_attempts is append-only'); END;

CREATE TRIGGER payment_attempts_block_update BEFORE UPDATE ON payment_attempts BEGIN SELECT RAISE(ABORT, 'payment_attempts is append-only'); END;

CREATE TRIGGER payment_attempts_guard_insert BEFORE INSERT ON payment_attempts WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM payment_attempts)) OR EXISTS (SELECT 1 FROM payment_attempts WHERE stripe_idempotency_key = NEW.stripe_idempotency_key) OR EXISTS (SELECT 1 FROM payment_attempts WHERE subject = NEW.subject AND attempt = NEW.attempt) BEGIN SELECT RAISE(ROLLBACK, 'payment_attempts is append-only: not a new row'); END;

CREATE TRIGGER payment_events_block_delete BEFORE DELETE ON payment_events BEGIN SELECT RAISE(ABORT, 'payment_events is append-only'); END;

CREATE TRIGGER payment_events_block_update BEFORE UPDATE ON payment_events BEGIN SELECT RAISE(ABORT, 'payment_events is append-only'); END;

CREATE TRIGGER payment_events_guard_insert BEFORE INSERT ON payment_events WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM payment_events)) BEGIN SELECT RAISE(ROLLBACK, 'payment_events is append-only: not a new row'); END;

CREATE TRIGGER payment_intents_block_delete BEFORE DELETE ON payment_intents BEGIN SELECT RAISE(ABORT, 'payment_intents is append-only'); END;

CREATE TRIGGER payment_intents_block_update BEFORE UPDATE ON payment_intents BEGIN SELECT RAISE(ABORT, 'payment_intents is append-only'); END;

CREATE TRIGGER payment_intents_guard_insert BEFORE INSERT ON payment_intents WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM payment_intents)) OR EXISTS (SELECT 1 FROM payment_intents WHERE intent_key = NEW.intent_key) BEGIN SELECT RAISE(ROLLBACK, 'payment_intents is append-only: not a new row'); END;

CREATE TRIGGER refunds_block_delete BEFORE DELETE ON refunds BEGIN SELECT RAISE(ABORT, 'refunds is append-only'); END;

CREATE TRIGGER refunds_block_update BEFORE UPDATE ON refunds BEGIN SELECT RAISE(ABORT, 'refunds is append-only'); END;

CREATE TRIGGER refunds_guard_insert BEFORE INSERT ON refunds WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM refunds)) OR EXISTS (SELECT 1 FROM refunds WHERE refund_key = NEW.refund_key) BEGIN SELECT RAISE(ROLLBACK, 'refunds is append-only: not a new row'); END;


-- file kind: governance
PRAGMA application_id = 1129665542;
PRAGMA user_version = 4;

CREATE TABLE _sqlite_migrations (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  migration_set TEXT NOT NULL,
  name TEXT NOT NULL,
  applied_at TEXT NOT NULL,
  UNIQUE (migration_set, name)
) STRICT;

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
) STRICT;

CREATE TABLE api_error_codes (
  -- every code that a refusal has ever had; one status and one scope a code, for good
  number INTEGER PRIMARY KEY CHECK (number > 0),
  code TEXT NOT NULL UNIQUE CHECK (code <> ''),
  http_status INTEGER NOT NULL CHECK (http_status BETWEEN 400 AND 599),
  scope TEXT NOT NULL CHECK (scope IN ('public', 'admin', 'internal')),
  description TEXT NOT NULL CHECK (description <> ''),
  created_at TEXT NOT NULL CHECK (created_at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT;

CREATE TABLE config_publications (
  -- each published version of a tournament's config, whole; a rollback publishes the old body again
  id INTEGER PRIMARY KEY CHECK (id > 0),
  config_id TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  body TEXT NOT NULL CHECK (json_valid(body)),
  log_seq INTEGER NOT NULL REFERENCES log (seq),
  UNIQUE (config_id, version)
) STRICT;

CREATE TABLE config_validations (
  -- a content that was checked and rehearsed without a fault, once
  id INTEGER PRIMARY KEY CHECK (id > 0),
  config_id TEXT NOT NULL,
  sha256 TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
  actor TEXT NOT NULL CHECK (actor <> ''),
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT;

CREATE TABLE contest_directory (
  -- what is known of a contest's file: only after 'created' is a missing file a fault
  id INTEGER PRIMARY KEY CHECK (id > 0),
  contest_id TEXT NOT NULL,
  fact TEXT NOT NULL CHECK (fact IN ('planned', 'created', 'quarantined', 'released')),
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT;

CREATE TABLE log (
  -- the truth of this file: what was decided, in order, each row chained to the one before
  seq INTEGER PRIMARY KEY,
  type TEXT NOT NULL CHECK (type <> ''),
  key TEXT NOT NULL UNIQUE CHECK (key <> ''), -- the business key: the same fact cannot be recorded twice
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T??:??:??.???Z'), -- commit time, UTC, never decreasing
  cause TEXT NOT NULL, -- what led to it: a message, a request, a job
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  hash BLOB NOT NULL CHECK (length(hash) = 32) -- sha256 over the hash before and this row
) STRICT;

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
) STRICT;

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
) STRICT;

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
) STRICT;

CREATE INDEX api_contract_snapshots_log_seq_idx ON api_contract_snapshots (log_seq);

CREATE UNIQUE INDEX api_contract_snapshots_unique ON api_contract_snapshots (contract_name, version, sha256);

CREATE INDEX api_error_codes_log_seq_idx ON api_error_codes (log_seq);

CREATE INDEX config_publications_log_seq_idx ON config_publications (log_seq);

CREATE INDEX config_validations_log_seq_idx ON config_validations (log_seq);

CREATE INDEX contest_directory_contest_id_idx ON contest_directory (contest_id, id);

CREATE INDEX contest_directory_log_seq_idx ON contest_directory (log_seq);

CREATE INDEX idx_runbook_executions_created_at ON runbook_execution_starts (created_at);

CREATE INDEX idx_runbook_executions_runbook_name ON runbook_execution_starts (runbook_name);

CREATE INDEX idx_runbook_executions_status ON runbook_execution_ends (status);

CREATE INDEX runbook_execution_ends_log_seq_idx ON runbook_execution_ends (log_seq);

CREATE INDEX runbook_execution_steps_log_seq_idx ON runbook_execution_steps (log_seq);

CREATE VIEW runbook_executions AS
SELECT s.id, s.runbook_name, s.runbook_version, s.executed_by, coalesce(e.status, 'in_progress') AS status,
  t.execution_phase, t.phase_step, s.start_time, e.end_time, e.duration_seconds, e.result_json, e.error_reason,
  s.system_state_before, e.system_state_after, s.created_at,
  coalesce(e.end_time, t.at, s.start_time) AS updated_at
FROM runbook_execution_starts AS s
LEFT JOIN runbook_execution_ends AS e ON e.execution_id = s.id
LEFT JOIN runbook_execution_steps AS t ON t.execution_id = s.id
  AND t.number = (SELECT max(number) FROM runbook_execution_steps WHERE execution_id = s.id);

CREATE TRIGGER _sqlite_migrations_block_delete BEFORE DELETE ON _sqlite_migrations BEGIN SELECT RAISE(ABORT, '_sqlite_migrations is append-only'); END;

CREATE TRIGGER _sqlite_migrations_block_update BEFORE UPDATE ON _sqlite_migrations BEGIN SELECT RAISE(ABORT, '_sqlite_migrations is append-only'); END;

CREATE TRIGGER _sqlite_migrations_guard_insert BEFORE INSERT ON _sqlite_migrations WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM _sqlite_migrations)) OR EXISTS (SELECT 1 FROM _sqlite_migrations WHERE migration_set = NEW.migration_set AND name = NEW.name) BEGIN SELECT RAISE(ROLLBACK, '_sqlite_migrations is append-only: not a new row'); END;

CREATE TRIGGER api_contract_snapshots_block_delete BEFORE DELETE ON api_contract_snapshots BEGIN SELECT RAISE(ABORT, 'api_contract_snapshots is append-only'); END;

CREATE TRIGGER api_contract_snapshots_block_update BEFORE UPDATE ON api_contract_snapshots BEGIN SELECT RAISE(ABORT, 'api_contract_snapshots is append-only'); END;

CREATE TRIGGER api_contract_snapshots_guard_insert BEFORE INSERT ON api_contract_snapshots WHEN (NEW.number <> -1 AND NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM api_contract_snapshots)) OR EXISTS (SELECT 1 FROM api_contract_snapshots WHERE contract_name = NEW.contract_name AND version = NEW.version AND sha256 = NEW.sha256) OR EXISTS (SELECT 1 FROM api_contract_snapshots WHERE id = NEW.id) BEGIN SELECT RAISE(ROLLBACK, 'api_contract_snapshots is append-only: not a new row'); END;

CREATE TRIGGER api_error_codes_block_delete BEFORE DELETE ON api_error_codes BEGIN SELECT RAISE(ABORT, 'api_error_codes is append-only (add new rows only)'); END;

CREATE TRIGGER api_error_codes_block_update BEFORE UPDATE ON api_error_codes BEGIN SELECT RAISE(ABORT, 'api_error_codes is append-only (add new rows only)'); END;

CREATE TRIGGER api_error_codes_guard_insert BEFORE INSERT ON api_error_codes WHEN (NEW.number <> -1 AND NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM api_error_codes)) OR EXISTS (SELECT 1 FROM api_error_codes WHERE code = NEW.code) BEGIN SELECT RAISE(ROLLBACK, 'api_error_codes is append-only (add new rows only): not a new row'); END;

CREATE TRIGGER config_publications_block_delete BEFORE DELETE ON config_publications BEGIN SELECT RAISE(ABORT, 'config_publications is append-only'); END;

CREATE TRIGGER config_publications_block_update BEFORE UPDATE ON config_publications BEGIN SELECT RAISE(ABORT, 'config_publications is append-only'); END;

CREATE TRIGGER config_publications_guard_insert BEFORE INSERT ON config_publications WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM config_publications)) OR EXISTS (SELECT 1 FROM config_publications WHERE config_id = NEW.config_id AND version = NEW.version) BEGIN SELECT RAISE(ROLLBACK, 'config_publications is append-only: not a new row'); END;

CREATE TRIGGER config_validations_block_delete BEFORE DELETE ON config_validations BEGIN SELECT RAISE(ABORT, 'config_validations is append-only'); END;

CREATE TRIGGER config_validations_block_update BEFORE UPDATE ON config_validations BEGIN SELECT RAISE(ABORT, 'config_validations is append-only'); END;

CREATE TRIGGER config_validations_guard_insert BEFORE INSERT ON config_validations WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM config_validations)) OR EXISTS (SELECT 1 FROM config_validations WHERE sha256 = NEW.sha256) BEGIN SELECT RAISE(ROLLBACK, 'config_validations is append-only: not a new row'); END;

CREATE TRIGGER contest_directory_block_delete BEFORE DELETE ON contest_directory BEGIN SELECT RAISE(ABORT, 'contest_directory is append-only'); END;

CREATE TRIGGER contest_directory_block_update BEFORE UPDATE ON contest_directory BEGIN SELECT RAISE(ABORT, 'contest_directory is append-only'); END;

CREATE TRIGGER contest_directory_guard_insert BEFORE INSERT ON contest_directory WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM contest_directory)) BEGIN SELECT RAISE(ROLLBACK, 'contest_directory is append-only: not a new row'); END;

CREATE TRIGGER log_block_delete BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'log is append-only'); END;

CREATE TRIGGER log_block_update BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'log is append-only'); END;

CREATE TRIGGER log_guard_insert BEFORE INSERT ON log WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM log) OR EXISTS (SELECT 1 FROM log WHERE key = NEW.key) BEGIN SELECT RAISE(ROLLBACK, 'log is append-only: not a new row'); END;

CREATE TRIGGER runbook_execution_ends_block_delete BEFORE DELETE ON runbook_execution_ends BEGIN SELECT RAISE(ABORT, 'runbook_execution_ends is append-only'); END;

CREATE TRIGGER runbook_execution_ends_block_update BEFORE UPDATE ON runbook_execution_ends BEGIN SELECT RAISE(ABORT, 'runbook_execution_ends is append-only'); END;

CREATE TRIGGER runbook_execution_ends_guard_insert BEFORE INSERT ON runbook_execution_ends WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM runbook_execution_ends)) OR EXISTS (SELECT 1 FROM runbook_execution_ends WHERE execution_id = NEW.execution_id) BEGIN SELECT RAISE(ROLLBACK, 'runbook_execution_ends is append-only: not a new row'); END;

CREATE TRIGGER runbook_execution_starts_block_delete BEFORE DELETE ON runbook_execution_starts BEGIN SELECT RAISE(ABORT, 'runbook_execution_starts is append-only'); END;

CREATE TRIGGER runbook_execution_starts_block_update BEFORE UPDATE ON runbook_execution_starts BEGIN SELECT RAISE(ABORT, 'runbook_execution_starts is append-only'); END;

CREATE TRIGGER runbook_execution_starts_guard_insert BEFORE INSERT ON runbook_execution_starts WHEN NEW.log_seq <= (SELECT max(log_seq) FROM runbook_execution_starts) OR EXISTS (SELECT 1 FROM runbook_execution_starts WHERE id = NEW.id) BEGIN SELECT RAISE(ROLLBACK, 'runbook_execution_starts is append-only: not a new row'); END;

CREATE TRIGGER runbook_execution_steps_block_delete BEFORE DELETE ON runbook_execution_steps BEGIN SELECT RAISE(ABORT, 'runbook_execution_steps is append-only'); END;

CREATE TRIGGER runbook_execution_steps_block_update BEFORE UPDATE ON runbook_execution_steps BEGIN SELECT RAISE(ABORT, 'runbook_execution_steps is append-only'); END;

CREATE TRIGGER runbook_execution_steps_guard_insert BEFORE INSERT ON runbook_execution_steps WHEN (NEW.id <> -1 AND NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM runbook_execution_steps)) OR EXISTS (SELECT 1 FROM runbook_execution_steps WHERE execution_id = NEW.execution_id AND number = NEW.number) BEGIN SELECT RAISE(ROLLBACK, 'runbook_execution_steps is append-only: not a new row'); END;
