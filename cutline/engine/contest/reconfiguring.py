"""Judge whether a newly published configuration reaches this contest; it publishes none and moves no lifecycle.

A version reaches only a contest that is SCHEDULED and not yet due to lock (C-28, LIFE-018). What the contest is (its
currency, its event) never changes. Once an entry holds a seat, nothing about money changes either: a fee may be under
way at Stripe already, under the terms that the entrant was shown. A refusal is recorded, and is the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from cutline.engine.contest.config_events import ConfigChangeRefused, ContestConfigChanged
from cutline.engine.contest.lifecycle import Status
from cutline.engine.contest.state import SEATED, Contest
from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import AdoptConfig
from cutline.engine.roster import check_picks
from cutline.engine.tournament import ConfigInvalid, NotSupportedYet, Tournament, from_canonical

IDENTITY: Final = ("id", "currency", "event.provider_event_id")
"""What a contest is. Another event or currency is another contest."""
MONEY: Final = ("entry.fee_cents", "entry.rake_percent", "entry.rake_cents", "prizes", "ties", "shortened")
"""What decides who gets how much, beside the scores: frozen from the first seat on."""


def adopt(contest: Contest, command: AdoptConfig, now: datetime) -> Decision:
    """Take a published version, or refuse it by name; each version is judged once, and older ones come too late.

    Refusals: CONTEST_CONFIG_LOCKED from the lock time on, CONFIG_CHANGE_REFUSED with the keys that may not change,
    CONFIG_INVALID and NOT_SUPPORTED_YET for what this release cannot play.
    """
    if command.version <= contest.config_judged:
        return _again(contest, command)
    if contest.status is not Status.SCHEDULED or now >= contest.config.entry.lock_at:
        return _refuse(contest, command, RejectCode.CONTEST_CONFIG_LOCKED)
    try:
        wanted = from_canonical(command.config_json)
    except ConfigInvalid as invalid:
        return _refuse(contest, command, RejectCode.CONFIG_INVALID, *(fault.path for fault in invalid.faults))
    except NotSupportedYet as unsupported:
        return _refuse(contest, command, RejectCode.NOT_SUPPORTED_YET, unsupported.path)
    frozen = tuple(_frozen(contest, wanted, now))
    if frozen:
        return _refuse(contest, command, RejectCode.CONFIG_CHANGE_REFUSED, *frozen)
    moved = wanted.event.first_tee_at != contest.config.event.first_tee_at
    changed = ContestConfigChanged(
        version=command.version,
        config_json=command.config_json,
        config_sha256=command.config_sha256,
        watch_attempt=contest.feed.watches + 1 if moved else None,
    )
    reply = {
        "contest_id": contest.contest_id,
        "version": command.version,
        "config_sha256": command.config_sha256,
        "refusal": None,
        "deduped": False,
    }
    return Accepted(events=(changed,), reply=reply)


def _again(contest: Contest, command: AdoptConfig) -> Decision:
    """Answer for a version that was judged before; a refusal is told as data, so that it counts as delivered."""
    refused = contest.config_refusal
    if refused is not None and refused.version != command.version:
        refused = None
    reply = {
        "contest_id": contest.contest_id,
        "version": contest.config_version,
        "config_sha256": contest.config_sha256,
        "refusal": None if refused is None else _rejected(contest, refused),
        "deduped": True,
    }
    return Accepted(reply=reply)


def _refuse(contest: Contest, command: AdoptConfig, code: RejectCode, *paths: str) -> Decision:
    refused = ConfigChangeRefused(version=command.version, config_sha256=command.config_sha256, code=code, paths=paths)
    return Accepted(events=(refused,), reply=_rejected(contest, refused))


def _rejected(contest: Contest, refused: ConfigChangeRefused) -> Rejected:
    details = {
        "contest_id": contest.contest_id,
        "status": contest.status.value,
        "version": refused.version,
        "paths": list(refused.paths),
        "config_sha256": contest.config_sha256,
    }
    return Rejected(code=refused.code, details=details)


def _frozen(contest: Contest, wanted: Tournament, now: datetime) -> Iterator[str]:
    """Yield the keys that differ and may not, in the order of the configuration's rules."""
    before, after = _keys(contest.config), _keys(wanted)
    yield from _differing(IDENTITY, before, after)
    if contest.seats.taken:
        yield from _differing(MONEY, before, after)
    if wanted.entry.max_entries < contest.seats.taken:
        yield "entry.max_entries"
    if wanted.entry.lock_at <= now:
        yield "entry.lock_at"
    if not _rosters_fit(contest, wanted):
        yield "roster"


def _keys(config: Tournament) -> Mapping[str, Any]:
    return config.model_dump(mode="json", by_alias=True)


def _differing(paths: tuple[str, ...], before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for path in paths:
        table, _, key = path.partition(".")
        one, other = before[table], after[table]
        if (one.get(key) != other.get(key)) if key else (one != other):
            yield path


def _rosters_fit(contest: Contest, wanted: Tournament) -> bool:
    """Whether everyone who has picked could have picked so under the new rules."""
    if wanted.roster == contest.config.roster:
        return True
    seated = (entry for entry in contest.seats.entries.values() if entry.status in SEATED)
    return all(check_picks(wanted, entry.picks, contest.feed.field) is None for entry in seated)
