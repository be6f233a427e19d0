"""Carry a feed's events between files as `(type name, payload)` pairs of plain JSON; it judges nothing they say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from cutline.engine.codec import Codec, event_json
from cutline.engine.contest.feed_events import FEED_EVENTS, FeedEvent
from cutline.engine.contest.feed_state import FeedState
from cutline.engine.contest.leaderboard import HOLES_A_ROUND

Change = tuple[str, Mapping[str, Any]]

_CODEC = Codec(FEED_EVENTS)


class ChangeUnreadable(ValueError):
    """A change is of a type, or has a shape, that this release does not know."""


def write_change(event: FeedEvent) -> Change:
    """Return an event as its type's name and its fields, as JSON would give them back."""
    return type(event).__name__, msgspec.json.decode(event_json(event))


def read_change(change: Change) -> FeedEvent:
    """Return the event that a change carries. Raises ChangeUnreadable."""
    name, payload = change
    try:
        event: FeedEvent = _CODEC.decode(name, msgspec.json.encode(payload))
    except KeyError as error:
        raise ChangeUnreadable(f"{name} is not a known change") from error
    except msgspec.DecodeError as error:
        raise ChangeUnreadable(f"{name}: {error}") from error
    return event


def check_readable(changes: Iterable[Change]) -> None:
    """Raise ChangeUnreadable for the first change that cannot be read."""
    for change in changes:
        read_change(change)


def completed_rounds(board: FeedState) -> int:
    """Count the rounds that every golfer still in the event has finished; a golfer who never began is left out."""
    cards = [
        rounds
        for player_id, rounds in board.rounds.items()
        if player_id not in board.statuses or board.statuses[player_id].status is None
    ]
    playing = [card for card in cards if any(scored.thru for scored in card.values())]
    completed = 0
    while playing and all(_finished(card, completed + 1) for card in playing):
        completed += 1
    return completed


def _finished(card: Mapping[int, Any], number: int) -> bool:
    return number in card and card[number].thru == HOLES_A_ROUND
