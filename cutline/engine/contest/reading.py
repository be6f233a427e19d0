"""Describe a contest and its entries as plain data for replies. It decides nothing."""

from __future__ import annotations

from typing import Any

from cutline.engine.contest.events import EntryStatus
from cutline.engine.contest.lifecycle import Status
from cutline.engine.contest.state import Contest, Entry
from cutline.engine.tournament.point_tables import shown
from cutline.engine.tournament.prize_table import pot_cents

SETTLED = "SETTLED"
PAID_OUT = "PAID_OUT"


def progress_of(contest: Contest) -> str:
    """Return the derived progress: the status, then SETTLED, then PAID_OUT once every prize is paid or cannot be.

    Payment never moves the lifecycle; this is a view of it (LIFE-008, C-03, C-13).
    """
    if contest.status is not Status.COMPLETE or contest.settlement.recorded is None:
        return contest.status.value
    return SETTLED if contest.settlement.unpaid else PAID_OUT


def describe_contest(contest: Contest) -> dict[str, Any]:
    """Return the contest as it is: status, progress, counts, money in cents, times, feed and settlement."""
    config, seats = contest.config, contest.seats
    return {
        "contest_id": contest.contest_id,
        "config_id": config.id,
        "config_sha256": contest.config_sha256,
        "config_version": contest.config_version,
        "config_refusal": _describe_refusal(contest),
        "name": config.name,
        "currency": contest.created.currency,
        "status": contest.status.value,
        "progress": progress_of(contest),
        "created_at": contest.created_at,
        "lock_at": config.entry.lock_at,
        "first_tee_at": config.event.first_tee_at,
        "ends_at": config.event.ends_at,
        "fee_cents": config.entry.fee_cents,
        "max_entries": config.entry.max_entries,
        "entries": {status.value.lower(): seats.counts[status] for status in EntryStatus},
        "pot_cents": pot_cents(config.entry, seats.counts[EntryStatus.ACTIVE]),
        "feed": _describe_feed(contest),
        "settlement": _describe_settlement(contest),
        "transitions": [dict(transition) for transition in contest.transitions],
    }


def _describe_refusal(contest: Contest) -> dict[str, Any] | None:
    refused = contest.config_refusal
    if refused is None:
        return None
    return {"version": refused.version, "code": refused.code.value, "paths": list(refused.paths)}


def describe_progress(contest: Contest) -> list[dict[str, Any]]:
    """Return the steps taken so far, oldest first: the states, then SETTLED and PAID_OUT (LIFE-008)."""
    steps: list[dict[str, Any]] = [{"step": Status.SCHEDULED.value, "at": contest.created_at}]
    steps += [{"step": transition["to"], "at": transition["at"]} for transition in contest.transitions]
    settlement = contest.settlement
    for step, at in ((SETTLED, settlement.settled_at), (PAID_OUT, settlement.paid_out_at)):
        if at is not None:
            steps.append({"step": step, "at": at})
    return steps


def _describe_feed(contest: Contest) -> dict[str, Any]:
    feed = contest.feed
    return {
        "provider_event_id": contest.created.provider_event_id,
        "event_status": feed.board.status,
        "changes": feed.applied,
        "polled_at": feed.polled_at,
        "field_complete": feed.field is not None,
        "held_regressions": len(feed.board.holds),
    }


def _describe_settlement(contest: Contest) -> dict[str, Any]:
    settlement, recorded = contest.settlement, contest.settlement.recorded
    described: dict[str, Any] = {
        "status": settlement_status(contest),
        "attempts": settlement.attempts,
        "error": settlement.error,
        "retry_at": settlement.retry_at,
    }
    if recorded is not None:
        described |= {
            "run_id": recorded.run_id,
            "score_version": recorded.score_version,
            "checkpoint": recorded.checkpoint,
            "input_sha256": recorded.input_sha256,
            "result_sha256": recorded.result_sha256,
            "pot_cents": recorded.pot_cents,
            "rake_cents": recorded.rake_cents,
            "prizes": len(settlement.unpaid) + len(settlement.paid) + len(settlement.unpayable),
            "paid_prizes": len(settlement.paid),
            "paid_cents": sum(settlement.paid.values()),
            "owed_cents": sum(settlement.unpaid.values()) + sum(settlement.unpayable.values()),
        }
    return described


def settlement_status(contest: Contest) -> str:
    """Return PENDING, RUNNING, FAILED or COMPLETE (SET-006)."""
    settlement = contest.settlement
    if settlement.recorded is not None:
        return "COMPLETE"
    if settlement.run is not None:
        return "RUNNING"
    return "FAILED" if settlement.error is not None else "PENDING"


def describe_entry(contest: Contest, entry: Entry) -> dict[str, Any]:
    """Return one entry as it is, with its place and prize once the contest is settled."""
    result = contest.settlement.results.get(entry.entry_id)
    return {
        "contest_id": contest.contest_id,
        "entry_id": entry.entry_id,
        "account_did": entry.account_did,
        "status": entry.status.value,
        "picks": list(entry.picks),
        "tiebreak": entry.tiebreak,
        "fee_cents": contest.config.entry.fee_cents,
        "currency": contest.created.currency,
        "entered_at": entry.entered_at,
        "expires_at": entry.expires_at,
        "payment_intent": entry.payment_intent,
        "rank": result.rank if result else None,
        "score": shown(contest.config.scoring, result.score) if result else None,
        "prize_cents": result.prize_cents if result else None,
        "prize_status": _prize_status(contest, entry.entry_id),
    }


def _prize_status(contest: Contest, entry_id: str) -> str | None:
    settlement = contest.settlement
    if entry_id in settlement.paid:
        return "paid"
    if entry_id in settlement.unpayable:
        return "unpayable"
    return "owed" if entry_id in settlement.unpaid else None
