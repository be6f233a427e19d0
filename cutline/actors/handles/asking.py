"""How a handle asks: the one function that it is given, and a reply that a model checks; it must not know actors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from cutline.engine.decision import Address

Ask = Callable[[Address, Any], Awaitable[Any]]
"""Asks the actor at an address and gives its reply; raises on a refusal."""

Reply = dict[str, Any]
"""A reply whose fields the caller's own model checks."""
