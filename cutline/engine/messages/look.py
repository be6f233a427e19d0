"""The message to any actor; it must not carry a time, which the receiver's commit gives."""

from __future__ import annotations

from msgspec import Struct


class Look(Struct, frozen=True, kw_only=True):
    """The scheduler says: look at the clock and do what is due. To any actor; decides nothing by itself."""
