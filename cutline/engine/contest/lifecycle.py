"""The lifecycle of a contest as one table of legal edges; it knows no events, entries or money.

Three rules shape the table. Nothing but data moves a contest forward: each automatic edge names the facts that must
hold, and a missing fact leaves the contest where it is. Nothing completes by silence: COMPLETE needs the provider's
final status and every card of the rounds begun, and a date alone never suffices (C-02, LIFE-005, SET-021). And
payment never moves a contest, so that SETTLED and PAID_OUT are progress derived from what was settled and paid, not
states (C-03, LIFE-015).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The six states of a contest (LIFE-001)."""

    SCHEDULED = "SCHEDULED"
    LOCKED = "LOCKED"
    LIVE = "LIVE"
    COMPLETE = "COMPLETE"
    CANCELLED = "CANCELLED"
    ERROR = "ERROR"


class Trigger(StrEnum):
    """What moves a contest along an edge."""

    EVENT_CANCELLED = "EVENT_CANCELLED"
    POT_SHORT = "POT_SHORT"
    LOCK_TIME = "LOCK_TIME"
    START = "START"
    TOO_FEW_ROUNDS = "TOO_FEW_ROUNDS"
    FINAL_STATUS = "FINAL_STATUS"
    COMMAND = "COMMAND"
    FAULT = "FAULT"


AUTOMATIC = frozenset(Trigger) - {Trigger.COMMAND, Trigger.FAULT}


class Guard(StrEnum):
    """A fact that must hold before an edge may be taken; the value is the name of the field in `Facts`."""

    EVENT_CANCELLED_STANDS = "event_cancelled_stands"
    LOCK_TIME_REACHED = "lock_time_reached"
    POT_IS_SHORT = "pot_is_short"
    POT_COVERS_PRIZES = "pot_covers_prizes"
    FIELD_COMPLETE = "field_complete"
    START_TIME_REACHED = "start_time_reached"
    FINAL_STATUS_STANDS = "final_status_stands"
    ROUNDS_ARE_TOO_FEW = "rounds_are_too_few"
    ROUNDS_SUFFICE = "rounds_suffice"
    CARDS_ARE_CLOSED = "cards_are_closed"
    CAME_FROM_THERE = "came_from_there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is true of a contest at one moment. `came_from` is the state that an ERROR left, else None."""

    lock_time_reached: bool = False
    pot_covers_prizes: bool = True
    field_complete: bool = False
    start_time_reached: bool = False
    final_status_stands: bool = False
    event_cancelled_stands: bool = False
    rounds_suffice: bool = True
    cards_are_closed: bool = False
    came_from: Status | None = None

    def holds(self, guard: Guard, target: Status) -> bool:
        """Tell whether a guard on an edge to `target` holds."""
        if guard is Guard.CAME_FROM_THERE:
            return self.came_from is target
        if guard is Guard.POT_IS_SHORT:
            return not self.pot_covers_prizes
        if guard is Guard.ROUNDS_ARE_TOO_FEW:
            return not self.rounds_suffice
        return bool(getattr(self, guard.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One legal transition: from where to where, by which trigger, and only while every guard holds."""

    source: Status
    target: Status
    trigger: Trigger
    guards: tuple[Guard, ...] = ()

    def unmet(self, facts: Facts) -> tuple[Guard, ...]:
        """Return the guards that do not hold."""
        return tuple(guard for guard in self.guards if not facts.holds(guard, self.target))


def _table() -> Iterator[Edge]:
    playing = (Status.SCHEDULED, Status.LOCKED, Status.LIVE)
    for source in playing:
        yield Edge(
            source=source,
            target=Status.CANCELLED,
            trigger=Trigger.EVENT_CANCELLED,
            guards=(Guard.EVENT_CANCELLED_STANDS,),
        )
    yield Edge(
        source=Status.SCHEDULED,
        target=Status.CANCELLED,
        trigger=Trigger.POT_SHORT,
        guards=(Guard.LOCK_TIME_REACHED, Guard.POT_IS_SHORT),
    )
    yield Edge(
        source=Status.SCHEDULED,
        target=Status.LOCKED,
        trigger=Trigger.LOCK_TIME,
        guards=(Guard.LOCK_TIME_REACHED, Guard.POT_COVERS_PRIZES),
    )
    yield Edge(
        source=Status.LOCKED,
        target=Status.LIVE,
        trigger=Trigger.START,
        guards=(Guard.FIELD_COMPLETE, Guard.START_TIME_REACHED),
    )
    yield Edge(
        source=Status.LIVE,
        target=Status.CANCELLED,
        trigger=Trigger.TOO_FEW_ROUNDS,
        guards=(Guard.FINAL_STATUS_STANDS, Guard.ROUNDS_ARE_TOO_FEW),
    )
    yield Edge(
        source=Status.LIVE,
        target=Status.COMPLETE,
        trigger=Trigger.FINAL_STATUS,
        guards=(Guard.FINAL_STATUS_STANDS, Guard.ROUNDS_SUFFICE, Guard.CARDS_ARE_CLOSED),
    )
    yield Edge(
        source=Status.SCHEDULED,
        target=Status.LOCKED,
        trigger=Trigger.COMMAND,
        guards=(Guard.POT_COVERS_PRIZES,),
    )
    for source in (*playing, Status.ERROR):
        yield Edge(source=source, target=Status.CANCELLED, trigger=Trigger.COMMAND)
    for source in playing:
        yield Edge(source=source, target=Status.ERROR, trigger=Trigger.FAULT)
    for target in playing:
        yield Edge(
            source=Status.ERROR,
            target=target,
            trigger=Trigger.COMMAND,
            guards=(Guard.CAME_FROM_THERE,),
        )


EDGES: tuple[Edge, ...] = tuple(_table())
"""Every legal transition, in order of precedence. What is not here is refused (LIFE-002..005, LIFE-009..011)."""


def automatic_edge(status: Status, facts: Facts) -> Edge | None:
    """Return the first automatic edge that may be taken now, or None."""
    for edge in EDGES:
        if edge.source is status and edge.trigger in AUTOMATIC and not edge.unmet(facts):
            return edge
    return None


def commanded_edge(source: Status, target: Status, trigger: Trigger, facts: Facts) -> Edge | None:
    """Return the edge that a command or a fault asks for, or None if there is none or a guard does not hold."""
    for edge in EDGES:
        if (edge.source, edge.target, edge.trigger) == (source, target, trigger) and not edge.unmet(facts):
            return edge
    return None


def mermaid() -> str:
    """Draw the table as a Mermaid state diagram, in the table's order."""
    lines = ["stateDiagram-v2", f"    [*] --> {Status.SCHEDULED}"]
    for edge in EDGES:
        guards = " and ".join(guard.value.replace("_", " ") for guard in edge.guards)
        label = edge.trigger.value + (f" [{guards}]" if guards else "")
        lines.append(f"    {edge.source} --> {edge.target} : {label}")
    lines += [f"    {end} --> [*]" for end in (Status.COMPLETE, Status.CANCELLED)]
    return "\n".join(lines) + "\n"


def diagram_page() -> str:
    """Return the page `docs/lifecycle.md`, which a test compares with the file."""
    return (
        "# Lifecycle of a contest\n\n"
        "Drawn from the table in `cutline/engine/contest/lifecycle.py`; a test keeps this page equal to it. Words in\n"
        "brackets must all hold. An end time alone never completes a contest, and COMPLETE never reopens. SETTLED and\n"
        "PAID_OUT are progress derived from the settlement and its transfers, not states.\n\n"
        f"```mermaid\n{mermaid()}```\n"
    )
