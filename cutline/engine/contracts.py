"""What was promised to clients, as governance keeps it: each document ever served, and every refusal's code.

Both only grow. It must not know what a document says; whoever makes one compares it with the one before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import RaiseAlert, RegisterContracts

RUNBOOK = "runbooks/contract-broken.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractPublished:
    """A document was served for the first time; the same text again is no new fact (FRZ-002, FRZ-028)."""

    contract_name: str
    version: str
    sha256: str
    spec_json: str

    @property
    def key(self) -> str:
        """The business key: a name, a version and a text."""
        return f"contract:{self.contract_name}:{self.version}:{self.sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCodeRegistered:
    """A refusal's code has this status and scope, and keeps them for good (FRZ-005)."""

    code: str
    http_status: int
    scope: str
    description: str

    @property
    def key(self) -> str:
        """The business key: a code is registered once."""
        return f"error-code:{self.code}"


@dataclass(slots=True)
class Promises:
    """What has been promised: the keys of documents, and each code's status and scope."""

    contracts: set[str] = field(default_factory=set)
    codes: dict[str, tuple[int, str]] = field(default_factory=dict)

    def fold(self, event: ContractPublished | ErrorCodeRegistered) -> None:
        """Fold one recorded event."""
        if isinstance(event, ContractPublished):
            self.contracts.add(event.key)
        else:
            self.codes[event.code] = (event.http_status, event.scope)


def register_contracts(promises: Promises, command: RegisterContracts) -> Decision:
    """Record what is new of a release's documents and codes; the same release again changes nothing.

    Where a code would change its status or scope, nothing is recorded, the answer is CONTRACT_BROKEN, and a person is
    alerted: clients go by what a code has always meant.
    """
    changed = [row.code for row in command.codes if _changes(promises, row.code, (row.http_status, row.scope))]
    if changed:
        refused = Rejected(code=RejectCode.CONTRACT_BROKEN, details={"codes": changed})
        alert = RaiseAlert(name="contract_broken", runbook=RUNBOOK, details={"codes": ", ".join(changed)})
        return Accepted(reply=refused, effects=(alert,))
    published = [
        ContractPublished(contract_name=one.name, version=one.version, sha256=one.sha256, spec_json=one.spec_json)
        for one in command.contracts
    ]
    registered = [
        ErrorCodeRegistered(code=row.code, http_status=row.http_status, scope=row.scope, description=row.description)
        for row in command.codes
    ]
    fresh = [one for one in published if one.key not in promises.contracts]
    new = [one for one in registered if one.code not in promises.codes]
    return Accepted(events=(*fresh, *new), reply={"contracts": len(fresh), "codes": len(new)})


def _changes(promises: Promises, code: str, row: tuple[int, str]) -> bool:
    return promises.codes.get(code, row) != row
