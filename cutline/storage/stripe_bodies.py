"""Finds the sealed bodies of Stripe's events; it must not open one."""

from __future__ import annotations

from pysqlite3 import Connection

_BODY = "SELECT key_month, body FROM stripe_events WHERE event_id = ?"
_WAITING = """
SELECT o.event_id FROM stripe_webhook_outbox AS o JOIN stripe_events AS e ON e.event_id = o.event_id
WHERE o.status <> 'forwarded' AND e.key_month = ? ORDER BY o.event_id"""


def sealed_body(connection: Connection, event_id: str) -> tuple[str, bytes] | None:
    """Return the month whose key sealed an event's body, and the sealed body; None for an event that is not there."""
    row = connection.execute(_BODY, (event_id,)).fetchone()
    return None if row is None else (row[0], row[1])


def not_in_the_books(connection: Connection, month: str) -> list[str]:
    """Return the events of a month that still wait to be posted, and need their bodies for it."""
    return [row[0] for row in connection.execute(_WAITING, (month,))]
