"""What of a call's arguments reaches the log."""

from __future__ import annotations

import json
import math

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from audit.redaction import redact
from mcp_access import tokens


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "sip_password",
        "Passphrase",
        "client_secret",
        "access_token",
        "Authorization",
        "authorisation",
        "api_key",
        "apikey",
        "credentials",
        "private_key",
        "cookie",
        "pin",
        "otp",
    ],
)
def test_secret_looking_members_are_not_kept(name):
    assert redact({name: "hunter2", "country": "NL"}) == {name: "[redacted]", "country": "NL"}
    assert redact({"outer": [{name: {"deep": "hunter2"}}]}) == {"outer": [{name: "[redacted]"}]}


@pytest.mark.parametrize("name", ["idempotency_key", "token_id", "country", "spin", "shipping"])
def test_names_that_only_look_secret_are_kept(name):
    assert redact({name: "value"}) == {name: "value"}


@pytest.mark.parametrize("name", ["text", "body", "message", "variables", "media_urls", "Text"])
def test_of_message_texts_only_the_length_is_kept(name):
    assert redact({name: "See you at eight"}) == {name: "[text, 16]"}


def test_text_given_as_a_list_or_a_number_is_not_kept_either():
    assert redact({"variables": ["Ann", "12:30"], "body": 12}) == {
        "variables": "[text, 2]",
        "body": "[text, 0]",
    }


def test_tokens_inside_strings_are_cut_to_what_names_them():
    plaintext = tokens.generate()
    refresh = "ct_mcpr_" + "A" * 49
    kept = redact({"note": f"mine is {plaintext}, hers{refresh}."})["note"]
    assert plaintext not in kept
    assert kept == f"mine is {plaintext[:11]}[redacted], hersct_mcpr_AAAA[redacted]."


def test_authorization_header_inside_a_string_loses_its_value():
    assert redact({"query": "curl -H 'authorization: bearer abc.def'"}) == {
        "query": "curl -H 'authorization: bearer [redacted]"
    }


def test_a_token_used_as_a_name_is_cut_too():
    plaintext = tokens.generate()
    assert plaintext not in json.dumps(redact({plaintext: 1}))


def test_long_strings_lists_and_maps_are_cut_and_say_so():
    assert redact("x" * 600) == "x" * 500 + "… [600]"
    assert redact(list(range(60))) == [*range(50), "[10 more]"]
    many = redact({f"k{n:02}": n for n in range(60)})
    assert len(many) == 51
    assert many["_cut"] == "10 more"


def test_nesting_is_cut_below_six_levels():
    value: object = "leaf"
    for _ in range(5_000):
        value = {"in": value}
    kept = redact(value)
    for _ in range(6):
        kept = kept["in"]
    assert kept == "[nested too deep]"


def test_what_is_too_large_keeps_its_names_only(settings):
    arguments = {f"field{n}\x00\ud800": "y" * 400 for n in range(40)}
    kept = redact(arguments)
    assert kept["_cut"] == "too large to keep"
    assert kept["_names"][0] == "field0\ufffd?"
    assert len(json.dumps(kept)) <= settings.AUDIT_MAX_ARGUMENT_BYTES
    assert redact(["y" * 400] * 40) == {"_cut": "too large to keep", "_names": []}


def test_nul_and_half_surrogate_pairs_are_replaced():
    assert redact({"a\x00b": "c\x00d\ud83d"}) == {"a\ufffdb": "c\ufffdd?"}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (5.0, 5),
        (-0.0, 0),
        (0.1, 0.1),
        (1e14, 10**14),
        (1e20, "[number]"),
        (math.inf, "[number]"),
        (math.nan, "[number]"),
        (10**18, "[number]"),
        (-(10**17), -(10**17)),
        (True, True),
        (None, None),
        (b"raw", "[bytes]"),
        ((1, 2), [1, 2]),
    ],
)
def test_numbers_and_odd_types_become_what_json_gives_back(value, kept):
    result = redact({"value": value})["value"]
    assert result == kept
    assert type(result) is type(kept)


@pytest.mark.parametrize("character", ["\N{EURO SIGN}", "\U0001f4de", "\x01"])
def test_names_of_what_is_too_large_stay_within_the_bound(settings, character):
    kept = redact({f"{n:03}{character * 80}": "y" * 400 for n in range(60)})
    size = len(json.dumps(kept, ensure_ascii=False).encode())
    assert len(kept["_names"]) == 20
    assert size <= settings.AUDIT_MAX_ARGUMENT_BYTES


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())  # with surrogates and NUL
    | st.binary(max_size=8)
    | st.decimals(),
    lambda inner: (
        st.lists(inner, max_size=60)
        | st.dictionaries(
            st.text(st.characters()) | st.integers() | st.sampled_from(["text", "pin", "a\x00"]),
            inner,
            max_size=60,
        )
    ),
    max_leaves=80,
)


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(value=_JSON)
def test_anything_becomes_json_that_the_database_gives_back_unchanged(value, settings):
    kept = redact(value)
    text = json.dumps(kept, ensure_ascii=False, allow_nan=False)
    assert len(text.encode()) <= settings.AUDIT_MAX_ARGUMENT_BYTES
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::jsonb::text", [text])
        (stored,) = cursor.fetchone()
    assert json.loads(stored) == kept
    # Equal is not enough: 1 == 1.0 == True, and the signature is over the text.
    assert json.dumps(json.loads(stored), sort_keys=True) == json.dumps(kept, sort_keys=True)
