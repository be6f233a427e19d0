"""What a release promises is recorded once, and a code keeps what it means."""

from __future__ import annotations

from msgspec.structs import replace

from cutline.engine.errors import RejectCode
from cutline.engine.governance import GovernanceMachine
from cutline.engine.messages import ContractText, ErrorCodeRow, RegisterContracts
from tests.engine.driver import File, at, types

NOW = at("2026-04-01 09:00")
TEXT = ContractText(name="public-api", version="1.0.0", sha256="a" * 64, spec_json="{}")
FULL = ErrorCodeRow(code="CONTEST_FULL", http_status=409, scope="public", description="Every seat is taken.")
RELEASE = RegisterContracts(contracts=(TEXT,), codes=(FULL,))


def promised() -> File:
    file = File(GovernanceMachine())
    assert types(file.send(RELEASE, NOW)) == ["ContractPublished", "ErrorCodeRegistered"]
    return file


def test_the_same_release_again_records_nothing() -> None:
    """FRZ-002, FRZ-021."""
    file = promised()
    assert file.send(RELEASE, NOW) == []
    assert file.reply == {"contracts": 0, "codes": 0}


def test_a_new_text_and_a_new_code_are_added() -> None:
    """FRZ-028: also one under the version of the last."""
    file = promised()
    newer = replace(TEXT, sha256="b" * 64)
    late = replace(FULL, code="CONTEST_LATE")
    assert types(file.send(RegisterContracts(contracts=(newer, TEXT), codes=(FULL, late)), NOW)) == [
        "ContractPublished",
        "ErrorCodeRegistered",
    ]
    assert file.reply == {"contracts": 1, "codes": 1}


def test_a_code_that_changes_its_meaning_is_refused_whole_and_alerted() -> None:
    """FRZ-036: one status a code; nothing of the release is recorded, and better words are no change."""
    file = promised()
    worded = replace(FULL, description="No seat is left.")
    assert file.send(RegisterContracts(contracts=(), codes=(worded,)), NOW) == []
    for changed in (replace(FULL, http_status=410), replace(FULL, scope="admin")):
        release = RegisterContracts(contracts=(replace(TEXT, sha256="b" * 64),), codes=(changed,))
        assert file.send(release, NOW) == []
        assert (file.reply.code, file.reply.details) == (RejectCode.CONTRACT_BROKEN, {"codes": ["CONTEST_FULL"]})
    assert [effect.name for effect in file.effects] == ["contract_broken", "contract_broken"]
