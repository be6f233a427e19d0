"""Tournament configs: what loads, what is refused, and how it is said (CFG-001..006)."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel

from cutline.engine.errors import RejectCode
from cutline.engine.tournament import (
    ConfigInvalid,
    canonical,
    from_canonical,
    load,
    model,
    sha256,
)

TOML = """
schema = 1
id = "spring-open"
name = "Spring Open"
currency = "usd"

[event]
provider_event_id = "event-1"
par = 72
rounds = 4
cut_after_round = 2
first_tee_at = 2026-04-09T07:40:00-04:00
ends_at = 2026-04-12T20:00:00-04:00
time_zone = "America/New_York"

[entry]
fee_cents = 1000
max_entries = 100
max_entries_per_user = 3
lock_at = 2026-04-09T07:30:00-04:00
rake_percent = 12.5
payment_minutes = 30

[roster]
size = 3
[[roster.tiers]]
name = "A"
pick = 1
players = ["p1", "p2"]
[[roster.tiers]]
name = "B"
pick = 2
players = ["p3", "p4", "p5"]

[scoring]
metric = "to_par"
count_best = 2
count_per = "event"
direction = "low"
round_weights = [1, 1, 1, 2]
[scoring.not_played]
missed_cut = { rule = "fixed", value = 8 }
withdrawn = { rule = "worst_of_day", plus = 1 }
disqualified = { rule = "drop" }
[scoring.entry_cut]
min_made_cut = 1
[scoring.position_points]
table = [{ from = 1, to = 1, points = 100 }, { from = 2, to = 5, points = 75 }]

[ties]
order = ["winning_score_prediction"]

[prizes]
basis = "percent"
places = [{ from = 1, to = 1, percent = 50 }, { from = 2, to = 3, percent = 25 }]

[settlement]
hold_minutes = 30

[shortened]
min_rounds = 2
"""


def changed(old: str, new: str) -> str:
    assert TOML.count(old) == 1, old
    return TOML.replace(old, new)


def test_a_config_says_everything_and_its_times_are_utc() -> None:
    tournament = load(TOML)
    assert tournament.event.first_tee_at == datetime(2026, 4, 9, 11, 40, tzinfo=UTC)
    assert tournament.event.first_tee_at.tzinfo is UTC
    assert tournament.entry.rake_percent == Decimal("12.5")
    assert [tier.players for tier in tournament.roster.tiers] == [("p1", "p2"), ("p3", "p4", "p5")]
    assert tournament.prizes.places[1].first == 2


def test_the_canonical_text_reads_back_as_the_same_config_with_the_same_hash() -> None:
    tournament = load(TOML)
    text = canonical(tournament)
    assert from_canonical(text) == tournament
    assert canonical(from_canonical(text)) == text
    assert sha256(from_canonical(text)) == sha256(tournament)
    assert json.loads(text)["entry"]["rake_percent"] == 12.5
    assert list(json.loads(text)) == sorted(json.loads(text))


def test_spelling_and_zone_of_the_file_do_not_change_the_hash() -> None:
    same = TOML.replace("2026-04-09T07:40:00-04:00", "2026-04-09T11:40:00Z").replace("percent = 50 ", "percent = 50.0 ")
    assert sha256(load(same)) == sha256(load(TOML))
    assert sha256(load(changed("fee_cents = 1000", "fee_cents = 1001"))) != sha256(load(TOML))


def test_a_config_cannot_be_changed() -> None:
    tournament = load(TOML)
    with pytest.raises(ValueError, match="frozen"):
        tournament.entry.fee_cents = 1


def test_fixed_prizes_and_a_rake_in_cents_load() -> None:
    text = changed("rake_percent = 12.5", "rake_cents = 100").replace('basis = "percent"', 'basis = "fixed"')
    tournament = load(text.replace("percent = 50 ", "cents = 5000 ").replace("percent = 25 ", "cents = 2500 "))
    assert (tournament.entry.rake_cents, tournament.prizes.places[1].cents) == (100, 2500)


REFUSED = [
    ("schema = 1", "schema = 2", "schema: 2: must be 1"),
    ("schema = 1", "", "schema: (missing): is required"),
    ('id = "spring-open"', 'id = "Spring Open"', "id: Spring Open: must match"),
    ("par = 72", "par = 72\nlength = 7000", "event.length: 7000: is not a known key"),
    ("rounds = 4\n", 'rounds = "4"\n', "event.rounds: 4: must be a whole number"),
    ("rounds = 4\n", "rounds = 0\n", "event.rounds: 0: must be at least 1"),
    ("cut_after_round = 2", "cut_after_round = 4", "event.cut_after_round: 4: must be below event.rounds (4)"),
    (
        "tee_at = 2026-04-09T07:40:00-04:00",
        "tee_at = 2026-04-09T07:40:00",
        "event.first_tee_at: 2026-04-09T07:40:00: must be a date and time with an offset",
    ),
    ("lock_at = 2026-04-09T07:30:00-04:00", "lock_at = 2026-04-09", "entry.lock_at: 2026-04-09: must be a date and"),
    ("lock_at = 2026-04-09T07:30:00-04:00", "lock_at = 1775720000", "entry.lock_at: 1775720000: must be a date and"),
    (
        "lock_at = 2026-04-09T07:30:00-04:00",
        "lock_at = 2026-04-09T07:41:00-04:00",
        "entry.lock_at: 2026-04-09T11:41:00+00:00: must not be after event.first_tee_at (2026-04-09T11:40:00+00:00)",
    ),
    (
        "ends_at = 2026-04-12T20:00:00-04:00",
        "ends_at = 2026-04-09T07:40:00-04:00",
        "event.ends_at: 2026-04-09T11:40:00+00:00: must be after event.first_tee_at",
    ),
    ("America/New_York", "America/Augusta", "event.time_zone: America/Augusta: must be a zone of the tz database"),
    ("America/New_York", "America", "event.time_zone: America: must be a zone"),
    ("America/New_York", "../etc/passwd", "event.time_zone: ../etc/passwd: must be a zone"),
    ("fee_cents = 1000", "fee_cents = -1", "entry.fee_cents: -1: must be at least 0"),
    ("fee_cents = 1000", "fee_cents = 10.0", "entry.fee_cents: 10.0: must be a whole number"),
    ("fee_cents = 1000", "fee_cents = true", "entry.fee_cents: true: must be a whole number"),
    ("max_entries = 100", "max_entries = 2", "entry.max_entries_per_user: 3: must be at most entry.max_entries (2)"),
    ("rake_percent = 12.5", "", "entry.rake_percent: (missing): either entry.rake_percent or entry.rake_cents"),
    ("rake_percent = 12.5", "rake_percent = 5\nrake_cents = 5", "entry.rake_cents: 5: must not stand beside"),
    ("rake_percent = 12.5", "rake_percent = 101", "entry.rake_percent: 101: must be a number from 0 to 100"),
    ("rake_percent = 12.5", "rake_percent = nan", "entry.rake_percent: NaN: must be a number from 0 to 100"),
    ("rake_percent = 12.5", "rake_percent = 1.255", "entry.rake_percent: 1.255: must have at most two decimals"),
    ("rake_percent = 12.5", 'rake_percent = "5"', "entry.rake_percent: 5: must be a number from 0 to 100"),
    ("rake_percent = 12.5", "rake_cents = 1001", "entry.rake_cents: 1001: must be at most entry.fee_cents (1000)"),
    ("size = 3", "size = 4", "roster.size: 4: must be the sum of the tiers' picks (3)"),
    ('players = ["p1", "p2"]', 'players = ["p1", "p3"]', "roster.tiers[1].players[0]: p3: must be listed once"),
    ('players = ["p1", "p2"]', "players = []", "roster.tiers[0].players: []: must have at least 1"),
    ('players = ["p1", "p2"]', 'players = ["p1", 2]', "roster.tiers[0].players[1]: 2: must be a text"),
    ('name = "B"', 'name = "A"', "roster.tiers[1].name: A: must differ"),
    ("pick = 2", "pick = 4", "roster.tiers[1].pick: 4: must be at most the tier's players (3)"),
    ("count_best = 2", "count_best = 7", "scoring.count_best: 7: must be at most roster.size (3)"),
    ('metric = "to_par"', 'metric = "topar"', "scoring.metric: topar: must be 'to_par', 'strokes'"),
    ("[1, 1, 1, 2]", "[1, 1, 1]", "scoring.round_weights: [1, 1, 1]: must have one weight a round (4)"),
    ("[1, 1, 1, 2]", "[0, 0, 0, 0]", "scoring.round_weights: [0, 0, 0, 0]: must have a weight above 0"),
    (", value = 8 }", " }", "scoring.not_played.missed_cut.value: (missing): is required by rule fixed"),
    ('rule = "drop"', 'rule = "drop", value = 3', "scoring.not_played.disqualified.value: 3: must not stand beside"),
    ('rule = "drop"', 'rule = "drop", plus = 3', "scoring.not_played.disqualified.plus: 3: must not stand beside"),
    ("min_made_cut = 1", "min_made_cut = 4", "scoring.entry_cut.min_made_cut: 4: must be at most roster.size (3)"),
    ("cut_after_round = 2", "cut_after_round = 0", "scoring.entry_cut.min_made_cut: 1: must be 0 where"),
    ("from = 2, to = 5, points", "from = 3, to = 5, points", "scoring.position_points.table[1].from: 3: must be 2"),
    ("from = 2, to = 3, percent", "from = 1, to = 3, percent", "prizes.places[1].from: 1: must be 2"),
    ("from = 2, to = 3, percent", "from = 4, to = 5, percent", "prizes.places[1].from: 4: must be 2"),
    ("from = 2, to = 3, percent", "from = 2, to = 1, percent", "prizes.places[1].to: 1: must be at least from (2)"),
    ("percent = 25", "percent = 20", "prizes.places: 90 percent: must sum to 100"),
    ("percent = 50", "percent = 0", "prizes.places[0].percent: 0: must be above 0"),
    ("percent = 50", "percent = 20", "prizes.places[1].percent: 25: must not be more than a better place wins"),
    ("percent = 50", "cents = 50", "prizes.places[0].cents: 50: must not stand beside basis percent"),
    ('basis = "percent"', 'basis = "fixed"', "prizes.places[0].cents: (missing): is required by basis fixed"),
    ('order = ["winning_score_prediction"]', 'order = ["coin"]', "ties.order[0]: coin: must be 'winning_score"),
    ("hold_minutes = 30", "", "settlement.hold_minutes: (missing): is required"),
    ("min_rounds = 2", "min_rounds = 5", "shortened.min_rounds: 5: must be at most event.rounds (4)"),
]


@pytest.mark.parametrize(("old", "new", "said"), REFUSED)
def test_a_refusal_names_the_path_the_value_and_what_would_be_right(old: str, new: str, said: str) -> None:
    """CFG-003, CFG-004, CFG-005."""
    with pytest.raises(ConfigInvalid) as refused:
        load(changed(old, new))
    assert any(str(fault).startswith(said) for fault in refused.value.faults), str(refused.value)
    assert refused.value.code is RejectCode.CONFIG_INVALID


def test_every_fault_is_named_at_once() -> None:
    text = changed("count_best = 2", "count_best = 9").replace("min_rounds = 2", "min_rounds = 9")
    with pytest.raises(ConfigInvalid) as refused:
        load(text)
    assert [fault.path for fault in refused.value.faults] == ["shortened.min_rounds", "scoring.count_best"]


def test_fixed_prizes_beyond_the_largest_pot_are_refused() -> None:
    text = changed('basis = "percent"', 'basis = "fixed"').replace("percent = 50 ", "cents = 60000 ")
    with pytest.raises(ConfigInvalid, match=re.escape("must be at most the largest net pot (87500 cents)")):
        load(text.replace("percent = 25 ", "cents = 20000 "))


@pytest.mark.parametrize("text", ["id = ", "a = 1\na = 2", "[" * 5000, "\x00"])
def test_what_is_not_toml_is_refused(text: str) -> None:
    with pytest.raises(ConfigInvalid, match="not TOML"):
        load(text)


@pytest.mark.parametrize("text", ["", "[]", '{"a": NaN}', '{"a": 1, "a": 2}'])
def test_what_is_not_a_stored_config_is_refused(text: str) -> None:
    with pytest.raises(ConfigInvalid):
        from_canonical(text)


def test_no_rule_has_a_silent_default() -> None:
    """CFG-003: a key that decides something must be written; what may be left out means that there is none of it."""
    tables = [kind for kind in vars(model).values() if isinstance(kind, type) and issubclass(kind, BaseModel)]
    optional = {
        f"{table.__name__}.{key}"
        for table in tables
        for key, info in table.model_fields.items()
        if not info.is_required()
    }
    assert optional == {
        "EventTerms.par",
        "EventTerms.amateurs",
        "EntryTerms.rake_percent",
        "EntryTerms.rake_cents",
        "RosterTerms.tiers",
        "RosterTerms.limits",
        "RosterTerms.salary",
        "RosterTerms.substitutes",
        "SalaryTerms.free_picks",
        "SubstituteTerms.ranking",
        "NotPlayedRule.value",
        "NotPlayedRule.plus",
        "ScoringTerms.position_points",
        "ScoringTerms.hole_points",
        "PositionPointsTerms.ties",
        "ScoringTerms.bonuses",
        "Bonus.first",
        "Bonus.last",
        "PrizeRow.percent",
        "PrizeRow.cents",
        "PrizeTerms.daily",
        "DailyPrize.percent",
        "DailyPrize.cents",
        "ShortenedTerms.incomplete_round",
    }


def test_the_engine_names_no_tournament() -> None:
    """CFG-002: rules come from configs; no tournament's name stands in the engine."""
    names = re.compile(r"masters|augusta|pga champ|u\.?s\.? open|open championship", re.IGNORECASE)
    engine = Path(__file__).parents[3] / "cutline" / "engine"
    assert [str(path) for path in engine.rglob("*.py") if names.search(path.read_text())] == []
