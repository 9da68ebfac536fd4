"""Exports from Django admin's Tool calls: staff only, and exactly what is listed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.utils import timezone

from audit import tasks
from audit.models import Export, ToolCall
from cliqtel_portal import celery  # noqa: F401 - so that tasks find its settings
from tests.audit.exports import body_of, csv_rows
from tests.factories.accounts import UserFactory
from tests.factories.audit import failed, make_call, ok

pytestmark = pytest.mark.django_db

LIST = "/admin/audit/toolcall/"
EXPORTS = "/admin/audit/export/"


@pytest.fixture
def person(client):
    """Staff with the right to see calls, and no other."""
    person = UserFactory(is_staff=True, email="sam@cliqtel.example")
    person.user_permissions.add(
        *Permission.objects.filter(codename__in=["view_toolcall", "view_export"])
    )
    client.force_login(person)
    return person


@pytest.fixture
def folder(settings, tmp_path):
    settings.EXPORT_DIR = tmp_path / "exports"
    return settings.EXPORT_DIR


def _export(client, action: str, query: str = "", **data: object):
    return client.post(LIST + query, {"action": action, "format": "csv", "index": "0"} | data)


def _ids(response) -> set[str]:
    return {row["id"] for row in csv_rows(body_of(response))}


def _rows():
    now = timezone.now()
    make_call(tool="whoami", scope_required="", outcome=ok())
    make_call(tool="get_pricing", tenant_label="Globex", outcome=failed("not_found"))
    make_call(tool="get_pricing", client_label="Cursor 3", counted=False)
    make_call(tool="whoami", user_label="bob@acme.example", at=now - timedelta(days=2))
    make_call(tool="whoami", token_label="CI", at=now - timedelta(days=20), outcome=ok())


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("?started=all", 5),
        ("?started=7", 4),
        ("?status__exact=error", 1),
        ("?counted__exact=0&started=all", 1),
        ("?tool=whoami&started=all", 3),
        ("?scope=none", 1),
        ("?error_code=not_found", 1),
        ("?q=cursor+3", 1),
        ("?q=acme+bob&started=all", 1),
        ("?q=nobody", 0),
        (f"?started_at__year={timezone.now().year}&started_at__month={timezone.now().month}", None),
    ],
)
def test_an_export_of_the_filter_has_the_rows_of_the_list(client, person, query, count):
    _rows()
    listed = {str(row.pk) for row in client.get(LIST + query).context["cl"].result_list}
    assert count in (len(listed), None)
    # More than a page of the list, or a row chosen by chance, changes nothing.
    response = _export(client, "export_filtered", query)
    assert _ids(response) == listed
    chosen = _export(
        client, "export_filtered", query, _selected_action=[str(ToolCall.objects.first().pk)]
    )
    assert _ids(chosen) == listed


def test_a_call_found_by_its_uuid_is_exported_alone(client, person):
    _rows()
    row = ToolCall.objects.last()
    assert _ids(_export(client, "export_filtered", f"?q={row.pk}")) == {str(row.pk)}


@pytest.mark.parametrize("action", ["export_filtered", "export_selected"])
def test_a_search_that_cannot_be_read_exports_nothing_and_says_so(client, person, action):
    row = make_call()
    data = {"action": action, "format": "csv", "select_across": "1", "index": "0"}
    response = client.post(
        f"{LIST}?q=status:eror", data | {"_selected_action": [str(row.pk)]}, follow=True
    )
    assert "a status is ok, error or running" in response.content.decode()
    assert not Export.objects.exists()


def test_the_selected_are_exported_and_no_more(client, person):
    _rows()
    chosen = [str(pk) for pk in ToolCall.objects.values_list("pk", flat=True)[:2]]
    assert _ids(_export(client, "export_selected", _selected_action=chosen)) == set(chosen)
    everything = _export(
        client, "export_selected", "?tool=whoami", _selected_action=chosen[:1], select_across="1"
    )
    assert len(_ids(everything)) == 1
    assert _export(client, "export_selected").status_code == 302
    assert Export.objects.count() == 2


def test_it_is_logged_who_exported(client, person):
    _rows()
    _export(client, "export_filtered")
    export = Export.objects.get()
    assert (export.actor_id, export.actor_label) == (person.pk, "sam@cliqtel.example")
    assert (export.tenant_id, export.state, export.rows) == (None, "sent", 3)
    assert LogEntry.objects.get(user_id=person.pk).object_id == str(export.pk)


@pytest.mark.parametrize("action", ["export_filtered", "export_selected"])
def test_only_staff_with_the_right_export(client, alice, action):
    row = make_call(tenant_id=alice.tenant_id)
    data = {"_selected_action": [str(row.pk)]}
    client.force_login(alice.user)
    assert _export(client, action, **data).status_code == 302
    client.force_login(UserFactory(is_staff=True))
    assert _export(client, action, **data).status_code == 403
    assert not Export.objects.exists()


def test_another_format_is_refused_in_words(client, person):
    make_call()
    response = client.post(
        LIST, {"action": "export_filtered", "format": "pdf", "index": "0"}, follow=True
    )
    assert "There is no such format." in response.content.decode()
    assert not Export.objects.exists()


def test_the_list_offers_both_actions_and_the_formats(client, person):
    make_call()
    page = client.get(LIST).content.decode()
    for words in ("Export selected", "Export filtered (all rows)", "XLSX (Excel)", "NDJSON"):
        assert words in page
    assert "delete_selected" not in page


def test_a_file_is_seen_coming_and_downloaded_by_its_owner_only(client, person, folder):
    row = make_call()
    response = _export(client, "export_filtered", format="xlsx")
    assert (response.status_code, response["Location"]) == (302, EXPORTS)
    waiting = client.get(EXPORTS)
    assert "Waiting" in waiting.content.decode()
    assert waiting["Refresh"] == "5"
    tasks.start_exports()
    page = client.get(EXPORTS)
    assert "Refresh" not in page
    export = Export.objects.get()
    link = page.content.decode().partition('href="/numbers/ai-access/activity/exports/')[2]
    link = "/numbers/ai-access/activity/exports/" + link.partition('"')[0]
    assert str(export.pk) in link
    file = client.get(link)
    assert body_of(file).startswith(b"PK")
    assert file["Content-Length"] == str(export.size_bytes)

    other = UserFactory(is_staff=True, is_superuser=True)
    client.force_login(other)
    assert client.get(link).status_code == 404
    page = client.get(EXPORTS).content.decode()
    assert "sam@cliqtel.example" in page
    assert "/file/" not in page
    detail = client.get(f"{EXPORTS}{export.pk}/change/").content.decode()
    assert "/file/" not in detail
    assert "column" in detail, "the filter is shown"
    assert str(row.pk) not in detail

    person.user_permissions.clear()
    client.force_login(person)
    assert client.get(link).status_code == 404, "the right was taken back"


def test_nobody_changes_the_exports(client, folder):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    make_call()
    _export(client, "export_filtered")
    export = Export.objects.get()
    detail = f"{EXPORTS}{export.pk}/"
    assert client.get(f"{EXPORTS}add/").status_code == 403
    assert client.post(f"{detail}change/", {"state": "done"}).status_code == 403
    assert client.post(f"{detail}delete/", {"post": "yes"}).status_code == 403
    assert Export.objects.filter(pk=export.pk).exists()
