"""What clients rely on is written down, committed, stored at every start, and changes only by growing."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pysqlite3
import pytest
from openapi_spec_validator import validate
from typer.testing import CliRunner

from cutline.cli import app as command_line
from cutline.http.app import OPERATIONS, ROUTES
from cutline.http.contracts import committed, openapi
from cutline.http.contracts.openapi import Contract
from cutline.storage.files import DataRoot
from tests.http.standin import bearer, token
from tests.http.town import open_town

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = {one.name: one for one in committed.contracts()}
PUBLIC = json.loads(DOCUMENTS["public-api"].text)
ADMIN = json.loads(DOCUMENTS["admin-api"].text)


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(command_line, ["openapi", *words])
    return result.exit_code, result.output


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_valid_openapi(name: str) -> None:
    """FRZ-014."""
    document = json.loads(DOCUMENTS[name].text)
    assert document["openapi"] == "3.1.0"
    validate(document)


@pytest.mark.parametrize("contract", DOCUMENTS.values(), ids=lambda contract: contract.name)
def test_a_document_is_canonical_and_named_by_its_hash(contract: Contract) -> None:
    """FRZ-014, FRZ-032."""
    document = json.loads(contract.text)
    assert contract.text == json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert contract.sha256 == hashlib.sha256(contract.text.encode()).hexdigest()


def test_documents_are_the_same_in_every_process() -> None:
    said = "from cutline.http.contracts import committed; print([one.sha256 for one in committed.contracts()])"
    other = subprocess.run(
        [sys.executable, "-c", said],
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == str([one.sha256 for one in committed.contracts()])


def test_what_is_committed_is_what_the_code_makes() -> None:
    """FRZ-017, ENV-019: run `cutline openapi dump` and review what changed."""
    assert committed.check() == []


def test_one_character_of_difference_is_noticed(tmp_path: Path) -> None:
    """FRZ-017."""
    committed.dump(tmp_path)
    assert committed.check(tmp_path) == []
    for name in committed.files():
        path = tmp_path / name
        text = path.read_text("utf-8")
        path.write_text(text.replace("e", "f", 1), "utf-8")
        assert committed.check(tmp_path) != []
        path.write_text(text, "utf-8")


def test_every_operation_is_in_one_document_and_no_other() -> None:
    """FRZ-023, C-40."""
    listed = [
        (path, method.upper())
        for one in (PUBLIC, ADMIN)
        for path, methods in one["paths"].items()
        for method in methods
    ]
    assert sorted(listed) == sorted((one.path, one.method) for one in OPERATIONS)
    private = [path for path in PUBLIC["paths"] if path.startswith("/api/admin") or "/ops" in path]
    assert private == []
    for path, methods in PUBLIC["paths"].items():
        for method, operation in methods.items():
            scopes = {scope for way in operation["security"] for scope in way.get("bearer", [])}
            assert not scopes or "entrant" in scopes, (path, method)


def test_every_operation_has_an_id_of_its_own_and_models_both_ways() -> None:
    """FRZ-024: validation is by schema, in and out."""
    names = [one.name for one in OPERATIONS]
    assert sorted(set(names)) == sorted(names)
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", name) for name in names)
    assert all(one.summary.endswith(".") for one in OPERATIONS)
    assert [one.name for one in OPERATIONS if one.gives is None and not one.media] == []
    assert [one.name for one in OPERATIONS if one.method == "GET" and one.takes] == []


def test_every_change_says_how_a_second_request_is_known_again() -> None:
    changes = [one for one in OPERATIONS if one.method != "GET"]
    assert [one.name for one in changes if one.idempotency is None] == []
    assert [one.name for one in OPERATIONS if one.method == "GET" and one.idempotency] == []


def test_no_two_models_share_a_name() -> None:
    """A schema's name is what generated clients call it."""
    assert [name for one in (PUBLIC, ADMIN) for name in one["components"]["schemas"] if "__" in name] == []


def test_no_route_reads_a_query_or_a_body_by_itself() -> None:
    """FRZ-024: what a document does not say is not read."""
    read = {"query", "query_string", "rel_url", "read", "json", "text", "post"}
    found = [
        (path.name, node.attr)
        for path in sorted((ROOT / "cutline/http/routes").glob("*.py"))
        if path.name not in ("webhook.py", "probes.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in read and ast.unparse(node.value).endswith("request")
    ]
    assert found == []


def test_a_dump_that_would_break_clients_is_refused(tmp_path: Path) -> None:
    """FRZ-015: the same change passes with a new major version."""
    committed.dump(tmp_path)
    older: dict[str, Any] = json.loads((tmp_path / committed.PUBLIC).read_text("utf-8"))
    older["paths"]["/v1/forgotten"] = {"get": {"operationId": "readForgotten", "responses": {}}}
    (tmp_path / committed.PUBLIC).write_text(json.dumps(older), "utf-8")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(committed.ContractBroken, match="/v1/forgotten: path removed"):
        committed.dump(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    older["info"]["version"] = "0.9.0"
    (tmp_path / committed.PUBLIC).write_text(json.dumps(older), "utf-8")
    committed.dump(tmp_path)
    assert committed.check(tmp_path) == []


def test_the_command_dumps_checks_and_compares(tmp_path: Path) -> None:
    """FRZ-016, ENV-020: exit 1 where clients would break."""
    assert run("dump", "--folder", str(tmp_path))[0] == 0
    code, said = run("check", "--folder", str(tmp_path), "--json")
    assert (code, json.loads(said)["ok"], json.loads(said)["differences"]) == (0, True, [])
    old, new = tmp_path / "public-api.json", tmp_path / "new.json"
    document = json.loads(old.read_text("utf-8"))
    del document["paths"]["/v1/contests"]
    new.write_text(json.dumps(document), "utf-8")
    assert run("compare", str(old), str(old))[0] == 0
    code, said = run("compare", str(old), str(new), "--json")
    assert (code, json.loads(said)["breaking"]) == (1, ["/v1/contests: path removed"])
    assert run("compare", str(new), str(old))[0] == 0
    old.write_text("{}", "utf-8")
    assert run("check", "--folder", str(tmp_path))[0] == 1
    assert run("compare", str(old), str(new))[0] != 0


async def test_every_start_stores_what_is_promised_and_only_once(tmp_path: Path) -> None:
    """FRZ-001, FRZ-002, FRZ-028 to FRZ-034."""
    for _ in range(2):
        async with open_town(tmp_path) as town:
            rows = town.rows(
                "governance",
                "SELECT id, contract_name, version, sha256, spec_json, created_at FROM api_contract_snapshots",
            )
    assert {row[1] for row in rows} == set(DOCUMENTS)
    assert len(rows) == 2
    for identity, name, version, sha256, text, created_at in rows:
        assert str(UUID(identity)) == identity
        assert (version, sha256) == (DOCUMENTS[name].version, DOCUMENTS[name].sha256)
        assert hashlib.sha256(text.encode()).hexdigest() == sha256
        assert created_at.endswith("Z")


async def test_what_was_promised_cannot_be_changed(tmp_path: Path) -> None:
    """FRZ-002, FRZ-003, FRZ-004, FRZ-007: a foreign connection is stopped by the file itself."""
    async with open_town(tmp_path):
        pass
    connection = pysqlite3.connect(DataRoot(tmp_path).path_of("governance"), isolation_level=None)
    snapshots, codes = "api_contract_snapshots is append-only", r"api_error_codes is append-only \(add new rows only\)"
    twin = "SELECT number + 9, lower(id) || 'x', contract_name, version, sha256, spec_json, created_at, log_seq"
    try:
        for sql, message in (
            ("UPDATE api_contract_snapshots SET version = 'v2'", f"^{snapshots}$"),
            ("DELETE FROM api_contract_snapshots", f"^{snapshots}$"),
            ("REPLACE INTO api_contract_snapshots SELECT * FROM api_contract_snapshots", snapshots),
            (f"INSERT INTO api_contract_snapshots {twin} FROM api_contract_snapshots", snapshots),
            ("UPDATE api_error_codes SET http_status = 418", f"^{codes}$"),
            ("DELETE FROM api_error_codes", f"^{codes}$"),
            ("REPLACE INTO api_error_codes SELECT * FROM api_error_codes", codes),
        ):
            with pytest.raises(pysqlite3.IntegrityError, match=message):
                connection.execute(sql)
        named = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    finally:
        connection.close()
    assert {
        "api_contract_snapshots_unique",
        "api_contract_snapshots_block_update",
        "api_contract_snapshots_block_delete",
        "api_error_codes_block_update",
        "api_error_codes_block_delete",
    } <= named


def test_the_whole_table_is_served() -> None:
    assert {one.name for one in ROUTES} < {one.name for one in OPERATIONS}
    assert set(openapi.EDITIONS) == {one.in_document for one in OPERATIONS}


async def test_what_is_served_is_what_is_committed(tmp_path: Path) -> None:
    """The public document for everybody, the other for staff; byte by byte, and once."""
    async with open_town(tmp_path) as town:
        for name, headers in (("public-api", {}), ("admin-api", bearer(token("oscar", "ops")))):
            address = f"{town.url}/v1/openapi/{name}.json"
            async with town.session.get(address, headers=headers) as response:
                assert await response.text() == (committed.FOLDER / f"{name}.json").read_text("utf-8")
                tag = response.headers["ETag"]
            async with town.session.get(address, headers={**headers, "If-None-Match": tag}) as response:
                assert response.status == 304
        async with town.session.get(f"{town.url}/v1/openapi/admin-api.json") as response:
            assert response.status == 401
