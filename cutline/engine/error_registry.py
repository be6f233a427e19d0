"""The one registry of refusals: what each code means, whether money moved, and what to do next.

A code is listed once; HTTP, the command line and the docs all read this table. It must not say when a code is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cutline.engine import door_errors
from cutline.engine.error_spec import ErrorSpec
from cutline.engine.error_spec import describe as _spec
from cutline.engine.errors import RejectCode as C

_ROWS: Final = (
    *door_errors.ROWS,
    # Contests
    _spec(
        C.CONFIG_INVALID,
        422,
        "admin",
        "The tournament configuration is wrong.",
        "Mend every path that `details` names.",
    ),
    _spec(
        C.CONFIG_CHANGE_REFUSED,
        409,
        "admin",
        "The contest has gone too far for these keys of its configuration to change.",
        "Keep what `details` names as it was and publish again, or create another contest.",
        "no",
        "runbooks/deploy-configuration-change.md",
    ),
    _spec(C.CONFIG_NOT_VALIDATED, 409, "admin", "This content was never validated here.", "Validate it, then publish."),
    _spec(C.CONFIG_SUPERSEDED, 409, "admin", "A newer version has been published.", "Decide on the newest version."),
    _spec(C.CONTEST_EXISTS, 409, "admin", "A contest of this id exists with other content.", "Choose another id."),
    _spec(
        C.CONTEST_QUARANTINED,
        503,
        "public",
        "The contest's file cannot be trusted and is kept closed.",
        "Ops: follow the runbook.",
        "no",
        "runbooks/contest-quarantined.md",
    ),
    _spec(
        C.CONTEST_CONFIG_LOCKED,
        409,
        "admin",
        "A contest's configuration cannot change once it is locked.",
        "Create another contest.",
    ),
    _spec(C.CONTEST_LOCKED, 409, "public", "The contest takes no more entries.", "Enter another contest."),
    _spec(C.CONTEST_FULL, 409, "public", "Every seat is taken.", "Try again later: unpaid seats become free."),
    _spec(
        C.ENTRY_LIMIT_REACHED,
        409,
        "public",
        "You have as many entries as one person may have.",
        "Pay or withdraw one that you have.",
    ),
    _spec(
        C.ENTRY_NOT_PENDING,
        409,
        "public",
        "The entry is in no state that allows this.",
        "Read the entry to see how it stands.",
    ),
    _spec(
        C.ROSTER_INVALID,
        422,
        "public",
        "The picks break the contest's roster rules.",
        "Pick again by the rule that `details` names.",
    ),
    _spec(
        C.INVALID_STATUS_TRANSITION,
        409,
        "admin",
        "The lifecycle has no such step from here.",
        "Read the contest to see how it stands.",
    ),
    _spec(
        C.POT_SHORT,
        409,
        "internal",
        "The pot does not cover the fixed prizes, so the contest is cancelled.",
        "Nothing: every fee is given back.",
    ),
    _spec(
        C.SETTLEMENT_NOT_READY, 409, "internal", "The contest is not settled yet.", "Ask again after it is COMPLETE."
    ),
    _spec(
        C.SCORERS_DISAGREE,
        500,
        "internal",
        "The two scorers gave different results, so nothing was settled.",
        "Ops: the contest stays COMPLETE; keep its file and report it.",
    ),
    _spec(
        C.SETTLEMENT_MISMATCH,
        500,
        "internal",
        "A settlement's result does not fit what it was asked for.",
        "Ops: keep the contest's file and report it.",
    ),
    # Runbooks
    _spec(C.RUNBOOK_NOT_OPEN, 409, "admin", "This execution of a runbook is closed.", "Start another one."),
    _spec(C.RUNBOOK_STEP_FAILED, 409, "admin", "A step of this execution has failed.", "Complete it as failed."),
    # The feed
    _spec(
        C.FEED_INVALID,
        502,
        "internal",
        "The provider sent what is no leaderboard; it is kept and not used.",
        "Ops: look at the rejection's details; polling goes on.",
    ),
    _spec(
        C.FEED_WRONG_EVENT,
        502,
        "internal",
        "The provider answered for another event.",
        "Ops: check the configuration's provider_event_id.",
    ),
    # Stripe and payments
    _spec(
        C.SIGNATURE_INVALID,
        401,
        "public",
        "The request is not provably Stripe's; nothing was stored.",
        "Check the endpoint's signing secret and the clock.",
    ),
    _spec(
        C.LIVEMODE_MISMATCH,
        422,
        "public",
        "A test event at a live endpoint, or the reverse; a dead letter of it is kept.",
        "Point the endpoint at the right installation.",
    ),
    _spec(
        C.WEBHOOK_INVALID,
        400,
        "public",
        "The request is signed, but is no event of Stripe's.",
        "Look at the sender; Stripe sends no such body.",
    ),
    _spec(
        C.AMOUNT_MISMATCH,
        409,
        "internal",
        "The amount or currency paid is not the fee; the money lies in suspense.",
        "Ops: refund it or book it.",
        "yes",
    ),
    _spec(
        C.LEDGER_INGEST_FAILED,
        502,
        "public",
        "The event is stored, but could not be posted yet.",
        "Nothing: `details` says when it is tried again. Ops: follow the runbook if it does not pass.",
        "no",
        "runbooks/posting-broken.md",
    ),
    _spec(
        C.DUPLICATE_INTENT,
        409,
        "public",
        "This entry has a payment under way already.",
        "Read the entry's payment intent.",
    ),
    _spec(
        C.INTENT_NOT_READY,
        503,
        "public",
        "The payment intent is asked for, and Stripe has not answered yet.",
        "Wait for Retry-After and ask again.",
    ),
    _spec(
        C.ACCOUNT_NOT_READY,
        503,
        "public",
        "The account is asked for, and Stripe has not answered yet.",
        "Wait for Retry-After and ask again.",
    ),
    _spec(
        C.ACCOUNT_REFUSED,
        422,
        "public",
        "Stripe would not open the account.",
        "Mend what `details` names; asking again makes a new attempt.",
    ),
    _spec(
        C.PAYOUTS_NOT_ENABLED,
        409,
        "public",
        "The account cannot be paid to its bank yet.",
        "Finish its onboarding, then send the same request again.",
    ),
    _spec(C.PAYMENT_FAILED, 402, "public", "The payment did not succeed.", "Pay with another card, or enter again."),
    _spec(
        C.REFUND_AFTER_LOCK,
        409,
        "public",
        "The contest is locked, and an entry cannot be taken back.",
        "Nothing: the entry plays.",
    ),
    # The ledger
    _spec(
        C.ACCOUNT_UNKNOWN,
        404,
        "public",
        "The ledger knows no account of this holder.",
        "Check the id; an account begins with its first payment.",
    ),
    _spec(
        C.INSUFFICIENT_FUNDS,
        409,
        "public",
        "The account does not hold so much.",
        "Ask for no more than is available.",
    ),
    _spec(
        C.SETTLEMENT_ALREADY_POSTED,
        409,
        "internal",
        "The contest's prizes are in the books already, with other content.",
        "Ops: compare the two results; a contest settles once.",
    ),
    _spec(C.TRANSACTION_UNBALANCED, 422, "admin", "The legs of a transaction do not sum to zero.", "Mend the amounts."),
    _spec(
        C.MESSAGE_TOO_EARLY,
        409,
        "internal",
        "A message came before the one it builds on.",
        "Nothing: it stays owed and is sent again.",
    ),
    _spec(
        C.EVENT_WRITE_FAILED,
        500,
        "internal",
        "The ledger's file would not take the rows of an event; the event is kept and tried again.",
        "Ops: follow the runbook if it does not pass by itself.",
        "no",
        "runbooks/posting-broken.md",
    ),
    _spec(
        C.INGEST_CAP_EXCEEDED,
        422,
        "admin",
        "More would be credited from outside in one day than this installation allows.",
        "Send it tomorrow, or raise LEDGER_INGEST_DAY_CAP_CENTS after looking at what was sent.",
    ),
    _spec(
        C.FEE_NOT_STRANDED,
        409,
        "admin",
        "The fee waits for no contest, or not long enough to be given back in its place.",
        "Look at `details`: its contest decides about it, or has decided.",
    ),
    _spec(
        C.DUPLICATE_CONFLICT,
        409,
        "admin",
        "Another run or posting has taken what this one would take; nothing was posted.",
        "Wait until the run that `details` names is applied; retry it if it has failed.",
        "no",
        "runbooks/netting-run-failed.md",
    ),
    _spec(
        C.NETTING_NOT_APPLIED,
        409,
        "admin",
        "The netting run is not applied yet, so it has no report.",
        "Read the run to see how it stands, and ask again.",
    ),
)

REGISTRY: Final[Mapping[C, ErrorSpec]] = {spec.code: spec for spec in _ROWS}
"""Every refusal by its code, one row each (FRZ-018, FRZ-020)."""
