"""The registry of refusals, the table in the file, the page of the docs and what routes answer are one and the same."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cutline.engine.decision import Accepted, Rejected
from cutline.engine.error_registry import REGISTRY
from cutline.engine.errors import RejectCode
from cutline.engine.messages import ReadRevokedTokens
from cutline.http import asking
from cutline.http.app import OPERATIONS, ROUTES
from cutline.http.asking import Refused
from cutline.http.door import Route
from cutline.http.operation import NOWHERE
from cutline.http.server import serve
from cutline.storage.boards import EntryCard, Picture
from cutline.storage.errors import FileMissing
from tests.http.samples import sample
from tests.http.standin import ANNA, LEDGER_KEY, SETTLE_KEY, StandIn, bearer, settings, token
from tests.http.town import open_town

ROOT = Path(__file__).resolve().parents[2]
LISTS = {
    "cutline/engine/errors.py",
    "cutline/engine/door_errors.py",
    "cutline/engine/error_registry.py",
    "cutline/http/operation.py",
}
"""Modules that only list codes; elsewhere, naming one outside `refuses=` is using it."""

KEPT_BY_THE_DOOR = frozenset(
    {
        RejectCode.UNAUTHENTICATED,
        RejectCode.FORBIDDEN,
        RejectCode.CLIENT_CHANNEL_REFUSED,
        RejectCode.NOT_ACCEPTABLE,
        RejectCode.RATE_LIMITED,
        RejectCode.REQUEST_INVALID,
        RejectCode.REQUEST_TIMEOUT,
        RejectCode.BODY_TOO_LARGE,
        RejectCode.UNSUPPORTED_MEDIA_TYPE,
        RejectCode.IDEMPOTENCY_KEY_REQUIRED,
    }
)
"""Never an actor's to say; `tests/http/test_requests.py` and its neighbours bring each of them about."""


class Uses(ast.NodeVisitor):
    """The codes that a module uses, not counting what it declares with `refuses=`."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg != "refuses":
            self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in RejectCode.__members__:
            self.found.add(node.attr)
        self.generic_visit(node)


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / "cutline").rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


def test_every_listed_code_is_used_and_no_other_exists() -> None:
    """FRZ-018, FRZ-020: a name that is no code does not pass the enum; here, what nobody uses does not pass."""
    used: set[str] = set()
    for name, module in modules():
        if name not in LISTS:
            uses = Uses()
            uses.visit(module)
            used |= uses.found
    assert set(RejectCode.__members__) - used == set()


def test_no_code_is_generic() -> None:
    """FRZ-019: neither in the registry nor as a text anywhere in the source."""
    generic = "UNKNOWN_" + "ERROR"
    assert [path for path in sorted((ROOT / "cutline").rglob("*.py")) if generic in path.read_text("utf-8")] == []


def test_the_example_of_the_documents_is_not_emitted() -> None:
    """FRZ-022, C-01: one spelling."""
    assert "STRIPE_SIGNATURE_INVALID" not in RejectCode.__members__


@pytest.mark.parametrize("code", list(RejectCode), ids=lambda code: code.value)
def test_a_code_is_announced_where_its_scope_says(code: RejectCode) -> None:
    """FRZ-006, FRZ-037: admin ones not by what entrants may call, internal ones by nobody."""
    announcing = {one.in_document for one in OPERATIONS if code in one.codes}
    match REGISTRY[code].scope:
        case "public":
            # What services alone may call is public by its nature too: /v1 is one API.
            assert announcing or code in NOWHERE
        case "admin":
            assert announcing <= {"admin"}
        case "internal":
            assert not announcing


async def test_the_table_in_the_file_is_the_registry(tmp_path: Path) -> None:
    """FRZ-005, FRZ-018, FRZ-021, FRZ-035 to FRZ-039: a second start adds no row."""
    for _ in range(2):
        async with open_town(tmp_path) as town:
            rows = town.rows("governance", "SELECT code, http_status, scope, description FROM api_error_codes")
            stamped = town.rows("governance", "SELECT created_at FROM api_error_codes WHERE created_at GLOB '*Z'")
    assert sorted(rows) == sorted(
        (spec.code.value, spec.http_status, spec.scope, spec.meaning) for spec in REGISTRY.values()
    )
    assert len(stamped) == len(REGISTRY)


class Refusing(StandIn):
    """An engine that refuses everything with one code."""

    def __init__(self, code: RejectCode) -> None:
        super().__init__()
        self.code = code

    @property
    def leaderboards(self) -> Refusing:
        return self

    async def picture(self, _contest_id: str) -> Picture | None:
        raise Refused(self.code)

    def cards(self, _contest_id: str, _entry_ids: Sequence[str]) -> dict[str, EntryCard]:
        return {}

    def entry_ids(self, _contest: str, *, account_did: str | None, after: int, limit: int) -> list[tuple[int, str]]:  # noqa: ARG002  # the protocol's names
        return []

    async def ask(self, to: str, message: object, cause: str) -> Accepted | Rejected:  # noqa: ARG002  # StandIn's shape
        if isinstance(message, ReadRevokedTokens):
            return Accepted(reply={"revoked": []})
        return Rejected(code=self.code)

    async def report(self, build: Callable[..., Any], *_arguments: Any) -> Any:
        raise FileMissing(f"no files for {build.__name__}")


def credentials(route: Route) -> dict[str, str]:
    if "entrant" in route.needs:
        return bearer(token(ANNA, "entrant"))
    if route.needs & {"admin", "ops"}:
        return bearer(token("ada", "admin", "ops"))
    return bearer(LEDGER_KEY if "ledger" in route.needs else SETTLE_KEY)


async def test_every_announced_refusal_comes_with_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """FRZ-018: each operation's known failures, through its own handler, are what the registry says they are."""
    monkeypatch.setattr(asking, "PATIENCE_S", 0.0)
    engine = Refusing(RejectCode.INTERNAL_FAULT)
    runner, (host, port) = await serve(engine, settings())
    seen = set()
    async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
        for route in (one for one in ROUTES if one.asks):
            for engine.code in sorted(route.codes - KEPT_BY_THE_DOOR):
                request = sample(route)
                headers = {**request.headers, **credentials(route)}
                async with session.request(
                    request.method, request.path, data=request.body, params=request.query, headers=headers
                ) as response:
                    error = (await response.json())["error"]
                    answered = RejectCode(error["code"])
                    assert response.status == REGISTRY[answered].http_status, (route.name, engine.code)
                    assert answered in route.codes, (route.name, engine.code)
                    seen.add(answered)
    await runner.cleanup()
    public = {spec.code for spec in REGISTRY.values() if spec.scope != "internal"}
    announced = frozenset().union(*(route.codes for route in ROUTES)) - KEPT_BY_THE_DOOR
    assert seen >= (announced & public)
