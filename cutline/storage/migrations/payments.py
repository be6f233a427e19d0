"""The schema of what we ask of Stripe on the way in; it must not hold what Stripe answers by webhook."""

from __future__ import annotations

from cutline.storage.migrations.migration import LOG, Migration

_TABLES = (
    """
CREATE TABLE payment_intents (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  intent_key TEXT NOT NULL UNIQUE,
  contest_id TEXT NOT NULL,
  entry_id TEXT NOT NULL,
  account_did TEXT NOT NULL,
  amount_cents INTEGER NOT NULL CHECK (amount_cents > 0),
  currency TEXT NOT NULL CHECK (currency GLOB '[a-z][a-z][a-z]'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT""",
    "CREATE INDEX payment_intents_contest_idx ON payment_intents (contest_id, entry_id)",
    "CREATE INDEX payment_intents_log_seq_idx ON payment_intents (log_seq)",
    """
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
) STRICT""",
    "CREATE INDEX refunds_contest_idx ON refunds (contest_id, entry_id)",
    "CREATE INDEX refunds_log_seq_idx ON refunds (log_seq)",
    """
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
) STRICT""",
    "CREATE INDEX payment_attempts_log_seq_idx ON payment_attempts (log_seq)",
    """
CREATE TABLE payment_events (
  -- everything that has happened to an intent or a refund, in order
  id INTEGER PRIMARY KEY CHECK (id > 0),
  subject TEXT NOT NULL CHECK (subject <> ''),
  status TEXT NOT NULL CHECK (status <> ''),
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T*Z'),
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT""",
    "CREATE INDEX payment_events_subject_idx ON payment_events (subject, id)",
    "CREATE INDEX payment_events_log_seq_idx ON payment_events (log_seq)",
)

MIGRATIONS = (
    LOG,
    Migration(
        name="0002_create_payment_tables",
        creates=("payment_intents", "refunds", "payment_attempts", "payment_events"),
        statements=_TABLES,
    ),
)
