"""The lifecycle table: every pair of states, every edge, every guard."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from cutline.engine.contest.lifecycle import (
    AUTOMATIC,
    EDGES,
    Edge,
    Facts,
    Guard,
    Status,
    Trigger,
    automatic_edge,
    commanded_edge,
    diagram_page,
)

ROOT = Path(__file__).parents[3]
ALL_TRUE = {
    Guard.EVENT_CANCELLED_STANDS: {"event_cancelled_stands": True},
    Guard.LOCK_TIME_REACHED: {"lock_time_reached": True},
    Guard.POT_IS_SHORT: {"pot_covers_prizes": False},
    Guard.POT_COVERS_PRIZES: {"pot_covers_prizes": True},
    Guard.FIELD_COMPLETE: {"field_complete": True},
    Guard.START_TIME_REACHED: {"start_time_reached": True},
    Guard.FINAL_STATUS_STANDS: {"final_status_stands": True},
    Guard.ROUNDS_ARE_TOO_FEW: {"rounds_suffice": False},
    Guard.ROUNDS_SUFFICE: {"rounds_suffice": True},
    Guard.CARDS_ARE_CLOSED: {"cards_are_closed": True},
}
LEGAL = {
    ("SCHEDULED", "LOCKED"),
    ("SCHEDULED", "CANCELLED"),
    ("SCHEDULED", "ERROR"),
    ("LOCKED", "LIVE"),
    ("LOCKED", "CANCELLED"),
    ("LOCKED", "ERROR"),
    ("LIVE", "COMPLETE"),
    ("LIVE", "CANCELLED"),
    ("LIVE", "ERROR"),
    ("ERROR", "SCHEDULED"),
    ("ERROR", "LOCKED"),
    ("ERROR", "LIVE"),
    ("ERROR", "CANCELLED"),
}


def facts_for(guards: tuple[Guard, ...], target: Status) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for guard in guards:
        facts |= {"came_from": target} if guard is Guard.CAME_FROM_THERE else ALL_TRUE[guard]
    return facts


def test_there_are_exactly_six_states() -> None:
    """LIFE-001, C-03: SETTLED and PAID_OUT are no states."""
    assert [status.value for status in Status] == [
        "SCHEDULED",
        "LOCKED",
        "LIVE",
        "COMPLETE",
        "CANCELLED",
        "ERROR",
    ]


@pytest.mark.parametrize(("source", "target"), list(itertools.product(Status, Status)))
def test_only_the_listed_pairs_are_legal(source: Status, target: Status) -> None:
    """LIFE-011, LIFE-029: the whole 6 x 6 matrix, with every fact that could help."""
    everything = Facts(
        lock_time_reached=True,
        field_complete=True,
        start_time_reached=True,
        final_status_stands=True,
        event_cancelled_stands=True,
        cards_are_closed=True,
        came_from=target,
    )
    edges = [edge for edge in EDGES if (edge.source, edge.target) == (source, target)]
    assert bool(edges) == ((source.value, target.value) in LEGAL)
    if not edges:
        assert all(commanded_edge(source, target, trigger, everything) is None for trigger in Trigger)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge.source}-{edge.target}-{edge.trigger}")
def test_each_edge_needs_each_of_its_guards(edge: Edge) -> None:
    """LIFE-029: every guard false in turn refuses; all true takes the edge."""
    wanted = facts_for(edge.guards, edge.target)
    assert edge.unmet(Facts(**wanted)) == ()
    assert commanded_edge(edge.source, edge.target, edge.trigger, Facts(**wanted)) == edge
    for guard in edge.guards:
        (name,) = facts_for((guard,), edge.target)
        opposite = None if name == "came_from" else not wanted[name]
        facts = Facts(**{**wanted, name: opposite})
        assert guard in edge.unmet(facts)
        assert commanded_edge(edge.source, edge.target, edge.trigger, facts) is None


def test_without_facts_no_automatic_edge_is_taken() -> None:
    """LIFE-014: silence moves nothing."""
    assert all(automatic_edge(status, Facts()) is None for status in Status)


@pytest.mark.parametrize("status", [Status.COMPLETE, Status.CANCELLED])
def test_terminal_states_have_no_way_out(status: Status) -> None:
    assert not [edge for edge in EDGES if edge.source is status]


def test_error_is_left_only_to_where_it_came_from_and_by_command() -> None:
    """LIFE-010."""
    left = [edge for edge in EDGES if edge.source is Status.ERROR]
    assert all(edge.trigger not in AUTOMATIC for edge in left)
    facts = Facts(came_from=Status.LOCKED)
    assert commanded_edge(Status.ERROR, Status.LOCKED, Trigger.COMMAND, facts) is not None
    assert commanded_edge(Status.ERROR, Status.LIVE, Trigger.COMMAND, facts) is None


def test_the_cancelled_event_wins_over_every_other_edge() -> None:
    facts = Facts(lock_time_reached=True, event_cancelled_stands=True)
    edge = automatic_edge(Status.SCHEDULED, facts)
    assert edge is not None
    assert edge.trigger is Trigger.EVENT_CANCELLED


def test_the_diagram_in_the_docs_is_drawn_from_the_table() -> None:
    assert (ROOT / "docs" / "lifecycle.md").read_text(encoding="utf-8") == diagram_page()
