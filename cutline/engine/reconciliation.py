"""What Stripe says moved the platform's balance in a day, held against the books: every difference by name; no I/O.

Both sides name the same objects: a balance transaction has its source (a charge, a refund, a dispute), a posting its
effect key or the object behind it. Nothing is matched by amount or time alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

DifferenceKind = Literal[
    "missing_in_ledger",
    "missing_at_stripe",
    "amount_differs",
    "currency_differs",
    "twice_at_stripe",
    "type_unknown",
    "unreadable",
]

DIFFERENCES_MAX: Final = 1_000
"""So many differences of one day are kept by name; beyond that their number says enough."""

ITEM_FIELDS: Final = ("id", "type", "amount", "fee", "net", "currency", "source", "created")
"""What is read of a balance transaction."""

_CHARGES: Final = frozenset({"charge", "payment"})
_FEES: Final = frozenset({"stripe_fee", "network_cost", "tax_fee"})
_EFFECTS: Final[Mapping[str, str]] = {
    "refund": "refund:{source}:succeeded",
    "payment_refund": "refund:{source}:succeeded",
    "refund_failure": "refund:{source}:failed",
    "payment_failure_refund": "refund:{source}:failed",
    "transfer_refund": "reversal:{source}",
}
"""The effect of each type whose source names it; charges and transfers are found by the source itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that the two sides do not say alike. Cents are signed: above zero, money came to the platform.

    `subject` is what one side calls it: a balance transaction, a source or an effect key.
    """

    kind: DifferenceKind
    subject: str
    currency: str | None
    stripe_cents: int | None
    ledger_cents: int | None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one transaction of the ledger did to the platform's balance at Stripe.

    `source` is Stripe's object behind it where the effect key does not name it; `is_of_day`: it happened on the day.
    """

    effect_key: str
    source: str | None
    currency: str
    cents: int
    is_of_day: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTotals:
    """What moved in a day by each side, in cents of one currency."""

    currency: str
    stripe_cents: int
    ledger_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The two sides of one day: how much each says, and where they differ, at most `DIFFERENCES_MAX` of it by name."""

    stripe_items: int
    ledger_lines: int
    totals: tuple[DayTotals, ...]
    differences: tuple[Difference, ...]
    differences_found: int

    @property
    def by_kind(self) -> dict[str, int]:
        """Count the named differences by kind."""
        return dict(sorted(Counter(difference.kind for difference in self.differences).items()))


@dataclass(slots=True)
class _Books:
    """The ledger's lines by every name they go by, and which of them Stripe has confirmed."""

    by_name: dict[str, Line] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, lines: Iterable[Line]) -> _Books:
        books = cls()
        for line in lines:
            books.by_name[line.effect_key] = line
            if line.source is not None:
                books.by_name[line.source] = line
        return books


def compare(
    items: Sequence[Mapping[str, Any]], elsewhere: Iterable[Mapping[str, Any]], lines: Sequence[Line]
) -> Comparison:
    """Hold a day's balance transactions against the ledger's lines of that day and around it (LED-016, REC-008).

    `elsewhere` are balance transactions of other days: they confirm lines of this day that Stripe dates otherwise,
    and are judged on their own days.
    """
    books = _Books.of(lines)
    seen: set[str] = set()
    differences = [found for item in items for found in _judge(item, books, seen)]
    for item in elsewhere:
        books.confirmed.update(
            line.effect_key for name, _ in _demands(item) or () if (line := books.by_name.get(name)) is not None
        )
    own = [line for line in lines if line.is_of_day]
    differences += [_missing_at_stripe(line) for line in own if line.effect_key not in books.confirmed]
    differences.sort(key=lambda difference: (difference.kind, difference.subject))
    return Comparison(
        stripe_items=len(items),
        ledger_lines=len(own),
        totals=_totals(items, own),
        differences=tuple(differences[:DIFFERENCES_MAX]),
        differences_found=len(differences),
    )


def _judge(item: Mapping[str, Any], books: _Books, seen: set[str]) -> Iterator[Difference]:
    name = item.get("id")
    demands = _demands(item)
    if not isinstance(name, str) or demands is None:
        yield _odd("unreadable", str(name), item)
        return
    if name in seen:
        return
    seen.add(name)
    if not demands:
        yield _odd("type_unknown", name, item)
    for wanted, cents in demands:
        line = books.by_name.get(wanted)
        if line is None:
            yield Difference(
                kind="missing_in_ledger", subject=wanted, currency=item["currency"], stripe_cents=cents,
                ledger_cents=None, detail=name,
            )  # fmt: skip
            continue
        again = line.effect_key in books.confirmed
        books.confirmed.add(line.effect_key)
        kind = _difference(line, item["currency"], cents, again=again)
        if kind is not None:
            yield Difference(
                kind=kind, subject=line.effect_key, currency=line.currency, stripe_cents=cents,
                ledger_cents=line.cents, detail=name,
            )  # fmt: skip


def _difference(line: Line, currency: str, cents: int, *, again: bool) -> DifferenceKind | None:
    if again:
        return "twice_at_stripe"
    if line.currency != currency:
        return "currency_differs"
    return "amount_differs" if line.cents != cents else None


def _demands(item: Mapping[str, Any]) -> list[tuple[str, int]] | None:
    """Return what the books must hold for a balance transaction, as (name, signed cents); None for one that is none.

    Nothing at all: a type that the books do not know, such as a payout to the platform's own bank.
    """
    name, kind, source = item.get("id"), item.get("type"), item.get("source")
    cents, fee_cents = item.get("amount"), item.get("fee") or 0
    if type(cents) is not int or type(fee_cents) is not int or not isinstance(item.get("currency"), str):
        return None
    if kind in _FEES:
        return [(f"btxn:{name}:fee", cents - fee_cents)]
    if kind == "topup":
        wanted = [(f"btxn:{name}", cents)]
    elif not isinstance(source, str):
        return []
    elif kind == "adjustment":
        # A dispute's fee belongs to the dispute, not to its balance transaction.
        return [(f"dispute:{source}:{'withdrawn' if cents < 0 else 'won'}", cents - fee_cents)]
    elif kind in _CHARGES or kind == "transfer":
        wanted = [(source, cents)]
    elif kind in _EFFECTS:
        wanted = [(_EFFECTS[str(kind)].format(source=source), cents)]
    else:
        return []
    return [*wanted, (f"btxn:{name}:fee", -fee_cents)] if fee_cents else wanted


def _missing_at_stripe(line: Line) -> Difference:
    return Difference(
        kind="missing_at_stripe", subject=line.effect_key, currency=line.currency, stripe_cents=None,
        ledger_cents=line.cents, detail=line.source or "",
    )  # fmt: skip


def _odd(kind: DifferenceKind, subject: str, item: Mapping[str, Any]) -> Difference:
    currency, cents = item.get("currency"), item.get("net")
    return Difference(
        kind=kind,
        subject=subject,
        currency=currency if isinstance(currency, str) else None,
        stripe_cents=cents if type(cents) is int else None,
        ledger_cents=None,
        detail=str(item.get("type")),
    )


def _totals(items: Iterable[Mapping[str, Any]], lines: Iterable[Line]) -> tuple[DayTotals, ...]:
    at_stripe: Counter[str] = Counter()
    booked: Counter[str] = Counter()
    for item in items:
        if isinstance(item.get("currency"), str) and type(item.get("net")) is int:
            at_stripe[item["currency"]] += item["net"]
    for line in lines:
        booked[line.currency] += line.cents
    currencies = sorted(at_stripe.keys() | booked.keys())
    return tuple(DayTotals(currency=one, stripe_cents=at_stripe[one], ledger_cents=booked[one]) for one in currencies)
