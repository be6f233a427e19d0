"""Settled contests without a transfer are found, alerted and no longer found once they have one (POUT-042)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cutline.engine.messages import PayWinners, RaiseAlert
from cutline.engine.messages.untriggered import (
    LookForUntriggered,
    ReadPostedSettlements,
    ReadUntriggered,
    SettledContest,
)
from tests.engine.payout.bank import NOW, Bank

HALF_AN_HOUR_MIN = 30


@pytest.fixture
def bank() -> Bank:
    return Bank()


def settled(contest_id: str, minutes_ago: int) -> SettledContest:
    return SettledContest(contest_id=contest_id, settled_at=NOW - timedelta(minutes=minutes_ago), prizes=1)


def listed(bank: Bank, *contests: SettledContest) -> list[str]:
    bank.payouts.send(ReadUntriggered(settled=contests, older_than_minutes=HALF_AN_HOUR_MIN), bank.now)
    return [one.contest_id for one in bank.payouts.reply["contests"]]


def alerts(bank: Bank, *contests: SettledContest) -> list[Any]:
    before = len(bank.payouts.effects)
    bank.payouts.send(LookForUntriggered(settled=contests, older_than_minutes=HALF_AN_HOUR_MIN), bank.now)
    return list(bank.payouts.effects[before:])


def test_the_longest_wait_comes_first_and_what_settled_just_now_is_not_listed(bank: Bank) -> None:
    assert listed(bank, settled("young", 29), settled("late", 30), settled("later", 45)) == ["later", "late"]
    assert listed(bank) == []


def test_one_alert_names_the_contest_that_waits_longest_and_reading_changes_nothing(bank: Bank) -> None:
    [alert] = alerts(bank, settled("late", 30), settled("later", 45))
    assert isinstance(alert, RaiseAlert)
    assert (alert.name, alert.runbook) == ("payouts_untriggered", "runbooks/payouts-untriggered.md")
    assert (alert.details["count"], alert.details["contest_id"]) == (2, "later")
    assert alerts(bank, settled("young", 29)) == []
    assert bank.payouts.log == []


def test_a_contest_is_listed_until_its_winners_are_planned_and_they_are_planned_once(bank: Bank) -> None:
    """Whether the winners can be paid yet is another question: theirs has no account, and waits visibly."""
    bank.post_settlement("c1")
    waiting = settled("c1", 60)
    assert listed(bank, waiting) == ["c1"]
    bank.ledger.send(ReadPostedSettlements(contest_ids=("c1", "c2")), bank.now)
    assert bank.ledger.reply == {"contest_ids": ["c1"]}
    [message] = bank.ledger.messages(PayWinners)
    bank.payouts.send(message, bank.now)
    assert (listed(bank, waiting), alerts(bank, waiting)) == ([], [])
    assert bank.payouts.send(message, bank.now) == []
    assert len(bank.payouts.state.transfers) == 1
