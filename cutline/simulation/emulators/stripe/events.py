"""Lists the events of the last thirty days, for those who missed a webhook; it must not make or deliver any."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from fnmatch import fnmatchcase
from glob import escape

from cutline.simulation.emulators.stripe.calls import Call
from cutline.simulation.emulators.stripe.errors import invalid_parameter
from cutline.simulation.emulators.stripe.forms import read_flag, read_optional_text
from cutline.simulation.emulators.stripe.platform import PLATFORM, Platform, Wire

_LISTED_FOR = timedelta(days=30)
_TYPES_MAX = 20


class Events:
    """The events list of the API, which asks the webhooks what was delivered."""

    def __init__(self, is_delivered: Callable[[str], bool]) -> None:
        self._is_delivered = is_delivered

    def list_all(self, platform: Platform, call: Call) -> Wire:
        """Answer `GET /v1/events`, newest first.

        Connect events belong to their account's list, which the `Stripe-Account` header selects, and to the
        platform's, so that one listing finds everything that was missed.
        """
        since_s = int((platform.now - _LISTED_FOR).timestamp())
        types = _wanted_types(call)
        success = read_flag(call.parameters, "delivery_success")
        found = (
            event
            for event in platform.events.values()
            if event["created"] >= since_s
            and call.owner in (PLATFORM, event.get("account"))
            and (not types or any(fnmatchcase(event["type"], one) for one in types))
            and (success is None or self._is_delivered(event["id"]) is success)
        )
        return call.page(found, "/v1/events")

    def retrieve(self, platform: Platform, call: Call) -> Wire:
        """Answer `GET /v1/events/{id}`."""
        return platform.find(platform.events, "event", call.object_id)


def _wanted_types(call: Call) -> list[str]:
    """Return the patterns of `type`, which may hold a `*`, or the names of `types`, of which there are 20 at most."""
    one, many = read_optional_text(call.parameters, "type"), call.parameters.get("types", [])
    if not isinstance(many, list) or len(many) > _TYPES_MAX:
        raise invalid_parameter("types", f"Invalid array, or more than {_TYPES_MAX} types")
    if one is not None and many:
        raise invalid_parameter("types", "You may pass either `type` or `types`, but not both")
    return [one] if one is not None else [escape(name) for name in many]
