"""Whatever is sent to an operation, well formed or not, its answer is one that the documents announce."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode

from cutline.http.contracts import committed
from tests.http.standin import ANNA, LEDGER_KEY, SETTLE_KEY, token
from tests.http.town import CONTEST, open_town

Operation = APIOperation[Any, Any, Any, Any]

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("CUTLINE_FUZZ_EXAMPLES", "50"))
"""Of each operation, one half well formed and the other not; a long run takes 2000."""


@dataclass(frozen=True, slots=True)
class Served:
    """A town behind real sockets, with one contest and one entry of Anna's."""

    url: str
    entry_id: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The town runs in a thread of its own, for what sends the requests waits for each answer."""
    found: list[Served] = []
    opened, closing = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def live(data: Path) -> None:
        loops.append(asyncio.get_running_loop())
        without = {"cutline_principal_requests_per_minute": 0, "cutline_failed_logins_per_minute": 0}
        async with open_town(data, **without) as town:
            await town.found(max_entries_per_user=100, max_entries=100_000)
            entry_id, _ = await town.enter(ANNA)
            found.append(Served(town.url, entry_id))
            opened.set()
            await closing.wait()

    thread = threading.Thread(target=lambda: asyncio.run(live(tmp_path_factory.mktemp("town"))))
    thread.start()
    assert opened.wait(30), "the town did not open"
    yield found[0]
    loops[0].call_soon_threadsafe(closing.set)
    thread.join(30)


REFUSED_BY_RULE = ["2xx", "3xx", "401", "402", "403", "404", "409", "422", "429", "503"]
"""How a request of the right shape may end: no schema knows a contest's roster, or what an account holds."""


NO_FAULT = ["2xx", "3xx", "4xx", "503"]
"""503 is no fault of the engine's: on a busy machine Stripe's answer may take longer than a caller is kept waiting."""


def operations() -> list[Any]:
    found = []
    for contract in committed.contracts():
        schema = schemathesis.openapi.from_dict(json.loads(contract.text))
        schema.config.checks.positive_data_acceptance.expected_statuses = REFUSED_BY_RULE
        schema.config.checks.not_a_server_error.expected_statuses = NO_FAULT
        for result in schema.get_all_operations():
            operation = cast("Operation", result.ok())  # type: ignore[union-attr]  # a valid document has no invalid ones
            found.append(pytest.param(operation, id=operation.definition.raw["operationId"]))
    return found


def whole(content: Any) -> Any:
    """For JSON Schema 2.0 is an integer, of any size; these doors take integers without a point, of 64 bits alone."""
    if isinstance(content, dict):
        return {name: whole(value) for name, value in content.items()}
    if isinstance(content, list):
        return [whole(one) for one in content]
    if isinstance(content, float) and content.is_integer():
        content = int(content)
    return max(-(2**63), min(content, 2**63 - 1)) if type(content) is int else content


def credential(operation: Operation) -> str | None:
    scopes = {scope for way in operation.definition.raw["security"] for scope in way.get("bearer", [])}
    if scopes & {"entrant", "admin", "ops"}:
        return token(ANNA, "entrant", "admin", "ops")
    return LEDGER_KEY if "ledger" in scopes else SETTLE_KEY if scopes else None


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", operations())
def test_every_answer_is_announced(operation: Operation, mode: GenerationMode, served: Served) -> None:
    """FRZ-014, FRZ-020, FRZ-024: no 5xx, no undocumented status, header or shape, and nothing malformed is taken."""
    sent_as = credential(operation)
    headers = {"Authorization": f"Bearer {sent_as}"} if sent_as else {}
    is_good = mode is GenerationMode.POSITIVE

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES // len(GenerationMode),
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def run(case: Case[Any]) -> None:
        if is_good:
            for name, value in (("contest_id", CONTEST), ("entry_id", served.entry_id)):
                if name in case.path_parameters:
                    case.path_parameters[name] = value
            case.body = whole(case.body)
            # A selection may not reach into the future: no schema knows what time it is.
            if isinstance(case.body, dict) and case.body.get("selection_before"):
                case.body["selection_before"] = "2026-01-01T00:00:00Z"
            # Where a key may come in the body or as the header, one of the two must: no schema can say so.
            in_body = case.body.pop("idempotency_key", None) if isinstance(case.body, dict) else None
            case.headers.setdefault("Idempotency-Key", in_body or "a-key")
        case.call_and_validate(base_url=served.url, headers=headers)

    try:
        run()
    except Unsatisfiable:
        assert not is_good, "nothing can be malformed about a request without parts"
