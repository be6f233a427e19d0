"""What each writer does its work with: the rules of its file, and how what must not lie open is wrapped.

It must not decide anything; where a file lies is the data root's to say.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from cutline.engine.decision import Address, Machine
from cutline.engine.errors import InvariantViolated
from cutline.engine.ledger.machine import LedgerMachine
from cutline.engine.messages import ApplyNettingEntry, PostAgain, RecordStripeEvent
from cutline.engine.payment.machine import PaymentMachine
from cutline.engine.payout.machine import PayoutMachine
from cutline.engine.retries import DEFAULT, RetryTerms
from cutline.storage.files import DataRoot, kind_of
from cutline.storage.machines import FileRules, rules_of
from cutline.storage.sealing import Sealer

_KEEPS_BROKEN: Mapping[str, tuple[type, ...]] = {"ledger": (RecordStripeEvent, PostAgain, ApplyNettingEntry)}
"""What Stripe said is kept even where a bug breaks its posting (FWD-001); netting that breaks is a failed run."""

WrapBlob = Callable[[bytes, datetime], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWork(FileRules):
    """Everything that tells one kind of writer from another: its rules, and how what must not lie open is wrapped."""

    wrap_blob: Callable[[bytes, datetime], bytes]
    keeps_broken: tuple[type, ...] = ()
    """Commands that must not be lost when a bug breaks them: the machine is asked again, with a `CommandBroke`."""


class FileWorks:
    """Hands out the work of every address under one data root.

    `machines` take the place of a kind's own rules, by the kind's name: rehearsals of faults bring such.
    """

    def __init__(
        self,
        root: DataRoot,
        *,
        onboarding_url: str,
        retries: RetryTerms = DEFAULT,
        machines: Mapping[str, Machine[Any]] = MappingProxyType({}),
    ) -> None:
        self._machines: dict[str, Machine[Any]] = {
            "ledger": LedgerMachine(retries),
            "payments": PaymentMachine(retries),
            "payouts": PayoutMachine(onboarding_url=onboarding_url, retries=retries),
            **machines,
        }
        # Only the ledger's one writer seals: its sealer is shared with nobody.
        self._wraps: Mapping[str, WrapBlob] = {
            "ledger": Sealer(root.path).seal,
            "feed": compress,
            "contest": keep,
        }

    def of(self, address: Address) -> FileWork:
        """Return the work of an address. Raises ValueError for an address that names no file."""
        rules = rules_of(kind_of(address).name)
        return FileWork(
            kind=rules.kind,
            machine=self._machines.get(rules.kind.name, rules.machine),
            codec=rules.codec,
            project=rules.project,
            wrap_blob=self._wraps.get(rules.kind.name, _refuse),
            keeps_broken=_KEEPS_BROKEN.get(rules.kind.name, ()),
        )


def compress(body: bytes, _at: datetime) -> bytes:
    """Return a feed's payload as its file keeps it (ING-005)."""
    return zlib.compress(body, 6)


def keep(body: bytes, _at: datetime) -> bytes:
    """Return packed rosters as their file keeps them: as they are, since they are read whenever a board changes."""
    return body


def _refuse(_body: bytes, _at: datetime) -> bytes:
    raise InvariantViolated("this kind of file keeps no bodies beside its log")
