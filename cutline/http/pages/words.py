"""How pages write money, times and scores; it must not know any page."""

from __future__ import annotations

from datetime import UTC, datetime

from markupsafe import Markup


def money(cents: int, currency: str) -> str:
    """Write integer cents: `1,234.50 USD`."""
    sign = "-" if cents < 0 else ""
    whole, rest = divmod(abs(cents), 100)
    return f"{sign}{whole:,}.{rest:02d} {currency.upper()}"


def moment(at: datetime) -> Markup:
    """Write a time for people and for programs, in UTC."""
    utc = at.astimezone(UTC)
    shown = f"{utc.day} {utc:%B %Y, %H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(utc.isoformat(timespec="seconds"), shown)


def score(figure: float | None, metric: str) -> str:
    """Write a score in the contest's metric; to par as golfers do: `-5`, `E`, `+3`."""
    if figure is None:
        return "-"
    if metric != "to_par":
        return f"{figure}"
    return f"{figure:+}" if figure else "E"
