"""Every operation is shown with what it was really asked and answered, and that is still what it takes and gives."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from cutline.http.app import OPERATIONS
from cutline.http.contracts import committed, examples
from cutline.http.operation import JSON

DOCUMENTS = [json.loads(one.text) for one in committed.contracts()]
SHOWN = [
    pytest.param(document, operation, id=operation["operationId"])
    for document in DOCUMENTS
    for methods in document["paths"].values()
    for operation in methods.values()
]


def test_every_operation_is_recorded_and_fits() -> None:
    """FRZ-024: where this fails, run `make examples`."""
    assert examples.faults(OPERATIONS, examples.recorded()) == []
    assert set(examples.recorded()) == {one.name for one in OPERATIONS}


def contents(operation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return what is shown of an operation, by media type: its body and its successes."""
    parts = [operation.get("requestBody", {}), *operation["responses"].values()]
    return [(media, said) for part in parts for media, said in part.get("content", {}).items() if "examples" in said]


@pytest.mark.parametrize(("document", "operation"), SHOWN)
def test_a_document_shows_each_operation_and_holds_to_its_own_schemas(
    document: dict[str, Any], operation: dict[str, Any]
) -> None:
    """FRZ-014, FRZ-024: by another reader of schemas than the one that made them."""
    shown = contents(operation)
    assert len(shown) > ("requestBody" in operation)
    for media, said in shown:
        value = said["examples"]["recorded"]["value"]
        if media == JSON:
            OAS31Validator({**said["schema"], "components": document["components"]}).validate(value)
        else:
            assert isinstance(value, str)


@pytest.mark.parametrize(
    "damage", ["field gone", "field new", "wrong type", "status", "media", "body", "answer", "all"]
)
def test_an_example_that_no_longer_fits_is_found(damage: str) -> None:
    [operation] = [one for one in OPERATIONS if one.name == "enter"]
    known: Any = copy.deepcopy(dict(examples.recorded()))
    example = known["enter"]
    answer = example["answers"]["201"][JSON]
    match damage:
        case "field gone":
            del answer["rank"]
        case "field new":
            answer["colour"] = "green"
        case "wrong type":
            answer["fee_cents"] = "much"
        case "status":
            example["answers"]["202"] = example["answers"]["201"]
        case "media":
            example["answers"]["201"]["text/csv"] = ""
        case "body":
            example["asked"] = {"golfers": []}
        case "answer":
            example["answers"].clear()
        case "all":
            del known["enter"]
    assert len(examples.faults([operation], known)) == 1
