"""Versions of configs, and contests from plan to quarantine."""

import pytest

from cutline.engine.governance import GovernanceMachine
from cutline.engine.messages import (
    ContestReady,
    CreateContest,
    Look,
    PlanContest,
    PublishConfig,
    QuarantineContest,
    ReadDirectory,
    ReleaseContest,
)
from tests.engine.driver import File, at, types

NOW = at("2026-04-01 09:00")
PLAN = PlanContest(contest_id="c1", config_id="open", actor="admin:1")


def publish(content: str) -> PublishConfig:
    return PublishConfig(
        config_id="open", config_json=f'{{"v":"{content}"}}', config_sha256=content * 64, actor="admin:1"
    )


def governed() -> File:
    file = File(GovernanceMachine())
    file.send(publish("a"), NOW)
    return file


def test_each_new_content_is_a_version_and_the_same_content_is_none() -> None:
    file = governed()
    assert file.reply["version"] == 1
    assert file.send(publish("a"), NOW) == []
    assert (file.reply["version"], file.reply["deduped"]) == (1, True)
    file.send(publish("b"), NOW)
    assert file.reply["version"] == 2
    file.send(publish("a"), NOW)
    assert file.reply["version"] == 3


def test_a_contest_is_planned_from_the_newest_version_and_its_creation_is_owed() -> None:
    file = governed()
    file.send(publish("b"), NOW)
    assert types(file.send(PLAN, NOW)) == ["ContestPlanned"]
    assert file.reply["config_sha256"] == "b" * 64
    (owed,) = file.owed
    assert owed.to == "contest/c1"
    assert owed.message == CreateContest(contest_id="c1", config_json='{"v":"b"}', config_sha256="b" * 64)


def test_planning_again_answers_with_the_plan_even_after_a_newer_version() -> None:
    file = governed()
    file.send(PLAN, NOW)
    file.send(publish("b"), NOW)
    assert file.send(PLAN, NOW) == []
    assert (file.reply["config_sha256"], file.reply["deduped"]) == ("a" * 64, True)


def test_planning_is_refused_for_another_config_and_without_a_version() -> None:
    file = governed()
    file.send(PLAN, NOW)
    other = PlanContest(contest_id="c1", config_id="other", actor="admin:1")
    assert file.refuse(other, NOW).code == "CONTEST_EXISTS"
    unpublished = PlanContest(contest_id="c2", config_id="other", actor="admin:1")
    assert file.refuse(unpublished, NOW).code == "NOT_FOUND"


def test_the_directory_tells_planned_from_created_and_quarantined() -> None:
    """Only after its creation is a contest's missing file a fault."""
    file = governed()
    file.send(PLAN, NOW)
    file.send(ReadDirectory(), NOW)
    assert file.reply["contests"][0]["created_at"] is None
    assert types(file.send(ContestReady(contest_id="c1"), NOW)) == ["ContestConfirmed"]
    assert file.send(ContestReady(contest_id="c1"), NOW) == []
    quarantine = QuarantineContest(contest_id="c1", reason="hash chain broken")
    assert types(file.send(quarantine, NOW)) == ["ContestQuarantined"]
    assert file.send(quarantine, NOW) == []
    file.send(ReadDirectory(), NOW)
    listed = file.reply["contests"][0]
    assert (listed["created_at"], listed["quarantine"]) == (NOW, "hash chain broken")


def test_a_released_contest_may_be_quarantined_again() -> None:
    file = governed()
    file.send(PLAN, NOW)
    quarantine = QuarantineContest(contest_id="c1", reason="r")
    release = ReleaseContest(contest_id="c1", actor="ops", reason="restored")
    assert file.send(release, NOW) == []
    assert [len(file.send(command, NOW)) for command in (quarantine, release, quarantine)] == [1, 1, 1]
    file.assert_replays()


@pytest.mark.parametrize(
    "command",
    [
        ContestReady(contest_id="c9"),
        QuarantineContest(contest_id="c9", reason="r"),
        ReleaseContest(contest_id="c9", actor="ops", reason="r"),
    ],
)
def test_unknown_contests_are_refused(command: object) -> None:
    assert governed().refuse(command, NOW).code == "NOT_FOUND"


def test_governance_waits_for_no_clock() -> None:
    file = governed()
    assert file.send(Look(), NOW) == []
    assert file.machine.due_at(file.state) is None
    assert file.machine.resume(file.state, NOW) == ()
