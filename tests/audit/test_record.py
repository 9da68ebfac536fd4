"""The code that proves that a row was written by us."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from audit.models import ToolCall
from audit.record import CallRecord, Outcome, UnknownKey, prepare_arguments, sign
from audit.redaction import redact
from audit.services import close_tool_call_sync, is_authentic, open_tool_call_sync
from tests.factories.audit import failed, make_call, make_record, ok

_ODD = [
    {},
    [],
    None,
    "",
    0,
    {"": {"": [[], {}, [None]]}},
    {"b": 1, "a": 2, "aa": 3, "B": 4},
    {"unicode": "Zoë 📞 e\u0301 \u2028 \ufeff \u202e", "ключ": "значение"},
    {"escapes": 'quote " backslash \\ newline \n tab \t del \x7f bell \x07'},
    {"floats": [0.1, -0.0, 5.0, 1e-7, 5e-324, 1.7976931348623157e308, 123456789.123456789]},
    {"integers": [2**53, 2**53 + 1, -(2**59), 10**17, 10**400]},
    {"flags": [True, False, None, 1, 0, "true", "null", "1"]},
    {"nul": "a\x00b", "half": "\udc00", "long": "ü" * 2_000, "many": list(range(500))},
]


@pytest.mark.django_db
@pytest.mark.parametrize("value", _ODD, ids=range(len(_ODD)))
def test_a_row_verifies_after_a_round_trip_of_odd_values(value):
    opened = make_call(arguments=value, user_label="Zoë 📞 \u202e", started_at=_odd_time())
    assert is_authentic(opened)
    closed = make_call(arguments=value, outcome=ok(result=redact(value)))
    assert is_authentic(closed)


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
        lambda inner: (
            st.lists(inner, max_size=8)
            | st.dictionaries(st.text(st.characters()), inner, max_size=8)
        ),
    ),
    microseconds=st.integers(0, 10**14),
    cost=st.none() | st.decimals(-(10**7), 10**7, allow_nan=False, places=9),
)
def test_a_row_verifies_after_a_round_trip_of_anything(value, microseconds, cost):
    at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    outcome = ok(result=redact(value), cost_amount=cost, cost_currency="EUR" if cost else "")
    assert is_authentic(make_call(arguments=value, started_at=at, outcome=outcome))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cost", ["0", "0.5", "0.0000005", "0.0005", "12.3456785", "99999999", "-1"]
)
def test_costs_verify_whatever_their_number_of_places(cost):
    row = make_call(outcome=ok(cost_amount=Decimal(cost), cost_currency="EUR"))
    assert is_authentic(row)
    assert row.cost_amount == Decimal(cost).quantize(Decimal("0.000001"), "ROUND_HALF_UP")


_OTHER = {
    "id": uuid.UUID(int=7),
    "started_at": datetime(2020, 1, 1, microsecond=1, tzinfo=UTC),
    "arguments": {"country": "DE"},
    "argument_digest": "0" * 64,
    "counted": False,
    "parent_id": uuid.UUID(int=8),
    "approval_id": uuid.UUID(int=9),
    "actor_id": uuid.UUID(int=10),
    "tenant_id": uuid.UUID(int=11),
    "user_id": uuid.UUID(int=12),
    "token_id": uuid.UUID(int=13),
}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(CallRecord)])
def test_the_mac_changes_with_every_member_of_the_record(name):
    record = make_record()
    changed = dataclasses.replace(record, **{name: _OTHER.get(name, "another")})
    for outcome in (None, ok()):
        before = sign(record, outcome, counted=record.counted, key_id="k1")
        assert sign(changed, outcome, counted=changed.counted, key_id="k1") != before


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Outcome)])
def test_the_mac_changes_with_every_member_of_the_outcome(name):
    other = {
        "duration_ms": 13,
        "result": {},
        "approval_id": uuid.UUID(int=9),
        "cost_amount": Decimal(0),
    }
    record, outcome = make_record(), ok()
    changed = dataclasses.replace(outcome, **{name: other.get(name, "another")})
    before = sign(record, outcome, counted=True, key_id="k1")
    assert sign(record, changed, counted=True, key_id="k1") != before


def test_a_running_row_and_its_outcome_have_different_macs():
    record = make_record()
    opened = sign(record, None, counted=True, key_id="k1")
    assert opened != sign(record, ok(duration_ms=0), counted=True, key_id="k1")


def test_the_mac_depends_on_key_and_key_id(settings):
    record = make_record()
    before = sign(record, None, counted=True, key_id="k1")
    settings.AUDIT_OLD_KEYS = {"k0": settings.AUDIT_KEY}
    assert sign(record, None, counted=True, key_id="k0") != before
    settings.AUDIT_KEY = "another" * 8
    assert sign(record, None, counted=True, key_id="k1") != before


@pytest.mark.django_db
def test_rows_of_a_retired_key_still_verify(settings):
    old = make_call(outcome=ok())
    running = make_record()
    open_tool_call_sync(running, month_limit=None)
    settings.AUDIT_OLD_KEYS = {"k1": settings.AUDIT_KEY}
    settings.AUDIT_KEY, settings.AUDIT_KEY_ID = "a new key" * 5, "k2"
    assert is_authentic(old)
    assert is_authentic(ToolCall.objects.get(pk=running.id))
    close_tool_call_sync(running, ok())
    closed = ToolCall.objects.get(pk=running.id)
    assert (closed.mac_key_id, is_authentic(closed)) == ("k2", True)
    settings.AUDIT_OLD_KEYS = {"k1": "not that one"}
    assert not is_authentic(old)
    settings.AUDIT_OLD_KEYS = {}
    with pytest.raises(UnknownKey, match="k1"):
        is_authentic(old)


_TAMPERED = {
    "status": "'error'",
    "started_at": "started_at - interval '1 microsecond'",
    "duration_ms": "duration_ms + 1",
    "tenant_id": "user_id",
    "user_id": "tenant_id",
    "token_id": "tenant_id",
    "arguments": """'{"country": "DE"}'""",
    "result": "'{}'",
    "counted": "NOT counted",
    "parent_id": "id",
    "approval_id": "id",
    "actor_id": "id",
    "cost_amount": "0",
    "cost_currency": "'USD'",
    "error_code": "'other'",
    "mac_key_id": "'k0'",
}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "column",
    [field.column for field in ToolCall._meta.concrete_fields if field.column not in ("id", "mac")],
)
def test_every_column_changed_behind_our_back_is_found(column, settings):
    settings.AUDIT_OLD_KEYS = {"k0": settings.AUDIT_KEY}
    # Only an error may have a code, so tampering with that needs one.
    row = make_call(outcome=failed("not_found") if column == "error_code" else ok())
    value = _TAMPERED.get(column, f"left({column} || 'x', 1) || 'y'")
    with connection.cursor() as cursor:
        # As its owner may, whatever the triggers hold.
        cursor.execute("ALTER TABLE mcp_tool_calls DISABLE TRIGGER mcp_tool_calls_guard")
        cursor.execute(f"UPDATE mcp_tool_calls SET {column} = {value} WHERE id = %s", [row.pk])
        assert cursor.rowcount == 1
    assert not is_authentic(ToolCall.objects.get(pk=row.pk))


def test_the_digest_knows_arguments_that_redaction_makes_equal():
    one, digest = prepare_arguments({"pin": "1234"})
    two, other = prepare_arguments({"pin": "1235"})
    assert one == two == {"pin": "[redacted]"}
    assert digest != other
    assert prepare_arguments({"a": 1, "b": 2})[1] == prepare_arguments({"b": 2, "a": 1})[1]


def test_the_digest_is_keyed_and_takes_half_surrogate_pairs(settings):
    _, digest = prepare_arguments({"a": "\ud800"})
    settings.AUDIT_KEY = "another" * 8
    assert prepare_arguments({"a": "\ud800"})[1] != digest


def _odd_time() -> datetime:
    return datetime(2026, 11, 21, 23, 59, 59, 999_999, tzinfo=UTC)
