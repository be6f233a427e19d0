"""Has contests' files read and scored again in a worker process: scheduled audits, and comparisons for ops.

It decides nothing: what an audit finds goes to the contest as a message, a comparison to whoever asked.
"""

from __future__ import annotations

from typing import Any

import orjson

from cutline.actors.workers import Workers
from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import AuditScores, ScoresAudited
from cutline.storage.errors import StorageError
from cutline.storage.files import DataRoot
from cutline.storage.rescoring import audit_json, compare_json, read_mismatches


class Rescoring:
    """Reads again for one engine."""

    def __init__(self, root: DataRoot, workers: Workers) -> None:
        self._root = root
        self._workers = workers

    async def audit(self, effect: AuditScores) -> ScoresAudited:
        """Read a settled contest's file again; an audit that breaks has found nothing, and is tried again."""
        path = str(self._root.path_of(f"contest/{effect.contest_id}"))
        try:
            mismatches = read_mismatches(await self._workers.run(audit_json, path))
        except Exception as failure:  # noqa: BLE001  # whatever it is, it is recorded as the audit's own failure
            error = {"code": RejectCode.INTERNAL_FAULT.value, "details": {"error": repr(failure)}}
            return ScoresAudited(number=effect.number, error=error)
        return ScoresAudited(number=effect.number, mismatches=tuple(mismatches))

    async def compare(self, contest_id: str, before: str, after: str) -> dict[str, Any] | Rejected:
        """Settle a contest's file at two points and return how they differ (see `storage.rescoring`).

        Refusals: NOT_FOUND for a contest without a file and for a point that it does not have,
        CONTEST_QUARANTINED for a file that cannot be read.
        """
        path = self._root.path_of(f"contest/{contest_id}")
        if not path.exists():
            return Rejected(code=RejectCode.NOT_FOUND, details={"contest_id": contest_id})
        try:
            compared: dict[str, Any] = orjson.loads(await self._workers.run(compare_json, str(path), before, after))
        except StorageError as error:
            return Rejected(code=RejectCode.CONTEST_QUARANTINED, details={"reason": type(error).__name__})
        if "unknown" in compared:
            return Rejected(code=RejectCode.NOT_FOUND, details={"point": compared["unknown"]})
        return compared
