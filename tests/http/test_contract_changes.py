"""Every kind of change that breaks a client is caught, and what only adds passes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from cutline.http.contracts import committed
from cutline.http.contracts.changes import breaking_changes

Document = dict[str, Any]
Change = Callable[[Document], None]

TEXT = {"type": "string"}


def document() -> Document:
    """A small API: one read, one change, models that refer to each other and to themselves."""
    asked = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "picks": {"type": "array", "items": dict(TEXT), "minItems": 1, "maxItems": 6},
            "kind": {"type": "string", "enum": ["solo", "pair"]},
            "tiebreak": {"anyOf": [{"type": "integer", "minimum": -9, "maximum": 9}, {"type": "null"}]},
            "name": {"type": "string", "pattern": "^[a-z]+$"},
        },
        "required": ["picks"],
    }
    given = {
        "type": "object",
        "properties": {
            "entry_id": dict(TEXT),
            "status": {"type": "string", "enum": ["ACTIVE", "EXPIRED"]},
            "rank": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "before": {"anyOf": [{"$ref": "#/components/schemas/Given"}, {"type": "null"}]},
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
        "required": ["entry_id", "status", "rank", "before", "counts"],
    }
    success = {
        "headers": {"ETag": {"schema": dict(TEXT)}},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Given"}}},
    }
    post = {
        "operationId": "enter",
        "security": [{"bearer": ["entrant"]}, {"bearer": ["admin"]}],
        "parameters": [
            {"name": "Idempotency-Key", "in": "header", "required": False, "schema": dict(TEXT)},
            {"name": "limit", "in": "query", "required": False, "schema": {"type": "integer", "maximum": 100}},
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Asked"}}},
        },
        "responses": {"201": success, "409": {"$ref": "#/components/responses/Full"}},
    }
    get = {"operationId": "read", "security": [], "parameters": [], "responses": {"200": success}}
    return {
        "info": {"version": "1.0.0"},
        "paths": {"/entries": {"post": post, "get": get}, "/health": {"get": get | {"operationId": "health"}}},
        "components": {
            "schemas": {"Asked": asked, "Given": given},
            "responses": {"Full": {"content": {"application/json": {"schema": dict(TEXT)}}}},
        },
    }


def put(*path: str | int, value: Any) -> Change:
    """A change that sets what stands at a path."""

    def change(new: Document) -> None:
        place: Any = new
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


def drop(*path: str | int) -> Change:
    """A change that takes away what stands at a path."""

    def change(new: Document) -> None:
        place: Any = new
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return change


POST = ("paths", "/entries", "post")
ASKED = ("components", "schemas", "Asked")
GIVEN = ("components", "schemas", "Given")

BREAKING: dict[str, tuple[Change, str]] = {
    "path": (drop("paths", "/health"), "/health: path removed"),
    "method": (drop("paths", "/entries", "get"), "GET /entries: method removed"),
    "operation id": (put(*POST, "operationId", value="join"), "operationId changed"),
    "scope": (put(*POST, "security", value=[{"bearer": ["admin"]}]), "credentials no longer taken"),
    "credentials": (put("paths", "/health", "get", "security", value=[{"bearer": ["admin"]}]), "credentials needed"),
    "parameter": (drop(*POST, "parameters", 1), "query limit: parameter removed"),
    "parameter required": (put(*POST, "parameters", 0, "required", value=True), "parameter required"),
    "parameter type": (put(*POST, "parameters", 1, "schema", value=TEXT), "type changed from integer to string"),
    "parameter limit": (put(*POST, "parameters", 1, "schema", "maximum", value=50), "maximum lowered"),
    "required parameter": (
        put(
            "paths",
            "/health",
            "get",
            "parameters",
            value=[{"name": "a", "in": "query", "required": True, "schema": TEXT}],
        ),
        "required parameter added",
    ),
    "body removed": (drop(*POST, "requestBody"), "request body removed"),
    "body required": (
        put("paths", "/health", "get", "requestBody", value={"required": True, "content": {}}),
        "request body required",
    ),
    "request media": (put(*POST, "requestBody", "content", value={}), "application/json removed"),
    "request field removed": (drop(*ASKED, "properties", "name"), ".name: field removed"),
    "request field required": (put(*ASKED, "required", value=["picks", "kind"]), ".kind: field required"),
    "new required field": (
        lambda new: (
            put(*ASKED, "properties", "x", value=TEXT)(new),
            put(*ASKED, "required", value=["picks", "x"])(new),
        )[0],
        ".x: required field added",
    ),
    "request type": (put(*ASKED, "properties", "name", value={"type": "integer"}), "type changed"),
    "request enum value": (put(*ASKED, "properties", "kind", "enum", value=["solo"]), "value pair removed"),
    "request enum": (
        put(*ASKED, "properties", "name", value={**TEXT, "pattern": "^[a-z]+$", "enum": ["a"]}),
        "values restricted",
    ),
    "request null": (put(*ASKED, "properties", "tiebreak", "anyOf", value=[{"type": "integer"}]), "no longer null"),
    "request minimum": (put(*ASKED, "properties", "tiebreak", "anyOf", 0, "minimum", value=0), "minimum raised"),
    "request maximum": (put(*ASKED, "properties", "tiebreak", "anyOf", 0, "maximum", value=0), "maximum lowered"),
    "request items": (put(*ASKED, "properties", "picks", "minItems", value=2), "minItems raised"),
    "request most items": (put(*ASKED, "properties", "picks", "maxItems", value=5), "maxItems lowered"),
    "request item type": (
        put(*ASKED, "properties", "picks", "items", value={"type": "integer"}),
        "picks[]: type changed",
    ),
    "request pattern": (put(*ASKED, "properties", "name", "pattern", value="^a$"), "pattern changed"),
    "request length": (put(*ASKED, "properties", "name", "maxLength", value=9), "maxLength lowered"),
    "status": (drop(*POST, "responses", "409"), "409: response removed"),
    "success": (put(*POST, "responses", "202", value={"content": {}}), "202: success added"),
    "header": (put(*POST, "responses", "201", "headers", value={}), "header ETag removed"),
    "response media": (put(*POST, "responses", "201", "content", value={}), "application/json removed"),
    "response field": (drop(*GIVEN, "properties", "status"), ".status: field removed"),
    "renamed field": (
        put(
            *GIVEN,
            "properties",
            value={
                "id": TEXT,
                **{
                    k: v
                    for k, v in document()["components"]["schemas"]["Given"]["properties"].items()
                    if k != "entry_id"
                },
            },
        ),
        ".entry_id: field removed",
    ),
    "response field not always there": (
        put(*GIVEN, "required", value=["entry_id", "rank", "before", "counts"]),
        ".status: field no longer always there",
    ),
    "response type": (
        put(*GIVEN, "properties", "entry_id", value={"type": "integer"}),
        "type changed from string to integer",
    ),
    "response null": (
        put(*GIVEN, "properties", "entry_id", value={"anyOf": [TEXT, {"type": "null"}]}),
        "now also null",
    ),
    "response choice": (put(*GIVEN, "properties", "rank", "anyOf", value=[TEXT, {"type": "null"}]), "now also string"),
    "response enum value": (put(*GIVEN, "properties", "status", "enum", value=["ACTIVE"]), "value EXPIRED removed"),
    "response map": (
        put(*GIVEN, "properties", "counts", "additionalProperties", value=TEXT),
        "counts.*: type changed",
    ),
    "shared response": (put("components", "responses", "Full", "content", value={}), "409: application/json removed"),
}

ADDING: dict[str, Change] = {
    "nothing": lambda _: None,
    "path": put("paths", "/new", value={"get": document()["paths"]["/health"]["get"]}),
    "method": put("paths", "/health", "post", value=document()["paths"]["/entries"]["post"]),
    "scope": put(*POST, "security", value=[{"bearer": ["admin"]}, {"bearer": ["entrant"]}, {"bearer": ["ops"]}]),
    "no credentials": put(*POST, "security", value=[]),
    "optional parameter": put(
        "paths", "/health", "get", "parameters", value=[{"name": "a", "in": "query", "schema": TEXT}]
    ),
    "optional request field": put(*ASKED, "properties", "x", value=TEXT),
    "request field no longer required": put(*ASKED, "required", value=[]),
    "request enum value": put(*ASKED, "properties", "kind", "enum", value=["solo", "pair", "team"]),
    "wider limits": put(*ASKED, "properties", "tiebreak", "anyOf", 0, value={"type": "integer", "minimum": -99}),
    "no pattern": put(*ASKED, "properties", "name", value=TEXT),
    "request null": put(
        *ASKED, "properties", "name", value={"anyOf": [{**TEXT, "pattern": "^[a-z]+$"}, {"type": "null"}]}
    ),
    "response field": put(*GIVEN, "properties", "x", value=TEXT),
    "response enum value": put(*GIVEN, "properties", "status", "enum", value=["ACTIVE", "EXPIRED", "REFUSED"]),
    "never null": put(*GIVEN, "properties", "rank", value={"type": "integer"}),
    "refusal": put(*POST, "responses", "429", value={"content": {}}),
    "media": put(*POST, "responses", "201", "content", "text/csv", value={"schema": TEXT}),
}


@pytest.mark.parametrize(("change", "said"), BREAKING.values(), ids=BREAKING)
def test_what_breaks_clients_is_named(change: Change, said: str) -> None:
    """FRZ-015: and nothing else is said of it; a new major version permits it."""
    old, new = document(), copy.deepcopy(document())
    change(new)
    found = breaking_changes(old, new)
    assert found
    assert any(said in line for line in found), found
    new["info"]["version"] = "2.0.0"
    assert breaking_changes(old, new) == []


@pytest.mark.parametrize("change", ADDING.values(), ids=ADDING)
def test_what_only_adds_passes(change: Change) -> None:
    """FRZ-015: also the other way round it would not."""
    old, new = document(), copy.deepcopy(document())
    change(new)
    assert breaking_changes(old, new) == []


def test_a_minor_version_permits_nothing() -> None:
    old, new = document(), document()
    del new["paths"]["/health"]
    new["info"]["version"] = "1.9.9"
    assert breaking_changes(old, new) == ["/health: path removed"]


def test_no_field_of_the_real_document_can_be_taken_away_unnoticed() -> None:
    """Walks every path, parameter, field and response of what is committed."""
    real = json.loads(committed.files()[committed.PUBLIC])
    assert breaking_changes(real, copy.deepcopy(real)) == []
    places: list[tuple[str, ...]] = [("paths", path) for path in real["paths"]]
    for path, methods in real["paths"].items():
        for method, operation in methods.items():
            places += [("paths", path, method, "responses", status) for status in operation["responses"]]
    for name, schema in real["components"]["schemas"].items():
        places += [("components", "schemas", name, "properties", field) for field in schema.get("properties", {})]
    assert len(places) > 150
    for place in places:
        new = copy.deepcopy(real)
        drop(*place)(new)
        assert breaking_changes(real, new), place
