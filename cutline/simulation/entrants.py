"""The people of a simulated contest: who enters when, with which golfers, and how they pay. Pure and seeded.

It must not talk to anybody; `world` lets these plans happen.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Behaviour(StrEnum):
    """What an entrant does that others do not."""

    PAYS = "pays"
    CARD_DECLINED = "card declined, gave up"
    ABANDONS = "never paid"
    PAYS_AFTER_LOCK = "paid after the lock"
    WEBHOOK_TRIPLED = "payment's webhook came three times"
    WEBHOOK_DELAYED = "payment's webhook came a day late"
    TRANSFER_TIMES_OUT = "transfer timed out after it succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """So many golfers are picked from these players."""

    pick: int
    players: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntrantPlan:
    """One entrant's intentions. `onboards_early` is false for people who open their account once they have won."""

    number: int
    account_did: str
    behaviour: Behaviour
    enters_at: datetime
    pays_after: timedelta
    picks: tuple[str, ...]
    tiebreak: int
    onboards_early: bool


def plan_entrants(
    *,
    seed: int,
    contest_id: str,
    count: int,
    tiers: Sequence[Tier],
    opens_at: datetime,
    lock_at: datetime,
    payment_window: timedelta,
) -> list[EntrantPlan]:
    """Plan `count` entrants between the opening and an hour before the lock, in the order in which they enter.

    One in forty has a declined card and one in fifty walks away; one each pays after the lock and has a webhook
    tripled or delayed. Everybody else pays within ten minutes.
    """
    chance = random.Random(f"{seed}:{contest_id}")
    last_at = lock_at - timedelta(hours=1)
    moments = sorted(chance.random() for _ in range(count))
    special = dict(zip(chance.sample(range(count), 3), _SPECIAL, strict=True))
    plans = []
    for number, moment in enumerate(moments):
        behaviour = special.get(number) or _ordinary(chance)
        enters_at = _at_second(opens_at + (last_at - opens_at) * moment)
        pays_after = timedelta(seconds=chance.randrange(20, 600))
        if behaviour is Behaviour.PAYS_AFTER_LOCK:
            enters_at = lock_at - payment_window / 2
            pays_after = lock_at - enters_at
        if behaviour is Behaviour.WEBHOOK_DELAYED:
            enters_at = min(enters_at, lock_at - timedelta(days=2))
        plans.append(
            EntrantPlan(
                number=number,
                account_did=f"did:player:{contest_id}:{number:04d}",
                behaviour=behaviour,
                enters_at=enters_at,
                pays_after=pays_after,
                picks=_picks(chance, tiers),
                tiebreak=chance.randrange(-18, -4),
                onboards_early=chance.random() < 0.7,
            )
        )
    return sorted(plans, key=lambda plan: (plan.enters_at, plan.number))


_SPECIAL = (Behaviour.PAYS_AFTER_LOCK, Behaviour.WEBHOOK_TRIPLED, Behaviour.WEBHOOK_DELAYED)


def _ordinary(chance: random.Random) -> Behaviour:
    draw = chance.random()
    if draw < 1 / 40:
        return Behaviour.CARD_DECLINED
    return Behaviour.ABANDONS if draw < 1 / 40 + 1 / 50 else Behaviour.PAYS


def _picks(chance: random.Random, tiers: Sequence[Tier]) -> tuple[str, ...]:
    return tuple(player for tier in tiers for player in chance.sample(tier.players, tier.pick))


def _at_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
