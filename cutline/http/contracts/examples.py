"""What each operation was asked and answered when it was recorded; it must not record, nor make anything up.

`examples.json` is written by `make examples`, from the answers that real engines give while the tests run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, TypedDict

from pydantic import BaseModel, ValidationError

from cutline.http.operation import JSON, Operation

PATH: Final = Path(__file__).with_name("examples.json")
SHORTENED: Final = frozenset({"readAdminDocument", "readMetrics", "readPublicDocument"})
"""Answers too long to be shown whole: a document cannot hold itself."""


class Example(TypedDict):
    """One operation as it was once used: a body, if it takes one, and answers by status and media type."""

    asked: dict[str, Any] | None
    answers: dict[str, dict[str, Any]]


Examples = Mapping[str, Example]
"""By the ids of operations."""


@cache
def recorded() -> Examples:
    """Return what is recorded."""
    examples: Examples = json.loads(PATH.read_text("utf-8"))
    return examples


def shown(operation: Operation, value: Any) -> dict[str, Any]:
    """Return a value as OpenAPI shows it beside a schema."""
    about = "Recorded, and shortened." if operation.name in SHORTENED else "Recorded."
    return {"examples": {"recorded": {"summary": about, "value": value}}}


def faults(operations: Iterable[Operation], examples: Examples) -> list[str]:
    """Return a line for each operation whose example is missing or is nothing that it takes or gives today."""
    return [f"{one.name}: {fault}" for one in operations for fault in _faults(one, examples.get(one.name))]


def _faults(operation: Operation, example: Example | None) -> Iterator[str]:
    if example is None:
        yield "nothing is recorded"
        return
    if operation.takes is not None:
        yield from _misfit(operation.takes, example["asked"], whole=False)
    if not example["answers"]:
        yield "no answer is recorded"
    for status, contents in example["answers"].items():
        if int(status) not in operation.statuses:
            yield f"{status} is no success"
        for media, value in contents.items():
            if media not in operation.produces:
                yield f"{media} is not answered"
            elif media == JSON and operation.gives is not None:
                yield from _misfit(operation.gives, value, whole=True)


def _misfit(model: type[BaseModel], value: Any, *, whole: bool) -> Iterator[str]:
    """Say why a value does not fit a model; a `whole` one has every field of it and no other."""
    try:
        read = model.model_validate_json(json.dumps(value))
    except ValidationError as error:
        yield f"{model.__name__}: {error.errors()[0]['loc']} {error.errors()[0]['msg']}"
        return
    if whole and read.model_dump(mode="json") != value:
        yield f"{model.__name__}: its fields have changed"
