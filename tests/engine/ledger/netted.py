"""A ledger in which payouts have reached the bank, and the messages that net them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cutline.engine.decision import Accepted, Rejected
from cutline.engine.ledger.machine import LedgerMachine
from cutline.engine.ledger.netting_state import Run
from cutline.engine.messages import ApplyNettingEntry, ContinueNetting, PostTransaction, RunNetting
from cutline.engine.netting import run_id_of
from tests.engine.driver import File, at

START = at("2026-04-13 08:00")
KEY = "monday"


def paid(number: int, cents: int = 1000, *, currency: str = "usd", returned: bool = False) -> PostTransaction:
    """A payout on the clearing accounts, as its webhook books it; the prize behind it comes from outside."""
    name, sign = f"po_{number:04d}", -1 if returned else 1
    legs = (
        ("clearing:provider", sign * cents),
        ("clearing:payouts", -sign * cents),
        ("clearing:bank", sign * cents),
        (f"stripe:connected:did:{number}", -sign * cents),
    )
    effect = f"payout:{name}:{'failed' if returned else 'paid'}"
    return PostTransaction(
        idempotency_key=effect,
        effect_key=effect,
        kind="payout_failed_after_paid" if returned else "payout_paid",
        currency=currency,
        legs=legs,
        occurred_at=START,
    )


def asked(key: str = KEY, **different: Any) -> RunNetting:
    """Ask for a run over all that is final."""
    fields: dict[str, Any] = {"currency": "usd", "selection_before": None, "limit": None, "limit_default": 100_000}
    return RunNetting(idempotency_key=key, **(fields | different))


class Netting:
    """A ledger in memory whose effects are carried out when the test says so."""

    def __init__(self, file: File | None = None) -> None:
        self.file = file or File(LedgerMachine())
        self.now = START

    def pay(self, *numbers: int, cents: int = 1000, **different: Any) -> None:
        for number in numbers:
            self.file.send(paid(number, cents, **different), self.now)

    def later(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now

    def start(self, key: str = KEY, **different: Any) -> dict[str, Any]:
        """Ask for a run, and leave its entries to `go_on`."""
        self.file.send(asked(key, **different), self.now)
        reply: dict[str, Any] = self.file.reply
        return reply

    def run(self, key: str = KEY, **different: Any) -> Run:
        """Ask for a run and carry it out."""
        self.start(key, **different)
        self.go_on()
        return self.of(key)

    def go_on(self, *, entries: int = 1_000_000) -> int:
        """Carry out what the ledger asked for, at most so many entries; return how many there were."""
        done = 0
        while done < entries and (effect := self._next()) is not None:
            self.apply(effect.run_id, effect.entry_id)
            done += 1
        return done

    def _next(self) -> ContinueNetting | None:
        waiting = [effect for effect in self.file.effects if isinstance(effect, ContinueNetting)]
        if not waiting:
            return None
        self.file.effects.remove(waiting[0])
        return waiting[0]

    def apply(self, run_id: str, entry_id: str) -> Accepted | Rejected:
        decision = self.file.decide(ApplyNettingEntry(run_id=run_id, entry_id=entry_id), self.now)
        if isinstance(decision, Accepted):
            self.file.send(ApplyNettingEntry(run_id=run_id, entry_id=entry_id), self.now)
        assert isinstance(decision, Accepted | Rejected)
        return decision

    def of(self, key: str = KEY) -> Run:
        run: Run = self.file.state.netting.runs[run_id_of(key)]
        return run

    def balance(self, account: str, currency: str = "usd") -> int:
        return int(self.file.state.books.get(currency, {}).get(account, 0))

    def payouts(self, key: str = KEY) -> list[str]:
        """The payouts that a run has netted, in order; those that came back with a minus."""
        run = self.of(key)
        taken = self.file.state.netting.clearings[run.created.currency].movements[run.created.start : run.place]
        return [("-" if one.kind == "returned" else "") + one.payout_id for one in taken]

    def crashed(self) -> Netting:
        """Return the ledger as a restart finds it: its log folded again, and what it resumes."""
        again = Netting(self.file.replayed())
        again.now = self.now
        again.file.effects = list(again.file.machine.resume(again.file.state, self.now))
        return again
