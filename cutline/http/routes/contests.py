"""Configurations and contests: publish, create, read, cancel; it must not know a rule of any contest."""

from __future__ import annotations

import json

from cutline.engine import tournament
from cutline.engine.errors import RejectCode
from cutline.http.asking import Refused
from cutline.http.door import ADMIN, ANYONE, Call, Reply, Route
from cutline.http.paging import PageAsked, cursor_of
from cutline.http.schemas.contests import (
    CancelContestAsked,
    CancelledGiven,
    ConfigGiven,
    ContestCreatedGiven,
    ContestGiven,
    ContestListed,
    ContestsGiven,
    CreateContestAsked,
    PublishConfigAsked,
)


async def publish_config(call: Call) -> Reply:
    """Publish a configuration's next version; the same content again is answered with the version it has (CFG-007).

    The version is sent to every contest of the configuration; those that are still SCHEDULED take it (C-28).
    """
    config = config_of(call.body_as(PublishConfigAsked))
    published = await call.governance.publish(
        config_id=config.id,
        config_json=tournament.canonical(config),
        config_sha256=tournament.sha256(config),
        actor=call.principal.actor,
        needs_validation=call.house.settings.configs_need_validation,
    )
    given = ConfigGiven.model_validate(published)
    return Reply(status=200 if given.deduped else 201, body=given)


def config_of(asked: PublishConfigAsked) -> tournament.Tournament:
    """Read the configuration in a body. Refused: CONFIG_INVALID with every fault."""
    try:
        if asked.toml is not None:
            return tournament.load(asked.toml)
        # Not orjson, which takes no integer beyond 64 bits: the fault is the configuration's to be named.
        return tournament.from_canonical(json.dumps(asked.config))
    except tournament.ConfigInvalid as invalid:
        faults = [{"path": fault.path, "value": fault.value, "right": fault.right} for fault in invalid.faults]
        raise Refused(invalid.code, {"faults": faults}) from invalid


async def create_contest(call: Call) -> Reply:
    """Plan a contest and have its file made. Whoever comes first makes it, this door or the plan's own message."""
    asked = call.body_as(CreateContestAsked)
    plan = await call.governance.plan(
        contest_id=asked.contest_id, config_id=asked.config_id, actor=call.principal.actor
    )
    contest = call.contest(asked.contest_id)
    await contest.create(config_json=plan["config_json"], config_sha256=plan["config_sha256"])
    given = ContestCreatedGiven.model_validate(plan)
    return Reply(status=200 if given.deduped else 201, body=given)


async def list_contests(call: Call) -> Reply:
    """List the contests that exist or are planned, by id, page by page."""
    asked = call.query_as(PageAsked)
    after = asked.place.name
    listed = (await call.governance.directory())["contests"]
    later = sorted((one for one in listed if one["contest_id"] > after), key=lambda one: str(one["contest_id"]))
    page = [ContestListed.model_validate(one) for one in later[: asked.limit]]
    next_cursor = cursor_of(name=page[-1].contest_id) if len(later) > len(page) else None
    return Reply(body=ContestsGiven(contests=page, next_cursor=next_cursor))


async def read_contest(call: Call) -> Reply:
    """Return a contest as it is; the names of who moved it are for staff."""
    contest = dict(await call.contest(call.part("contest_id")).read())
    if not call.principal.is_staff:
        contest["transitions"] = None
    return Reply(body=ContestGiven.model_validate(contest))


async def cancel_contest(call: Call) -> Reply:
    """Cancel a contest that is not COMPLETE; every fee is given back (LIFE-009)."""
    contest_id = call.part("contest_id")
    reason = call.body_as(CancelContestAsked).reason
    cancelled = await call.contest(contest_id).cancel(actor=call.principal.actor, reason=reason)
    return Reply(body=CancelledGiven.model_validate({**cancelled, "contest_id": contest_id}))


ROUTES = (
    Route(
        method="POST",
        path="/v1/configs",
        handle=publish_config,
        needs=ADMIN,
        takes=PublishConfigAsked,
        gives=ConfigGiven,
        summary="Publish a tournament configuration.",
        statuses=(200, 201),
        refuses=(RejectCode.CONFIG_INVALID, RejectCode.CONFIG_NOT_VALIDATED),
        idempotency="by content",
    ),
    Route(
        method="POST",
        path="/v1/contests",
        handle=create_contest,
        needs=ADMIN,
        takes=CreateContestAsked,
        gives=ContestCreatedGiven,
        summary="Create a contest.",
        statuses=(200, 201),
        refuses=(
            RejectCode.NOT_FOUND,
            RejectCode.CONTEST_EXISTS,
            RejectCode.CONTEST_CONFIG_LOCKED,
            RejectCode.CONTEST_QUARANTINED,
        ),
        idempotency="by content",
    ),
    Route(
        method="GET",
        path="/v1/contests",
        handle=list_contests,
        needs=ANYONE,
        gives=ContestsGiven,
        summary="List the contests.",
        query=PageAsked,
        polled=True,
    ),
    Route(
        method="GET",
        path="/v1/contests/{contest_id}",
        handle=read_contest,
        needs=ANYONE,
        gives=ContestGiven,
        summary="Read a contest.",
        polled=True,
    ),
    Route(
        method="POST",
        path="/v1/contests/{contest_id}/cancel",
        handle=cancel_contest,
        needs=ADMIN,
        takes=CancelContestAsked,
        gives=CancelledGiven,
        summary="Cancel a contest and give every fee back.",
        refuses=(RejectCode.INVALID_STATUS_TRANSITION,),
        idempotency="by content",
    ),
)
