"""What actors say to each other and what edges ask of them: logic-free, frozen, and named after the receiver's work.

Messages that move money or change a contest cross files as owed messages (see `decision.Owed`); they carry everything
that the receiver needs, and the receiver applies each once by its business key. Amounts are integer cents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cutline.engine.errors import RejectCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The scheduler says: look at the clock and do what is due. To any actor; decides nothing by itself."""


# To contest/<id> ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateContest:
    """Create the contest of this file from a published configuration (canonical JSON, frozen at lock)."""

    contest_id: str
    config_json: str
    config_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterContest:
    """Reserve a seat for one entry until its payment succeeds. `entry_id` is the business key, made by the edge."""

    entry_id: str
    account_did: str
    picks: tuple[str, ...]
    tiebreak: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawEntry:
    """Withdraw an entry before the lock; what was paid is refunded."""

    entry_id: str
    account_did: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelContest:
    """Cancel a contest that is not COMPLETE; every paid fee is refunded."""

    actor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclareContestError:
    """Stop a contest that is SCHEDULED, LOCKED or LIVE; `runbook` says how it goes on (LIFE-010)."""

    actor: str
    reason: str
    runbook: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverContest:
    """Let a contest in ERROR go on in the state that it came from."""

    actor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeSettlement:
    """An effect: settle these recorded inputs in a worker process; answer with `SettlementComputed`."""

    run_id: str
    input_json: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadContest:
    """Ask for the contest as it is: status, progress, counts and times. Decides nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEntry:
    """Ask for one entry as it is. Decides nothing."""

    entry_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadStandings:
    """Ask for the settled result, best first; there is none before the settlement. Decides nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeePaid:
    """From the ledger: the fee of an entry lies in escrow; activate the entry or refuse it by commit time."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    payment_intent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAdvanced:
    """From the feed: numbered changes of the provider's event, in order, from `first` on without a gap.

    `changes` are events of `engine.contest.ingestion`, as `(type name, payload mapping)` pairs.
    """

    provider_event_id: str
    first: int
    changes: tuple[tuple[str, Mapping[str, Any]], ...]
    polled_at: datetime
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementComputed:
    """From a worker process: what settling the recorded inputs gave (`result_json`), or why it failed (`error`)."""

    run_id: str
    result_json: str | None = None
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WinningsPaid:
    """From the ledger: the transfer of an entry's winnings is completed."""

    contest_id: str
    entry_id: str
    amount_cents: int
    stripe_transfer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WinningsUnpayable:
    """From the ledger: the transfer failed for good; the money is back in the winner's available balance."""

    contest_id: str
    entry_id: str
    amount_cents: int
    reason: str


# To ledger ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStripeEvent:
    """Record what Stripe said and what it does to the books, in one commit.

    `object` is the parsed `data.object`; `body` the raw bytes, stored sealed and never logged; `sha256` their digest.
    `fetched`: Stripe listed the event when asked; its bytes are not those of a delivery, which may still come.
    """

    event_id: str
    type: str
    api_version: str | None
    livemode: bool
    created: int
    account: str | None
    object: Mapping[str, Any]
    sha256: str
    body: bytes
    fetched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseStripeEvent:
    """Keep a dead letter of a signed event that this installation does not take: its livemode is not ours (C-11)."""

    event_id: str
    type: str
    livemode: bool
    expected_livemode: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandBroke:
    """From the file's own writer: judging or writing `command` raised; keep what must not be lost of it.

    `reason` names the exception and its place in the code, and nothing that the exception says.
    """

    command: Any
    code: RejectCode
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryForwarding:
    """From the scheduler or an edge: post again what broke and is due, in order of time, at most `limit` events.

    `force` takes what is not due and what was given up; `event_id` chooses one event. Nothing is forwarded twice.
    """

    limit: int
    force: bool = False
    event_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenStripeEvents:
    """An effect: open the sealed bodies of these events, named with their next attempt; each becomes a `PostAgain`."""

    events: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostAgain:
    """From a task: make this attempt to post a recorded event; without `event` its body cannot be read any more."""

    event_id: str
    attempt: int
    event: RecordStripeEvent | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadForwarding:
    """Ask what came of these attempts to post events again. Decides nothing."""

    events: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchUndelivered:
    """From the scheduler: list what Stripe could not deliver, unless that was done within the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUndelivered:
    """An effect: list Stripe's events that were not delivered.

    Each becomes a `RecordStripeEvent`, and after them comes one `UndeliveredListed`.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class UndeliveredListed:
    """From a task: all events of one list have been sent before this message."""

    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettlement:
    """From an edge with the ledger's key: credit an account with what an outside service has collected (LED-001).

    `provider_reference` names the fact, once; `day_cap_cents` bounds what one UTC day may bring in a currency.
    """

    idempotency_key: str
    provider_reference: str
    account_did: str
    amount_cents: int
    currency: str
    day_cap_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSettlement:
    """Ask for the settlement of a payment by its provider's reference (LED-002). Decides nothing."""

    provider_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPlatformBalance:
    """An effect: ask Stripe for the platform's balance. The answer is `PlatformBalanceRead`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformBalanceRead:
    """From a task: the platform's balance as (currency, available, pending) in cents."""

    balances: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseAlert:
    """An effect: say to whoever watches that a person should look. `details` hold no personal data."""

    name: str
    runbook: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMoneyHealth:
    """Ask for the figures to be watched: the outbox, dead letters, and the platform's funds. Decides nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveEntryFee:
    """From a contest: move one fee. activated: escrow to pot; refused: escrow to refunds; returned: pot to refunds."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    payment_intent: str
    outcome: Literal["activated", "refused", "returned"]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prize:
    """One winning entry and what it wins."""

    entry_id: str
    account_did: str
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PostSettlement:
    """From a contest: divide the pot into prizes and rake. The legs sum to the pot; a contest settles once."""

    contest_id: str
    currency: str
    score_version: int
    pot_cents: int
    rake_cents: int
    prizes: tuple[Prize, ...]
    result_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAnchor:
    """Keep the head of another file's chain, so that a cut tail or a swapped file shows. `hash` is hexadecimal."""

    address: str
    seq: int
    hash: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockTransfer:
    """From payouts: hold the winnings of one entry before Stripe is called (available to held)."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteTransfer:
    """From payouts: Stripe has made the transfer; book it and free the hold."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    stripe_transfer_id: str
    stripe_account_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailTransfer:
    """From payouts: the transfer failed for good; return held to available."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOutcome:
    """From payments: Stripe's answer about one refund of an entry's fee.

    A refund that Stripe refused to make has no id; its money stays where it waits, and a person is told.
    """

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    payment_intent: str
    stripe_refund_id: str | None
    succeeded: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceTransactionsListed:
    """From a task: balance transactions of Stripe, oldest first, as plain mappings; fees and top-ups are booked."""

    items: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListBalanceTransactions:
    """An effect: list Stripe's balance transactions that are newer than `after` (all of them without it).

    The answer is `BalanceTransactionsListed`.
    """

    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostTransaction:
    """From an edge with the ledger's key: post balanced legs once. Legs are (account, cents), debit positive.

    A leg on a held account needs `hold_source`: what the money is kept for.
    """

    idempotency_key: str
    effect_key: str
    kind: str
    currency: str
    legs: tuple[tuple[str, int], ...]
    occurred_at: datetime
    hold_source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAccount:
    """Ask for the balances of one account holder: available and held, in cents. Decides nothing."""

    account_did: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTrialBalance:
    """Ask for every account's balance in cents. Decides nothing."""


# To payments ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIntent:
    """From a contest: ask Stripe for a payment intent for one reserved entry."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelIntent:
    """From a contest: the seat is gone; cancel the open intent. If Stripe says it is paid, it is paid."""

    contest_id: str
    entry_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundEntry:
    """From the ledger: give one fee back by a Stripe refund."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    payment_intent: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentReported:
    """From the ledger: what a webhook said about a payment intent.

    The entry is named where the intent's metadata name one: a webhook may overtake the answer that created the intent.
    """

    payment_intent: str
    status: Literal["succeeded", "failed", "canceled"]
    reason: str | None = None
    event_id: str | None = None
    contest_id: str | None = None
    entry_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReported:
    """From the ledger: what a webhook said about the refund of an entry's fee. `status` is Stripe's own word."""

    contest_id: str
    entry_id: str
    payment_intent: str
    stripe_refund_id: str
    status: str
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimIntent:
    """From an edge: take an entry's intent under an idempotency key of its holder (PAY-030, PAY-031).

    The first key stands for the entry; any other is a second intent, which there is not.
    """

    contest_id: str
    entry_id: str
    principal: str
    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadIntent:
    """Ask for the payment intent of an entry: status, id and client secret. Decides nothing."""

    contest_id: str
    entry_id: str


# To payouts -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OnboardAccount:
    """Create, or return, the connected account of an account holder, and a link to finish its onboarding."""

    account_did: str
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReported:
    """From the ledger or a poll: whether a connected account can take transfers now. A webhook names its event."""

    stripe_account_id: str
    transfers_active: bool
    payouts_enabled: bool
    event_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayWinners:
    """From the ledger: the settlement is posted; pay each prize by one transfer."""

    contest_id: str
    currency: str
    prizes: tuple[Prize, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferLocked:
    """From the ledger: the winnings of one entry are held; Stripe may be called."""

    contest_id: str
    entry_id: str
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTransfers:
    """Ask for the transfers of a contest (or of all): status, amount, attempts. Decides nothing."""

    contest_id: str | None = None


# Between tasks that call Stripe and their actor -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStripe:
    """An effect: make one call to Stripe with exactly these committed parameters and this key; answer its actor.

    `operation` names a method of the gateway (`create_payment_intent`, `create_transfer`, ...). `subject` is the
    business key that the answer must name.
    """

    subject: str
    attempt: int
    operation: str
    parameters: Mapping[str, Any]
    idempotency_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeAnswered:
    """From a task: the outcome of one `CallStripe`.

    `object` is Stripe's object on success. On failure `kind` says what may be done next, `money_moved` whether the
    call may have had its effect.
    """

    subject: str
    attempt: int
    operation: str
    succeeded: bool
    object: Mapping[str, Any] | None = None
    kind: Literal["retry_same_key", "later_new_attempt", "final"] | None = None
    code: str | None = None
    message: str | None = None
    money_moved: Literal["yes", "no", "unknown"] | None = None


# To feed/<provider event> -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvent:
    """From a contest: poll this provider event from `from_at` on and send its changes to the contest.

    From `first_tee_at` on the event is polled as one in play. Each `attempt` has all changes so far sent once again.
    """

    contest_id: str
    provider_event_id: str
    from_at: datetime
    first_tee_at: datetime | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class UnwatchEvent:
    """From a contest: it is complete or cancelled and takes no more changes."""

    contest_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFeed:
    """Ask for the feed as it is: health, last poll, changes and subscribers. Decides nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollFeed:
    """An effect: fetch the provider's leaderboard once, with the last ETag."""

    provider_event_id: str
    etag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPolled:
    """From a task: what one poll gave. `body` is None when nothing changed (304) or the poll failed (`error`)."""

    http_status: int | None
    body: bytes | None
    etag: str | None
    error: str | None
    duration_ms: float


# To governance ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishConfig:
    """Publish a validated tournament configuration as the next version of its id."""

    config_id: str
    config_json: str
    config_sha256: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContest:
    """Plan a contest from the newest published version of a configuration; its file comes next."""

    contest_id: str
    config_id: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestReady:
    """From a contest: its file exists and holds its creation; from now on a missing file is a fault."""

    contest_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineContest:
    """From the supervisor: this contest's file cannot be trusted; keep it closed until released."""

    contest_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseContest:
    """From an edge: this contest's file has been restored or found sound; it may be opened again."""

    contest_id: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDirectory:
    """Ask for the contests and the published configurations. Decides nothing."""
