"""Configurations as staff handle them: validate, read, roll back; it must not know a rule of any contest."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson

from cutline.actors.handles.operations import ConfigsHandle
from cutline.engine import tournament
from cutline.engine.errors import RejectCode
from cutline.engine.rehearsal import RehearsalFailed, rehearse
from cutline.http.asking import Refused
from cutline.http.door import ADMIN, STAFF, Call, Reply, Route
from cutline.http.routes.contests import config_of
from cutline.http.schemas.contests import PublishConfigAsked
from cutline.http.schemas.operations import (
    ConfigReplacedGiven,
    ConfigValidatedGiven,
    ConfigVersionGiven,
    PublishedConfigGiven,
    PublishedConfigsGiven,
    RollBackAsked,
    VersionQueried,
)


def _configs(call: Call) -> ConfigsHandle:
    return ConfigsHandle(call.asking.ask)


async def validate_config(call: Call) -> Reply:
    """Check a configuration whole and rehearse it; what passes is put on record by its sha256 (CFG-008, CFG-009)."""
    config = config_of(call.body_as(PublishConfigAsked))
    try:
        rehearsal = rehearse(config)
    except RehearsalFailed as failed:
        raise Refused(RejectCode.CONFIG_INVALID, {"rehearsal": failed.code.value, **failed.details}) from failed
    recorded = await _configs(call).record_validation(
        config_id=config.id,
        config_sha256=tournament.sha256(config),
        report=asdict(rehearsal),
        actor=call.principal.actor,
    )
    return Reply(
        body=ConfigValidatedGiven.model_validate(
            {**recorded, "warnings": [str(one) for one in tournament.warnings_of(config)]}
        )
    )


async def list_configs(call: Call) -> Reply:
    """List every published version."""
    listed = (await call.governance.directory())["configs"]
    return Reply(body=PublishedConfigsGiven(configs=[ConfigVersionGiven.model_validate(one) for one in listed]))


async def read_config(call: Call) -> Reply:
    """Return a configuration's active version whole, or the one that `?version=` names (CFG-009)."""
    read = await _configs(call).read(call.part("config_id"), call.query_as(VersionQueried).version)
    return Reply(body=PublishedConfigGiven.model_validate({**read, "config": _content(read)}))


def _content(read: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads(read["config_json"])
    return content


async def roll_back_config(call: Call) -> Reply:
    """Publish again what stood before the newest version; ops are alerted (CFG-010)."""
    asked = call.body_as(RollBackAsked)
    replaced = await _configs(call).roll_back(
        config_id=call.part("config_id"), version=asked.version, actor=call.principal.actor, reason=asked.reason
    )
    given = ConfigReplacedGiven.model_validate(replaced)
    return Reply(status=200 if given.deduped else 201, body=given)


ROUTES = (
    Route(
        method="POST",
        path="/v1/configs/validate",
        handle=validate_config,
        needs=STAFF,
        takes=PublishConfigAsked,
        gives=ConfigValidatedGiven,
        summary="Check and rehearse a tournament configuration.",
        idempotency="by content",
        refuses=(RejectCode.CONFIG_INVALID,),
        statuses=(200, 201),
    ),
    Route(
        method="GET",
        path="/v1/configs",
        handle=list_configs,
        needs=STAFF,
        gives=PublishedConfigsGiven,
        summary="List the published configurations.",
    ),
    Route(
        method="GET",
        path="/v1/configs/{config_id}",
        handle=read_config,
        query=VersionQueried,
        needs=STAFF,
        gives=PublishedConfigGiven,
        summary="Read a published configuration.",
    ),
    Route(
        method="POST",
        path="/v1/configs/{config_id}/rollback",
        handle=roll_back_config,
        needs=ADMIN,
        takes=RollBackAsked,
        gives=ConfigReplacedGiven,
        summary="Publish again what stood before a configuration's newest version.",
        idempotency="by content",
        refuses=(
            RejectCode.CONFIG_SUPERSEDED,
            RejectCode.CONFIG_NOT_VALIDATED,
        ),
        statuses=(200, 201),
    ),
)
