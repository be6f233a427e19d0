"""The one shape of every refusal, for the documents; `errors` writes the bytes."""

from __future__ import annotations

from typing import Any

from cutline.http.schemas.base import Given


class ReasonGiven(Given):
    """Why. `code` is one of the registry's, to which some are added in time: treat an unknown one by its status."""

    code: str
    message: str
    details: dict[str, Any]


class RefusalGiven(Given):
    """A refused request. `correlation_id` finds it in the logs."""

    error: ReasonGiven
    correlation_id: str
