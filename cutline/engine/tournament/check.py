"""The rules between the keys of a tournament config, each with its path. It mends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from cutline.engine.tournament.faults import MISSING, ConfigFault, NotSupportedYet, fault
from cutline.engine.tournament.model import NotPlayedRule, PointsRow, PrizeRow, Tournament
from cutline.engine.tournament.prize_table import (
    WHOLE_BASIS_POINTS,
    basis_points,
    fixed_total_cents,
    net_pot_cents,
)

SUPPORTED_METRICS = frozenset({"to_par", "strokes"})
SUPPORTED_TIE_BREAKS = frozenset({"winning_score_prediction"})


def faults_of(tournament: Tournament) -> list[ConfigFault]:
    """Return everything that contradicts itself in a config whose keys are each valid (CFG-003, CFG-004)."""
    checks = (_event, _entry, _roster, _scoring, _not_played, _points, _ties, _prizes)
    return [found for check in checks for found in check(tournament)]


def refuse_unsupported(tournament: Tournament) -> None:
    """Raise NotSupportedYet for the first rule that is read but cannot be played yet."""
    scoring = tournament.scoring
    if scoring.metric not in SUPPORTED_METRICS:
        raise NotSupportedYet("scoring.metric", scoring.metric)
    if scoring.bonuses:
        raise NotSupportedYet("scoring.bonuses[0].kind", scoring.bonuses[0].kind)
    for place, rule in enumerate(tournament.ties.order):
        if rule not in SUPPORTED_TIE_BREAKS:
            raise NotSupportedYet(f"ties.order[{place}]", rule)


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


def _roster(tournament: Tournament) -> Iterator[ConfigFault]:
    roster = tournament.roster
    names: set[str] = set()
    owner: dict[str, str] = {}
    for number, tier in enumerate(roster.tiers):
        path = f"roster.tiers[{number}]"
        if tier.name in names:
            yield fault(f"{path}.name", tier.name, "must differ from the other tiers' names")
        names.add(tier.name)
        if tier.pick > len(tier.players):
            yield fault(f"{path}.pick", tier.pick, f"must be at most the tier's players ({len(tier.players)})")
        for place, player in enumerate(tier.players):
            if player in owner:
                yield fault(f"{path}.players[{place}]", player, f"must be listed once (also in tier {owner[player]})")
            owner.setdefault(player, tier.name)
    picked = sum(tier.pick for tier in roster.tiers)
    if roster.tiers and picked != roster.size:
        yield fault("roster.size", roster.size, f"must be the sum of the tiers' picks ({picked})")


def _scoring(tournament: Tournament) -> Iterator[ConfigFault]:
    scoring, roster, event = tournament.scoring, tournament.roster, tournament.event
    if scoring.count_best > roster.size:
        yield fault("scoring.count_best", scoring.count_best, f"must be at most roster.size ({roster.size})")
    weights = list(scoring.round_weights)
    if len(weights) != event.rounds:
        yield fault("scoring.round_weights", weights, f"must have one weight a round ({event.rounds})")
    elif not any(weights):
        yield fault("scoring.round_weights", weights, "must have a weight above 0")
    least = scoring.entry_cut.min_made_cut
    if least > roster.size:
        yield fault("scoring.entry_cut.min_made_cut", least, f"must be at most roster.size ({roster.size})")
    if least and not event.cut_after_round:
        yield fault("scoring.entry_cut.min_made_cut", least, "must be 0 where event.cut_after_round is 0")
    if scoring.metric == "position_points" and scoring.position_points is None:
        yield fault("scoring.position_points", MISSING, "is required by scoring.metric (position_points)")
    for number, bonus in enumerate(scoring.bonuses):
        if bonus.kind == "finish" and (bonus.first is None or bonus.last is None or bonus.last < bonus.first):
            yield fault(f"scoring.bonuses[{number}]", bonus.kind, "must say from and to, in this order")


def _not_played(tournament: Tournament) -> Iterator[ConfigFault]:
    terms = tournament.scoring.not_played
    causes: dict[str, NotPlayedRule] = {
        "missed_cut": terms.missed_cut,
        "withdrawn": terms.withdrawn,
        "disqualified": terms.disqualified,
    }
    for cause, rule in causes.items():
        path = f"scoring.not_played.{cause}"
        if rule.rule == "fixed" and rule.value is None:
            yield fault(f"{path}.value", MISSING, "is required by rule fixed")
        if rule.rule != "fixed" and rule.value is not None:
            yield fault(f"{path}.value", rule.value, f"must not stand beside rule {rule.rule}")
        if rule.rule != "worst_of_day" and rule.plus is not None:
            yield fault(f"{path}.plus", rule.plus, f"must not stand beside rule {rule.rule}")


def _points(tournament: Tournament) -> Iterator[ConfigFault]:
    points = tournament.scoring.position_points
    if points is not None:
        yield from _contiguous("scoring.position_points.table", points.table)


def _contiguous(path: str, rows: Sequence[PointsRow | PrizeRow]) -> Iterator[ConfigFault]:
    expected = 1
    for number, row in enumerate(rows):
        if row.first != expected:
            yield fault(f"{path}[{number}].from", row.first, f"must be {expected}: places follow each other from 1 on")
        if row.last < row.first:
            yield fault(f"{path}[{number}].to", row.last, f"must be at least from ({row.first})")
        expected = max(row.first, row.last) + 1


def _ties(tournament: Tournament) -> Iterator[ConfigFault]:
    order = tournament.ties.order
    for place, rule in enumerate(order):
        if rule in order[:place]:
            yield fault(f"ties.order[{place}]", rule, "must be listed once")


def _prizes(tournament: Tournament) -> Iterator[ConfigFault]:
    prizes = tournament.prizes
    wrong = list(_contiguous("prizes.places", prizes.places))
    key, other = ("percent", "cents") if prizes.basis == "percent" else ("cents", "percent")
    before: int | None = None
    for number, row in enumerate(prizes.places):
        path = f"prizes.places[{number}]"
        if getattr(row, other) is not None:
            wrong.append(fault(f"{path}.{other}", getattr(row, other), f"must not stand beside basis {prizes.basis}"))
        if getattr(row, key) is None:
            wrong.append(fault(f"{path}.{key}", MISSING, f"is required by basis {prizes.basis}"))
            continue
        worth = basis_points(row.percent) if row.percent is not None else row.cents or 0
        if worth <= 0:
            wrong.append(fault(f"{path}.{key}", getattr(row, key), "must be above 0"))
        if before is not None and worth > before:
            wrong.append(fault(f"{path}.{key}", getattr(row, key), "must not be more than a better place wins"))
        before = worth
    yield from wrong
    if not wrong:
        yield from _prize_sum(tournament)


def _prize_sum(tournament: Tournament) -> Iterator[ConfigFault]:
    prizes, entry = tournament.prizes, tournament.entry
    if prizes.basis == "percent":
        total = sum(basis_points(row.percent or 0) * (row.last - row.first + 1) for row in prizes.places)
        if total != WHOLE_BASIS_POINTS:
            yield fault("prizes.places", f"{total / 100:g} percent", "must sum to 100, each place of a range counted")
        return
    if (entry.rake_percent is None) == (entry.rake_cents is None):
        return
    most = net_pot_cents(entry, entry.max_entries)
    total = fixed_total_cents(prizes)
    if total > most:
        yield fault("prizes.places", f"{total} cents", f"must be at most the largest net pot ({most} cents)")
