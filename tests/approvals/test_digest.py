from __future__ import annotations

import json
import uuid
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approvals.digest import NotCanonical, canonical_json, digest_of
from approvals.quotes import Quote

TENANT = uuid.UUID(int=1)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
ARGUMENTS = st.dictionaries(TEXT, JSON, max_size=4)


def digest(arguments, **other):
    fields = {"action": "order_number", "tenant_id": TENANT, "quote": None, **other}
    return digest_of(arguments=arguments, **fields)


def backwards(value):
    if isinstance(value, dict):
        return {key: backwards(value[key]) for key in reversed(value)}
    return [backwards(item) for item in value] if isinstance(value, list) else value


@given(ARGUMENTS)
def test_the_order_of_keys_does_not_matter(arguments):
    assert digest(arguments) == digest(backwards(arguments))


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ARGUMENTS)
def test_the_digest_survives_the_database(db, arguments):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::jsonb::text", [json.dumps(arguments)])
        (text,) = cursor.fetchone()
    assert digest(json.loads(text)) == digest(arguments)


@given(ARGUMENTS)
def test_the_canonical_text_is_json_and_its_own_canonical_text(arguments):
    text = canonical_json(arguments)
    assert canonical_json(json.loads(text)) == text


@given(ARGUMENTS, ARGUMENTS)
def test_other_arguments_have_another_digest(first, second):
    # As JSON: Python holds True and 1 for equal.
    same = canonical_json(first) == canonical_json(second)
    assert (digest(first) == digest(second)) == same
    assert (first == second) or not same


@pytest.mark.parametrize(
    "other",
    [
        {"action": "release_number"},
        {"tenant_id": uuid.UUID(int=2)},
        {"quote": {"once": "0.00", "monthly": "0.00", "currency": "EUR"}},
    ],
)
def test_everything_that_matters_is_in_the_digest(other):
    assert digest({"a": 1}) != digest({"a": 1}, **other)


@pytest.mark.parametrize(
    ("first", "second"),
    [(True, 1), (False, 0), (None, "null"), ("1", 1), ([], {}), ([["a"]], ["a"]), ("", None)],
)
def test_values_that_look_alike_differ(first, second):
    assert digest({"a": first}) != digest({"a": second})


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        "a\x00b",
        "\ud800",
        {"a\x00": 1},
        {1: "a"},
        {"a", "b"},
        Decimal("1"),
        b"a",
    ],
)
def test_what_the_database_cannot_keep_is_refused(value):
    with pytest.raises(NotCanonical):
        digest({"a": value})


def test_spellings_of_one_price_have_one_digest():
    short = Quote(once=Decimal("1.5"), monthly=Decimal("2"))
    long = Quote(once=Decimal("1.500"), monthly=Decimal("2.00"))
    assert digest({}, quote=short.as_json()) == digest({}, quote=long.as_json())
    assert Quote.from_json(long.as_json()) == short == long


@pytest.mark.parametrize("amounts", [("-1", "5"), ("5", "-1"), ("NaN", "1"), ("1", "Infinity")])
def test_a_price_is_a_real_amount(amounts):
    with pytest.raises(ValueError, match=r"negative|finite"):
        Quote(once=Decimal(amounts[0]), monthly=Decimal(amounts[1]))
