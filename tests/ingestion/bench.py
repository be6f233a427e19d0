"""Plays a case of the corpus from the provider's socket to the contest's prizes, and says what came of it in words."""

from __future__ import annotations

import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from cutline.actors.performers import feed_polled
from cutline.engine.contest.feed_state import board_of
from cutline.engine.feed.events import ChangesRecorded, PayloadRejected
from cutline.engine.messages import ComputeSettlement, Look, PollFeed, RaiseAlert, SettlementComputed
from cutline.engine.scoring.board import Board, Card
from cutline.engine.settlement import SettlementInput, SettlementResult, settle, settle_json
from cutline.engine.tournament import canonical
from tests.engine.contest.play import BEFORE, FIELD, LOCK, PLAYED, Play, enter, fee
from tests.engine.golf import CARDS, EVENT_ID, GOLDEN, Cards, board, payload, raw, tournament
from tests.ingestion.provider import Answer, Line, bomb

CORPUS = Path(__file__).parent / "corpus"
EARLY: Cards = {player: (None, [rounds[0], (0, 9)]) for player, (_, rounds) in CARDS.items()}
"""The second round under way: everybody through nine holes."""
STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Player(_Strict):
    """One golfer's line: rounds as (to par, thru)."""

    status: str | None = None
    rounds: list[tuple[int, int]] = Field(default_factory=list)


class Poll(_Strict):
    """What the provider answers to one poll, or to `repeat` of them: the true leaderboard, but for what is said here.

    `scores` changes single rounds: `A4 = [-3, 18]`. `put` and `drop` change the payload by path. `text`, `hex`,
    `half` and `nested` (so many brackets) replace the body.
    """

    repeat: Annotated[int, Field(ge=1)] = 1
    status: str | None = None
    cards: dict[str, Player] = Field(default_factory=dict)
    scores: dict[str, tuple[int, int]] = Field(default_factory=dict)
    without: list[str] = Field(default_factory=list)
    rounds_up_to: int | None = None
    marks: bool = True
    put: dict[str, Any] = Field(default_factory=dict)
    drop: list[str] = Field(default_factory=list)
    event: str = EVENT_ID
    text: str | None = None
    hex: str | None = None
    half: bool = False
    nested: int = 0
    code: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = Field(default_factory=dict)
    etag: bool = True
    behaviour: Literal["", "bomb", "hangs", "cut", "stale", "flood"] = ""


class Verdict(_Strict):
    """What must come of a case. Lists are exact; what is left out must not happen.

    `changes` is what is believed now and was not before; `held` what is still held, with its polls; `result` whether
    the contest was settled, and whether to the true result; `late` the corrections noted after its end.
    """

    says: str
    changes: list[str] = Field(default_factory=list)
    held: list[str] = Field(default_factory=list)
    corrects: list[str] = Field(default_factory=list)
    rejected: list[str] = Field(default_factory=list)
    alerts: list[str] = Field(default_factory=list)
    failing: str = ""
    contest: str = "LIVE"
    result: Literal["", "true", "other"] = ""
    late: int = 0


class Case(_Strict):
    """One malformed or lying feed: what was believed before, what is served then, and the verdict.

    It starts before the first poll (`nothing`), with the `field` published, `live` before the first hole, `early` in
    the second round, `playing` with every card in and no final status, `final` with one poll of it, or `settled`.
    """

    name: str
    faults: list[str]
    start: Literal["nothing", "field", "live", "early", "playing", "final", "settled"] = "playing"
    polls: list[Poll]
    verdict: Verdict


def cases() -> list[Case]:
    """Return the whole corpus, in order of files."""
    found = []
    for path in sorted(CORPUS.glob("*.toml")):
        document = tomllib.loads(path.read_text("utf-8"))
        found += [Case.model_validate(one) for one in document["case"]]
    return found


class Bench:
    """One contest with six entries, its feed, and the line to the provider."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.play = Play()
        self.play.contest.pure = False
        self.now: datetime = BEFORE
        for entry in GOLDEN:
            self.play.contest.send(enter(entry.entry_id, picks=entry.picks, tiebreak=entry.tiebreak), BEFORE)
            self.play.contest.send(fee(entry.entry_id), BEFORE)
        self.truth: Cards = FIELD
        self.status = "scheduled"
        self._settled = 0

    async def begin(self, start: str) -> None:
        """Bring the contest to where a case begins, all of it truly served."""
        if start == "nothing":
            return
        await self.poll(Answer(body=raw(payload(FIELD, "scheduled"))))
        if start == "field":
            return
        self.now = LOCK
        self.look()
        served = {"live": FIELD, "early": EARLY}.get(start, CARDS)
        self.truth, self.status = EARLY if start == "early" else CARDS, "inprogress"
        await self.poll(Answer(body=raw(payload(served, "inprogress"))))
        if start in ("live", "early", "playing"):
            return
        self.now, self.status = PLAYED, "complete"
        final = Answer(body=raw(payload(CARDS, "complete")))
        await self.poll(final)
        while start == "settled" and self.play.status != "COMPLETE":
            await self.poll(final)

    async def poll(self, answer: Answer) -> None:
        """Wait until the feed wants to poll, poll, and let the contest look."""
        feed = self.play.feed
        self.now = max(self.now, feed.machine.due_at(feed.state) or self.now)
        feed.send(Look(), self.now)
        asked = [effect for effect in feed.effects if isinstance(effect, PollFeed)][-1]
        feed.send(feed_polled(await self.line.poll(answer, asked.etag)), self.now)
        self.play.deliver(self.now)
        self.look()

    def look(self) -> None:
        """Let the contest look at the clock, and settle it if it asks for that."""
        contest = self.play.contest
        contest.send(Look(), self.now)
        self.play.deliver(self.now)
        runs = [effect for effect in contest.effects if isinstance(effect, ComputeSettlement)]
        for run in runs[self._settled :]:
            self._settled += 1
            result = settle_json(run.input_json).decode()
            contest.send(SettlementComputed(run_id=run.run_id, result_json=result), self.now)

    def answer(self, poll: Poll) -> Answer:
        """Return what the provider says, as the case describes it."""
        if poll.behaviour == "bomb":
            return bomb()
        body = b'"' + b"x" * 100_000 + b'"' if poll.behaviour == "flood" else b"[" * poll.nested or self._body(poll)
        return Answer(
            body=body[: len(body) // 2] if poll.half else body,
            status=poll.code,
            content_type=poll.content_type,
            headers=poll.headers,
            etag=poll.etag,
            hangs=poll.behaviour == "hangs",
            cut=poll.behaviour == "cut",
            stale=poll.behaviour == "stale",
        )

    def _body(self, poll: Poll) -> bytes:
        if poll.text is not None:
            return poll.text.encode()
        if poll.hex is not None:
            return bytes.fromhex(poll.hex)
        document = payload(self._cards(poll), poll.status or self.status, poll.event)
        for path, value in poll.put.items():
            *way, last = _steps(path)
            _reach(document, way)[last] = value
        for path in poll.drop:
            *way, last = _steps(path)
            del _reach(document, way)[last]
        return orjson.dumps(document)

    def _cards(self, poll: Poll) -> Cards:
        cards = {player: card for player, card in self.truth.items() if player not in poll.without}
        cards.update((player, (said.status, list(said.rounds))) for player, said in poll.cards.items())
        for name, figures in poll.scores.items():
            status, rounds = cards[name[0]]
            number = int(name[1:])
            cards[name[0]] = (status, [*rounds[: number - 1], figures, *rounds[number:]])
        if poll.rounds_up_to is not None:
            cards = {player: (status, rounds[: poll.rounds_up_to]) for player, (status, rounds) in cards.items()}
        return cards if poll.marks else {player: (None, rounds) for player, (_, rounds) in cards.items()}


def _steps(path: str) -> list[Any]:
    return [name or int(index) for name, index in STEP.findall(path)]


def _reach(document: Any, way: list[Any]) -> Any:
    for step in way:
        document = document[step]
    return document


def true_result() -> str:
    """Return the hash of what the golden entries come to on the true leaderboard."""
    inputs = SettlementInput(contest_id="c1", config_json=canonical(tournament()), board=board(), entries=GOLDEN)
    settled = settle(inputs)
    assert isinstance(settled, SettlementResult)
    return settled.result_sha256


async def judge(line: Line, case: Case) -> Verdict:
    """Play one case and return what came of it, in the words of a verdict."""
    bench = Bench(line)
    await bench.begin(case.start)
    feed, contest = bench.play.feed, bench.play.contest
    before = _believed(bench)
    known, effects, posted = len(feed.log), len(feed.effects), len(contest.effects)
    for poll in case.polls:
        for _ in range(poll.repeat):
            await bench.poll(bench.answer(poll))
    feed.assert_replays()
    contest.assert_replays()
    events = [recorded.event for recorded in feed.log[known:]]
    seen = [*feed.effects[effects:], *contest.effects[posted:]]
    refused = [event for event in events if isinstance(event, PayloadRejected)]
    # Every refused payload has its row, its raw bytes and its line in the log, once (ING-005).
    assert len(refused) == sum(isinstance(one, RaiseAlert) and one.name == "feed_payload_rejected" for one in seen)
    assert all(event.key in feed.blobs for event in refused)
    late, recorded = contest.state.contest.late, contest.state.contest.settlement.recorded
    return Verdict(
        says=case.verdict.says,
        changes=_differences(before, _believed(bench)),
        held=[f"{subject} {hold.kind} {hold.polls}" for subject, hold in sorted(feed.state.board.holds.items())],
        corrects=[
            change["corrects"]
            for event in events
            if isinstance(event, ChangesRecorded)
            for _, change in event.changes
            if change.get("corrects")
        ],
        rejected=[f"{event.code} {event.details['reason']} {event.details['path']}".rstrip() for event in refused],
        alerts=[effect.name for effect in seen if isinstance(effect, RaiseAlert)],
        failing=feed.state.failing or "",
        contest=bench.play.status,
        result="" if recorded is None else "true" if recorded.result_sha256 == true_result() else "other",
        late=late.corrections if late is not None else 0,
    )


def _believed(bench: Bench) -> Board:
    """Return what the contest believes, which is what its feed believes until the contest is over."""
    contest = bench.play.contest.state.contest
    believed = board_of(contest.feed.board)
    assert contest.status == "COMPLETE" or believed == board_of(bench.play.feed.state.board)
    return believed


def _differences(before: Board, after: Board) -> list[str]:
    """Say what is believed now and was not before, a line each."""
    said = []
    if before.event_status != after.event_status:
        said.append(f"event {before.event_status} -> {after.event_status}")
    was, now = ({card.player_id: card for card in side.cards} for side in (before, after))
    for player in sorted(was.keys() | now.keys()):
        said += _card_differences(player, was.get(player), now.get(player))
    return said


def _card_differences(player: str, was: Card | None, now: Card | None) -> list[str]:
    if was is None or now is None:
        return [f"{player} {'in' if was is None else 'out'}"]
    said = [] if was.status == now.status else [f"{player} {was.status} -> {now.status}"]
    before, after = ({card.number: (card.to_par, card.thru) for card in side.rounds} for side in (was, now))
    pairs = {number: (before.get(number), after.get(number)) for number in sorted(before.keys() | after.keys())}
    changed = {number: pair for number, pair in pairs.items() if pair[0] != pair[1]}
    return said + [f"{player}{number} {_figure(old)} -> {_figure(new)}" for number, (old, new) in changed.items()]


def _figure(figures: tuple[int, int] | None) -> str:
    return "none" if figures is None else f"{figures[0]:+d} thru {figures[1]}"
