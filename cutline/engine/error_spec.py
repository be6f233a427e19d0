"""What the registry says of one refusal; it must not list any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cutline.engine.errors import MoneyMoved
from cutline.engine.errors import RejectCode as C

Scope = Literal["public", "admin", "internal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSpec:
    """One row of the registry. `runbook` is a path under `runbooks/`, or None where the caller can mend it alone."""

    code: C
    http_status: int
    scope: Scope
    meaning: str
    what_to_do: str
    money_moved: MoneyMoved = "no"
    runbook: str | None = None


def describe(
    code: C,
    http_status: int,
    scope: Scope,
    meaning: str,
    what_to_do: str,
    money_moved: MoneyMoved = "no",
    runbook: str | None = None,
) -> ErrorSpec:
    """Return a row; the shortest way to write one."""
    return ErrorSpec(
        code=code,
        http_status=http_status,
        scope=scope,
        meaning=meaning,
        what_to_do=what_to_do,
        money_moved=money_moved,
        runbook=runbook,
    )
