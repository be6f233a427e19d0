"""The message to any actor; it must not carry a time, which the receiver's commit gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The scheduler says: look at the clock and do what is due. To any actor; decides nothing by itself."""
