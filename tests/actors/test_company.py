"""Whom a writer waits for before a flush: those just answered, briefly, and nobody when someone asks alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cutline.actors.company import COMPANY_ENOUGH, PATIENCE, PATIENCE_MAX_S, Company


class Waited:
    """An inbox that notes how long it was to wait and for how many."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, float]] = []

    def latecomers(self, count: int, seconds: float) -> Iterator[Any]:
        self.calls.append((count, seconds))
        return iter(["late"] * count)


def test_someone_who_asks_alone_never_waits() -> None:
    company, inbox = Company(), Waited()
    company.flushed(1.0)
    company.answered(1)
    assert list(company.awaited(inbox, 1)) == []
    assert inbox.calls == []


def test_the_first_request_of_all_never_waits() -> None:
    inbox = Waited()
    assert list(Company().awaited(inbox, 1)) == []
    assert inbox.calls == []


def test_those_just_answered_are_awaited_for_a_part_of_a_flush() -> None:
    company, inbox = Company(), Waited()
    company.flushed(0.001)
    company.answered(8)
    assert list(company.awaited(inbox, 3)) == ["late"] * 5
    ((count, seconds),) = inbox.calls
    assert count == 5
    assert 0 < seconds <= 0.001 * PATIENCE


def test_a_batch_that_is_large_enough_does_not_wait() -> None:
    company, inbox = Company(), Waited()
    company.flushed(0.001)
    company.answered(2 * COMPANY_ENOUGH)
    assert list(company.awaited(inbox, COMPANY_ENOUGH)) == []
    assert inbox.calls == []


def test_a_disk_that_stalled_once_makes_nobody_wait_for_those_who_have_gone() -> None:
    """Sixty callers were answered after a flush of two seconds; whoever asks next must not wait ten for them."""
    company, inbox = Company(), Waited()
    company.flushed(2.0)
    company.answered(60)
    assert len(list(company.awaited(inbox, 1))) == 59
    ((_, seconds),) = inbox.calls
    assert seconds <= PATIENCE_MAX_S
