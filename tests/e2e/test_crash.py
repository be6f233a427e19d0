"""SIGKILL after a commit and restart: whatever the moment, the contest comes to the same result (P1, P8, I4, I5, I9).

A contest of twelve entrants is played against a real engine process; people, Stripe and the feed outlive it. The suite
holds a sample; the long version (`make crash`) dies after the first commit of every kind of event, at a hundred other
commits, and twice in a row.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from cutline.simulation.outcome import read_outcome
from cutline.simulation.production import Played, held, opening, play
from cutline.simulation.stage import masters_recording, masters_toml, write_script
from cutline.storage.verify import verify_root

pytestmark = pytest.mark.crash

CONTEST_ID = "masters-2026-crash"
ENTRANTS = 12
SEED = 4
LONG = os.environ.get("CUTLINE_CRASH") == "all"

EVENTS = {
    "contest": """ContestCreated DeliveriesAcknowledged EntryActivated EntryExpired EntryRefused EntryReserved
        FeedApplied PrizePaid RostersFrozen SettlementRecorded SettlementStarted StatusChanged TransitionRefused
        WriterOpened""",
    "feed": "ChangesRecorded DeliveriesAcknowledged EventWatched LateWatchBegan PayloadStored WriterOpened",
    "governance": """ConfigPublished ContestConfirmed ContestPlanned ContractPublished ErrorCodeRegistered
        WriterOpened""",
    "ledger": """AccountOpened AnchorRecorded BalanceListingRequested BalanceTransactionsRead DeliveriesAcknowledged
        PlatformFundsRead UndeliveredEventsListed
        StripeEventRecorded TransactionPosted WriterOpened""",
    "payments": """AttemptStarted IntentCancelEnded IntentCancelRequested IntentCreated IntentPlanned
        IntentReportRecorded RefundAdvanced RefundPlanned WriterOpened""",
    "payouts": """AccountCreated AccountLinkEnded AccountPlanned AccountStatusRecorded AttemptDeferred AttemptRepeated
        AttemptStarted DayComparisonStarted DayReconciled DeliveriesAcknowledged FundsLocked TransferCompleted
        TransferLockRequested TransferPlanned WriterOpened""",
}
"""What the undisturbed contest writes into each kind of file; a test keeps this list complete."""
ELSEWHERE = {
    "contest": """AuditEnded AuditStarted ConfigChangeRefused ContestConfigChanged EntryCancelled EntryPicksChanged
        EntryWithdrawn FeedConfirmed FeedGapFound LateChangesReceived PrizeUnpayable SettlementFailed""",
    "feed": """EventUnwatched IngestionCaughtUp IngestionLagged PayloadRejected PollConfirmed PollFailed
        PollRecovered""",
    "governance": """ConfigValidated ContestQuarantined ContestReleased DeliveriesAcknowledged RunbookCompleted
        RunbookStarted RunbookStepRecorded TokenRevoked""",
    "ledger": """AccountClosed AllEventsListedAgain DeadLettered EventQuarantined FeeCalledBack NettingEntryApplied
        NettingEntryFailed NettingRunApplied NettingRunCreated NettingRunStarted PayoutAdmitted PostingBroke
        StripeEventForwarded TransferEndedUnlocked""",
    "payments": """AttemptDeferred AttemptRepeated DeliveriesAcknowledged IntentClaimed IntentFailed
        LookupStarted""",
    "payouts": """AccountLost AccountRefused HolderClosureRecorded LookupStarted PayoutAccepted PayoutFinalized
        PayoutFunded PayoutInitiated PayoutOutcomeRecorded PayoutRetried TransferAbandoned TransferFailed""",
}
"""What this contest does not write for certain: other stories do, and `commit:<n>` may hit them here, too."""
SOMETIMES = {
    "first:feed:PollConfirmed",
    "first:governance:DeliveriesAcknowledged",
    "first:payments:DeliveriesAcknowledged",
}
"""What depends on which of two messages comes first: an acknowledgement or what it rides with, a poll or its end."""
FIRSTS = [f"first:{kind}:{event}" for kind, events in EVENTS.items() for event in events.split()]
COMMITS = 600
"""Every run makes more commits than this; the hundred others lie below it."""
OTHERS = [f"commit:{number}" for number in random.Random(SEED).sample(range(2, COMMITS), 100)]
TWICE = [
    f"{first} first:{second}"
    for first, second in [
        ("first:contest:ContestCreated", "governance:WriterOpened"),
        ("first:contest:EntryReserved", "payments:WriterOpened"),
        ("first:ledger:StripeEventRecorded", "ledger:WriterOpened"),
        ("first:contest:SettlementStarted", "contest:WriterOpened"),
        ("first:ledger:TransactionPosted", "contest:EntryActivated"),
        ("first:payouts:AttemptStarted", "payouts:AttemptStarted"),
        ("first:payouts:TransferCompleted", "payouts:WriterOpened"),
    ]
]
SAMPLE = [
    "first:governance:WriterOpened",
    "first:payments:AttemptStarted",
    "first:contest:SettlementStarted",
    "first:payouts:FundsLocked first:payouts:WriterOpened",
]
"""A boot over half a data root, a call to Stripe in doubt, a settlement at work, and winnings locked but not sent."""


def run(data: Path, extras: Sequence[Mapping[str, str]]) -> tuple[Played, str]:
    script = write_script(toml=masters_toml(), contest_id=CONTEST_ID, entrants=ENTRANTS, seed=SEED)
    with held(opening(script)) as calendar:
        playing = play(script, masters_recording(), data, calendar=calendar, on_step=lambda *_: None, extras=extras)
        played = asyncio.run(playing)
    assert not verify_root(data).problems
    return played, read_outcome(data, [CONTEST_ID]).sha256


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Play once without a crash, noting every commit; parallel test processes share what comes of it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    result = shared / "undisturbed.json"
    with (shared / "undisturbed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            notes = own / "commits"
            played, sha256 = run(own / "undisturbed", [{"CUTLINE_COMMITS_FILE": str(notes)}])
            lines = notes.read_text().splitlines()
            facts = {
                "sha256": sha256,
                "progress": played.contest["progress"],
                "firsts": sorted({f"first:{line.replace(' ', ':')}" for line in lines if line != "commit"}),
                "commits": lines.count("commit"),
            }
            result.write_text(json.dumps(facts))
    facts_read: dict[str, Any] = json.loads(result.read_text())
    return facts_read


def test_the_undisturbed_contest_pays_its_winners(undisturbed: dict[str, Any]) -> None:
    assert undisturbed["progress"] == "PAID_OUT"
    assert set(undisturbed["firsts"]) - SOMETIMES == set(FIRSTS)
    assert undisturbed["commits"] > COMMITS


@pytest.mark.parametrize("plan", FIRSTS + OTHERS + TWICE if LONG else SAMPLE)
def test_a_crash_after_a_commit_changes_nothing_in_the_result(
    plan: str, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    crashes = plan.split()
    played, sha256 = run(tmp_path / "data", [{"CUTLINE_CRASH_AFTER": crash} for crash in crashes])
    assert played.engine_starts == 1 + len(crashes), "the engine did not die as planned"
    assert sha256 == undisturbed["sha256"]
