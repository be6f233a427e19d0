"""Write a value as canonical JSON and name it by its hash: equal values give equal bytes on every machine."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson


def canonical_json(value: Any) -> bytes:
    """Return JSON with sorted keys and no spaces; dataclasses are written by field."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def sha256_hex(content: bytes) -> str:
    """Return the SHA-256 of bytes in lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
