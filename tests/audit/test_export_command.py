"""`manage.py export_audit`."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.models import Export
from tests.audit.exports import csv_rows, xlsx_sheets
from tests.factories.audit import make_call, ok

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> bytes:
    out = io.TextIOWrapper(io.BytesIO())
    call_command("export_audit", *arguments, stdout=out)
    out.seek(0)
    return out.buffer.read()


def test_it_writes_the_log_in_each_format_and_says_who(acme):
    row = make_call(tenant_id=acme.pk, outcome=ok())
    assert csv_rows(run("--format", "csv"))[0]["id"] == str(row.pk)
    assert json.loads(run("--format", "ndjson"))["id"] == str(row.pk)
    assert xlsx_sheets(run("--format", "xlsx"))[0][1][0] == str(row.pk)
    assert [export.format for export in Export.objects.all()] == ["xlsx", "ndjson", "csv"]
    assert {export.actor_label for export in Export.objects.all()} == {"manage.py export_audit"}


def test_it_keeps_to_the_time_and_the_tenant(acme, mallory):
    now = timezone.now()
    old, young = (
        make_call(tenant_id=acme.pk, at=now - timedelta(hours=hours)) for hours in (30, 10)
    )
    make_call(tenant_id=mallory.tenant_id, at=now - timedelta(hours=20))
    since = (now - timedelta(hours=24)).isoformat()

    def ids(*arguments: str) -> list[str]:
        return [row["id"] for row in csv_rows(run("--format", "csv", *arguments))]

    assert len(ids()) == 3
    assert ids("--tenant", "acme-test") == [str(young.pk), str(old.pk)]
    assert ids("--tenant", "acme-test", "--since", since) == [str(young.pk)]
    naive = (now - timedelta(hours=24)).replace(tzinfo=None).isoformat()
    assert ids("--tenant", "acme-test", "--until", naive) == [str(old.pk)]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "pdf"],
        [],
        ["--format", "csv", "--tenant", "x"],
        ["--format", "csv", "--since", "yesterday"],
    ],
)
def test_what_it_can_not_do_writes_nothing(arguments):
    with pytest.raises(CommandError):
        run(*arguments)
    assert not Export.objects.exists()
