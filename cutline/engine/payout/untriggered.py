"""Finding contests that have settled and for which no transfer was planned (POUT-042); it plans none of them.

What is owed comes again by itself. This notices when it has not come for too long, whoever holds it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from cutline.engine.decision import Accepted, Decision
from cutline.engine.messages import RaiseAlert
from cutline.engine.messages.untriggered import LookForUntriggered, ReadUntriggered, SettledContest
from cutline.engine.payout.state import PayoutState

RUNBOOK: Final = "runbooks/payouts-untriggered.md"


def read_untriggered(state: PayoutState, command: ReadUntriggered, now: datetime) -> Decision:
    """List the contests that settled so long ago and have no transfer, the longest wait first (POUT-042)."""
    return Accepted(reply={"contests": _untriggered(state, command.settled, command.older_than_minutes, now)})


def look_for_untriggered(state: PayoutState, command: LookForUntriggered, now: datetime) -> Decision:
    """Raise an alert, at every look, while there are such contests; it names the one that waits longest."""
    found = _untriggered(state, command.settled, command.older_than_minutes, now)
    if not found:
        return Accepted()
    oldest = found[0]
    details = {
        "count": len(found),
        "contest_id": oldest.contest_id,
        "settled_at": oldest.settled_at.isoformat(),
    }
    return Accepted(effects=(RaiseAlert(name="payouts_untriggered", runbook=RUNBOOK, details=details),))


def _untriggered(
    state: PayoutState, settled: Iterable[SettledContest], minutes: int, now: datetime
) -> list[SettledContest]:
    before = now - timedelta(minutes=minutes)
    found = [one for one in settled if one.settled_at <= before and one.contest_id not in state.by_contest]
    return sorted(found, key=lambda one: (one.settled_at, one.contest_id))
