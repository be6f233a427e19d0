"""What an OpenAPI document looks like from afar; its text is written elsewhere."""

from __future__ import annotations

from typing import Any

from cutline.http.schemas.base import Given


class DocumentGiven(Given):
    """An OpenAPI document."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]
