"""The schema of what we ask of Stripe on the way out; it must not hold balances, which are the ledger's."""

from __future__ import annotations

from cutline.storage.migrations.migration import LOG, Migration

_TABLES = (
    """
CREATE TABLE payout_connect_accounts (
  -- which connected account belongs to whom; its changing readiness is in payout_audit_events
  id INTEGER PRIMARY KEY CHECK (id > 0),
  account_did TEXT NOT NULL UNIQUE,
  stripe_account_id TEXT NOT NULL UNIQUE,
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT""",
    "CREATE INDEX payout_connect_accounts_log_seq_idx ON payout_connect_accounts (log_seq)",
    """
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
) STRICT""",
    "CREATE INDEX payout_transfers_contest_idx ON payout_transfers (contest_id, entry_id)",
    "CREATE INDEX payout_transfers_account_did_idx ON payout_transfers (account_did)",
    "CREATE INDEX payout_transfers_log_seq_idx ON payout_transfers (log_seq)",
    """
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
) STRICT""",
    "CREATE INDEX payout_attempts_log_seq_idx ON payout_attempts (log_seq)",
    """
CREATE TABLE payout_audit_events (
  -- every change of a transfer, a payout or a connected account: when, by whom, why
  id INTEGER PRIMARY KEY CHECK (id > 0),
  subject TEXT NOT NULL CHECK (subject <> ''),
  status TEXT NOT NULL CHECK (status <> ''),
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T*Z'),
  actor TEXT NOT NULL CHECK (actor <> ''),
  reason TEXT NOT NULL,
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT""",
    "CREATE INDEX payout_audit_events_subject_idx ON payout_audit_events (subject, id)",
    "CREATE INDEX payout_audit_events_log_seq_idx ON payout_audit_events (log_seq)",
)

MIGRATIONS = (
    LOG,
    Migration(
        name="0002_create_payout_tables",
        creates=(
            "payout_connect_accounts",
            "payout_transfers",
            "payout_attempts",
            "payout_audit_events",
        ),
        statements=_TABLES,
    ),
)
