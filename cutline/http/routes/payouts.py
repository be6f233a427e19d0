"""Payouts to the bank: asked for, read, listed and pushed on; it must not move a cent itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from cutline.engine.errors import RejectCode
from cutline.engine.vitals import unheard_of
from cutline.http.addresses import payout_id_of
from cutline.http.asking import Refused, ask_until
from cutline.http.door import ADMIN, ANYONE, ENTRANT, STAFF, Call, Reply, Route
from cutline.http.paging import Place, cursor_of
from cutline.http.schemas.payouts import (
    FailedPayoutsQueried,
    PayoutAsked,
    PayoutGiven,
    PayoutReadGiven,
    PayoutsCountedGiven,
    PayoutsGiven,
    PayoutsQueried,
    StuckPayoutsQueried,
    UntriggeredCountedGiven,
    UntriggeredGiven,
    UntriggeredQueried,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""A place in the list of payouts is the microseconds since then, and an id."""


async def create_payout(call: Call) -> Reply:
    """Hold an account holder's money and have it paid to their bank: 201, and 200 when it is under way (POUT-002).

    The caller's Idempotency-Key is one payout, however often it comes. Refusals: NOT_FOUND for another's account,
    PAYOUTS_NOT_ENABLED and INSUFFICIENT_FUNDS with nothing held, IDEMPOTENCY_KEY_REUSED for another payout under the
    key; ACTOR_TIMEOUT: the money is held and the payout under way.
    """
    asked = call.body_as(PayoutAsked)
    key = call.key
    principal = call.principal.subject
    account_did = asked.account_did or principal
    if account_did != principal and "admin" not in call.principal.scopes:
        raise Refused(RejectCode.NOT_FOUND, {"account_did": account_did})
    payout_id = payout_id_of(principal, key)
    await call.payouts.admit(payout_id=payout_id, account_did=account_did)
    locked = await call.ledger.lock_payout(
        payout_id=payout_id,
        account_did=account_did,
        amount_cents=asked.amount_cents,
        currency=asked.currency,
        principal=principal,
        idempotency_key=key,
    )
    payout = await ask_until(
        partial(call.payouts.payout, payout_id), lambda _: True, otherwise=RejectCode.ACTOR_TIMEOUT
    )
    given = PayoutGiven.model_validate({**payout, "deduped": locked["deduped"]})
    return Reply(status=200 if given.deduped else 201, body=given)


async def read_payout(call: Call) -> Reply:
    """Return a payout with its audit events; another's is as unknown as one that is not (POUT-003)."""
    payout_id = call.part("payout_id")
    payout = await call.payouts.payout(payout_id)
    if payout["account_did"] != call.principal.subject and not call.principal.is_staff:
        raise Refused(RejectCode.NOT_FOUND, {"payout_id": payout_id})
    return Reply(body=PayoutReadGiven.model_validate(payout))


async def list_payouts(call: Call) -> Reply:
    """List payouts page by page; each is seen once, also while others are added (POUT-007, POUT-008)."""
    query = call.query_as(PayoutsQueried)
    page = await call.payouts.payouts(
        created_from=query.created_from,
        created_before=query.created_before,
        account_did=query.account_did,
        status=query.status,
        after=None if query.cursor is None else _moment_of(query.place),
        limit=query.limit,
    )
    payouts = [PayoutGiven.model_validate(one) for one in page["payouts"]]
    after = page["after"]
    next_cursor = None if after is None else cursor_of(*_place_of(*after))
    return Reply(body=PayoutsGiven(payouts=payouts, next_cursor=next_cursor))


def _place_of(created_at: datetime, payout_id: str) -> Place:
    return Place((created_at - _EPOCH) // timedelta(microseconds=1), payout_id)


def _moment_of(place: Place) -> tuple[datetime, str]:
    return _EPOCH + timedelta(microseconds=place.number), place.name


async def retry_payout(call: Call) -> Reply:
    """Take the next step of a stuck payout at once (POUT-004).

    Refusals: NOT_FOUND, INVALID_STATUS_TRANSITION for a payout that has ended.
    """
    payout_id = call.part("payout_id")
    await call.payouts.retry(payout_id, actor=call.principal.actor)
    return Reply(body=PayoutReadGiven.model_validate(await call.payouts.payout(payout_id)))


async def read_stuck_payouts(call: Call) -> Reply:
    """List the payouts that have waited too long, the longest wait first (POUT-005)."""
    query = call.query_as(StuckPayoutsQueried)
    minutes = query.minutes or call.house.settings.payout_stuck_minutes_default
    return Reply(body=PayoutsCountedGiven.model_validate(await call.payouts.stuck(minutes=minutes, limit=query.limit)))


async def read_failed_payouts(call: Call) -> Reply:
    """List the payouts that failed, the latest first (POUT-006)."""
    query = call.query_as(FailedPayoutsQueried)
    return Reply(body=PayoutsCountedGiven.model_validate(await call.payouts.failed(limit=query.limit)))


async def read_untriggered_payouts(call: Call) -> Reply:
    """List the contests that settled long ago and have no transfer, the longest wait first (POUT-042).

    No contest is opened for it: what each last said of itself is held against what payouts and the ledger know.
    """
    query = call.query_as(UntriggeredQueried)
    minutes = query.minutes or call.house.settings.payout_untriggered_minutes
    settled = unheard_of(call.house.engine.directory.vitals())
    found = (await call.payouts.untriggered(settled, minutes))["contests"]
    page = found[: query.limit]
    posted = set((await call.ledger.posted_settlements([one.contest_id for one in page]))["contest_ids"])
    contests = [
        UntriggeredGiven(
            contest_id=one.contest_id,
            settled_at=one.settled_at,
            prizes=one.prizes,
            waits_for="payouts" if one.contest_id in posted else "ledger",
        )
        for one in page
    ]
    return Reply(body=UntriggeredCountedGiven(older_than_minutes=minutes, contests=contests, count=len(found)))


ROUTES = (
    Route(
        method="POST",
        path="/v1/payouts",
        handle=create_payout,
        needs=ENTRANT | ADMIN,
        takes=PayoutAsked,
        gives=PayoutGiven,
        summary="Pay an account holder's money to their bank.",
        statuses=(200, 201),
        refuses=(
            RejectCode.NOT_FOUND,
            RejectCode.PAYOUTS_NOT_ENABLED,
            RejectCode.INSUFFICIENT_FUNDS,
            RejectCode.ACCOUNT_UNKNOWN,
        ),
        idempotency="required",
    ),
    Route(
        method="GET",
        path="/v1/payouts",
        handle=list_payouts,
        needs=STAFF,
        gives=PayoutsGiven,
        query=PayoutsQueried,
        summary="List payouts by when they were created.",
    ),
    Route(
        method="GET",
        path="/v1/payouts/ops/stuck",
        handle=read_stuck_payouts,
        needs=STAFF,
        gives=PayoutsCountedGiven,
        query=StuckPayoutsQueried,
        summary="List payouts that have waited too long.",
    ),
    Route(
        method="GET",
        path="/v1/payouts/ops/failed",
        handle=read_failed_payouts,
        needs=STAFF,
        gives=PayoutsCountedGiven,
        query=FailedPayoutsQueried,
        summary="List payouts that failed.",
    ),
    Route(
        method="GET",
        path="/v1/payouts/ops/untriggered",
        handle=read_untriggered_payouts,
        needs=STAFF,
        gives=UntriggeredCountedGiven,
        query=UntriggeredQueried,
        summary="List settled contests without a transfer.",
    ),
    Route(
        method="GET",
        path="/v1/payouts/{payout_id}",
        handle=read_payout,
        needs=ANYONE,
        gives=PayoutReadGiven,
        summary="Read a payout and its audit events.",
    ),
    Route(
        method="POST",
        path="/v1/payouts/{payout_id}/retry",
        handle=retry_payout,
        needs=ADMIN,
        gives=PayoutReadGiven,
        summary="Take the next step of a stuck payout at once.",
        refuses=(RejectCode.INVALID_STATUS_TRANSITION,),
        idempotency="by content",
    ),
)
