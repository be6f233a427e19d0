"""What is believed of an event so far, folded from its feed events. It decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from cutline.engine.contest.feed_events import (
    EventStatusReported,
    FeedEvent,
    FieldPublished,
    PlayerRenamed,
    PlayerStatusReported,
    RegressionCleared,
    RegressionHeld,
    RoundScored,
    TerminalStatusStood,
)
from cutline.engine.contest.leaderboard import TERMINAL
from cutline.engine.scoring.board import Board, Card, RoundCard

EVENT_STATUS = "event_status"
FIELD = "field"


@dataclass(slots=True)
class FeedState:
    """The believed leaderboard with what is held back from it. Changed in place by `evolve` only."""

    event_status: EventStatusReported | None = None
    terminal_since: datetime | None = None
    terminal_polls: int = 0
    published: FieldPublished | None = None
    known: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    renames: dict[str, int] = field(default_factory=dict)
    rounds: dict[str, dict[int, RoundScored]] = field(default_factory=dict)
    statuses: dict[str, PlayerStatusReported] = field(default_factory=dict)
    holds: dict[str, RegressionHeld] = field(default_factory=dict)
    episodes: dict[str, int] = field(default_factory=dict)

    @property
    def status(self) -> str | None:
        """The believed status of the event, or None before the first snapshot."""
        return self.event_status.status if self.event_status else None

    @property
    def player_ids(self) -> frozenset[str]:
        """The golfers of the published field; empty before it is published."""
        return frozenset(player.player_id for player in self.published.players) if self.published else frozenset()


def copy_of(state: FeedState) -> FeedState:
    """Return a state that can go its own way; the events in it are shared, since nothing changes them."""
    return FeedState(
        event_status=state.event_status,
        terminal_since=state.terminal_since,
        terminal_polls=state.terminal_polls,
        published=state.published,
        known=set(state.known),
        names=dict(state.names),
        renames=dict(state.renames),
        rounds={player_id: dict(rounds) for player_id, rounds in state.rounds.items()},
        statuses=dict(state.statuses),
        holds=dict(state.holds),
        episodes=dict(state.episodes),
    )


def subject_of_status(player_id: str) -> str:
    """Name a golfer's status as something that can be held."""
    return f"status:{player_id}"


def subject_of_round(player_id: str, round_number: int) -> str:
    """Name a golfer's round as something that can be held."""
    return f"score:{player_id}:{round_number}"


def evolve(state: FeedState, event: FeedEvent) -> None:
    """Fold one event. A correction settles the regression that was held on its subject."""
    match event:
        case FieldPublished():
            state.published = event
            state.known.update(player.player_id for player in event.players)
            state.names.update((player.player_id, player.name) for player in event.players)
            state.holds.pop(FIELD, None)
        case EventStatusReported():
            state.event_status = event
            state.holds.pop(EVENT_STATUS, None)
            _restart_hold(state, event.received_at)
        case TerminalStatusStood():
            state.terminal_since, state.terminal_polls = event.since, event.polls
        case RoundScored():
            state.rounds.setdefault(event.player_id, {})[event.round] = event
            state.holds.pop(subject_of_round(event.player_id, event.round), None)
        case PlayerStatusReported():
            state.statuses[event.player_id] = event
            state.holds.pop(subject_of_status(event.player_id), None)
        case PlayerRenamed():
            state.names[event.player_id], state.renames[event.player_id] = event.name, event.number
        case RegressionHeld():
            state.holds[event.subject] = event
            state.episodes[event.subject] = event.episode
            if event.subject == EVENT_STATUS:
                # A retraction, even a disbelieved one, begins the hold period anew (FAULTS F6).
                state.terminal_since, state.terminal_polls = None, 0
        case RegressionCleared():
            state.holds.pop(event.subject, None)
        case _:
            assert_never(event)


def _restart_hold(state: FeedState, at: datetime) -> None:
    terminal = state.status in TERMINAL
    state.terminal_since = at if terminal else None
    state.terminal_polls = 1 if terminal else 0


def board_of(state: FeedState) -> Board:
    """Return the believed board, in order of player ids, whatever order the events came in."""
    players = sorted(state.player_ids | state.rounds.keys() | state.statuses.keys())
    return Board(event_status=state.status or "scheduled", cards=tuple(_card(state, player) for player in players))


def _card(state: FeedState, player_id: str) -> Card:
    playoff = dict(state.event_status.playoff) if state.event_status else {}
    status = state.statuses.get(player_id)
    rounds = sorted(state.rounds.get(player_id, {}).items())
    return Card(
        player_id=player_id,
        status=status.status if status else None,
        rounds=tuple(
            RoundCard(number=number, to_par=scored.to_par, strokes=scored.strokes, thru=scored.thru, holes=scored.holes)
            for number, scored in rounds
        ),
        playoff=playoff.get(player_id),
    )
