"""The schema of one provider event's feed file; it must not know the contests that follow it."""

from __future__ import annotations

from cutline.storage.migrations.migration import LOG, Migration

MIGRATIONS = (
    LOG,
    Migration(
        name="0002_create_feed_tables",
        creates=("payloads",),
        statements=(
            """
CREATE TABLE payloads (
  -- every distinct body the provider has served, accepted or not
  id INTEGER PRIMARY KEY CHECK (id > 0),
  sha256 TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64), -- of the body before compression
  received_at TEXT NOT NULL CHECK (received_at GLOB '????-??-??T*Z'),
  http_status INTEGER NOT NULL CHECK (http_status BETWEEN 100 AND 599),
  body BLOB NOT NULL, -- compressed by zlib
  log_seq INTEGER NOT NULL REFERENCES log (seq)
) STRICT""",
            "CREATE INDEX payloads_log_seq_idx ON payloads (log_seq)",
        ),
    ),
)
