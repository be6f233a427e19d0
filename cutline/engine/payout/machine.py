"""The machine of payouts: which message is judged where. It reaches no file, no clock and no Stripe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cutline.engine import stripe_call
from cutline.engine.decision import Accepted, Decision, Owed, Recorded
from cutline.engine.errors import InvariantViolated
from cutline.engine.messages import (
    AccountReported,
    HolderClosed,
    Look,
    OnboardAccount,
    PayWinners,
    ReadTransfers,
    StripeAnswered,
    TransferLocked,
)
from cutline.engine.messages.bank import (
    AdmitPayout,
    ListPayouts,
    PayoutBooked,
    PayoutLocked,
    PayoutReported,
    ReadFailedPayouts,
    ReadPayout,
    ReadStuckPayouts,
    RetryPayout,
)
from cutline.engine.messages.reconciliation import DayCompared, ReadReconciliation, ReconcileWithStripe
from cutline.engine.messages.untriggered import LookForUntriggered, ReadUntriggered
from cutline.engine.payout import reconciling
from cutline.engine.payout.accounts import (
    account_answered,
    account_reported,
    check_answered,
    link_answered,
    onboard_account,
)
from cutline.engine.payout.bank import (
    admit_payout,
    funding_answered,
    look_after_payouts,
    payout_answered,
    payout_booked,
    payout_check_answered,
    payout_locked,
    payout_owed,
    payout_reported,
    retry_payout,
)
from cutline.engine.payout.bank_reading import list_payouts, read_failed_payouts, read_payout, read_stuck_payouts
from cutline.engine.payout.events import EVENTS
from cutline.engine.payout.state import PayoutState, fold
from cutline.engine.payout.transfers import (
    holder_closed,
    pay_winners,
    read_transfers,
    transfer_answered,
    transfer_locked,
    transfer_owed,
)
from cutline.engine.payout.untriggered import look_for_untriggered, read_untriggered
from cutline.engine.retries import DEFAULT, RetryTerms
from cutline.engine.stripe_call import CallBook


class PayoutMachine:
    """The rules of `payouts.db`: nothing is paid before its money is held, and everything is paid once."""

    kind = "payouts"
    events: Mapping[str, type] = EVENTS

    def __init__(self, *, onboarding_url: str, retries: RetryTerms = DEFAULT) -> None:
        self._onboarding_url = onboarding_url.rstrip("/")
        self._retries = retries

    def initial(self) -> PayoutState:
        """Return the state of an empty file."""
        return PayoutState(calls=CallBook(terms=self._retries))

    def decide(self, state: PayoutState, command: Any, now: datetime) -> Decision:
        """Judge a message addressed to payouts."""
        match command:
            case StripeAnswered():
                return self._answered(state, command, now)
            case TransferLocked():
                return transfer_locked(state, command, now)
            case AccountReported():
                return account_reported(state, command, now)
            case PayWinners():
                return pay_winners(state, command, now)
            case HolderClosed():
                return holder_closed(state, command, now)
            case OnboardAccount():
                return onboard_account(state, command, now, self._onboarding_url)
            case ReadTransfers() | ReadUntriggered() | LookForUntriggered():
                return _look_at_transfers(state, command, now)
            case ReconcileWithStripe() | DayCompared() | ReadReconciliation():
                return reconciling.decide(state.reconciliation, command, now)
            case Look():
                events, effects = stripe_call.look(state.calls, now)
                asked, asking = look_after_payouts(state, now)
                return Accepted(events=(*events, *asked), effects=(*effects, *asking))
            case _:
                return _decide_on_bank(state, command, now)

    def evolve(self, state: PayoutState, recorded: Recorded) -> None:
        """Fold one recorded event."""
        fold(state, recorded.event, recorded.at)

    def owes(self, state: PayoutState, recorded: Recorded) -> Sequence[Owed]:
        """Return what an event owes to the ledger."""
        return transfer_owed(state, recorded.event) or payout_owed(state, recorded.event)

    def resume(self, state: PayoutState, now: datetime) -> Sequence[Any]:
        """Return the calls that were under way, with the same keys and exact parameters, and open comparisons."""
        return [*stripe_call.resume(state.calls, now), *reconciling.resume(state.reconciliation)]

    def due_at(self, state: PayoutState) -> datetime | None:
        """Return when the first call wants to be made again, or a payout to be asked after."""
        due = (state.calls.next_due_at(), state.bank.next_ask_at())
        return min((at for at in due if at is not None), default=None)

    def _answered(self, state: PayoutState, answer: StripeAnswered, now: datetime) -> Decision:
        judged = stripe_call.judge(state.calls, answer, now)
        if judged.outcome in ("late", "waiting"):
            return Accepted(events=judged.events, effects=judged.effects)
        part, name = state.subjects[answer.subject]
        match part:
            case "transfer":
                return transfer_answered(state, name, judged)
            case "account":
                return account_answered(state, name, judged, now, self._onboarding_url)
            case "account-link":
                return link_answered(state, name, judged)
            case "account-check":
                return check_answered(state, name, judged, now)
            case "payout":
                return payout_answered(state, name, judged)
            case "payout-transfer":
                return funding_answered(state, name, judged, now)
            case "payout-check":
                return payout_check_answered(state, name, judged, now)


def _look_at_transfers(
    state: PayoutState, command: ReadTransfers | ReadUntriggered | LookForUntriggered, now: datetime
) -> Decision:
    """Answer, or alert, about transfers that are there, and contests that have none."""
    match command:
        case ReadTransfers():
            return read_transfers(state, command, now)
        case ReadUntriggered():
            return read_untriggered(state, command, now)
        case LookForUntriggered():
            return look_for_untriggered(state, command, now)


def _decide_on_bank(state: PayoutState, command: Any, now: datetime) -> Decision:
    """Judge a message about payouts to the bank."""
    match command:
        case PayoutLocked():
            return payout_locked(state, command, now)
        case PayoutReported():
            return payout_reported(state, command, now)
        case PayoutBooked():
            return payout_booked(state, command, now)
        case AdmitPayout():
            return admit_payout(state, command, now)
        case RetryPayout():
            return retry_payout(state, command, now)
        case ReadPayout():
            return read_payout(state, command, now)
        case ListPayouts():
            return list_payouts(state, command, now)
        case ReadStuckPayouts():
            return read_stuck_payouts(state, command, now)
        case ReadFailedPayouts():
            return read_failed_payouts(state, command, now)
        case _:
            raise InvariantViolated(f"payouts do not understand {type(command).__name__}")
