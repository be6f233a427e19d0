"""The schema of the ledger: what Stripe said and what it did to the books.

It must not know how we call Stripe.
"""

from __future__ import annotations

from cutline.storage.migrations.migration import Migration, log_table
from cutline.storage.migrations.netting import NETTING

_STRIPE = (
    """
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
) STRICT""",
    """
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
) STRICT""",
    "CREATE INDEX stripe_events_quarantined_log_seq_idx ON stripe_events_quarantined (log_seq)",
    """
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
) STRICT""",
    "CREATE INDEX stripe_webhook_dead_letters_event_id_idx ON stripe_webhook_dead_letters (stripe_event_id)",
    "CREATE INDEX stripe_webhook_dead_letters_log_seq_idx ON stripe_webhook_dead_letters (log_seq)",
    """
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
) STRICT""",
    "CREATE INDEX outbox_attempts_log_seq_idx ON outbox_attempts (log_seq)",
)

_BOOKS = (
    """
CREATE TABLE accounts (
  -- an account exists from its first posting on
  id INTEGER PRIMARY KEY CHECK (id > 0),
  account TEXT NOT NULL UNIQUE CHECK (account <> ''),
  kind TEXT NOT NULL CHECK (kind <> ''),
  currency TEXT NOT NULL CHECK (currency GLOB '[a-z][a-z][a-z]'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT""",
    "CREATE INDEX accounts_log_seq_idx ON accounts (log_seq)",
    """
CREATE TABLE effects (
  -- what each transaction did, by name, so that it is booked once
  effect_key TEXT NOT NULL PRIMARY KEY CHECK (effect_key <> ''),
  log_seq INTEGER NOT NULL CHECK (log_seq > 0) -- the row of the log that booked it
) STRICT, WITHOUT ROWID""",
    """
CREATE VIEW transactions AS
-- one balanced movement of money each; occurred_at is by the sender's clock
SELECT l.seq AS log_seq, l.payload ->> '$.posting.effect_key' AS effect_key, l.payload ->> '$.posting.kind' AS kind,
  l.payload ->> '$.posting.currency' AS currency, l.payload ->> '$.posting.occurred_at' AS occurred_at,
  l.at AS recorded_at, l.payload
FROM log AS l WHERE l.payload ->> '$.posting.kind' IS NOT NULL""",
    """
CREATE VIEW ledger_entries AS
-- the legs of each transaction, in order; amount_cents is debit positive, and the legs sum to zero
-- balance_cents is that of the account after this leg
SELECT t.log_seq, leg.key AS leg, t.effect_key, t.kind, leg.value ->> 0 AS account, leg.value ->> 1 AS amount_cents,
  leg.value ->> 2 AS balance_cents, t.currency, t.occurred_at, t.recorded_at, t.payload
FROM transactions AS t JOIN json_each(t.payload, '$.posting.legs') AS leg""",
    """
CREATE VIEW postings AS
SELECT log_seq, leg, account, amount_cents, balance_cents FROM ledger_entries""",
)

_OUTBOX = """
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
WHERE a.attempt = (SELECT max(c.attempt) FROM outbox_attempts AS c WHERE c.event_id = a.event_id)"""

_CLEARING = """
CREATE VIEW clearing_accounts AS
SELECT 'did:internal:' || account AS id, substr(account, 10) AS domain, account, currency, log_seq
FROM accounts WHERE kind = 'clearing'"""

_REQUEST_KEYS = """
CREATE TABLE request_keys (
  -- the idempotency key of a transaction that was asked for under another name than its effect's
  request_key TEXT NOT NULL PRIMARY KEY CHECK (request_key <> ''),
  log_seq INTEGER NOT NULL CHECK (log_seq > 0)
) STRICT, WITHOUT ROWID"""

MIGRATIONS = (
    # Found once in stripe_events by their id; in effects by their effect, or in request_keys by their key.
    log_table(keyed_elsewhere=("StripeEventRecorded", "TransactionPosted")),
    Migration(
        name="0002_create_ledger_tables",
        creates=(
            "stripe_events",
            "stripe_events_quarantined",
            "stripe_webhook_dead_letters",
            "outbox_attempts",
            "accounts",
            "effects",
        ),
        statements=_STRIPE + _BOOKS,
    ),
    Migration(name="0003_create_stripe_webhook_outbox", creates=(), statements=(_OUTBOX,)),
    NETTING,
    Migration(name="0005_create_clearing_accounts", creates=(), statements=(_CLEARING,)),
    Migration(name="0006_create_request_keys", creates=("request_keys",), statements=(_REQUEST_KEYS,)),
)
