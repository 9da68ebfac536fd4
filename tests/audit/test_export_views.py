"""A tenant's list of exports, and the links to their files."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core import signing
from django.utils import timezone

from audit import export_jobs, tasks
from audit.export import link_of, request_export
from audit.models import Export, ToolCall
from cliqtel_portal import celery  # noqa: F401 - so that tasks find its settings
from cliqtel_portal.accounts.models import Membership
from tests.audit.exports import body_of, csv_rows
from tests.factories.accounts import MembershipFactory
from tests.factories.audit import make_call

pytestmark = pytest.mark.django_db

LIST = "/numbers/ai-access/activity/exports/"


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.EXPORT_STREAM_ROWS = 0
    settings.EXPORT_DIR = tmp_path


def _make(membership: Membership, *, written: bool = True, own_only: bool = False) -> Export:
    make_call(tenant_id=membership.tenant_id, user_id=membership.user_id)
    calls = ToolCall.objects.all()
    if own_only:
        calls = calls.filter(user_id=membership.user_id)
    export = request_export(
        calls, file_format="csv", actor=membership.user, tenant=membership.tenant
    )
    if written:
        tasks.run_exports()
    return Export.objects.get(pk=export.pk)


def test_the_page_shows_progress_then_the_link(client, alice):
    client.force_login(alice.user)
    assert "Nothing exported yet" in client.get(LIST).content.decode()
    export = _make(alice, written=False)
    page = client.get(LIST)
    assert "Waiting" in page.content.decode()
    assert page["Refresh"] == "5"
    Export.objects.filter(pk=export.pk).update(state="running", rows=1)
    assert "<progress" in client.get(LIST).content.decode()
    tasks.run_exports()
    page = client.get(LIST)
    assert "Refresh" not in page
    (row,) = page.context["rows"]
    file = client.get(row[1])
    assert len(csv_rows(body_of(file))) == 1
    assert file["Content-Disposition"].startswith("attachment; ")
    assert file["Cache-Control"] == "no-store"


def test_members_see_their_own_and_admins_all_but_links_are_ones_own(client, alice, bob, mallory):
    mine, his = _make(alice), _make(bob, own_only=True)
    theirs = _make(mallory)
    client.force_login(bob.user)
    assert [export for export, _ in client.get(LIST).context["rows"]] == [his]
    client.force_login(alice.user)
    rows = client.get(LIST).context["rows"]
    assert [export for export, _ in rows] == [his, mine]
    assert [bool(link) for _, link in rows] == [False, True]
    client.force_login(mallory.user)
    assert [export for export, _ in client.get(LIST).context["rows"]] == [theirs]


def test_viewers_and_strangers_see_nothing(client, acme, alice):
    export = _make(alice)
    viewer = MembershipFactory(tenant=acme, role="viewer")
    assert client.get(LIST).status_code == 302
    assert client.get(link_of(export, alice.user)).status_code == 302
    client.force_login(viewer.user)
    assert client.get(LIST).status_code == 403


def test_a_link_is_good_for_its_person_and_its_export_only(client, alice, bob, mallory):
    export, other = _make(alice), _make(alice)
    link = link_of(export, alice.user)
    for membership in (bob, mallory):
        client.force_login(membership.user)
        assert client.get(link).status_code == 404
        assert client.get(link_of(export, membership.user)).status_code == 404
    client.force_login(alice.user)
    signature = urlsplit(link).query
    assert client.get(f"{LIST}{other.pk}/file/?{signature}").status_code == 404
    for wrong in ("", "?link=", f"?{signature}x", "?link=" + signing.dumps([str(export.pk)])):
        assert client.get(f"{LIST}{export.pk}/file/{wrong}").status_code == 404
    assert client.post(link).status_code == 405
    assert client.get(link).status_code == 200


def test_an_old_link_leads_to_a_new_one(client, alice, settings):
    export = _make(alice)
    link = link_of(export, alice.user)
    settings.EXPORT_LINK_SECONDS = -1
    client.force_login(alice.user)
    response = client.get(link, follow=True)
    assert response.redirect_chain == [(LIST, 302)]
    assert "That link had its time." in response.content.decode()


def test_what_is_deleted_or_overdue_is_told_so(client, alice, monkeypatch):
    client.force_login(alice.user)
    export = _make(alice)
    link = link_of(export, alice.user)
    later = timezone.now() + timedelta(hours=24, seconds=1)
    with monkeypatch.context() as patch:
        # The clock of links is another.
        patch.setattr("audit.export_views.timezone.now", lambda: later)
        assert client.get(link)["Location"] == LIST, "beat has not been here yet"
        assert client.get(LIST).context["rows"][0][1] == ""
    export_jobs.file_of(export).unlink()
    assert "no longer there" in client.get(link, follow=True).content.decode()


def test_a_file_closes_to_who_left_or_was_demoted(client, alice, acme):
    admin = MembershipFactory(tenant=acme, role="admin")
    everyones, own = _make(admin), _make(admin, own_only=True)
    client.force_login(admin.user)
    links = [link_of(export, admin.user) for export in (everyones, own)]

    def statuses() -> list[int]:
        return [client.get(link).status_code for link in links]

    assert statuses() == [200, 200]
    Membership.objects.filter(pk=admin.pk).update(role="member")
    assert statuses() == [404, 200]
    Membership.objects.filter(pk=admin.pk).update(role="viewer")
    assert statuses() == [404, 404]
    Membership.objects.filter(pk=admin.pk).update(role="admin", ended_at=timezone.now())
    assert statuses() == [404, 404]


def test_the_list_costs_the_same_for_one_and_for_many(client, alice, django_assert_max_num_queries):
    client.force_login(alice.user)
    _make(alice)
    for _ in range(5):
        Export.objects.create(
            actor_id=alice.user_id,
            actor_label="x",
            tenant_id=alice.tenant_id,
            criteria={"all": []},
            before=Export.objects.first().before,
            format="csv",
            state="sent",
        )
    with django_assert_max_num_queries(8):
        client.get(LIST)
