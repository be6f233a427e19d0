"""Versions of configs, and contests from plan to quarantine."""

import pytest

from cutline.engine.governance import GovernanceMachine
from cutline.engine.messages import (
    AdoptConfig,
    ContestReady,
    CreateContest,
    Look,
    PlanContest,
    PublishConfig,
    QuarantineContest,
    RaiseAlert,
    ReadConfig,
    ReadDirectory,
    ReadPlan,
    RecordValidation,
    ReleaseContest,
    RollBackConfig,
)
from tests.engine.driver import File, at, types

NOW = at("2026-04-01 09:00")
PLAN = PlanContest(contest_id="c1", config_id="open", actor="admin:1")


def publish(content: str, *, needs_validation: bool = False) -> PublishConfig:
    return PublishConfig(
        config_id="open",
        config_json=f'{{"v":"{content}"}}',
        config_sha256=content * 64,
        actor="admin:1",
        needs_validation=needs_validation,
    )


def roll_back(version: int) -> RollBackConfig:
    return RollBackConfig(config_id="open", version=version, actor="admin:1", reason="wrong prizes")


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


def test_only_what_was_validated_is_published_where_that_is_needed() -> None:
    """CFG-008: the very same content, by its sha256."""
    file = File(GovernanceMachine())
    wanted = publish("a", needs_validation=True)
    assert file.refuse(wanted, NOW).code == "CONFIG_NOT_VALIDATED"
    passed = RecordValidation(config_id="open", config_sha256="b" * 64, report={"entries": 5}, actor="ops:1")
    assert types(file.send(passed, NOW)) == ["ConfigValidated"]
    assert file.refuse(wanted, NOW).code == "CONFIG_NOT_VALIDATED"
    assert types(file.send(publish("b", needs_validation=True), NOW)) == ["ConfigPublished"]
    assert file.send(passed, NOW) == []
    assert file.reply["deduped"]
    file.send(ReadConfig(config_id="open"), NOW)
    assert (file.reply["version"], file.reply["validated"], file.reply["active"]) == (1, True, True)


def test_a_rollback_publishes_what_stood_before_and_alerts_once() -> None:
    """CFG-010: version n+1 has the content of n-1; nothing is taken back."""
    file = governed()
    file.send(publish("b"), NOW)
    (published,) = file.send(roll_back(2), NOW)
    assert (published.version, published.config_sha256, published.rolls_back) == (3, "a" * 64, 2)
    assert file.send(roll_back(2), NOW) == []
    assert (file.reply["version"], file.reply["deduped"]) == (3, True)
    (alert,) = file.effects
    assert isinstance(alert, RaiseAlert)
    assert alert.name == "config_rolled_back"
    file.send(ReadConfig(config_id="open"), NOW)
    assert [version["config_sha256"][0] for version in file.reply["versions"]] == ["a", "b", "a"]
    assert (file.reply["config_json"], file.reply["published_at"]) == ('{"v":"a"}', NOW)
    file.assert_replays()


def test_a_rollback_needs_the_newest_version_and_one_before_it() -> None:
    file = governed()
    assert [file.refuse(roll_back(version), NOW).code for version in (0, 1, 2)] == ["NOT_FOUND"] * 3
    for content in "bc":
        file.send(publish(content), NOW)
    assert file.refuse(roll_back(2), NOW).code == "CONFIG_SUPERSEDED"


def test_reading_what_was_never_published_is_not_found() -> None:
    file = governed()
    for command in (ReadConfig(config_id="other"), ReadConfig(config_id="open", version=2), ReadPlan(contest_id="c9")):
        assert file.refuse(command, NOW).code == "NOT_FOUND"
    file.send(publish("b"), NOW)
    file.send(ReadConfig(config_id="open", version=1), NOW)
    assert (file.reply["version"], file.reply["active"]) == (1, False)


def adoptions(file: File) -> list[tuple[str, int]]:
    return [(owed.to, owed.message.version) for owed in file.owed if isinstance(owed.message, AdoptConfig)]


def test_a_version_is_owed_to_every_contest_of_its_configuration_that_exists() -> None:
    """C-28: which of them may still change is for each to say."""
    file = governed()
    for contest_id in ("c1", "c2", "c3"):
        file.send(PlanContest(contest_id=contest_id, config_id="open", actor="admin:1"), NOW)
    file.send(PublishConfig(config_id="other", config_json="{}", config_sha256="e" * 64, actor="admin:1"), NOW)
    file.send(PlanContest(contest_id="d1", config_id="other", actor="admin:1"), NOW)
    for contest_id in ("c1", "c2", "d1"):
        file.send(ContestReady(contest_id=contest_id), NOW)
    assert adoptions(file) == []
    file.send(publish("b"), NOW)
    assert adoptions(file) == [("contest/c1", 2), ("contest/c2", 2)]
    # One whose file came later hears of it then, and one planned from the newest hears nothing.
    file.send(ContestReady(contest_id="c3"), NOW)
    file.send(PlanContest(contest_id="c4", config_id="open", actor="admin:1"), NOW)
    file.send(ContestReady(contest_id="c4"), NOW)
    assert adoptions(file)[2:] == [("contest/c3", 2)]
    file.send(ReadPlan(contest_id="c1"), NOW)
    assert (file.reply["contest_id"], file.reply["version"], file.reply["config_json"]) == ("c1", 2, '{"v":"b"}')
    file.assert_replays()
