"""What a start tells governance: this release's documents and codes; it must not record anything itself."""

from __future__ import annotations

from functools import cache

from cutline.engine.error_registry import REGISTRY
from cutline.engine.messages import ContractText, ErrorCodeRow, RegisterContracts
from cutline.http.contracts.committed import contracts


@cache
def promises() -> RegisterContracts:
    """Return the documents and the registry of refusals as this release serves them (FRZ-001, FRZ-005, FRZ-021)."""
    texts = [
        ContractText(name=one.name, version=one.version, sha256=one.sha256, spec_json=one.text) for one in contracts()
    ]
    rows = [
        ErrorCodeRow(code=spec.code.value, http_status=spec.http_status, scope=spec.scope, description=spec.meaning)
        for spec in REGISTRY.values()
    ]
    return RegisterContracts(contracts=tuple(texts), codes=tuple(rows))
