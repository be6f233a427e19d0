"""The rules between the keys of a config's roster, each with its path. It mends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cutline.engine.tournament.faults import MISSING, ConfigFault, fault
from cutline.engine.tournament.model import Tournament


def roster_faults(tournament: Tournament) -> Iterator[ConfigFault]:
    """Yield what contradicts itself in tiers, limits, salaries and substitutes."""
    for check in (_tiers, _limits, _salary, _substitutes):
        yield from check(tournament)
    yield from _once("event.amateurs", tournament.event.amateurs)


def _tiers(tournament: Tournament) -> Iterator[ConfigFault]:
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


def _limits(tournament: Tournament) -> Iterator[ConfigFault]:
    names: set[str] = set()
    for number, limit in enumerate(tournament.roster.limits):
        path = f"roster.limits[{number}]"
        if limit.name in names:
            yield fault(f"{path}.name", limit.name, "must differ from the other limits' names")
        names.add(limit.name)
        yield from _once(f"{path}.players", limit.players)


def _salary(tournament: Tournament) -> Iterator[ConfigFault]:
    roster = tournament.roster
    if roster.salary is None:
        return
    costs, free = roster.salary.costs, roster.salary.free_picks or 0
    if len(costs) < roster.size:
        right = f"must give at least as many golfers a cost as roster.size ({roster.size})"
        yield fault("roster.salary.costs", f"{len(costs)} golfers", right)
    if free > roster.size:
        yield fault("roster.salary.free_picks", free, f"must be at most roster.size ({roster.size})")
    cheapest = sum(sorted(costs.values())[: roster.size - free])
    if roster.salary.cap < cheapest:
        right = f"must be at least what the cheapest roster costs ({cheapest})"
        yield fault("roster.salary.cap", roster.salary.cap, right)
    for number, tier in enumerate(roster.tiers):
        for place, player in enumerate(tier.players):
            if player not in costs:
                yield fault(f"roster.salary.costs.{player}", MISSING, f"is required by roster.tiers[{number}]: {place}")


def _substitutes(tournament: Tournament) -> Iterator[ConfigFault]:
    roster, terms = tournament.roster, tournament.roster.substitutes
    if terms is None:
        return
    if terms.rule == "next_in_tier":
        if not roster.tiers:
            yield fault("roster.substitutes.rule", terms.rule, "must not stand where there are no roster.tiers")
        if terms.ranking:
            yield fault(
                "roster.substitutes.ranking", f"{len(terms.ranking)} golfers", "must stand with next_in_ranking"
            )
    elif not terms.ranking:
        yield fault("roster.substitutes.ranking", MISSING, "is required by rule next_in_ranking")
    yield from _once("roster.substitutes.ranking", terms.ranking)


def _once(path: str, players: Sequence[str]) -> Iterator[ConfigFault]:
    seen: set[str] = set()
    for place, player in enumerate(players):
        if player in seen:
            yield fault(f"{path}[{place}]", player, "must be listed once")
        seen.add(player)
