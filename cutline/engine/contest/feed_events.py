"""What the provider's feed has said, as facts; they carry no judgement beyond held or believed.

Every event of a subject is numbered, so that its key is the same wherever the same feed is read (ING-008).
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from cutline.engine.scoring.board import HoleResult


class FieldPlayer(Struct, frozen=True, kw_only=True):
    """A golfer in the field; the id counts, the name is for people."""

    player_id: str
    name: str


class FieldPublished(Struct, frozen=True, kw_only=True):
    """The field is complete: the fact that gates LIVE (ING-016). `sha256` is over the ids, one a line."""

    number: int
    players: tuple[FieldPlayer, ...]
    count: int
    sha256: str
    corrects: str | None
    received_at: datetime

    @property
    def key(self) -> str:
        """The business key."""
        return f"field:{self.number}"


class EventStatusReported(Struct, frozen=True, kw_only=True):
    """The event's status changed. `playoff` has the places of those who played off, once the event is over."""

    number: int
    status: str
    corrects: str | None
    received_at: datetime
    playoff: tuple[tuple[str, int], ...] = ()

    @property
    def key(self) -> str:
        """The business key."""
        return f"event_status:{self.number}"


class TerminalStatusStood(Struct, frozen=True, kw_only=True):
    """A terminal status was served again: `polls` in a row since `since`, the first included.

    Counted up to the polls that completion asks for. A held retraction begins a new `stretch`, from one on.
    """

    number: int
    stretch: int
    status: str
    polls: int
    since: datetime
    received_at: datetime

    @property
    def key(self) -> str:
        """The business key."""
        return f"terminal:{self.number}:{self.stretch}:{self.polls}"


class RoundScored(Struct, frozen=True, kw_only=True):
    """A golfer's round stands at these figures; `corrects` names the event it contradicts (ING-006).

    `holes` are number, par and strokes in the order of play; None where the provider does not serve them.
    """

    player_id: str
    round: int
    number: int
    to_par: int
    strokes: int
    thru: int
    corrects: str | None
    received_at: datetime
    holes: tuple[HoleResult, ...] | None = None

    @property
    def key(self) -> str:
        """The business key."""
        return f"score:{self.player_id}:{self.round}:{self.number}"


class PlayerStatusReported(Struct, frozen=True, kw_only=True):
    """A golfer's status is CUT, WD, DQ, MDF, or None: in the event again."""

    player_id: str
    number: int
    status: str | None
    corrects: str | None
    received_at: datetime

    @property
    def key(self) -> str:
        """The business key."""
        return f"status:{self.player_id}:{self.number}"


class PlayerRenamed(Struct, frozen=True, kw_only=True):
    """A golfer is called otherwise than before; the id stands, and nothing is scored by name (FAULTS F4)."""

    player_id: str
    number: int
    name: str
    was: str
    received_at: datetime

    @property
    def key(self) -> str:
        """The business key."""
        return f"name:{self.player_id}:{self.number}"


class RegressionHeld(Struct, frozen=True, kw_only=True):
    """A value went back, and is not believed: `believed` stands while `served` has come `polls` times in a row."""

    subject: str
    episode: int
    polls: int
    kind: str
    player_id: str | None
    round: int | None
    believed: str
    served: str
    received_at: datetime

    @property
    def key(self) -> str:
        """The business key."""
        return f"held:{self.subject}:{self.episode}:{self.polls}"


class RegressionCleared(Struct, frozen=True, kw_only=True):
    """A held value is served no more: what was believed, or something newer, came instead."""

    subject: str
    episode: int
    kind: str
    received_at: datetime

    @property
    def key(self) -> str:
        """The business key."""
        return f"cleared:{self.subject}:{self.episode}"


FeedEvent = (
    FieldPublished
    | EventStatusReported
    | TerminalStatusStood
    | RoundScored
    | PlayerStatusReported
    | PlayerRenamed
    | RegressionHeld
    | RegressionCleared
)

FEED_EVENTS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        FieldPublished,
        EventStatusReported,
        TerminalStatusStood,
        RoundScored,
        PlayerStatusReported,
        PlayerRenamed,
        RegressionHeld,
        RegressionCleared,
    )
}
"""The events of a feed by name, for a log's codec."""
