"""Events as JSON and back: what is written gives the same event again, and what has another shape is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

import freezegun
import msgspec
import pytest
from msgspec import Struct

from cutline.engine.codec import Codec, event_json


class Happened(Struct, frozen=True, kw_only=True):
    """An event of these tests."""

    at: datetime
    count: int
    kind: Literal["a", "b"] = "a"
    legs: tuple[tuple[str, int], ...] = ()
    said: Mapping[str, str] | None = None


CODEC = Codec({"Happened": Happened})
NOON = datetime(2026, 4, 9, 12, tzinfo=UTC)


def test_an_event_is_written_in_the_order_of_its_class_with_the_keys_of_mappings_sorted() -> None:
    event = Happened(at=NOON, count=2, legs=(("x", -1), ("y", 1)), said={"b": "2", "a": "\u00e9\n"})
    text = (
        '{"at":"2026-04-09T12:00:00Z","count":2,"kind":"a","legs":[["x",-1],["y",1]],"said":{"a":"\u00e9\\n","b":"2"}}'
    )
    assert CODEC.encode(event) == text == event_json(event).decode()
    assert CODEC.decode("Happened", text) == event


def test_a_held_clocks_time_is_written_as_any_other_and_read_as_a_plain_one() -> None:
    with freezegun.freeze_time("2026-04-09T12:00:00.25Z"):
        held = CODEC.encode(Happened(at=datetime.now(UTC), count=1))
        again = CODEC.decode("Happened", held)
    plain = Happened(at=NOON.replace(microsecond=250_000), count=1)
    assert held == CODEC.encode(plain)
    assert again == plain
    assert type(again.at) is type(NOON)


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=-4)))
    assert CODEC.decode("Happened", CODEC.encode(Happened(at=there, count=1))).at == NOON


@pytest.mark.parametrize(
    "said",
    [
        "{",
        "[]",
        "{}",
        '{"at":"2026-04-09T12:00:00Z"}',
        '{"at":"2026-04-09","count":1}',
        '{"at":1775736000,"count":1}',
        '{"at":"2026-04-09T12:00:00Z","count":"1"}',
        '{"at":"2026-04-09T12:00:00Z","count":1.0}',
        '{"at":"2026-04-09T12:00:00Z","count":true}',
        '{"at":"2026-04-09T12:00:00Z","count":1,"kind":"c"}',
        '{"at":"2026-04-09T12:00:00Z","count":1,"legs":[["x"]]}',
        '{"at":"2026-04-09T12:00:00Z","count":1,"said":{"a":1}}',
    ],
)
def test_a_payload_of_another_shape_is_refused_and_never_bent(said: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        CODEC.decode("Happened", said)


@pytest.mark.parametrize("field", ["said", "unheard_of"])
def test_a_payload_that_is_nested_beyond_reading_is_refused_like_any_other(field: str) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    with pytest.raises(msgspec.DecodeError):
        CODEC.decode("Happened", f'{{"at":"2026-04-09T12:00:00Z","count":1,"{field}":{deep}}}')


def test_a_type_that_is_not_known_is_not_guessed() -> None:
    with pytest.raises(KeyError):
        CODEC.decode("Imagined", "{}")


def test_what_json_has_no_place_for_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot hold complex"):
        CODEC.encode(Happened(at=NOON, count=1, said={"a": 1j}))  # type: ignore[dict-item]  # what a type checker would stop
