"""A stand-in for the engine behind the doors: notes every question, and gives the answers that a test has laid out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cutline.actors.alerts import Alerts
from cutline.engine.decision import Accepted, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import ReadRevokedTokens
from cutline.http.auth import mint_token
from cutline.settings import Settings
from cutline.simulation.emulators.stripe.emulator import SECRET_KEY
from cutline.storage.boards import EntryCard, Picture
from cutline.storage.errors import FileMissing, StorageError

JWT_SECRET = "a-secret-of-the-tests-that-is-long-enough"
SETTLE_KEY = "settle-key-of-the-tests"
LEDGER_KEY = "ledger-key-of-the-tests"
WEBHOOK_SECRET = "whsec_of_the_tests"
ANNA = "did:player:anna"
BERT = "did:player:bert"

Answer = Accepted | Rejected | Callable[[Any], Any]


def stripe_key(environment: str | None) -> str:
    """The key of the emulated Stripe in this environment."""
    return "sk_live_emulator" if environment == "production" else SECRET_KEY


def settings(**different: Any) -> Settings:
    """Settings of a test installation."""
    values: dict[str, Any] = {
        "cutline_port": 0,
        "cutline_jwt_secret": JWT_SECRET,
        "settle_admin_key": SETTLE_KEY,
        "ledger_admin_key": LEDGER_KEY,
        "stripe_api_key": stripe_key(different.get("settle_env")),
        "stripe_webhook_secret": WEBHOOK_SECRET,
        "ingestion_endpoint_url": "http://127.0.0.1:1",
    }
    return Settings(**{**values, **different})


def token(subject: str = ANNA, *scopes: str, lifetime: timedelta = timedelta(hours=1)) -> str:
    """A token of `subject`, an entrant's unless scopes are given."""
    return mint_token(JWT_SECRET, subject, scopes or ("entrant",), now=datetime.now(UTC), lifetime=lifetime)


def bearer(credential: str) -> dict[str, str]:
    """The header that carries a token or a key."""
    return {"Authorization": f"Bearer {credential}"}


@dataclass
class StandIn:
    """Answers by the type of the message; what has no answer is NOT_FOUND."""

    answers: dict[type, Answer] = field(default_factory=dict)
    asked: list[tuple[str, Any, str]] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    closed: dict[str, str] = field(default_factory=dict)
    lost: int = 0
    hold: asyncio.Event | None = None
    alerts: Alerts = field(default_factory=Alerts)
    first_question: asyncio.Event = field(default_factory=asyncio.Event)
    pictures: dict[str, Picture] = field(default_factory=dict)
    entered: list[str] = field(default_factory=list)
    broken: StorageError | None = None
    late_jobs: list[str] = field(default_factory=list)

    @property
    def directory(self) -> StandIn:
        return self

    @property
    def leaderboards(self) -> StandIn:
        return self

    async def picture(self, contest_id: str) -> Picture | None:
        if self.broken is not None:
            raise self.broken
        return self.pictures.get(contest_id)

    def cards(self, contest_id: str, entry_ids: Sequence[str]) -> dict[str, EntryCard]:
        assert contest_id in self.pictures
        return {one: EntryCard(account_did=one.partition("/")[2] or ANNA, picks=("A", "B")) for one in entry_ids}

    def entry_ids(self, contest_id: str, *, account_did: str | None, after: int, limit: int) -> list[tuple[int, str]]:
        if contest_id not in self.pictures:
            raise KeyError(contest_id)
        mine = [one for one in self.entered if account_did is None or one.endswith(f"/{account_did}")]
        return list(enumerate(mine, 1))[after : after + limit]

    @property
    def timekeeper(self) -> StandIn:
        return self

    replaced = 0

    def late(self) -> list[str]:
        return self.late_jobs

    def seconds_since(self) -> dict[str, float]:
        return {"look-at-due": 0.5}

    def quarantined(self) -> dict[str, str]:
        return self.closed

    def release(self, address: str) -> None:
        self.closed.pop(address, None)

    def vitals(self) -> list[Any]:
        return []

    @property
    def rescoring(self) -> StandIn:
        return self

    async def compare(self, contest_id: str, before: str, after: str) -> Any:
        self.asked.append((contest_id, (before, after), "compare"))
        return Rejected(code=RejectCode.NOT_FOUND)

    async def restart(self, address: str) -> RejectCode | None:
        self.asked.append((address, None, "restart"))
        return RejectCode.NOT_FOUND

    def undeliverable(self) -> int:
        return self.lost

    def question(self, to: str, message: Any, cause: str, answered: Callable[[Accepted | Rejected], None]) -> None:
        def told(done: asyncio.Future[Any]) -> None:
            # A bug of the engine's reaches the door as an answer that it cannot read.
            said: Any = done.result() if done.exception() is None else None
            answered(said)

        asyncio.ensure_future(self.ask(to, message, cause)).add_done_callback(told)

    def hand_over(self) -> None:
        """Nothing waits for company here."""

    async def ask(self, to: str, message: Any, cause: str) -> Accepted | Rejected:
        if isinstance(message, ReadRevokedTokens):
            return Accepted(reply={"revoked": self.revoked})  # every start asks this, and no test waits for it
        self.asked.append((to, message, cause))
        self.first_question.set()
        if self.hold is not None:
            await self.hold.wait()
        answer = self.answers.get(type(message), Rejected(code=RejectCode.NOT_FOUND, details={"actor": to}))
        said = answer(message) if callable(answer) else answer
        return said if isinstance(said, (Accepted, Rejected)) else Accepted(reply=said)

    async def report(self, build: Callable[..., Any], *arguments: Any) -> Any:
        """Answer for the files, of which a stand-in has none."""
        raise FileMissing(f"no files for {build.__name__}{arguments}")

    def messages(self) -> list[Any]:
        """What was asked, without addresses."""
        return [message for _, message, _ in self.asked]
