"""The faults that a test or a simulation asks of the emulator; it must not inject anything by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from cutline.simulation.emulators.stripe.platform import Wire

ApiFaultKind = Literal[
    "answer", "drop_after_commit", "drop_before_commit", "error_500", "error_500_after_commit", "lock_timeout", "slow",
    "truncated_body",
]  # fmt: skip
WebhookFaultKind = Literal["delay", "drop", "duplicate", "reorder"]


class _Fault(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    metadata: Mapping[str, str] = Field(default_factory=dict)
    """What the object's metadata must hold, for instance an `entry_id`."""
    times: int = Field(default=1, ge=1)
    """How many matching requests or events it strikes."""
    seconds: float = Field(default=0, ge=0)
    """How slow, or how late."""


class ApiFault(_Fault):
    """A fault of one API operation, for instance `transfers.create`; of any operation where it names none.

    `error_500` saves a 500 without the effect, `error_500_after_commit` with it. `slow` performs, then holds the
    answer for `seconds` with the key in flight. `answer` gives `http_status` and `error`, saved if `kept`.
    """

    on: Literal["api"] = "api"
    kind: ApiFaultKind
    operation: str | None = None
    http_status: int = Field(default=500, ge=400, le=599)
    error: Mapping[str, str] = Field(default_factory=dict)
    kept: bool = False


class WebhookFault(_Fault):
    """A fault of the delivery of one event type, or of any where it names none.

    `duplicate` sends `copies` more, `delay` waits `seconds`, `drop` never delivers (the event stays in the events
    list), `reorder` delivers after the next event, or after a minute where none follows.
    """

    on: Literal["webhook"] = "webhook"
    kind: WebhookFaultKind
    event_type: str | None = None
    copies: int = Field(default=1, ge=1)


Fault = Annotated[ApiFault | WebhookFault, Field(discriminator="on")]
FAULT: TypeAdapter[ApiFault | WebhookFault] = TypeAdapter(Fault)


class Faults:
    """The faults still to strike, in the order in which they were asked for, and those that struck."""

    def __init__(self) -> None:
        self._waiting: list[list[Any]] = []
        self.struck: list[Wire] = []

    def add(self, fault: ApiFault | WebhookFault) -> None:
        """Let a fault strike its next `times` matches."""
        self._waiting.append([fault, fault.times])

    def clear(self) -> None:
        """Take back every fault that has not struck."""
        self._waiting.clear()

    @property
    def waiting(self) -> list[Wire]:
        """The faults that have strikes left."""
        return [fault.model_dump(mode="json") | {"left": left} for fault, left in self._waiting]

    def take_api(self, operation: str, metadata: Mapping[str, Any]) -> ApiFault | None:
        """Return the first fault that strikes this request, and count it."""
        for slot in self._waiting:
            fault = slot[0]
            if isinstance(fault, ApiFault) and fault.operation in (None, operation) and _matches(fault, metadata):
                self._strike(slot, operation)
                return fault
        return None

    def take_webhook(self, event_type: str, metadata: Mapping[str, Any]) -> WebhookFault | None:
        """Return the first fault that strikes this event, and count it."""
        for slot in self._waiting:
            fault = slot[0]
            if isinstance(fault, WebhookFault) and fault.event_type in (None, event_type) and _matches(fault, metadata):
                self._strike(slot, event_type)
                return fault
        return None

    def _strike(self, slot: list[Any], where: str) -> None:
        slot[1] -= 1
        if slot[1] == 0:
            self._waiting.remove(slot)
        self.struck.append({"on": slot[0].on, "kind": slot[0].kind, "where": where})


def _matches(fault: ApiFault | WebhookFault, metadata: Mapping[str, Any]) -> bool:
    return all(metadata.get(name) == value for name, value in fault.metadata.items())
