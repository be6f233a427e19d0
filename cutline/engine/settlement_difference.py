"""Compare two outcomes of settling one contest, entry by entry and holder by holder, in cents. It moves no money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cutline.engine.decision import Rejected
from cutline.engine.settlement import SettlementResult

Outcome = SettlementResult | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What one outcome gives one entry."""

    rank: int
    status: str
    score: int | None
    prize_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDifference:
    """One entry that two outcomes place otherwise; `difference_cents` is what the later gives more."""

    entry_id: str
    account_did: str | None
    before: Place | None
    after: Place | None
    difference_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How two outcomes differ. Where one of them is a refusal there is nothing to compare, and no entry is listed.

    `accounts` has the cents that each holder would have more (or, below zero, less); equal ones are left out.
    """

    same: bool
    entries: tuple[EntryDifference, ...]
    accounts: Mapping[str, int]
    moved_cents: int


def compare(before: Outcome, after: Outcome, holders: Mapping[str, str]) -> Difference:
    """Compare two outcomes; `holders` names the account of each entry (SET-011).

    Entries come in order of what they would gain, then by id. `moved_cents` is the sum of all gains.
    """
    if isinstance(before, Rejected) or isinstance(after, Rejected):
        return Difference(same=before == after, entries=(), accounts={}, moved_cents=0)
    was, now = _places(before), _places(after)
    differing = [
        _entry(entry_id, was.get(entry_id), now.get(entry_id), holders)
        for entry_id in sorted(was.keys() | now.keys())
        if was.get(entry_id) != now.get(entry_id)
    ]
    accounts: Counter[str] = Counter()
    for entry in differing:
        accounts[entry.account_did or ""] += entry.difference_cents
    return Difference(
        same=before.result_sha256 == after.result_sha256,
        entries=tuple(sorted(differing, key=lambda entry: (-entry.difference_cents, entry.entry_id))),
        accounts={account: cents for account, cents in sorted(accounts.items()) if cents},
        moved_cents=sum(entry.difference_cents for entry in differing if entry.difference_cents > 0),
    )


def _entry(entry_id: str, was: Place | None, now: Place | None, holders: Mapping[str, str]) -> EntryDifference:
    gained = (now.prize_cents if now else 0) - (was.prize_cents if was else 0)
    return EntryDifference(
        entry_id=entry_id, account_did=holders.get(entry_id), before=was, after=now, difference_cents=gained
    )


def _places(result: SettlementResult) -> dict[str, Place]:
    return {
        row.entry_id: Place(rank=row.rank, status=str(row.status), score=row.score, prize_cents=row.prize_cents)
        for row in result.standings
    }


def summary(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome's hashes and sums, or why there is none."""
    if isinstance(outcome, Rejected):
        return {"refused": {"code": outcome.code.value, "details": dict(outcome.details)}}
    return {
        "score_version": outcome.score_version,
        "input_sha256": outcome.input_sha256,
        "result_sha256": outcome.result_sha256,
        "entries": outcome.entries,
        "pot_cents": outcome.pot_cents,
        "rake_cents": outcome.rake_cents,
    }
