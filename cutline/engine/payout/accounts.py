"""Judging connected accounts: making them, onboarding their holders, and knowing when they can be paid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cutline.engine.decision import Accepted, Decision
from cutline.engine.messages import AccountReported, CallStripe, OnboardAccount
from cutline.engine.payout.bank_calls import payouts_going_on
from cutline.engine.payout.events import (
    AccountCreated,
    AccountLinkEnded,
    AccountLost,
    AccountPlanned,
    AccountRefused,
    AccountStatusRecorded,
)
from cutline.engine.payout.ready import going_on
from cutline.engine.payout.state import WHOLE, Abilities, Account, PayoutState, account_subject, suffices
from cutline.engine.stripe_attempts import AttemptStarted, Parameters
from cutline.engine.stripe_call import Judgement, postpone, start


def onboard_account(state: PayoutState, command: OnboardAccount, now: datetime, onboarding_url: str) -> Decision:
    """Plan a holder's connected account, once, and its onboarding link; asked again, renew an old link."""
    did = command.account_did
    account = state.accounts.get(did)
    if account is None:
        plan = AccountPlanned(account_did=did, email=command.email)
        started, effect = start(plan.key, "create_account", _account_parameters(plan), now)
        reply = {"deduped": False, "account_did": did, "status": "creating"}
        return Accepted(events=(plan, started), reply=reply, effects=(effect,))
    if account.stripe_account_id is None:
        return _try_again(state, account, now)
    calling = account_subject("account-link", did) in state.calls.calls
    fresh = account.link_url is not None and now.timestamp() < account.link_expires_at
    if calling or fresh or account.transfers_active:
        return Accepted(reply=_as_read(account, now))
    started, effect = _link(account, account.stripe_account_id, now, onboarding_url)
    return Accepted(events=(started,), reply=_as_read(account, now), effects=(effect,))


def account_reported(state: PayoutState, command: AccountReported, now: datetime) -> Decision:
    """Take a word about what a connected account can do; an account still unknown is remembered.

    A transfer that waited for the account goes on.
    """
    known = state.reported.get(command.stripe_account_id)
    report = command.event_id or f"{command.stripe_account_id}:{len(state.reports)}"
    said = Abilities(command.transfers_active, command.payouts_enabled)
    if report in state.reports or known == said:
        return Accepted(reply={"deduped": True})
    return _status(state, command.stripe_account_id, said, report, now)


def account_answered(state: PayoutState, did: str, judged: Judgement, now: datetime, onboarding_url: str) -> Decision:
    """Record the connected account that Stripe made; a webhook may have spoken of it before."""
    account = state.accounts[did]
    if judged.outcome == "failed":
        refused = AccountRefused(account_did=did, attempt=account.attempts, code=judged.code, message=judged.message)
        return Accepted(events=(refused,))
    stripe_account_id = str(judged.object["id"])
    able = state.reported.get(stripe_account_id) or _abilities(judged.object)
    created = AccountCreated(
        account_did=did,
        stripe_account_id=stripe_account_id,
        transfers_active=able.transfers_active,
        payouts_enabled=able.payouts_enabled,
    )
    events, effects = _going_on(state, did, stripe_account_id, able, now)
    if not able.transfers_active:
        started, effect = _link(account, stripe_account_id, now, onboarding_url)
        events, effects = [started, *events], [effect, *effects]
    return Accepted(events=(created, *events), effects=effects)


def link_answered(state: PayoutState, did: str, judged: Judgement) -> Decision:
    """Record the onboarding link, or that Stripe would not make one; the holder may ask again."""
    account = state.accounts[did]
    expires_at = judged.object.get("expires_at")
    ended = AccountLinkEnded(
        account_did=did,
        attempt=account.links,
        url=None if judged.outcome == "failed" else str(judged.object.get("url")),
        expires_at=expires_at if isinstance(expires_at, int) else 0,
        code=judged.code or None,
    )
    return Accepted(events=(ended,))


def check_answered(state: PayoutState, did: str, judged: Judgement, now: datetime) -> Decision:
    """Go on where the account has become ready; ask again later where it has not.

    An account that Stripe does not show us any more will not become ready: what waits for it is called all the same,
    so that Stripe's own refusal ends it, with the winnings available again (POUT-043, POUT-045).
    """
    call = state.calls.calls[account_subject("account-check", did)]
    account, said = state.accounts[did], _abilities(judged.object)
    if judged.outcome == "failed":
        lost = AccountLost(account_did=did, attempt=call.attempt, code=judged.code, message=judged.message)
        events, effects = _going_on(state, did, str(account.stripe_account_id), WHOLE, now)
        return Accepted(events=(lost, *events), effects=effects)
    news = Accepted()
    if account.lost or said != account.abilities or suffices(state, did, said):
        report = f"check:{call.subject}:{call.attempt}"
        news = _status(state, str(account.stripe_account_id), said, report, now)
    if suffices(state, did, said):
        return news
    waiting = postpone(call, now, "account_not_ready", judged.message, "new_attempt")
    return Accepted(events=(*waiting.events, *news.events), effects=news.effects)


def checking(
    state: PayoutState, did: str, stripe_account_id: str, now: datetime, *, expected: bool = False
) -> tuple[tuple[AttemptStarted, ...], tuple[CallStripe, ...]]:
    """Ask Stripe about an account that winnings wait for (or will, where `expected`).

    A lost webhook then delays the winnings and no more.
    """
    subject = account_subject("account-check", did)
    waited_for = state.waiting.get(did) or state.bank.waiting.get(did)
    if subject in state.calls.calls or not (expected or waited_for):
        return (), ()
    attempt = state.checks.get(did, 0) + 1
    started, effect = start(subject, "retrieve_account", {"id": stripe_account_id}, now, attempt=attempt)
    return (started,), (effect,)


def _try_again(state: PayoutState, account: Account, now: datetime) -> Accepted:
    plan = account.plan
    if account.refusal is None or plan.key in state.calls.calls:
        return Accepted(reply=_as_read(account, now))
    started, effect = start(plan.key, "create_account", _account_parameters(plan), now, attempt=account.attempts + 1)
    return Accepted(events=(started,), reply=_as_read(account, now), effects=(effect,))


def _status(state: PayoutState, stripe_account_id: str, said: Abilities, report: str, now: datetime) -> Accepted:
    event = AccountStatusRecorded(
        stripe_account_id=stripe_account_id,
        transfers_active=said.transfers_active,
        payouts_enabled=said.payouts_enabled,
        report=report,
    )
    did = state.by_stripe_account.get(stripe_account_id)
    if did is None:
        return Accepted(events=(event,), reply={"deduped": False})
    events, effects = _going_on(state, did, stripe_account_id, said, now)
    return Accepted(events=(event, *events), reply={"deduped": False}, effects=effects)


def _going_on(
    state: PayoutState, did: str, stripe_account_id: str, able: Abilities, now: datetime
) -> tuple[list[Any], list[CallStripe]]:
    """Return how all goes on that an account can do now; while somebody still waits for it, it is asked after."""
    events, effects = payouts_going_on(state, did, stripe_account_id, able, now)
    if able.transfers_active:
        more, calls = going_on(state, did, stripe_account_id, now)
        events, effects = events + more, effects + calls
    if not suffices(state, did, able):
        checks, asking = checking(state, did, stripe_account_id, now)
        events, effects = [*events, *checks], [*effects, *asking]
    return events, effects


def _abilities(account: Mapping[str, Any]) -> Abilities:
    capabilities = account.get("capabilities")
    transfers = capabilities.get("transfers") if isinstance(capabilities, Mapping) else None
    return Abilities(transfers == "active", account.get("payouts_enabled") is True)


def _link(
    account: Account, stripe_account_id: str, now: datetime, onboarding_url: str
) -> tuple[AttemptStarted, CallStripe]:
    parameters: Parameters = {
        "account": stripe_account_id,
        "type": "account_onboarding",
        "refresh_url": f"{onboarding_url}/refresh",
        "return_url": f"{onboarding_url}/return",
    }
    subject = account_subject("account-link", account.plan.account_did)
    return start(subject, "create_account_link", parameters, now, attempt=account.links + 1)


def _account_parameters(plan: AccountPlanned) -> Parameters:
    parameters: dict[str, Any] = {
        "type": "express",
        "capabilities": {"transfers": {"requested": "true"}},
        "settings": {"payouts": {"schedule": {"interval": "manual"}}},
        "metadata": {"account_did": plan.account_did},
    }
    if plan.email is not None:
        parameters["email"] = plan.email
    return parameters


def _as_read(account: Account, now: datetime) -> dict[str, Any]:
    fresh = now.timestamp() < account.link_expires_at
    status = "ready" if account.transfers_active else "onboarding"
    if account.stripe_account_id is None:
        status = "creating" if account.refusal is None else "refused"
    return {
        "deduped": True,
        "account_did": account.plan.account_did,
        "status": status,
        "stripe_account_id": account.stripe_account_id,
        "transfers_active": account.transfers_active,
        "payouts_enabled": account.payouts_enabled,
        "onboarding_url": account.link_url if fresh else None,
        "refusal": account.refusal,
    }
