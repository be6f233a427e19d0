"""Turn a sound snapshot into what is new in it. A value that goes back is held, and believed only if it persists.

Real feeds lose all CUT marks for minutes, serve an old round again, and take a final status back. Such a value is
recorded at once and believed after the same value has been served for POLLS_TO_BELIEVE polls in a row; then a
correction names the event it corrects. A golfer who is missing from a payload is never believed gone once play has
begun: missing is not zero. (FAULTS F2, F3, F4, F6)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from cutline.engine.canonical import sha256_hex
from cutline.engine.contest.feed_events import (
    EventStatusReported,
    FeedEvent,
    FieldPlayer,
    FieldPublished,
    PlayerRenamed,
    PlayerStatusReported,
    RegressionCleared,
    RegressionHeld,
    RoundScored,
    TerminalStatusStood,
)
from cutline.engine.contest.feed_state import (
    EVENT_STATUS,
    FIELD,
    FeedState,
    subject_of_round,
    subject_of_status,
)
from cutline.engine.contest.leaderboard import (
    FINISHED,
    HOLES_A_ROUND,
    NOT_STARTED,
    TERMINAL,
    PlayerLine,
    RoundLine,
    Snapshot,
)

POLLS_TO_BELIEVE = 3
NOTHING_PLAYED = RoundLine(to_par=0, strokes=0, thru=0)


def diff(state: FeedState, snapshot: Snapshot, received_at: datetime) -> list[FeedEvent]:
    """Return what a snapshot adds to what is believed, in a fixed order; the same snapshot again adds nothing.

    While a regression is held or a terminal status must stand, an unchanged answer counts as a poll: call this
    with the last snapshot again when the provider answers 304 (ING-006, ING-008).
    """
    reader = _Reader(state, snapshot, received_at)
    reader.read_field()
    for player_id in sorted(reader.field_ids):
        line = snapshot.players.get(player_id)
        if line is None:
            reader.miss_player(player_id)
        else:
            reader.read_player(line)
    # The status comes last, so that whoever sees a terminal status has the scores that came with it.
    reader.read_event_status()
    return reader.events


@dataclass(slots=True)
class _Reader:
    state: FeedState
    snapshot: Snapshot
    received_at: datetime
    events: list[FeedEvent] = field(default_factory=list)
    field_ids: frozenset[str] = frozenset()
    published: bool = False

    @property
    def before_play(self) -> bool:
        return self.snapshot.status in NOT_STARTED and self.state.status in NOT_STARTED | {None}

    def read_field(self) -> None:
        believed, served = self.state.player_ids, frozenset(self.snapshot.players)
        self.field_ids = believed
        if self.state.published is None:
            if served:
                self._publish(served, None)
            return
        wanted = served if self.before_play else believed | served
        if wanted == believed:
            self._clear(FIELD)
        elif self._persists(FIELD, "field_changed", _ids_sha256(believed), _ids_sha256(wanted), ever=bool(wanted)):
            self._publish(wanted, self.state.published)

    def _publish(self, ids: frozenset[str], corrected: FieldPublished | None) -> None:
        names = {**self.state.names, **{player_id: line.name for player_id, line in self.snapshot.players.items()}}
        self.field_ids, self.published = ids, True
        self.events.append(
            FieldPublished(
                number=corrected.number + 1 if corrected else 1,
                players=tuple(FieldPlayer(player_id=player, name=names[player]) for player in sorted(ids)),
                count=len(ids),
                sha256=_ids_sha256(ids),
                corrects=corrected.key if corrected else None,
                received_at=self.received_at,
            )
        )

    def miss_player(self, player_id: str) -> None:
        if not self.before_play:
            self._persists(f"player:{player_id}", "player_missing", "listed", "missing", player_id, ever=False)
        # Polls that leave a golfer out interrupt what was served of him.
        self._clear(subject_of_status(player_id))
        for number in self.state.rounds.get(player_id, {}):
            self._clear(subject_of_round(player_id, number))

    def read_player(self, line: PlayerLine) -> None:
        self._clear(f"player:{line.player_id}")
        self._read_name(line)
        self._read_status(line)
        believed = self.state.rounds.get(line.player_id, {})
        for number in sorted(believed.keys() | line.rounds.keys()):
            self._read_round(line.player_id, number, line.rounds.get(number, NOTHING_PLAYED))

    def _read_name(self, line: PlayerLine) -> None:
        """Note another name. One that comes with the field's own publication is in it."""
        believed = self.state.names.get(line.player_id)
        if line.name and believed is not None and line.name != believed and not self.published:
            self.events.append(
                PlayerRenamed(
                    player_id=line.player_id,
                    number=self.state.renames.get(line.player_id, 0) + 1,
                    name=line.name,
                    was=believed,
                    received_at=self.received_at,
                )
            )

    def _read_status(self, line: PlayerLine) -> None:
        before = self.state.statuses.get(line.player_id)
        believed = before.status if before else None
        subject = subject_of_status(line.player_id)
        if line.status == believed:
            self._clear(subject)
            return
        vanished = line.status is None
        if vanished and not self._persists(subject, "status_vanished", str(believed), "none", line.player_id):
            return
        self.events.append(
            PlayerStatusReported(
                player_id=line.player_id,
                number=before.number + 1 if before else 1,
                status=line.status,
                corrects=before.key if before and believed is not None else None,
                received_at=self.received_at,
            )
        )

    def _read_round(self, player_id: str, number: int, served: RoundLine) -> None:
        before = self.state.rounds.get(player_id, {}).get(number)
        believed = _line(before)
        subject = subject_of_round(player_id, number)
        if served == believed or served == replace(believed, holes=None):
            # The same figures without their holes take nothing back: what each hole took stays known.
            self._clear(subject)
            return
        kind = _regression(believed, served)
        if kind and not self._persists(subject, kind, _text(believed), _text(served), player_id, number):
            return
        self.events.append(
            RoundScored(
                player_id=player_id,
                round=number,
                number=before.number + 1 if before else 1,
                to_par=served.to_par,
                strokes=served.strokes,
                thru=served.thru,
                holes=served.holes,
                corrects=before.key if before and _contradicts(believed, served) else None,
                received_at=self.received_at,
            )
        )

    def read_event_status(self) -> None:
        before, served = self.state.event_status, self.snapshot.status
        if before and served == before.status:
            self._clear(EVENT_STATUS)
            self._stand(before)
            return
        retracted = before is not None and _goes_back(before.status, served)
        if before and retracted and not self._persists(EVENT_STATUS, "status_retracted", before.status, served):
            return
        self.events.append(
            EventStatusReported(
                number=before.number + 1 if before else 1,
                status=served,
                corrects=before.key if before and retracted else None,
                received_at=self.received_at,
                playoff=playoff_places(self.snapshot) if served in FINISHED else (),
            )
        )

    def _stand(self, reported: EventStatusReported) -> None:
        polls = self.state.terminal_polls + 1
        if reported.status not in TERMINAL or polls > POLLS_TO_BELIEVE:
            return
        self.events.append(
            TerminalStatusStood(
                number=reported.number,
                stretch=self.state.episodes.get(EVENT_STATUS, 0),
                status=reported.status,
                polls=polls,
                since=self.state.terminal_since or self.received_at,
                received_at=self.received_at,
            )
        )

    def _persists(
        self,
        subject: str,
        kind: str,
        believed: str,
        served: str,
        player_id: str | None = None,
        round_number: int | None = None,
        *,
        ever: bool = True,
    ) -> bool:
        """Hold a value that went back; return whether it has now been served often enough to be believed."""
        hold = self.state.holds.get(subject)
        again = hold is not None and hold.served == served
        polls = hold.polls + 1 if hold and again else 1
        if again and not ever:
            return False
        if polls >= POLLS_TO_BELIEVE:
            return True
        episodes = self.state.episodes.get(subject, 0)
        self.events.append(
            RegressionHeld(
                subject=subject,
                episode=episodes if again else episodes + 1,
                polls=polls,
                kind=kind,
                player_id=player_id,
                round=round_number,
                believed=believed,
                served=served,
                received_at=self.received_at,
            )
        )
        return False

    def _clear(self, subject: str) -> None:
        hold = self.state.holds.get(subject)
        if hold is not None:
            self.events.append(
                RegressionCleared(subject=subject, episode=hold.episode, kind=hold.kind, received_at=self.received_at)
            )


def _regression(believed: RoundLine, served: RoundLine) -> str | None:
    if served.thru < believed.thru:
        return "thru_decreased" if served.thru else "round_vanished"
    if believed == replace(served, holes=None):
        return None
    if served.thru == believed.thru == HOLES_A_ROUND:
        return "finished_score_changed"
    return None


def _contradicts(believed: RoundLine, served: RoundLine) -> bool:
    # Further holes cost at least a stroke each; fewer strokes than that change a hole that had been reported.
    if believed == replace(served, holes=None):
        return False
    holes = served.thru - believed.thru
    return holes <= 0 or served.strokes - believed.strokes < holes


def _goes_back(believed: str, served: str) -> bool:
    if believed in TERMINAL:
        return (believed, served) != ("complete", "closed")
    return served in NOT_STARTED and believed not in NOT_STARTED


def _line(scored: RoundScored | None) -> RoundLine:
    if scored is None:
        return NOTHING_PLAYED
    return RoundLine(to_par=scored.to_par, strokes=scored.strokes, thru=scored.thru, holes=scored.holes)


def _text(line: RoundLine) -> str:
    figures = f"{line.strokes} strokes ({line.to_par:+d}) thru {line.thru}"
    return figures if line.holes is None else f"{figures}, holes {'-'.join(str(hole[2]) for hole in line.holes)}"


def playoff_places(snapshot: Snapshot) -> tuple[tuple[str, int], ...]:
    """Return the places of those who share the lowest total but not, by the provider, the first place.

    A playoff counts for the finish and for no score; only the leaders play one.
    """
    totals = {
        player_id: sum(line.to_par for line in player.rounds.values())
        for player_id, player in snapshot.players.items()
        if player.status is None and player.rounds and player_id in snapshot.positions
    }
    leaders = [player_id for player_id, total in totals.items() if total == min(totals.values())]
    places = tuple((player_id, snapshot.positions[player_id]) for player_id in leaders)
    return places if len({place for _, place in places}) > 1 else ()


def _ids_sha256(ids: frozenset[str]) -> str:
    return sha256_hex("\n".join(sorted(ids)).encode())
