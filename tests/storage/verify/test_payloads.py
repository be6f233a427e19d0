"""What the log says to whoever reads it as JSON is what its events say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cutline.engine.codec import Codec
from cutline.storage.event_log import Entry
from cutline.storage.verify import Code, verify_root
from cutline.storage.verify.payloads import entry_says_otherwise, says_otherwise
from tests.storage.verify.tampering import forge_text, path_of

WRITTEN = '{"a":1,"b":{"c":[1,2.5],"d":null},"e":"x"}'


@pytest.mark.parametrize(
    "payload",
    [WRITTEN, '{ "e": "x", "b": {"d": null, "c": [1, 2.5]}, "a": 1 }', '{"a":1,"b":{"c":[1,2.5]}}', "{}"],
    ids=["the same bytes", "another order", "fields that an older release did not know", "none of them"],
)
def test_what_says_the_same_in_another_way_is_no_difference(payload: str) -> None:
    assert says_otherwise(payload, WRITTEN) is None


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ('{"a":2}', "$.a is 2, its event says 1"),
        ('{"a":1.0}', "$.a is 1.0, its event says 1"),
        ('{"a":true}', "$.a is True, its event says 1"),
        ('{"f":1}', "$.f is unknown to its event"),
        ('{"b":{"c":[1,2.5],"posting":{}}}', "$.b.posting is unknown to its event"),
        ('{"b":{"c":[2.5,1]}}', "$.b.c[0] is 2.5, its event says 1"),
        ('{"b":{"c":[1]}}', "$.b.c is [1], its event says [1, 2.5]"),
        ('{"b":[]}', "$.b is [], its event says {'c': [1, 2.5], 'd': None}"),
        ('{"a":2,"a":1}', "it says 'a' twice"),
        ('{"b":{"d":1,"d":null}}', "it says 'd' twice"),
        ('{"f":' * 5_000 + "1" + "}" * 5_000, "it is nested too deep"),
    ],
)
def test_what_its_event_does_not_say_is_named(payload: str, why: str) -> None:
    assert says_otherwise(payload, WRITTEN) == why


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """An event that carries what came as it came."""

    note: str
    rest: Any = None

    @property
    def key(self) -> str:
        return f"noted:{self.note}"


def entry_of(key: str, payload: str) -> Entry:
    return Entry(1, "Noted", key, datetime(2026, 4, 9, tzinfo=UTC), "test", payload, bytes(32))


def test_a_row_under_another_key_than_its_events_is_named() -> None:
    codec, payload = Codec({"Noted": Noted}), '{"note":"a","rest":null}'
    event = codec.decode("Noted", payload)
    assert entry_says_otherwise(entry_of("noted:a", payload), event, codec) is None
    assert entry_says_otherwise(entry_of("noted:b", payload), event, codec) == "the key of its event is 'noted:a'"


def test_an_event_too_deep_to_be_written_again_is_named() -> None:
    deep: Any = None
    for _ in range(100_000):
        deep = [deep]
    event = Noted(note="a", rest=deep)
    assert entry_says_otherwise(entry_of(event.key, "{}"), event, Codec({"Noted": Noted})) == "it is nested too deep"


POSTING = json.dumps(
    {
        "effect_key": "forged",
        "kind": "settlement",
        "currency": "usd",
        "legs": [["rake", 100, 100], ["user:did:x:available", -100, -100]],
        "occurred_at": "2026-04-12T20:00:00Z",
        "hold_source": None,
    }
)


@pytest.mark.parametrize(
    ("kind", "old", "new", "said"),
    [
        ("AccountOpened", '{"account":', f'{{"posting":{POSTING},"account":', "$.posting is unknown to its event"),
        ("TransactionPosted", '"posting":', f'"posting":{POSTING},"posting":', "it says 'posting' twice"),
        ("TransactionPosted", '"kind":', '"kind":"settlement","kind":', "it says 'kind' twice"),
        ("TransactionPosted", 'Z","hold_source"', '","hold_source"', "is not a time in UTC"),
        ("TransactionPosted", 'Z","hold_source"', '+02:00","hold_source"', "is not a time in UTC"),
    ],
    ids=["a posting beside an event", "two postings", "two kinds", "no zone", "another zone"],
)
def test_what_the_views_would_read_otherwise_is_named_though_the_chain_was_computed_anew(
    root: Path, kind: str, old: str, new: str, said: str
) -> None:
    forge_text(path_of(root, "ledger"), kind, lambda payload: payload.replace(old, new, 1))
    found = [problem for problem in verify_root(root).problems if problem.code is Code.PAYLOAD_DIFFERS]
    assert [problem.message.endswith(said) for problem in found] == [True]
