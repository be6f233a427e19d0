"""Writes the table of operations as OpenAPI 3.1, canonically: equal tables give equal text. It must not read a clock.

`public-api` is what apps are built on and may only grow; `admin-api` is for staff and services (C-40).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from cutline.engine.canonical import sha256_hex
from cutline.engine.error_registry import REGISTRY
from cutline.engine.errors import RejectCode
from cutline.http import errors
from cutline.http.contracts.examples import Example, Examples, shown
from cutline.http.operation import JSON, STRIPE, Document, Operation
from cutline.http.schemas.base import AccountDid, ContestId, EntryId
from cutline.http.schemas.refusals import RefusalGiven

_SCHEMAS = "#/components/schemas/{model}"
_PARTS: Final[Mapping[str, tuple[Any, str]]] = {
    "account_did": (AccountDid, "Whose account."),
    "contest_id": (ContestId, "Which contest."),
    "entry_id": (EntryId, "Which entry."),
}
"""What stands in paths; a part that is not listed is a plain text."""
_KEY_PATTERN = r"^[\x21-\x7e]{1,255}$"
_STATUSES: Final = {200: "Done.", 201: "Created.", 202: "Under way.", 304: "Unchanged.", 503: "Not ready."}
_SECURITY: Final = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token, or a service key. One of the named scopes is enough.",
    },
    "serviceKey": {"type": "apiKey", "in": "header", "name": "x-admin-key"},
    "stripeSignature": {"type": "apiKey", "in": "header", "name": "Stripe-Signature"},
}
_NO_EXAMPLE: Final[Example] = {"asked": None, "answers": {}}
_SERVICE_SCOPES = frozenset({"admin", "settle", "ledger"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One document: its name, its version, and its canonical text."""

    document: Document
    name: str
    version: str
    text: str

    @property
    def sha256(self) -> str:
        """The hash of the text, by which it is frozen (FRZ-014)."""
        return sha256_hex(self.text.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edition:
    name: str
    version: str
    title: str
    description: str


EDITIONS: Final[Mapping[Document, _Edition]] = {
    "public": _Edition(
        name="public-api",
        version="1.0.0",
        title="Cutline",
        description="Enter golf contests, pay, follow and be paid. This document only grows: fields, codes and "
        "operations are added, and none is changed or taken away without a new major version.",
    ),
    "admin": _Edition(
        name="admin-api",
        version="1.0.0",
        title="Cutline for staff and services",
        description="Publish configurations, run contests, look after money. It may change with any release.",
    ),
}
"""Raise the first number of a version to break the public document, the second to add to it."""


def contract(document: Document, operations: Iterable[Operation], examples: Examples) -> Contract:
    """Return one of the two documents of a table of operations, with the examples there are."""
    edition = EDITIONS[document]
    chosen = sorted((one for one in operations if one.in_document == document), key=lambda one: (one.path, one.method))
    references, schemas = _schemas(chosen)
    paths: dict[str, dict[str, Any]] = {}
    for operation in chosen:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(
            operation, references, examples.get(operation.name, _NO_EXAMPLE)
        )
    said = {
        "openapi": "3.1.0",
        "info": {"title": edition.title, "version": edition.version, "description": edition.description},
        "paths": paths,
        "components": {
            "responses": _refusals(chosen, references),
            "schemas": schemas,
            "securitySchemes": _SECURITY,
        },
    }
    text = json.dumps(said, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return Contract(document=document, name=edition.name, version=edition.version, text=text)


_References = Mapping[Any, Mapping[str, Any]]
"""Where the schema of a model stands, by the model and the way it goes."""


def _schemas(operations: Iterable[Operation]) -> tuple[_References, dict[str, Any]]:
    """Return where each model's schema stands, and all schemas by name."""
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(RefusalGiven, "serialization")]
    for operation in operations:
        if operation.takes is not None:
            wanted.append((operation.takes, "validation"))
        if operation.gives is not None:
            wanted.append((operation.gives, "serialization"))
    references, definitions = models_json_schema(wanted, ref_template=_SCHEMAS)
    return references, {name: _plain(schema) for name, schema in definitions["$defs"].items()}


def _plain(schema: Any) -> Any:
    """Leave out the titles, which only repeat names in other letters."""
    if isinstance(schema, dict):
        return {key: _plain(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))}
    return [_plain(one) for one in schema] if isinstance(schema, list) else schema


def _operation(operation: Operation, references: _References, example: Example) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_header_parameters(operation)],
        "responses": _responses(operation, references, example),
        "security": _security(operation),
    }
    if operation.takes is not None:
        body: dict[str, Any] = {"schema": references[operation.takes, "validation"]}
        if example["asked"] is not None:
            body |= shown(operation, example["asked"])
        said["requestBody"] = {"required": True, "content": {JSON: body}}
    if operation.idempotency is not None:
        said["x-idempotency"] = operation.idempotency
    return said


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if operation.needs == STRIPE:
        return [{"stripeSignature": []}]
    ways = [{"bearer": [scope]} for scope in sorted(operation.needs)]
    if operation.needs & _SERVICE_SCOPES:
        ways.append({"serviceKey": []})
    return ways


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    found = []
    for name in operation.parts:
        kind, meaning = _PARTS.get(name, (str, "Which one."))
        schema = TypeAdapter(kind).json_schema()
        found.append({"name": name, "in": "path", "required": True, "description": meaning, "schema": schema})
    return found


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = _plain(operation.query.model_json_schema())
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _not_null(described)}
        for name, described in schema["properties"].items()
    ]


def _not_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter that may be left out is not null when it is there: a query knows no null."""
    said = {key: value for key, value in schema.items() if not (key == "default" and value is None)}
    some = [one for one in said.get("anyOf", []) if one != {"type": "null"}]
    if len(some) == 1:
        del said["anyOf"]
        said.update(some[0])
    return said


def _header_parameters(operation: Operation) -> list[dict[str, Any]]:
    found = []
    if operation.behind_the_common_door or operation.needs == STRIPE:
        about = "Names this request in logs; one that is absent or not plain is replaced."
        found.append(_header(errors.CORRELATION_HEADER, about, None))
    if operation.idempotency in ("required", "taken"):
        about = "One key an intention: sent again, it does nothing twice."
        found.append(
            _header("Idempotency-Key", about, _KEY_PATTERN) | {"required": operation.idempotency == "required"}
        )
    if operation.polled:
        found.append(_header("If-None-Match", "The ETag of the answer that you have.", None))
    return found


def _header(name: str, about: str, pattern: str | None) -> dict[str, Any]:
    schema = {"type": "string"} if pattern is None else {"type": "string", "pattern": pattern}
    return {"name": name, "in": "header", "required": False, "description": about, "schema": schema}


def _responses(operation: Operation, references: _References, example: Example) -> dict[str, Any]:
    headers: dict[str, Any] = {errors.CORRELATION_HEADER: {"schema": {"type": "string"}}}
    if operation.polled:
        headers["ETag"] = {"schema": {"type": "string"}}
    content: dict[str, Any] = {media: {"schema": {"type": "string"}} for media in operation.media}
    if operation.gives is not None:
        content[JSON] = {"schema": references[operation.gives, "serialization"]}
    found: dict[str, Any] = {}
    for status in operation.statuses:
        values = example["answers"].get(str(status), {})
        exemplified = {
            media: said | (shown(operation, values[media]) if media in values else {})
            for media, said in content.items()
        }
        found[str(status)] = {"description": _STATUSES[status], "headers": headers, "content": exemplified}
    if operation.polled:
        found["304"] = {"description": _STATUSES[304], "headers": headers}
    for status, codes in _by_status(operation).items():
        found.setdefault(str(status), {"$ref": f"#/components/responses/{'.'.join(codes)}"})
    return found


def _refusals(operations: Iterable[Operation], references: _References) -> dict[str, Any]:
    """Return every refusal that some operation answers with, by its codes: many share one."""
    together = {tuple(codes) for operation in operations for codes in _by_status(operation).values()}
    return {".".join(codes): _refusal(codes, references) for codes in together}


def _by_status(operation: Operation) -> dict[int, list[RejectCode]]:
    found: dict[int, list[RejectCode]] = {}
    for code in sorted(operation.codes):
        found.setdefault(REGISTRY[code].http_status, []).append(code)
    return found


def _refusal(codes: Sequence[RejectCode], references: _References) -> dict[str, Any]:
    said: dict[str, Any] = {
        "description": " ".join(f"{code.value}: {REGISTRY[code].meaning}" for code in codes),
        "content": {JSON: {"schema": references[RefusalGiven, "serialization"]}},
        "headers": {errors.CORRELATION_HEADER: {"schema": {"type": "string"}}},
        "x-codes": [code.value for code in codes],
    }
    if errors.COMES_AGAIN & frozenset(codes):
        said["headers"]["Retry-After"] = {"description": "Seconds.", "schema": {"type": "string"}}
    return said
