"""The environment is read once and judged whole: what is missing or contradicts itself stops the start by its name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from cutline.commands.output import CommandFailed
from cutline.commands.serving import read_settings
from cutline.engine.ledger import accounts
from cutline.settings import ALIASES, Settings

ROOT = Path(__file__).resolve().parents[1]
GOOD = {
    "CUTLINE_JWT_SECRET": "a-secret-of-the-tests-that-is-long-enough",
    "SETTLE_ADMIN_KEY": "settle",
    "LEDGER_ADMIN_KEY": "ledger",
    "STRIPE_API_KEY": "sk_test_x",
    "STRIPE_WEBHOOK_SECRET": "whsec_1",
    "INGESTION_ENDPOINT_URL": "https://scores.example/leaderboard.json",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (*Settings.model_fields, *ALIASES):
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refusal(**given: object) -> str:
    with pytest.raises(CommandFailed) as refused:
        read_settings(**given)
    return refused.value.message


def test_a_complete_environment_is_taken(environment: pytest.MonkeyPatch) -> None:
    settings = read_settings()
    assert settings.environment == "test"
    assert settings.livemodes == {False}
    assert settings.refused_channels == set()
    environment.setenv("CUTLINE_JWT_SECRET", "one-secret-that-is-long-enough-12345, another")
    environment.setenv("SETTLE_ADMIN_KEY", "new,old,")
    assert read_settings().jwt_secrets == ("one-secret-that-is-long-enough-12345", "another")
    assert read_settings().settle_admin_keys == ("new", "old")


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_variable_is_named(name: str, environment: pytest.MonkeyPatch) -> None:
    """ENV-002, ENV-003, ENV-005, ENV-012."""
    environment.delenv(name)
    assert name in refusal()


@pytest.mark.parametrize(
    "name", ["CUTLINE_JWT_SECRET", "SETTLE_ADMIN_KEY", "LEDGER_ADMIN_KEY", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET"]
)
@pytest.mark.parametrize("blank", ["", " ", ",", " , "])
def test_a_blank_secret_is_named(name: str, blank: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv(name, blank)
    assert name in refusal()


@pytest.mark.parametrize(
    ("environment_name", "key", "taken"),
    [
        ("test", "sk_test_x", True),
        ("staging", "rk_test_x", True),
        ("production", "sk_live_x", True),
        ("production", "rk_live_x", True),
        ("test", "sk_live_x", False),
        ("staging", "sk_live_x", False),
        ("staging", "rk_live_x", False),
        ("production", "sk_test_x", False),
        ("test", "pk_test_x", False),
        ("test", "replace-me", False),
        ("test", "sk_test_", False),
    ],
)
def test_keys_fit_their_environment(
    environment_name: str, key: str, taken: bool, environment: pytest.MonkeyPatch
) -> None:
    """ENV-002: no real money outside production, and no pretended money there; the key itself is never shown."""
    environment.setenv("SETTLE_ENV", environment_name)
    environment.setenv("STRIPE_API_KEY", key)
    if taken:
        assert read_settings().environment == environment_name
    else:
        said = refusal()
        assert "STRIPE_API_KEY" in said
        assert key not in said.split()


@pytest.mark.parametrize(
    ("alias", "same", "name", "other"),
    [
        ("STRIPE_WEBHOOK_SIGNING_SECRET", "whsec_1", "STRIPE_WEBHOOK_SECRET", "whsec_2"),
        ("APP_ENV", "test", "SETTLE_ENV", "staging"),
        ("DATABASE_URL", "sqlite:////srv/cutline", "CUTLINE_DATA_DIR", "/srv/other"),
    ],
)
def test_another_name_of_a_variable_must_not_contradict_it(
    alias: str, same: str, name: str, other: str, environment: pytest.MonkeyPatch
) -> None:
    """ENV-003, ENV-004, ENV-007, ENV-011, C-10: alone it is enough, and two that differ stop the start."""
    environment.delenv(name, raising=False)
    environment.setenv(alias, same)
    settings = read_settings()
    assert (settings.webhook_secrets, settings.environment) == (("whsec_1",), "test") or alias != "APP_ENV"
    if alias == "DATABASE_URL":
        assert settings.cutline_data_dir == Path("/srv/cutline")
    environment.setenv(name, same.removeprefix("sqlite:///"))
    read_settings()
    environment.setenv(name, other)
    said = refusal()
    assert alias in said
    assert name in said
    assert "whsec" not in said


@pytest.mark.parametrize("url", ["postgres://localhost/cutline", "sqlite:///", "data"])
def test_a_database_must_be_a_folder(url: str, environment: pytest.MonkeyPatch) -> None:
    """ENV-011."""
    environment.setenv("DATABASE_URL", url)
    assert "DATABASE_URL" in refusal()


def test_only_settings_knows_the_environments_name() -> None:
    """ENV-001, C-09: elsewhere nothing asks for it, and nothing is compared with it."""
    names = {"production", "staging"}
    found = []
    for path in sorted((ROOT / "cutline").rglob("*.py")):
        if path.name == "settings.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            asks = isinstance(node, ast.Attribute) and node.attr in ("settle_env", "app_env")
            compares = isinstance(node, ast.Compare) and any(
                isinstance(side, ast.Constant) and side.value in names for side in (node.left, *node.comparators)
            )
            matches = isinstance(node, ast.MatchValue) and getattr(node.value, "value", None) in names
            if asks or compares or matches:
                found.append((path.name, ast.unparse(node)))
    assert found == []


def test_only_settings_reads_the_environment_of_the_engine() -> None:
    """ENV-001: no other module reads a variable that is a setting, but the command that needs one of them alone."""
    wanted = {name.upper() for name in Settings.model_fields}
    found = {
        (path.name, node.value)
        for path in sorted((ROOT / "cutline").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.environ.get", "os.getenv")
        for node in node.args[:1]
        if isinstance(node, ast.Constant) and node.value in wanted
    }
    assert found == {("talking.py", "CUTLINE_JWT_SECRET"), ("upkeep.py", "CUTLINE_JWT_SECRET")}


STATED = (
    "STRIPE_API_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "INGESTION_ENDPOINT_URL",
    "API_BASE_URL",
    "STRIPE_API_KEY_PROD",
    "STRIPE_API_KEY_STAGING",
    "STRIPE_WEBHOOK_SECRET_PROD",
    "STRIPE_WEBHOOK_SECRET_STAGING",
    "INGESTION_ENDPOINT_URL_PROD",
    "INGESTION_ENDPOINT_URL_STAGING",
    "STRIPE_WEBHOOK_SIGNING_SECRET",
    "LEDGER_ADMIN_KEY",
    "SETTLE_ADMIN_KEY",
    "SETTLE_ENV",
    "STRIPE_ALLOW_TESTMODE_EVENTS_IN_PROD",
    "PAYOUTS_CLEARING_DOMAIN",
    "PAYOUT_STUCK_MINUTES_DEFAULT",
    "STRIPE_CONNECT_ONBOARD_BASE_URL",
    "NETTING_*",
    "LOSS_EVENTS",
    "SKIP_STRESS_TESTS",
    "NODE_ENV",
    "DATABASE_URL",
)
"""Every variable that the documents name."""


def test_every_variable_is_explained() -> None:
    """ENV-006, ENV-008, ENV-010: those that are read, and those that are read elsewhere or by nobody."""
    page = (ROOT / "docs/environment.md").read_text("utf-8")
    known = [*STATED, *(name.upper() for name in (*Settings.model_fields, *ALIASES))]
    assert [name for name in known if f"`{name}`" not in page] == []
    left_out = page.partition("## Names from the documents that the engine does not read")[2]
    assert [name for name in known if f"`{name}`" in left_out and name.lower() in Settings.model_fields] == []


def test_payouts_drain_into_a_clearing_account_that_the_chart_has(environment: pytest.MonkeyPatch) -> None:
    """POUT-022, POUT-023: another domain would divide the books, and is refused by name."""
    settings = read_settings()
    assert settings.payouts_clearing_did == "did:internal:clearing:payouts"
    assert settings.payouts_clearing_did.removeprefix(accounts.INTERNAL) == accounts.PAYOUTS
    assert settings.payout_stuck_minutes_default == 60
    environment.setenv("PAYOUTS_CLEARING_DOMAIN", "elsewhere")
    assert "PAYOUTS_CLEARING_DOMAIN" in refusal()
    environment.setenv("PAYOUTS_CLEARING_DOMAIN", "payouts")
    environment.setenv("PAYOUT_STUCK_MINUTES_DEFAULT", "0")
    assert "PAYOUT_STUCK_MINUTES_DEFAULT" in refusal()


def test_the_example_names_every_required_variable_and_no_unknown_one() -> None:
    lines = (ROOT / "deploy/env.example").read_text("utf-8").splitlines()
    named = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    assert set(GOOD) <= named
    assert named <= {name.upper() for name in Settings.model_fields}
