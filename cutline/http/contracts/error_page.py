"""Writes the registry of refusals as a page for people; it must not say anything that the registry does not."""

from __future__ import annotations

from collections.abc import Iterable

from cutline.engine.error_registry import REGISTRY
from cutline.engine.error_spec import ErrorSpec
from cutline.http.operation import Operation

_HEAD = """# Refusals

Every refusal has this shape, with the status of its code:

```json
{"error": {"code": "CONTEST_FULL", "message": "Every seat is taken.", "details": {}}, "correlation_id": "…"}
```

Go by `code`: it never changes its meaning or status, while `message` may be worded better one day. Where money may
have moved, `details.money_moved` says `yes` or `unknown`. Codes are added in time: treat an unknown one by its status.

This page is made by `cutline openapi dump` from the registry, and a check keeps them equal.
"""
_SECTIONS = (
    ("public", "For everybody"),
    ("admin", "For staff and services"),
    ("internal", "Inside"),
)
_INSIDE = "These never answer a request: they stand in logs, in dead letters and in what an entry says of itself."


def error_page(operations: Iterable[Operation]) -> str:
    """Return the page in Markdown, with the operations that may answer with each code."""
    table = list(operations)
    parts = [_HEAD]
    for scope, title in _SECTIONS:
        parts.append(f"\n## {title}\n")
        if scope == "internal":
            parts.append(f"\n{_INSIDE}\n")
        parts += [_entry(spec, table) for spec in REGISTRY.values() if spec.scope == scope]
    return "".join(parts)


def _entry(spec: ErrorSpec, table: Iterable[Operation]) -> str:
    said = [f"\n### {spec.code.value}\n\n", f"{spec.http_status}. {spec.meaning} {spec.what_to_do}"]
    if spec.money_moved != "no":
        said.append(f" Money moved: {spec.money_moved}.")
    if spec.runbook is not None:
        said.append(f" Runbook: [{spec.runbook}](../../{spec.runbook}).")
    said.append("\n")
    answering = sorted(operation.name for operation in table if spec.code in operation.refuses)
    if answering:
        said.append(f"\nFrom {', '.join(f'`{name}`' for name in answering)}.\n")
    return "".join(said)
