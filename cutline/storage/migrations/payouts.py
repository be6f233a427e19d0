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

_PAYOUTS = (
    """
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
) STRICT""",
    "CREATE INDEX payouts_account_did_idx ON payouts (account_did)",
    "CREATE INDEX payouts_created_at_idx ON payouts (created_at, payout_id)",
    "CREATE INDEX payouts_log_seq_idx ON payouts (log_seq)",
    """
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
FROM payouts AS p""",
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
    Migration(name="0003_create_payouts", creates=("payouts",), statements=_PAYOUTS),
)
