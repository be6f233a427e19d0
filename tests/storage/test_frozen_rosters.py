"""Rosters are packed beside the log at the lock, read back whole, and checked (CFG-006, SET-001)."""

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from cutline.bench.large_contest import ENTRIES_MIN, make_contest
from cutline.engine.errors import InvariantViolated
from cutline.engine.scoring.rosters import NO_TIEBREAK, PLAYERS_MAX, Rosters
from cutline.engine.scoring.standings import Entry
from cutline.storage.errors import Corrupt
from cutline.storage.frozen_rosters import read_rosters
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import connect, open_reader
from cutline.storage.verify.bodies import check_rosters
from cutline.storage.verify.report import Code


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "contest.db"
    make_contest(path, ENTRIES_MIN)
    return path


def forge(path: Path, statement: str) -> None:
    """Change a row as an intruder would: without the writer's guards."""
    with contextlib.closing(connect(path, mode="rw")) as foreign:
        for (trigger,) in foreign.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            foreign.execute(f"DROP TRIGGER {trigger}")
        foreign.execute(statement)


def test_rosters_are_read_back_without_the_log(file: Path) -> None:
    with contextlib.closing(open_reader(file, KINDS["contest"])) as reader:
        rosters = read_rosters(reader)
        assert rosters is not None
        assert (len(rosters.entry_ids), rosters.size) == (ENTRIES_MIN, 6)
        assert list(check_rosters(reader, "contest")) == []


def test_before_the_lock_there_are_none(file: Path) -> None:
    forge(file, "DELETE FROM rosters")
    with contextlib.closing(open_reader(file, KINDS["contest"])) as reader:
        assert read_rosters(reader) is None


def test_altered_rosters_are_refused_and_reported(file: Path) -> None:
    forge(file, "UPDATE rosters SET body = CAST(replace(CAST(body AS TEXT), '40000000', '40000009') AS BLOB)")
    with contextlib.closing(open_reader(file, KINDS["contest"])) as reader:
        with pytest.raises(Corrupt, match="not those that were recorded"):
            read_rosters(reader)
        assert [problem.code for problem in check_rosters(reader, "contest")] == [Code.BODY_ALTERED]


ENTRIES = (Entry(entry_id="b", picks=("x", "y"), tiebreak=-7), Entry(entry_id="a", picks=("y", "z")))


def test_rosters_are_packed_in_order_of_their_ids() -> None:
    rosters = Rosters.of(ENTRIES, 2)
    assert (rosters.entry_ids, rosters.players) == (["a", "b"], ["x", "y", "z"])
    assert rosters.picks.tolist() == [[1, 2], [0, 1]]
    assert rosters.tiebreaks.tolist() == [NO_TIEBREAK, -7]
    assert (rosters.picks.itemsize, rosters.tiebreaks.itemsize) == (2, 4)
    # Two bytes a pick and four a prediction, the low one first: 01 00 02 00 00 00 01 00, and 00 00 00 80 F9 FF FF FF.
    assert rosters.pack() == (
        b'{"entry_ids":["a","b"],"picks":"AQACAAAAAQA=","players":["x","y","z"],"size":2,"tiebreaks":"AAAAgPn///8="}'
    )


def test_no_more_golfers_are_packed_than_two_bytes_can_number() -> None:
    picks = tuple(f"{number:05d}" for number in range(PLAYERS_MAX + 1))
    most = Rosters.of([Entry(entry_id="e", picks=picks[1:])], PLAYERS_MAX)
    assert most.picks.max() == PLAYERS_MAX - 1
    with pytest.raises(InvariantViolated, match="65536 golfers cannot be numbered by two bytes"):
        Rosters.of([Entry(entry_id="e", picks=picks)], PLAYERS_MAX + 1)


NO_ROSTERS = "^these are no packed rosters: ."
NO_FIT = "^the columns of packed rosters do not fit each other$"


@pytest.mark.parametrize(
    ("packed", "says"),
    [
        (b"", NO_ROSTERS),
        (b"[]", NO_ROSTERS),
        (b"{}", NO_ROSTERS),
        (b'{"entry_ids":["a"],"picks":"AQ==","players":["x"],"size":1,"tiebreaks":"AAAAgA=="}', NO_ROSTERS),
        (b'{"entry_ids":["a"],"picks":"*","players":["x"],"size":1,"tiebreaks":"AAAAgA=="}', NO_ROSTERS),
        # Base64 with something else in it.
        (b'{"entry_ids":["a"],"picks":"A*AA=","players":["x"],"size":1,"tiebreaks":"AAAAgA=="}', NO_ROSTERS),
        (b'{"entry_ids":["a"],"picks":"AAA=","players":["x"],"size":2,"tiebreaks":"AAAAgA=="}', NO_ROSTERS),
        (b'{"entry_ids":["a"],"picks":"AQA=","players":["x"],"size":1,"tiebreaks":"AAAAgA=="}', NO_FIT),
        (b'{"entry_ids":["a"],"picks":"AAA=","players":["x"],"size":1,"tiebreaks":""}', NO_FIT),
    ],
)
def test_what_is_no_packed_roster_is_a_bug(packed: bytes, says: str) -> None:
    with pytest.raises(InvariantViolated, match=says):
        Rosters.unpack(packed)


def test_no_entries_pack_to_nothing() -> None:
    empty = Rosters.unpack(Rosters.of((), 0).pack())
    assert (len(empty.entry_ids), list(empty.entries())) == (0, [])


def test_entries_are_not_read_from_columns_of_unequal_length() -> None:
    rosters = Rosters.of(ENTRIES, 2)
    with pytest.raises(ValueError, match="shorter"):
        list(replace(rosters, tiebreaks=rosters.tiebreaks[:1]).entries())
