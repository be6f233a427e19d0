"""Stripe's OpenAPI document: finds what it says of a request, an answer or an object. It judges nothing itself."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
PEERS = ROOT / ".peers"
DECLARED = Path(__file__).parent / "peers"

Schema = dict[str, Any]


def require(path: Path) -> Path:
    """Return something that `make peers` brings; fail, rather than skip, where it is missing."""
    if not path.exists():
        pytest.fail(f"{path.relative_to(ROOT)} is missing: run `make peers`, which fetches it", pytrace=False)
    return path


@dataclass(frozen=True, slots=True)
class Described:
    """What the document says of one operation. `form` describes a body, `query` the parameters of a URL."""

    path: str
    form: Schema
    query: Schema
    answer: Schema
    error: Schema


class Document:
    """The parsed document, whose references all point into itself."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._paths: dict[str, Any] = content["paths"]
        self.schemas: dict[str, Schema] = content["components"]["schemas"]

    def resolve(self, schema: Schema) -> Schema:
        """Return the schema that a reference names."""
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].removeprefix("#/components/schemas/")]
        return schema

    def describe(self, method: str, path: str) -> Described | None:
        """Return what is said of an operation, by a real path or by a template whose names may differ."""
        named = [template for template in self._paths if _matches(template, path)]
        for template in sorted(named, key=lambda one: one.count("{")):
            operation = self._paths[template].get(method.lower())
            if operation is not None:
                return _described(template, operation)
        return None

    @property
    def event_types(self) -> frozenset[str]:
        """Every type that a webhook endpoint can subscribe to."""
        described = self.describe("POST", "/v1/webhook_endpoints")
        assert described is not None
        return frozenset(described.form["properties"]["enabled_events"]["items"]["enum"])


def _matches(template: str, path: str) -> bool:
    pattern = re.sub(r"\\\{[a-z_]+\\\}", r"[^/]+", re.escape(template))
    return re.fullmatch(pattern, path) is not None


def _described(template: str, operation: dict[str, Any]) -> Described:
    content = operation.get("requestBody", {}).get("content", {})
    form = content.get("application/x-www-form-urlencoded", {}).get("schema", {})
    query = {one["name"]: one["schema"] for one in operation.get("parameters", []) if one["in"] == "query"}
    answers = {status: said["content"]["application/json"]["schema"] for status, said in operation["responses"].items()}
    return Described(
        path=template,
        form={"type": "object", "properties": {}, "additionalProperties": False} | form,
        query={"type": "object", "properties": query, "additionalProperties": False},
        answer=answers["200"],
        error=answers["default"],
    )


@cache
def stripe_document() -> Document:
    """Return the document that `make peers` brought; fail where it is missing or another than the one declared."""
    digest, name = (DECLARED / "stripe.com.json.sha256").read_text().split()
    text = require(PEERS / name).read_bytes()
    assert hashlib.sha256(text).hexdigest() == digest, f"{name} is not the file that is declared: run `make peers`"
    return Document(json.loads(text))
