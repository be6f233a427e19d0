"""Say which facts of a contest a person should hear of at once; it decides nothing and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from cutline.engine.contest.config_events import ConfigChangeRefused
from cutline.engine.contest.events import StatusChanged, TransitionRefused
from cutline.engine.contest.folding import SCHEDULER_ACTOR
from cutline.engine.contest.lifecycle import Status
from cutline.engine.errors import RejectCode
from cutline.engine.messages import RaiseAlert

TRANSITION_FAILED: Final = "contest_status_transition_failed"
IN_ERROR: Final = "contest_in_error"
CONFIG_REFUSED: Final = "contest_config_refused"


def alerts_of(contest_id: str, events: Iterable[Any]) -> list[RaiseAlert]:
    """Return the alerts that a decision's events raise, in their order (LIFE-021, C-32)."""
    return [alert for event in events if (alert := _alert(contest_id, event)) is not None]


def _alert(contest_id: str, event: Any) -> RaiseAlert | None:
    match event:
        case TransitionRefused(to_status=Status.COMPLETE, actor=actor) if actor == SCHEDULER_ACTOR:
            # The planned end has come before the provider's last word, as it does most of the time.
            return None
        case TransitionRefused(from_status=source, to_status=target, reasons=reasons):
            details = {"contest_id": contest_id, "from": source.value, "to": target.value, "reasons": list(reasons)}
            return RaiseAlert(name=TRANSITION_FAILED, runbook="runbooks/contest-lock-failed.md", details=details)
        case StatusChanged(to_status=Status.ERROR, from_status=source, reason=reason):
            details = {"contest_id": contest_id, "from": source.value, "reason": reason}
            return RaiseAlert(name=IN_ERROR, runbook=event.runbook or "runbooks/contest-in-error.md", details=details)
        case ConfigChangeRefused(code=code) if code is not RejectCode.CONTEST_CONFIG_LOCKED:
            # That a contest is locked already is what a publication expects of most contests.
            said = {"contest_id": contest_id, "version": event.version, "code": code.value, "paths": event.paths}
            return RaiseAlert(name=CONFIG_REFUSED, runbook="runbooks/deploy-configuration-change.md", details=said)
        case _:
            return None
