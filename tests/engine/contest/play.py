"""A small contest with its feed, played by hand: what the feed owes is delivered to the contest."""

from datetime import datetime
from typing import Any

from cutline.engine import tournament as configs
from cutline.engine.contest.machine import ContestMachine
from cutline.engine.feed import FeedMachine
from cutline.engine.messages import (
    AdoptConfig,
    ComputeSettlement,
    CreateContest,
    EnterContest,
    FeedPolled,
    FeePaid,
    SettlementComputed,
    UnwatchEvent,
    WatchEvent,
)
from cutline.engine.settlement import settle_json
from tests.engine.driver import File, at, minutes
from tests.engine.golf import CARDS, EVENT_ID, payload, raw, tournament

BEFORE = at("2026-04-05 12:00")
LOCK = at("2026-04-09 11:40")
PLAYED = at("2026-04-12 22:30")
END = at("2026-04-13 00:00")
PICKS = ("A", "B", "C")
FIELD: dict[str, Any] = {player: (None, []) for player in CARDS}


def create(changes: dict[str, Any] | None = None, contest_id: str = "c1") -> CreateContest:
    config = tournament(changes)
    return CreateContest(
        contest_id=contest_id, config_json=configs.canonical(config), config_sha256=configs.sha256(config)
    )


def adopt(version: int, changes: dict[str, Any] | None = None) -> AdoptConfig:
    """A published version of the small config with these changes."""
    config = tournament(changes)
    return AdoptConfig(
        config_id=config.id,
        version=version,
        config_json=configs.canonical(config),
        config_sha256=configs.sha256(config),
    )


def enter(entry_id: str, did: str | None = None, picks: tuple[str, ...] = PICKS, tiebreak: int | None = None) -> Any:
    return EnterContest(entry_id=entry_id, account_did=did or f"did:{entry_id}", picks=picks, tiebreak=tiebreak)


def fee(entry_id: str, did: str | None = None, intent: str | None = None, cents: int = 1001) -> FeePaid:
    return FeePaid(
        contest_id="c1",
        entry_id=entry_id,
        account_did=did or f"did:{entry_id}",
        amount_cents=cents,
        currency="usd",
        payment_intent=intent or f"pi_{entry_id}",
    )


class Play:
    """One contest and its feed; mail between them is delivered in order, at once."""

    def __init__(self, changes: dict[str, Any] | None = None, command: CreateContest | None = None) -> None:
        self.contest = File(ContestMachine())
        self.feed = File(FeedMachine())
        self.feed.pure = False
        self._delivered = {"contest": 0, "feed": 0}
        self.contest.send(command or create(changes), BEFORE)
        self.deliver(BEFORE)

    @property
    def status(self) -> str:
        return str(self.contest.state.contest.status.value)

    def deliver(self, now: datetime) -> None:
        moved = True
        while moved:
            moved = False
            for source, target, kinds in (
                ("contest", "feed", (WatchEvent, UnwatchEvent)),
                ("feed", "contest", None),
            ):
                sender, receiver = getattr(self, source), getattr(self, target)
                for owed in sender.owed[self._delivered[source] :]:
                    self._delivered[source] += 1
                    if kinds is None or isinstance(owed.message, kinds):
                        receiver.send(owed.message, now)
                        moved = True

    def poll(self, now: datetime, body: bytes | None) -> list[Any]:
        """Have the feed polled: a body, or None for "not modified". Returns the feed's events."""
        polled = FeedPolled(http_status=200 if body else 304, body=body, etag="e", error=None, duration_ms=1.0)
        events = self.feed.send(polled, now)
        self.deliver(now)
        return events

    def serve(self, now: datetime, cards: Any = None, status: str = "inprogress") -> list[Any]:
        """Have the feed polled with a payload made from cards."""
        return self.poll(now, raw(payload(cards or CARDS, status=status, event_id=EVENT_ID)))

    def enter_and_pay(self, *entry_ids: str, now: datetime = BEFORE) -> None:
        for entry_id in entry_ids:
            self.contest.send(enter(entry_id), now)
            self.contest.send(fee(entry_id), now)

    def to_live(self) -> None:
        """Publish the field, lock and start."""
        self.serve(BEFORE + minutes(5), FIELD, "scheduled")
        self.contest.look(LOCK)
        assert self.status == "LIVE"

    def finish(self, start: datetime = PLAYED, status: str = "complete", cards: Any = None) -> datetime:
        """Serve a final status for half an hour, six polls; return the time of the last one."""
        self.serve(start, cards, status)
        for count in range(1, 7):
            self.poll(start + minutes(5 * count), None)
        return start + minutes(30)

    def to_complete(self) -> datetime:
        """Play to the end; return when the contest completed."""
        self.to_live()
        self.serve(LOCK + minutes(60))
        done = self.finish()
        self.contest.look(done)
        self.deliver(done)
        assert self.status == "COMPLETE"
        return done

    def settle(self, now: datetime) -> list[Any]:
        """Compute the last settlement asked for and tell the contest."""
        effect = [e for e in self.contest.effects if isinstance(e, ComputeSettlement)][-1]
        computed = SettlementComputed(run_id=effect.run_id, result_json=settle_json(effect.input_json).decode())
        return self.contest.send(computed, now)
