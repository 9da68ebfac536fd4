"""Staff see the chain, and what its last verification found."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit import tasks
from audit.models import ChainCheck, Seal, SlackMessage
from tests.factories.accounts import UserFactory
from tests.factories.seals import ago, mixed_traffic, seal_in, without_triggers

pytestmark = pytest.mark.django_db

CALLS = "/admin/audit/toolcall/"
SEALS = "/admin/audit/seal/"


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True, email="s@cliqtel.example"))
    return client


def _break() -> None:
    with without_triggers() as cursor:
        cursor.execute("UPDATE audit_seal SET content = repeat('0', 64)")


def test_the_list_of_calls_says_how_far_the_log_is_verified(staff):
    assert "Not verified yet." in staff.get(CALLS).content.decode()
    call_command("verify_audit")
    assert "Nothing is sealed yet" in staff.get(CALLS).content.decode()
    mixed_traffic()
    seal_in()
    call_command("verify_audit")
    page = staff.get(CALLS).content.decode()
    assert f"Verified up to seal #1 of {ago(seconds=60):%Y-%m-%d %H:%M}" in page
    assert 'class="chain chain-ok"' in page


def test_the_list_of_calls_says_that_the_log_is_not_in_order(staff):
    mixed_traffic()
    seal_in()
    _break()
    with pytest.raises(CommandError):
        call_command("verify_audit")
    page = staff.get(CALLS).content.decode()
    assert "NOT in order: seal 1 was changed, forged or moved" in page
    assert 'class="chain chain-bad"' in page


def test_seals_are_shown_without_reading_their_members(staff):
    mixed_traffic()
    seal_in()
    seal = Seal.objects.get()
    with CaptureQueriesContext(connection) as queries:
        page = staff.get(SEALS).content.decode()
    assert seal.digest in page
    assert f"{ago(seconds=60):%Y-%m-%d %H:%M:%S}" in page
    assert not [query for query in queries if '"members"' in query["sql"]]


def test_the_page_of_a_seal_says_whether_it_is_genuine(staff, settings):
    mixed_traffic()
    seal_in()
    assert "Yes: the code fits." in staff.get(f"{SEALS}1/change/").content.decode()
    _break()
    assert "NO: this seal was changed or forged." in staff.get(f"{SEALS}1/change/").content.decode()
    settings.AUDIT_KEY_ID = "k2"
    assert "the key k1 is not in" in staff.get(f"{SEALS}1/change/").content.decode()


@pytest.mark.parametrize("model", ["seal", "chaincheck"])
def test_nobody_adds_changes_or_deletes(staff, model):
    mixed_traffic()
    seal_in()
    call_command("verify_audit")
    key = Seal.objects.get().pk if model == "seal" else ChainCheck.objects.get().pk
    assert staff.get(f"/admin/audit/{model}/add/").status_code == 403
    assert staff.post(f"/admin/audit/{model}/{key}/change/", {"rows": 1}).status_code == 403
    assert staff.post(f"/admin/audit/{model}/{key}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", ["seal", "chaincheck"])
def test_staff_without_the_right_see_nothing(client, model):
    person = UserFactory(is_staff=True)
    client.force_login(person)
    assert client.get(f"/admin/audit/{model}/").status_code == 403
    person.user_permissions.add(Permission.objects.get(codename=f"view_{model}"))
    assert client.get(f"/admin/audit/{model}/").status_code == 200


def test_people_who_are_no_staff_are_sent_away(client, mallory):
    client.force_login(mallory.user)
    assert client.get(SEALS).status_code == 302


def test_each_night_the_newest_days_are_verified_and_a_problem_is_said(settings, caplog):
    settings.SLACK_WEBHOOK_URL = "https://hooks.slack.test/x"
    settings.AUDIT_VERIFY_DAYS = 60
    mixed_traffic()
    seal_in()
    tasks.verify_newest_calls()
    assert [str(check) for check in ChainCheck.objects.all()] == ["chain ok, 6 rows"]
    assert not SlackMessage.objects.exists()
    _break()
    tasks.verify_newest_calls()
    assert ChainCheck.objects.first().problem.startswith("seal 1 was changed")
    assert "the log of calls is not in order: seal 1" in caplog.text
    (message,) = SlackMessage.objects.all()
    assert message.text.startswith("The audit log is not in order: seal 1 was changed")
