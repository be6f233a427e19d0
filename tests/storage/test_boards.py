"""How a contest stands is read from its file beside the writer, and only what is new is read again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cutline.bench.crowd import write_contest
from cutline.engine.messages import CancelContest, ChangePicks, SettlementComputed, WinningsPaid, WithdrawEntry
from cutline.engine.settlement import settle_json
from cutline.storage.boards import Boards, Picture, Ranking, list_entries, read_cards
from cutline.storage.errors import Corrupt, FileMissing
from cutline.storage.files import DataRoot
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import Connection, open_reader
from tests.engine.contest.play import BEFORE, LOCK, Play
from tests.engine.driver import minutes
from tests.engine.golf import CARDS

NOW = datetime(2026, 4, 9, tzinfo=UTC)
ENTRIES = {"e1": ("A", "B", "C"), "e2": ("D", "E", "F"), "e3": ("A", "D", "E")}


class Stand:
    """A play whose log is written to a real file whenever the board is looked at."""

    def __init__(self, root: DataRoot) -> None:
        self.root, self.play, self.boards = root, Play(), Boards()
        self.written = 0
        for entry_id, picks in ENTRIES.items():
            self.play.enter_and_pay(entry_id)
            if picks != ENTRIES["e1"]:
                change = ChangePicks(entry_id=entry_id, account_did=f"did:{entry_id}", picks=picks)
                self.play.contest.send(change, BEFORE)

    @property
    def path(self) -> Path:
        return self.root.path_of("contest/c1")

    def look(self, known: str | None = None) -> Picture | None:
        fresh = self.play.contest.log[self.written :]
        self.written += len(fresh)
        write_contest(self.root, "c1", [recorded.event for recorded in fresh], NOW, self.play.contest.blobs)
        return self.boards.look(str(self.path), known)

    def picture(self) -> Picture:
        picture = self.look()
        assert picture is not None
        return picture


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(DataRoot(tmp_path))


@pytest.fixture
def reader(stand: Stand) -> Iterator[Connection]:
    stand.look()
    connection = open_reader(stand.path, KINDS["contest"])
    yield connection
    connection.close()


def test_before_the_lock_nobody_is_ranked_and_no_picks_are_out(stand: Stand) -> None:
    picture = stand.picture()
    assert (picture.status, picture.closed, picture.settled) == ("SCHEDULED", False, False)
    assert picture.ranking == Ranking()


def test_from_the_lock_on_the_paid_entries_stand_first_together_until_a_hole_is_played(stand: Stand) -> None:
    """LIFE-017: only what is paid plays."""
    stand.play.contest.send(WithdrawEntry(entry_id="e2", account_did="did:e2"), BEFORE)
    stand.play.to_live()
    picture = stand.picture()
    assert (picture.status, picture.closed, picture.round_number) == ("LIVE", True, 0)
    assert picture.ranking.entry_ids == ("e1", "e3")
    assert (picture.ranking.ranks, picture.ranking.scores, picture.ranking.cut) == ((1, 1), (None, None), (False,) * 2)
    assert set(picture.golfers) == set(CARDS)


def test_standings_follow_each_poll_and_read_only_what_is_new(stand: Stand) -> None:
    """ING-009: what is believed is what is ranked."""
    stand.play.to_live()
    first = stand.picture()
    stand.play.serve(LOCK + minutes(60), {**dict.fromkeys(CARDS, (None, [])), "A": (None, [(-5, 18)])})
    second = stand.picture()
    assert second.version != first.version
    assert second.ranking.entry_ids == ("e1", "e3", "e2")
    assert second.ranking.scores == (-5, -5, 0)
    assert second.ranking.ranks == (1, 1, 3)
    assert second.round_number == 1
    assert stand.look(second.version) is None, "nothing is new"
    assert Boards().look(str(stand.path), None) == second, "a reader who begins now sees the same"


def test_the_settled_result_takes_the_place_of_the_live_one_and_paid_prizes_show(stand: Stand) -> None:
    """SET-003, C-13: the picture is the result that was recorded, and who has been paid."""
    done = stand.play.to_complete()
    live = stand.picture()
    assert (live.status, live.settled) == ("COMPLETE", False)
    run = stand.play.contest.effects[-1]
    result = settle_json(run.input_json).decode()
    stand.play.contest.send(SettlementComputed(run_id=run.run_id, result_json=result), done)
    settled = stand.picture()
    assert (settled.settled, settled.paid) == (True, frozenset())
    assert settled.ranking.entry_ids == live.ranking.entry_ids
    assert settled.ranking.scores == live.ranking.scores
    assert sum(settled.ranking.prizes_cents) > 0
    winner, cents = settled.ranking.entry_ids[0], settled.ranking.prizes_cents[0]
    paid = WinningsPaid(contest_id="c1", entry_id=winner, amount_cents=cents, stripe_transfer_id="tr_1")
    stand.play.contest.send(paid, done)
    assert stand.picture().paid == {winner}


def test_a_cancelled_contest_ranks_nobody_any_more(stand: Stand) -> None:
    stand.play.to_live()
    assert len(stand.picture().ranking) == 3
    stand.play.contest.send(CancelContest(actor="admin:1", reason="storm"), LOCK + minutes(90))
    picture = stand.picture()
    assert (picture.status, len(picture.ranking)) == ("CANCELLED", 0)


def test_a_file_that_another_took_the_place_of_is_read_anew(stand: Stand, tmp_path: Path) -> None:
    stand.play.to_live()
    assert len(stand.picture().ranking) == 3
    other = Stand(DataRoot(tmp_path / "other"))
    other.play.enter_and_pay("e4")
    other.play.to_live()
    other.look()
    for path in stand.path.parent.glob("c1.db*"):
        path.unlink()
    other.path.rename(stand.path)
    picture = stand.boards.look(str(stand.path), None)
    assert picture is not None
    assert len(picture.ranking) == 4


def test_what_cannot_be_read_raises_and_is_read_again_when_it_can(stand: Stand) -> None:
    with pytest.raises(FileMissing):
        stand.boards.look(str(stand.path), None)
    stand.path.parent.mkdir(parents=True)
    stand.path.write_bytes(b"no database")
    with pytest.raises(Corrupt):
        stand.boards.look(str(stand.path), None)
    stand.path.unlink()
    write_contest(stand.root, "c1", [], NOW)
    with pytest.raises(LookupError):
        stand.boards.look(str(stand.path), None)
    assert stand.picture().contest_id == "c1"


def test_cards_show_the_latest_picks_and_lists_go_on_after_a_place(reader: Connection) -> None:
    cards = read_cards(reader, ["e1", "e2"])
    assert (cards["e1"].picks, cards["e2"].picks) == (ENTRIES["e1"], ENTRIES["e2"])
    assert cards["e2"].account_did == "did:e2"
    assert list(list_entries(reader, account_did=None, after=0, limit=2)) == [(1, "e1"), (2, "e2")]
    assert list(list_entries(reader, account_did=None, after=2, limit=2)) == [(3, "e3")]
    assert list(list_entries(reader, account_did="did:e2", after=0, limit=9)) == [(2, "e2")]
