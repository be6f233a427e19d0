"""Turns what went wrong into what may be written down of it: of an exception its kind and place, never its words.

An exception's own words may quote the data that it broke on, and Stripe's bodies lie in one place only (PAY-039).
"""

from __future__ import annotations

from pathlib import Path
from traceback import extract_tb
from typing import Any

import structlog
from msgspec.structs import replace

from cutline.actors.mailbox import Ask, Envelope, Tell
from cutline.engine.decision import Address, Rejected
from cutline.engine.errors import NOT_YET, RejectCode
from cutline.engine.messages import CommandBroke
from cutline.storage.errors import StorageError

log = structlog.get_logger(__name__)


def broken_envelope(
    address: Address, envelope: Envelope, failure: Exception, keeps: tuple[type, ...]
) -> Envelope | None:
    """Return the same envelope with what must be kept of its command, or None where nothing must."""
    if isinstance(envelope, Ask | Tell) and isinstance(envelope.message, keeps):
        return replace(envelope, message=broken_command(address, envelope.message, failure))
    return None


def broken_command(address: Address, command: Any, failure: Exception) -> CommandBroke:
    """Return what a machine is told of a command that raised, and log it without the data (LED-011)."""
    code = RejectCode.EVENT_WRITE_FAILED if isinstance(failure, StorageError) else RejectCode.INTERNAL_FAULT
    reason = place_of(failure)
    log.error("command_broke", address=address, command=type(command).__name__, code=code.value, reason=reason)
    return CommandBroke(command=command, code=code, reason=reason)


def place_of(failure: BaseException) -> str:
    """Name an exception's type and the line that raised it."""
    trace = extract_tb(failure.__traceback__)
    if not trace:
        return type(failure).__name__
    last = trace[-1]
    return f"{type(failure).__name__} in {last.name} ({Path(last.filename).name}:{last.lineno})"


def refused_delivery(address: Address, key: str, answer: Rejected) -> None:
    """Say that a message was refused, and stays with its sender, who owes it still: no money dies of a refusal.

    Some are only early. Any other refusal of what a committed event owes is a fault, and stays visible as such
    until a mended release takes the message.
    """
    say = log.info if answer.code in NOT_YET else log.error
    say("delivery_rejected", address=address, key=key, code=answer.code, details=dict(answer.details))
