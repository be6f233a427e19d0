"""The rules between the keys of a tournament config, each with its path. It mends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from cutline.engine.tournament.check_roster import roster_faults
from cutline.engine.tournament.check_scoring import contiguous_faults, scoring_faults
from cutline.engine.tournament.faults import MISSING, ConfigFault, fault
from cutline.engine.tournament.model import DailyPrize, PrizeRow, Tournament
from cutline.engine.tournament.prize_table import (
    WHOLE_BASIS_POINTS,
    basis_points,
    fixed_total_cents,
    net_pot_cents,
)

SECOND = 2
"""A second golfer needs a roster of as many."""


def faults_of(tournament: Tournament) -> list[ConfigFault]:
    """Return everything that contradicts itself in a config whose keys are each valid (CFG-003, CFG-004)."""
    checks = (_event, _entry, roster_faults, scoring_faults, _ties, _prizes)
    return [found for check in checks for found in check(tournament)]


def _event(tournament: Tournament) -> Iterator[ConfigFault]:
    event, shortened = tournament.event, tournament.shortened
    if event.cut_after_round >= event.rounds:
        yield fault("event.cut_after_round", event.cut_after_round, f"must be below event.rounds ({event.rounds})")
    if event.first_tee_at >= event.ends_at:
        yield fault(
            "event.ends_at",
            event.ends_at,
            f"must be after event.first_tee_at ({event.first_tee_at.isoformat()})",
        )
    if not _zone_exists(event.time_zone):
        yield fault("event.time_zone", event.time_zone, "must be a zone of the tz database, as in America/New_York")
    if shortened.min_rounds > event.rounds:
        yield fault("shortened.min_rounds", shortened.min_rounds, f"must be at most event.rounds ({event.rounds})")


def _zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):  # a key that is no path, no zone, or a folder of zones
        return False
    return True


def _entry(tournament: Tournament) -> Iterator[ConfigFault]:
    entry, event = tournament.entry, tournament.event
    if entry.lock_at > event.first_tee_at:
        right = f"must not be after event.first_tee_at ({event.first_tee_at.isoformat()})"
        yield fault("entry.lock_at", entry.lock_at, right)
    if entry.max_entries_per_user > entry.max_entries:
        right = f"must be at most entry.max_entries ({entry.max_entries})"
        yield fault("entry.max_entries_per_user", entry.max_entries_per_user, right)
    if entry.rake_percent is None and entry.rake_cents is None:
        yield fault("entry.rake_percent", MISSING, "either entry.rake_percent or entry.rake_cents is required")
    if entry.rake_percent is not None and entry.rake_cents is not None:
        yield fault("entry.rake_cents", entry.rake_cents, "must not stand beside entry.rake_percent")
    if entry.rake_cents is not None and entry.rake_cents > entry.fee_cents:
        yield fault("entry.rake_cents", entry.rake_cents, f"must be at most entry.fee_cents ({entry.fee_cents})")


def _ties(tournament: Tournament) -> Iterator[ConfigFault]:
    order = tournament.ties.order
    for place, rule in enumerate(order):
        path = f"ties.order[{place}]"
        if rule in order[:place]:
            yield fault(path, rule, "must be listed once")
        if rule == "prediction_not_over" and "winning_score_prediction" not in order[:place]:
            yield fault(path, rule, "must follow winning_score_prediction")
        if rule == "second_golfer" and "best_golfer" not in order[:place]:
            yield fault(path, rule, "must follow best_golfer")
        if rule == "second_golfer" and tournament.roster.size < SECOND:
            yield fault(path, rule, f"must not stand where roster.size is {tournament.roster.size}")
        if rule == "owns_low_amateur" and not tournament.event.amateurs:
            yield fault("event.amateurs", MISSING, f"is required by {path} (owns_low_amateur)")


def _prizes(tournament: Tournament) -> Iterator[ConfigFault]:
    prizes = tournament.prizes
    wrong = list(contiguous_faults("prizes.places", prizes.places))
    before: int | None = None
    for number, row in enumerate(prizes.places):
        path = f"prizes.places[{number}]"
        wrong += _worth_faults(tournament, path, row)
        worth = basis_points(row.percent) if row.percent is not None else row.cents
        if before is not None and worth is not None and worth > before:
            key = "percent" if prizes.basis == "percent" else "cents"
            wrong.append(fault(f"{path}.{key}", getattr(row, key), "must not be more than a better place wins"))
        before = worth if worth is not None else before
    wrong += _daily(tournament)
    yield from wrong
    if not wrong:
        yield from _prize_sum(tournament)


def _worth_faults(tournament: Tournament, path: str, row: PrizeRow | DailyPrize) -> Iterator[ConfigFault]:
    basis = tournament.prizes.basis
    key, other = ("percent", "cents") if basis == "percent" else ("cents", "percent")
    if getattr(row, other) is not None:
        yield fault(f"{path}.{other}", getattr(row, other), f"must not stand beside basis {basis}")
    worth = getattr(row, key)
    if worth is None:
        yield fault(f"{path}.{key}", MISSING, f"is required by basis {basis}")
    elif worth <= 0:
        yield fault(f"{path}.{key}", worth, "must be above 0")


def _daily(tournament: Tournament) -> Iterator[ConfigFault]:
    daily, event = tournament.prizes.daily, tournament.event
    for number, row in enumerate(daily):
        path = f"prizes.daily[{number}]"
        if row.round > event.rounds:
            yield fault(f"{path}.round", row.round, f"must be at most event.rounds ({event.rounds})")
        if row.round in [other.round for other in daily[:number]]:
            yield fault(f"{path}.round", row.round, "must be listed once")
        yield from _worth_faults(tournament, path, row)
    if daily and tournament.scoring.metric == "position_points":
        yield fault("prizes.daily", f"{len(daily)} rounds", "must not stand beside scoring.metric position_points")


def _prize_sum(tournament: Tournament) -> Iterator[ConfigFault]:
    prizes, entry = tournament.prizes, tournament.entry
    if prizes.basis == "percent":
        total = sum(basis_points(row.percent or 0) * (row.last - row.first + 1) for row in prizes.places)
        total += sum(basis_points(row.percent or 0) for row in prizes.daily)
        if total != WHOLE_BASIS_POINTS:
            right = "must sum to 100, each place of a range and each day counted"
            yield fault("prizes.places", f"{total / 100:g} percent", right)
        return
    if (entry.rake_percent is None) == (entry.rake_cents is None):
        return
    most = net_pot_cents(entry, entry.max_entries)
    total = fixed_total_cents(prizes)
    if total > most:
        yield fault("prizes.places", f"{total} cents", f"must be at most the largest net pot ({most} cents)")
