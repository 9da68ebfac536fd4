"""Django admin as a whole: each model is there, lists are cheap, and a record stays one."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import FieldDoesNotExist
from django.db import connection, models
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit import slack_outbox
from audit.models import SlackMessage
from cliqtel_portal.accounts.models import Membership, Tenant
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.alerts import make_alert
from tests.factories.approvals import CountingExecutor, approval_in, make_approval, make_policy
from tests.factories.audit import make_call, ok
from tests.factories.billing import LedgerEntryFactory, UsageStatementFactory, UsageWarningFactory
from tests.factories.callflows import ChangeFactory, make_flow
from tests.factories.carriers import CarrierOperationFactory, SandboxFaultFactory
from tests.factories.mcp_access import make_token
from tests.factories.messaging import MessageFactory, MessageTemplateFactory, OptOutFactory
from tests.factories.notices import EventFactory, NoticeFactory
from tests.factories.numbers import (
    EmergencyAddressFactory,
    NumberChangeFactory,
    OfferFactory,
    PhoneNumberFactory,
    ReservationFactory,
)
from tests.factories.oauth import make_application, make_session
from tests.factories.orders import make_order
from tests.factories.pricing import PriceFactory
from tests.factories.regulatory import DocumentFactory, RequirementSetFactory
from tests.factories.trunks import TrunkFactory

OURS = ("accounts", "approvals", "audit", "billing", "callflows", "carriers", "docs")
OURS += ("mcp_access", "messaging", "notices", "numbers", "pricing", "regulatory", "trunks")
# What staff keep up by hand. All else is written by services, and is only looked at.
EDITED = {
    "accounts.Membership",
    "accounts.Partner",
    "accounts.Tenant",
    "accounts.User",
    "carriers.SandboxFault",
    "messaging.MessageTemplate",
    "notices.Notice",
    "numbers.EmergencyAddress",
    "numbers.Offer",
    "numbers.PhoneNumber",
    "numbers.Reservation",
    "numbers.StockNumber",
    "pricing.Price",
    "regulatory.Document",
    "regulatory.RequirementSet",
    "trunks.Trunk",
}
MOST_QUERIES = 15
# Found in no list and on no page: tokens, codes, passwords, and what people wrote to each other.
SECRET_FIELDS = {
    "body",
    "ciphertext",
    "client_secret",
    "code",
    "code_challenge",
    "encrypted_url",
    "recipients",
    "secret_digest",
    "token",
    "token_checksum",
}
SHOWN_ALL_THE_SAME = {
    "mcp_access.ExpiryWarning": {"token"},  # the row, by its masked name
    "messaging.MessageTemplate": {"body"},  # a form that the network approves
    "notices.Notice": {"body"},  # ours
    "regulatory.RequirementSet": {"code"},  # of a requirement
}


def _lists() -> list[admin.ModelAdmin[Any]]:
    return [one for model, one in admin.site._registry.items() if model._meta.app_label in OURS]


def _each() -> Any:
    return pytest.mark.parametrize("one", _lists(), ids=lambda one: one.opts.label)


def test_every_model_is_there():
    inlines = {inline.model for one in _lists() for inline in one.inlines}
    missing = {
        model._meta.label
        for model in apps.get_models()
        if model._meta.app_label in OURS and model not in inlines
        if model not in admin.site._registry
    }
    assert missing == set()


@_each()
def test_a_list_can_be_searched_narrowed_and_says_how(one):
    assert one.search_fields
    assert one.search_help_text
    assert one.list_filter or one.date_hierarchy
    joined = one.list_select_related
    for name in one.list_display:
        try:
            field = one.opts.get_field(name)
        except (FieldDoesNotExist, TypeError):
            continue
        if isinstance(field, models.ForeignKey):
            assert joined is True or name in (joined or ()), f"one query a row for {name}"


@_each()
def test_a_secret_is_in_no_list_and_on_no_page(one):
    request = RequestFactory().get("/")
    request.user = UserFactory.build(is_staff=True, is_superuser=True)
    shown = {*one.get_list_display(request), *flatten_fieldsets(one.get_fieldsets(request))}
    for inline in one.get_inline_instances(request):
        shown |= {*flatten_fieldsets(inline.get_fieldsets(request))}
    assert shown & SECRET_FIELDS <= SHOWN_ALL_THE_SAME.get(one.opts.label, set())


@_each()
def test_a_record_is_changed_by_nobody_not_even_a_superuser(one):
    request = RequestFactory().get("/")
    request.user = UserFactory.build(is_staff=True, is_superuser=True)
    may = (one.has_add_permission, one.has_change_permission, one.has_delete_permission)
    if one.opts.label not in EDITED:
        assert [ask(request) for ask in may] == [False, False, False]
    assert "delete_selected" not in one.get_actions(request) or one.opts.label in EDITED


def _rows() -> None:
    """Three of nearly everything, each of another tenant and person."""
    for number in range(3):
        member: Membership = MembershipFactory()
        tenant: Tenant = member.tenant
        make_call(tenant_id=tenant.pk, user_id=member.user_id, outcome=ok())
        make_alert(tenant)
        make_token(member)
        make_session(member, make_application(f"Host {number}"))
        make_approval(member)
        make_policy(member)
        make_order(member)
        make_flow(tenant)
        ChangeFactory()
        for factory in (
            EventFactory,
            NoticeFactory,
            LedgerEntryFactory,
            UsageStatementFactory,
            UsageWarningFactory,
            CarrierOperationFactory,
            MessageFactory,
            MessageTemplateFactory,
            OptOutFactory,
            EmergencyAddressFactory,
            OfferFactory,
            PhoneNumberFactory,
            ReservationFactory,
            DocumentFactory,
            TrunkFactory,
        ):
            factory(tenant=tenant)
        NumberChangeFactory()
        SandboxFaultFactory()
    for country in ("NL", "DE", "GB"):
        PriceFactory(country=country)
        RequirementSetFactory(country=country)


@pytest.mark.django_db
def test_each_list_and_page_opens_at_a_fixed_cost_and_records_refuse_posts(client: Client):
    _rows()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    dear, with_rows = {}, 0
    for one in _lists():
        label, base = one.opts.label, f"admin:{one.opts.app_label}_{one.opts.model_name}"
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(reverse(f"{base}_changelist"))
        assert answer.status_code == 200, label
        if len(queries) > MOST_QUERIES:
            dear[label] = len(queries)
        found: ChangeList = answer.context["cl"]
        if not found.result_list:
            continue
        with_rows += 1
        page = reverse(f"{base}_change", args=[found.result_list[0].pk])
        assert client.get(page).status_code == 200, label
        if label not in EDITED:
            assert client.post(page, {"id": "1"}).status_code == 403, label
            gone = reverse(f"{base}_delete", args=[found.result_list[0].pk])
            assert client.post(gone, {"post": "yes"}).status_code == 403, label
    assert dear == {}
    assert with_rows > 30


@pytest.mark.django_db
def test_pages_lead_to_the_portal(client: Client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    number = PhoneNumberFactory()
    page = client.get(reverse("admin:numbers_phonenumber_change", args=[number.pk]))
    assert f'href="/numbers/{number.pk}/"' in page.content.decode()
    assert "Page in the portal (for its tenant)</a>" in page.content.decode()
    call = make_call()
    page = client.get(reverse("admin:audit_toolcall_change", args=[call.pk]))
    assert f'href="/numbers/ai-access/activity/{call.pk}/"' in page.content.decode()


@pytest.mark.django_db
def test_staff_end_what_waits_and_decide_nothing(client: Client, alice, monkeypatch):
    executor = CountingExecutor()
    monkeypatch.setattr("approvals.expiry.is_registered", lambda action: True)
    monkeypatch.setattr("approvals.expiry.executor_of", lambda action: executor)
    waiting, done = make_approval(alice), approval_in("executed", alice)
    url = reverse("admin:approvals_approval_changelist")
    data = {"action": "expire_selected", "_selected_action": [str(waiting.pk), str(done.pk)]}
    client.force_login(UserFactory(is_staff=True))
    assert client.post(url, data).status_code == 403
    waiting.refresh_from_db()
    assert waiting.status == "pending"
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    answer = client.post(url, data, follow=True)
    assert "Expired 1 of 2 selected." in answer.content.decode()
    waiting.refresh_from_db()
    done.refresh_from_db()
    assert (waiting.status, done.status) == ("expired", "executed")
    assert waiting.decisions.count() == 0
    log = client.get(reverse("admin:admin_logentry_changelist")).content.decode()
    assert "Expired before its time." in log


@pytest.mark.django_db
def test_staff_send_a_failed_slack_message_again(client: Client):
    failed, sent = (
        SlackMessage.objects.create(
            to="operator", key=state, text="x", state=state, attempts=8, finished_at=timezone.now()
        )
        for state in ("failed", "sent")
    )
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    data = {"action": "send_again", "_selected_action": [str(failed.pk), str(sent.pk)]}
    answer = client.post(reverse("admin:audit_slackmessage_changelist"), data, follow=True)
    assert "1 of 2 selected will be sent again." in answer.content.decode()
    assert slack_outbox.due_ids() == [failed.pk]
    sent.refresh_from_db()
    assert (sent.state, sent.attempts) == ("sent", 8)
    assert LogEntry.objects.get().object_id == str(failed.pk)
