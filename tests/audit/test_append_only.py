"""What the database itself refuses, whoever asks."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from audit.models import ToolCall
from audit.services import is_authentic
from cliqtel_portal.ids import uuid7
from tests.factories.audit import make_call, ok

pytestmark = pytest.mark.django_db

_OUTCOME = {
    "status",
    "duration_ms",
    "result",
    "error_code",
    "approval_id",
    "cost_amount",
    "cost_currency",
    "mac",
    "mac_key_id",
}
_FIXED = [field.column for field in ToolCall._meta.concrete_fields if field.column not in _OUTCOME]
_NEW_VALUES = {
    "started_at": "started_at - interval '1 second'",
    "arguments": "'{}'",
    "counted": "NOT counted",
    **dict.fromkeys(
        ["id", "tenant_id", "user_id", "token_id", "parent_id", "actor_id"], "gen_random_uuid()"
    ),
}


def _execute(statement: str, *parameters: object) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


@pytest.mark.parametrize(
    "change",
    [
        "status = 'ok', error_code = ''",
        "status = 'running', duration_ms = NULL",
        "duration_ms = 1",
        "result = '{}'",
        "mac = repeat('0', 64)",
        "arguments = '{}'",
        "tenant_label = tenant_label",  # not even to the same
    ],
)
def test_a_closed_row_never_changes(change):
    row = make_call(outcome=ok())
    with pytest.raises(IntegrityError, match="a closed tool call never changes"):
        _execute(f"UPDATE mcp_tool_calls SET {change} WHERE id = %s", row.pk)
    assert is_authentic(ToolCall.objects.get(pk=row.pk))


@pytest.mark.parametrize("column", _FIXED)
def test_of_a_running_row_only_the_outcome_can_be_set(column):
    row = make_call()
    value = _NEW_VALUES.get(column, "'another'")
    with pytest.raises(IntegrityError, match="only the outcome of a tool call may be set"):
        _execute(
            f"UPDATE mcp_tool_calls SET status = 'ok', duration_ms = 1, {column} = {value}"
            " WHERE id = %s",
            row.pk,
        )


def test_a_running_row_changes_to_nothing_but_a_final_one():
    row = make_call()
    with pytest.raises(IntegrityError, match="a closed tool call never changes"):
        _execute("UPDATE mcp_tool_calls SET mac = 'x' WHERE id = %s", row.pk)


@pytest.mark.parametrize("outcome", [None, ok()], ids=["running", "closed"])
def test_no_row_can_be_deleted(outcome):
    row = make_call(outcome=outcome)
    with pytest.raises(IntegrityError, match="append-only"):
        _execute("DELETE FROM mcp_tool_calls WHERE id = %s", row.pk)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        row.delete()
    assert ToolCall.objects.filter(pk=row.pk).exists()


def test_the_triggers_hold_on_the_partitions_too():
    row = make_call(outcome=ok())
    partition = f"mcp_tool_calls_{row.started_at:%Y_%m}"
    with pytest.raises(IntegrityError, match="append-only"):
        _execute(f"DELETE FROM {partition} WHERE id = %s", row.pk)
    with pytest.raises(IntegrityError, match="never changes"):
        _execute(f"UPDATE {partition} SET result = '{{}}' WHERE id = %s", row.pk)


def test_saving_a_row_past_the_doors_is_refused_or_found():
    row = make_call(outcome=ok())
    row.tool = "whoami"
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        row.save()
    row.pk = uuid7()
    row.save(force_insert=True)
    assert not is_authentic(ToolCall.objects.get(pk=row.pk))


def test_a_forged_row_is_found():
    columns = ", ".join(
        field.column for field in ToolCall._meta.concrete_fields if field.column != "id"
    )
    row = make_call(outcome=ok())
    forged = uuid7()
    _execute(
        f"INSERT INTO mcp_tool_calls (id, {columns}) SELECT %s, {columns}"
        " FROM mcp_tool_calls WHERE id = %s",
        forged,
        row.pk,
    )
    assert is_authentic(ToolCall.objects.get(pk=row.pk))
    assert not is_authentic(ToolCall.objects.get(pk=forged))


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("status = 'ok', duration_ms = 1, error_code = 'x'", "mcp_calls_code_on_error"),
        ("status = 'ok'", "mcp_calls_duration_when_final"),
        ("status = 'error', duration_ms = -1", "duration_ms_check"),
    ],
)
def test_an_outcome_that_contradicts_itself_is_refused(change, constraint):
    row = make_call()
    with pytest.raises(IntegrityError, match=constraint):
        _execute(f"UPDATE mcp_tool_calls SET {change} WHERE id = %s", row.pk)


def test_a_status_that_there_is_not_is_refused():
    row = make_call(outcome=ok())
    row.pk, row.status = uuid7(), "maybe"
    with pytest.raises(IntegrityError, match="mcp_calls_status_valid"), transaction.atomic():
        row.save(force_insert=True)
