"""Reading Stripe's objects with suspicion, and what a reading comes to; it knows no type of event and books nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, field

from cutline.engine.ledger.booking import CURRENCY
from cutline.engine.ledger.events import Outcome
from cutline.engine.ledger.postings import Draft
from cutline.engine.messages import RaiseAlert

CENTS_MAX: Final = 999_999_999_999
"""Stripe's amounts have at most twelve digits (PaymentIntents, `amount`); more would not fit into a book either."""


class UnreadableError(Exception):
    """An event of a type we map lacks what every such object has; it goes to the dead letters."""


class Mapped(Struct, frozen=True, kw_only=True):
    """What an event means. `failure`: why a person must look; `later`: drafts for the same commit.

    `too_early` says what must be in the books first: the event is kept and tried again. `alerts` are raised once it
    is in the books.
    """

    outcome: Outcome
    draft: Draft | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    failure: str | None = None
    later: tuple[Draft, ...] = ()
    too_early: str | None = None
    alerts: tuple[RaiseAlert, ...] = ()


IGNORED: Final = Mapped(outcome="ignored")


def mapping_of(value: object) -> Mapping[str, Any]:
    """Return a value that is a mapping, and an empty one for anything else."""
    # What was parsed is a dictionary; asking an abstract class costs more than all the rest of a reading.
    return value if type(value) is dict or isinstance(value, Mapping) else {}


def identity_of(value: object) -> str | None:
    """Read a reference that Stripe gives as an id or as the expanded object."""
    if not isinstance(value, str):
        value = mapping_of(value).get("id")
    return value if isinstance(value, str) and value else None


def text_of(source: Mapping[str, Any], name: str) -> str:
    """Return a text that must be there; raises `UnreadableError`."""
    value = source.get(name)
    if not isinstance(value, str) or not value:
        raise UnreadableError(f"{name} is missing")
    return value


def cents_of(source: Mapping[str, Any], name: str) -> int:
    """Return an amount above zero, in cents; raises `UnreadableError`."""
    value = source.get(name)
    if type(value) is not int or not 0 < value <= CENTS_MAX:
        raise UnreadableError(f"{name} is not a whole number of cents above zero and within Stripe's limit")
    return value


def currency_of(source: Mapping[str, Any]) -> str:
    """Return the currency; raises `UnreadableError`."""
    value = source.get("currency")
    if not isinstance(value, str) or CURRENCY.fullmatch(value) is None:
        raise UnreadableError("currency is not three small letters")
    return value
