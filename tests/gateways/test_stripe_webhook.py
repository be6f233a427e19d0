"""Signatures and events at the door: everything that is not provably Stripe's, and not exactly an event, is refused."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from cutline.gateways.stripe_webhook import SignatureInvalid, WebhookInvalid, parse_event, verify_signature

SECRET = "whsec_live"
NOW = datetime(2026, 4, 9, 12, 0, tzinfo=UTC)
T = int(NOW.timestamp())
EVENT: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "api_version": "2026-10-28.endive",
    "created": T,
    "livemode": False,
    "type": "payment_intent.succeeded",
    "data": {"object": {"id": "pi_1", "object": "payment_intent", "amount": 2_500, "description": 'say "x": y'}},
    "request": None,
}
BODY = json.dumps(EVENT, indent=2).encode()


def signature(body: bytes, secret: str = SECRET, at: int | str = T) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def header(body: bytes = BODY, secret: str = SECRET, at: int | str = T) -> str:
    return f"t={at},v1={signature(body, secret, at)}"


GOOD = {
    "plain": header(),
    "oldest allowed": header(at=T - 300),
    "newest allowed": header(at=T + 300),
    "one of several v1 fits": f"t={T},v1={'0' * 64},v1={signature(BODY)},v1=x",
    "v0 beside v1": f"t={T},v0=abc,v1={signature(BODY)}",
    "unknown parts beside": f"t={T},v1={signature(BODY)},odd,v2=x",
}
BAD = {
    "missing": None,
    "empty": "",
    "no signature": f"t={T}",
    "no time": f"v1={signature(BODY)}",
    "nonsense": "nonsense",
    "time is no number": f"t=now,v1={signature(BODY, at='now')}",
    "too old": header(at=T - 301),
    "wrong secret": header(secret="whsec_other"),
    "signed another body": header(body=b"{}"),
    "v0 only": f"t={T},v0={signature(BODY)}",
    "time exchanged": f"t={T + 1},v1={signature(BODY)}",
    "signature cut": f"t={T},v1={signature(BODY)[:-1]}",
    "signature upper case": f"t={T},v1={signature(BODY).upper()}",
    "space in the header": f"t={T}, v1={signature(BODY)}",
}
STRICTER_THAN_THE_SDK = {
    "too far in the future": header(at=T + 301),
    "not ASCII": f"t={T},v1=é{signature(BODY)}",
    "two times": f"t={T},t={T - 1000},v1={signature(BODY)}",
    "time with a sign": f"t=+{T},v1={signature(BODY)}",
    "time with a zero before": f"t=0{T},v1={signature(BODY)}",
    "time with an underscore": f"t={str(T)[:4]}_{str(T)[4:]},v1={signature(BODY)}",
}


def sdk_accepts(text: str | None) -> bool:
    with freeze_time(NOW):
        try:
            return bool(stripe.WebhookSignature.verify_header(BODY, text, SECRET, 300))
        except stripe.SignatureVerificationError:
            return False


@pytest.mark.parametrize("name", GOOD)
def test_valid_signature_is_accepted_as_by_the_sdk(name: str) -> None:
    """PAY-002."""
    verify_signature(BODY, GOOD[name], [SECRET], NOW)
    assert sdk_accepts(GOOD[name])


@pytest.mark.parametrize("name", BAD)
def test_invalid_signature_is_refused_as_by_the_sdk(name: str) -> None:
    """PAY-002, fault T12."""
    with pytest.raises(SignatureInvalid):
        verify_signature(BODY, BAD[name], [SECRET], NOW)
    assert not sdk_accepts(BAD[name])


@pytest.mark.parametrize("name", STRICTER_THAN_THE_SDK)
def test_what_the_sdk_lets_through_or_breaks_on_is_refused(name: str) -> None:
    """Fault T12."""
    with pytest.raises(SignatureInvalid):
        verify_signature(BODY, STRICTER_THAN_THE_SDK[name], [SECRET], NOW)


def test_any_live_secret_verifies_while_one_is_rotated() -> None:
    verify_signature(BODY, header(secret="whsec_old"), ["whsec_new", "whsec_old"], NOW)
    verify_signature(BODY, header(secret="whsec_new"), ["whsec_new", "whsec_old"], NOW)
    with pytest.raises(SignatureInvalid):
        verify_signature(BODY, header(secret="whsec_older"), ["whsec_new", "whsec_old"], NOW)


@pytest.mark.parametrize("secrets", [[], [""], [" \n"], ["whsec_x", ""]])
def test_missing_or_blank_secret_fails_closed(secrets: list[str]) -> None:
    with pytest.raises(SignatureInvalid):
        verify_signature(BODY, header(secret=""), secrets, NOW)


@pytest.mark.parametrize("tolerance_s", [0, -1])
def test_tolerance_cannot_be_switched_off(tolerance_s: int) -> None:
    with pytest.raises(ValueError, match="tolerance"):
        verify_signature(BODY, header(), [SECRET], NOW, tolerance_s)


def test_time_is_what_the_caller_says() -> None:
    with pytest.raises(SignatureInvalid):
        verify_signature(BODY, header(), [SECRET], NOW + timedelta(seconds=301))
    verify_signature(BODY, header(), [SECRET], NOW + timedelta(seconds=301), 400)


@given(st.binary(max_size=200), st.integers(min_value=0, max_value=199))
def test_any_flipped_byte_is_noticed(body: bytes, place: int) -> None:
    good = header(body=body)
    verify_signature(body, good, [SECRET], NOW)
    flipped = bytearray(body or b"x")
    flipped[place % len(flipped)] ^= 1
    with pytest.raises(SignatureInvalid):
        verify_signature(bytes(flipped), good, [SECRET], NOW)


def test_event_is_read_whole() -> None:
    event = parse_event(BODY)
    assert (event.id, event.type, event.livemode, event.created) == ("evt_1", EVENT["type"], False, T)
    assert (event.api_version, event.account, event.object["amount"]) == (EVENT["api_version"], None, 2_500)
    connect = parse_event(json.dumps(EVENT | {"account": "acct_1", "api_version": None}).encode())
    assert (connect.account, connect.api_version) == ("acct_1", None)


def test_unknown_types_versions_and_fields_are_accepted() -> None:
    """Fault T14: what Stripe adds later must not break the door."""
    strange = EVENT | {"type": "moon.landed", "api_version": "2031-01-01.quince", "new": {"deep": [1, None]}}
    assert parse_event(json.dumps(strange).encode()).type == "moon.landed"


WRONG_FIELDS: list[dict[str, Any]] = [
    {"id": ""},
    {"id": 5},
    {"type": None},
    {"created": "1"},
    {"created": True},
    {"created": 1.5},
    {"livemode": "false"},
    {"data": []},
    {"data": {"object": []}},
    {"account": 7},
    {"api_version": 2026},
]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"event"',
        json.dumps([EVENT]).encode(),
        b"\xff" + BODY,
        BODY.replace(b"say", b"s\xffy"),
        BODY.replace(b"2500", b"NaN"),
        BODY.replace(b"2500", b"Infinity"),
        BODY + b"{}",
        BODY.replace(b'"event"', b'"v2.core.event"'),
        *(
            json.dumps({name: value for name, value in EVENT.items() if name != gone}).encode()
            for gone in ("id", "object", "type", "created", "data", "livemode")
        ),
        *(json.dumps(EVENT | change).encode() for change in WRONG_FIELDS),
    ],
)
def test_what_is_not_exactly_an_event_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookInvalid):
        parse_event(body)


COMPACT = json.dumps(EVENT, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "body",
    [
        BODY.replace(b'"livemode": false', b'"livemode": false, "livemode": true'),
        COMPACT.replace(b'"amount":2500', b'"amount":2500,"amount":9900'),
        COMPACT.replace(b'"amount":2500', b'"amount" :2500,"amount":9900'),
        COMPACT.replace(b'"amount":2500', b'"amount"\n\t:2500,"amount":9900'),
        COMPACT.replace(b'"amount":2500', b'"amount":2500,"\\u0061mount":9900'),
        COMPACT.replace(b'"amount":2500', b'"amount":2500,"amount":9900,"n":"\\u0022:"'),
        COMPACT.replace(b'"amount":2500', b'"amount":2500,"amount":9900,"n":"\\"\\u003a"'),
        COMPACT.replace(b'"amount":2500', b'"amount":2500,"amount":9900,"n":"\\"\\u003A"'),
        COMPACT.replace(b'"amount":2500', b'"amount":{"a":1},"amount":9900'),
        COMPACT.replace(b'"amount":2500', b'"amount":"\\":","amount":9900'),
    ],
)
def test_repeated_keys_are_refused_however_they_are_written(body: bytes) -> None:
    assert json.loads(body)["id"] == "evt_1"
    with pytest.raises(WebhookInvalid, match="repeats a key"):
        parse_event(body)


@pytest.mark.parametrize(
    "body",
    [
        COMPACT.replace(b'":', b'" :'),
        COMPACT.replace(b"say", b"\\u0022: \\u003a \\u0026"),
        COMPACT.replace(b"say", b":x \\\": ':"),
        json.dumps(EVENT | {"note": ":", "more": ['":', " :"]}).encode(),
    ],
)
def test_odd_but_unique_keys_are_accepted(body: bytes) -> None:
    assert parse_event(body).id == "evt_1"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(alphabet='":\\ \ta', max_size=6),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(alphabet='":\\ ab', max_size=3), children, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON_VALUES, st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]), st.booleans())
def test_no_unique_body_is_refused_and_no_repeated_key_is_missed(
    value: Any, separators: tuple[str, str], escaped: bool
) -> None:
    """The cheap look is exact: it agrees with a full parse for any spelling."""
    text = json.dumps(EVENT | {"extra": value}, separators=separators)
    if escaped:
        text = text.replace("a:", "a\\u003a").replace(" :\\", " \\u003A\\")
        text = re.sub(r'(?<!\\)((?:\\\\)*)\\"', r"\1\\u0022", text)
    assert parse_event(text.encode()).id == "evt_1"
    key = json.dumps("extra") + separators[1].rstrip()
    doubled = text.replace(key, key + "0," + key, 1)
    with pytest.raises(WebhookInvalid, match="repeats a key"):
        parse_event(doubled.encode())


def test_deep_body_is_checked_or_refused() -> None:
    deeper_than_orjson_writes = COMPACT.replace(b"2500", b'{"a":' * 300 + b"1" + b"}" * 300)
    assert parse_event(deeper_than_orjson_writes).id == "evt_1"
    deep = COMPACT.replace(b"2500", b'{"a" :' * 1_010 + b"1" + b"}" * 1_010)
    with pytest.raises(WebhookInvalid):
        parse_event(deep)
