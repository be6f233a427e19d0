"""The whole engine over real files: what must survive a restart, a lost file and money that is not ours."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from cutline.engine.messages import PlanContest
from cutline.storage.checkpoint import WalGrowth
from cutline.storage.errors import DataRootLocked
from cutline.storage.files import DataRoot
from cutline.storage.sqlite import connect
from tests.actors.town import Town, is_refused, running_town

C = "small-open-1"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running_town(tmp_path) as town:
        yield town


async def test_a_paid_entry_plays_after_a_restart_and_the_books_are_the_same(tmp_path: Path) -> None:
    """I9: what is folded from the files is what was in memory."""
    async with running_town(tmp_path) as town:
        await town.plan(C)
        await town.enter(C, "e1")
        await town.pay(C, "e1")
        before = await town.until(town.books, lambda books: books.get(f"pot:{C}") == -1001)
        await town.until(town.created, lambda created: created == [C])
    async with running_town(tmp_path) as again:
        assert await again.books() == before
        assert (await again.contest(C))["pot_cents"] == 1001


async def test_a_payment_for_no_contest_of_ours_neither_raises_nor_stops_the_mail_behind_it(town: Town) -> None:
    """PAY-032: an id that could name no contest goes to suspense; it must not stop the ledger."""
    answer = await town.pay("No-Such-Contest", "e1", intent="pi_foreign")
    assert answer["outcome"] == "suspense"
    assert (await town.books())["suspense"] == -1001


async def test_the_engine_starts_again_after_a_payment_for_an_unknown_contest(tmp_path: Path) -> None:
    """The message stays owed and is counted; everyone else is served (I12)."""
    async with running_town(tmp_path) as town:
        await town.pay("nowhere", "e1")
        await town.until(_undeliverable(town), lambda count: count == 1)
    async with running_town(tmp_path) as town:
        await town.plan(C)
        await town.enter(C, "e1")
        await town.pay(C, "e1")
        await town.until(town.books, lambda books: books.get(f"pot:{C}") == -1001)
        assert (await town.books())["escrow:nowhere"] == -1001
        assert town.system.directory.undeliverable() == 1


def _undeliverable(town: Town) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        return town.system.directory.undeliverable()

    return count


async def test_a_lost_contest_file_is_never_made_again_empty(tmp_path: Path) -> None:
    """S8: not by the plan's own message and not by asking for the contest again."""
    async with running_town(tmp_path) as town:
        await town.plan(C)
        await town.until(town.created, lambda created: created == [C])
    path = DataRoot(tmp_path).path_of(f"contest/{C}")
    for file in path.parent.iterdir():
        file.unlink()
    async with running_town(tmp_path) as town:
        assert is_refused(await town.plan(C), "CONTEST_QUARANTINED")
        assert town.system.directory.quarantined() == {f"contest/{C}": "its file is missing"}
        assert is_refused(await town.contest(C), "CONTEST_QUARANTINED")
        assert "contest_id" in await town.plan("small-open-2")
    assert not path.exists()


async def test_a_planned_contest_whose_file_was_never_made_gets_it_at_the_next_start(tmp_path: Path) -> None:
    """P8: planned -> file -> created; the plan survives the process that made it."""
    async with running_town(tmp_path) as town:
        await town.plan("other")
        await town.ask("governance", PlanContest(contest_id=C, config_id="small-open", actor="test"))
    DataRoot(tmp_path).path_of(f"contest/{C}").unlink(missing_ok=True)
    async with running_town(tmp_path) as town:
        await town.until(lambda: town.contest(C), lambda contest: isinstance(contest, dict))


async def test_a_second_engine_on_the_same_files_is_refused(town: Town) -> None:
    """P9."""
    root = town.system.root
    with pytest.raises(DataRootLocked):
        async with running_town(root.path):
            raise AssertionError("two engines over one data root")
    assert await town.books() == {}


async def test_a_busy_file_is_copied_into_itself_beside_its_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WalGrowth, "is_due", lambda *_: True)
    async with running_town(tmp_path) as town:
        await town.plan(C)
        path = town.system.root.path_of("governance")

        async def plans_in_the_file_alone() -> int:
            with contextlib.closing(connect(path, mode="ro&immutable=1")) as file:
                return int(file.execute("SELECT count(*) FROM log WHERE type = 'ContestPlanned'").fetchone()[0])

        await town.until(plans_in_the_file_alone, lambda count: count == 1)
