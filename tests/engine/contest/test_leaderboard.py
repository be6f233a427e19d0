"""Snapshots of the provider: what is refused, and by which reason (ING-004, ING-021, ING-022, FAULTS F5, F9)."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutline.engine.contest.leaderboard import FeedFault, RoundLine, Snapshot, parse_snapshot
from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from tests.engine.golf import EVENT_ID, payload, raw


def parse(document: Any) -> Snapshot | Rejected:
    return parse_snapshot(raw(document), EVENT_ID, rounds=4)


def test_a_sound_snapshot_is_read_and_unknown_keys_are_tolerated() -> None:
    snapshot = parse(payload())
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.event_id, snapshot.status) == (EVENT_ID, "closed")
    assert list(snapshot.players) == list("ABCDEFGH")
    assert snapshot.players["F"].status == "CUT"
    assert snapshot.players["G"].rounds[2] == RoundLine(to_par=1, strokes=29, thru=7)
    assert snapshot.players["A"].name == "A Golfer"


@pytest.mark.parametrize("status", ["scheduled", "inprogress", "complete", "closed", "cancelled", "suspended"])
def test_every_status_of_an_event_is_read(status: str) -> None:
    snapshot = parse(payload(status=status))
    assert isinstance(snapshot, Snapshot)
    assert snapshot.status == status


def test_a_field_not_yet_published_is_no_fault() -> None:
    assert isinstance(parse(payload({}, "scheduled")), Snapshot)


def test_the_provider_may_list_rounds_and_players_in_any_order() -> None:
    document = payload()
    document["leaderboard"].reverse()
    for player in document["leaderboard"]:
        player["rounds"].reverse()
    assert parse(document) == parse(payload())


def player(document: dict[str, Any], number: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = document["leaderboard"][number]
    return found


Spoil = Callable[[dict[str, Any]], object]

MALFORMED: list[tuple[str, Spoil, FeedFault, str]] = [
    (
        "one hole of eighteen",
        lambda d: player(d)["rounds"][0].update(scores=[{"number": 1, "par": 4, "strokes": 4}]),
        FeedFault.HOLES_CONTRADICT,
        "leaderboard[0].rounds[0].scores",
    ),
    ("no leaderboard", lambda d: d.pop("leaderboard"), FeedFault.MISSING, "leaderboard"),
    ("no status", lambda d: d.pop("status"), FeedFault.MISSING, "status"),
    ("no event id", lambda d: d.pop("id"), FeedFault.MISSING, "id"),
    ("event id a number", lambda d: d.update(id=7), FeedFault.WRONG_TYPE, "id"),
    ("status unknown", lambda d: d.update(status="post"), FeedFault.STATUS_UNKNOWN, "status"),
    ("leaderboard an object", lambda d: d.update(leaderboard={}), FeedFault.WRONG_TYPE, "leaderboard"),
    ("leaderboard empty in play", lambda d: d.update(leaderboard=[]), FeedFault.LEADERBOARD_EMPTY, "leaderboard"),
    ("player without id", lambda d: player(d).pop("id"), FeedFault.MISSING, "leaderboard[0].id"),
    ("player id with a space", lambda d: player(d).update(id="a b"), FeedFault.OUT_OF_RANGE, "leaderboard[0].id"),
    ("player a null", lambda d: d["leaderboard"].append(None), FeedFault.WRONG_TYPE, "leaderboard[8]"),
    ("player twice", lambda d: player(d, 1).update(id="A"), FeedFault.PLAYER_REPEATED, "leaderboard[1].id"),
    (
        "player status unknown",
        lambda d: player(d).update(status="cut"),
        FeedFault.STATUS_UNKNOWN,
        "leaderboard[0].status",
    ),
    (
        "501 players",
        lambda d: d.update(leaderboard=[{"id": f"p{n}"} for n in range(501)]),
        FeedFault.OUT_OF_RANGE,
        "leaderboard",
    ),
    ("rounds a null", lambda d: player(d).update(rounds=None), FeedFault.WRONG_TYPE, "leaderboard[0].rounds"),
    (
        "round twice",
        lambda d: player(d)["rounds"][1].update(sequence=1),
        FeedFault.ROUND_REPEATED,
        "leaderboard[0].rounds[1].sequence",
    ),
    (
        "round 5 of 4",
        lambda d: player(d)["rounds"][3].update(sequence=5),
        FeedFault.ROUND_UNKNOWN,
        "leaderboard[0].rounds[3].sequence",
    ),
    (
        "round 0",
        lambda d: player(d)["rounds"][0].update(sequence=0),
        FeedFault.OUT_OF_RANGE,
        "leaderboard[0].rounds[0].sequence",
    ),
    ("round skipped", lambda d: player(d)["rounds"].pop(1), FeedFault.ROUND_SKIPPED, "leaderboard[0].rounds"),
    ("no thru", lambda d: player(d)["rounds"][0].pop("thru"), FeedFault.MISSING, "leaderboard[0].rounds[0].thru"),
    (
        "thru 19",
        lambda d: player(d)["rounds"][0].update(thru=19),
        FeedFault.OUT_OF_RANGE,
        "leaderboard[0].rounds[0].thru",
    ),
    (
        "thru -1",
        lambda d: player(d)["rounds"][0].update(thru=-1),
        FeedFault.OUT_OF_RANGE,
        "leaderboard[0].rounds[0].thru",
    ),
    (
        "thru F",
        lambda d: player(d)["rounds"][0].update(thru="F"),
        FeedFault.WRONG_TYPE,
        "leaderboard[0].rounds[0].thru",
    ),
    (
        "strokes with a point",
        lambda d: player(d)["rounds"][0].update(strokes=69.0),
        FeedFault.WRONG_TYPE,
        "leaderboard[0].rounds[0].strokes",
    ),
    (
        "strokes in a text",
        lambda d: player(d)["rounds"][0].update(strokes="69"),
        FeedFault.WRONG_TYPE,
        "leaderboard[0].rounds[0].strokes",
    ),
    (
        "strokes true",
        lambda d: player(d)["rounds"][0].update(strokes=True),
        FeedFault.WRONG_TYPE,
        "leaderboard[0].rounds[0].strokes",
    ),
    (
        "strokes null",
        lambda d: player(d)["rounds"][0].update(strokes=None),
        FeedFault.WRONG_TYPE,
        "leaderboard[0].rounds[0].strokes",
    ),
    (
        "10^9 strokes",
        lambda d: player(d)["rounds"][0].update(strokes=10**9),
        FeedFault.OUT_OF_RANGE,
        "leaderboard[0].rounds[0].strokes",
    ),
    (
        "-69 strokes",
        lambda d: player(d)["rounds"][0].update(strokes=-69),
        FeedFault.OUT_OF_RANGE,
        "leaderboard[0].rounds[0].strokes",
    ),
    (
        "fewer strokes than holes",
        lambda d: player(d)["rounds"][0].update(strokes=17),
        FeedFault.STROKES_IMPOSSIBLE,
        "leaderboard[0].rounds[0].strokes",
    ),
    (
        "strokes before a hole is played",
        lambda d: player(d)["rounds"][0].update(thru=0),
        FeedFault.STROKES_IMPOSSIBLE,
        "leaderboard[0].rounds[0].strokes",
    ),
    (
        "par 0",
        lambda d: player(d)["rounds"][0].update(score=69),
        FeedFault.PAR_IMPOSSIBLE,
        "leaderboard[0].rounds[0].score",
    ),
    (
        "par 120",
        lambda d: player(d)["rounds"][0].update(score=-51),
        FeedFault.PAR_IMPOSSIBLE,
        "leaderboard[0].rounds[0].score",
    ),
]


@pytest.mark.parametrize(
    ("spoil", "reason", "path"), [case[1:] for case in MALFORMED], ids=[case[0] for case in MALFORMED]
)
def test_a_malformed_snapshot_is_refused_whole_by_its_reason(spoil: Spoil, reason: FeedFault, path: str) -> None:
    document = copy.deepcopy(payload())
    spoil(document)
    refused = parse(document)
    assert isinstance(refused, Rejected), "believed"
    assert refused.code is RejectCode.FEED_INVALID
    assert (refused.details["reason"], refused.details["path"]) == (reason.value, path)


GARBAGE = [
    (b"", FeedFault.SYNTAX),
    (b"<!doctype html><html><body>Bad gateway</body></html>", FeedFault.SYNTAX),
    (raw(payload())[:-40], FeedFault.SYNTAX),
    (b'{"id": "\xff"}', FeedFault.ENCODING),
    (b'{"id": "\\ud800"}', FeedFault.ENCODING),
    (b'{"id": "a", "id": "b"}', FeedFault.DUPLICATE_KEY),
    (b'{"purse": NaN}', FeedFault.NOT_FINITE),
    (b'{"purse": -Infinity}', FeedFault.NOT_FINITE),
    (b'{"purse": 1e9999}', FeedFault.NOT_FINITE),
    (b"[" * 200_000, FeedFault.TOO_DEEP),
    (b'{"purse": ' + b"9" * 10_000 + b"}", FeedFault.SYNTAX),
    (b"[]", FeedFault.WRONG_TYPE),
    (b"null", FeedFault.WRONG_TYPE),
]


@pytest.mark.parametrize(("body", "reason"), GARBAGE)
def test_what_is_not_strict_json_of_a_leaderboard_is_refused(body: bytes, reason: FeedFault) -> None:
    refused = parse_snapshot(body, EVENT_ID)
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.details["reason"]) == (RejectCode.FEED_INVALID, reason.value)


def test_the_snapshot_of_another_event_is_refused_as_such_even_when_it_is_broken() -> None:
    """ING-022."""
    for document in (payload(event_id="another"), {"id": "another", "status": 7}):
        refused = parse(document)
        assert isinstance(refused, Rejected)
        assert refused.code is RejectCode.FEED_WRONG_EVENT
        assert refused.details["reason"] == FeedFault.WRONG_EVENT.value


def test_every_reason_of_refusal_is_exercised() -> None:
    """ING-021: one test a rejection code."""
    exercised = {case[2] for case in MALFORMED} | {case[1] for case in GARBAGE} | {FeedFault.WRONG_EVENT}
    assert exercised == set(FeedFault)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    value=json_values,
    where=st.sampled_from(
        ["status", "leaderboard", "player", "id", "rounds", "round", "sequence", "score", "strokes", "thru"]
    ),
)
def test_whatever_stands_anywhere_is_read_or_refused_but_never_raises(value: object, where: str) -> None:
    document = payload()
    first = player(document)
    if where in ("status", "leaderboard"):
        document[where] = value
    elif where == "player":
        document["leaderboard"][0] = value
    elif where in ("id", "rounds"):
        first[where] = value
    elif where == "round":
        first["rounds"][0] = value
    else:
        first["rounds"][0][where] = value
    assert isinstance(parse_snapshot(json.dumps(document).encode(), EVENT_ID), Snapshot | Rejected)


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_never_raise(body: bytes) -> None:
    assert isinstance(parse_snapshot(body, EVENT_ID), Rejected)
