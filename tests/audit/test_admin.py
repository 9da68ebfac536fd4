"""Staff read the log in Django admin."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.admin import ToolCallAdmin
from audit.changelist import EstimatingPaginator
from audit.models import MonthlyUsage, ToolCall
from audit.services import month_bounds
from cliqtel_portal.ids import uuid7
from tests.factories.accounts import UserFactory
from tests.factories.audit import failed, make_call, ok

pytestmark = pytest.mark.django_db

LIST = "/admin/audit/toolcall/"


@pytest.fixture
def staff(client):
    """A client of somebody with every right."""
    client.force_login(UserFactory(is_staff=True, is_superuser=True, email="s@cliqtel.example"))
    return client


def _detail(row: ToolCall) -> str:
    return reverse("admin:audit_toolcall_change", args=[row.pk])


def _shown(client, query: str = "") -> set:
    response = client.get(LIST + query)
    assert response.status_code == 200
    return {row.pk for row in response.context["cl"].result_list}


def _choices(client, title: str, query: str = "") -> dict[str, str]:
    """Of a filter: text and link of each choice."""
    (spec,) = [
        spec for spec in client.get(LIST + query).context["cl"].filter_specs if spec.title == title
    ]
    changelist = client.get(LIST + query).context["cl"]
    return {one["display"]: one["query_string"] for one in spec.choices(changelist)}


def _text(response) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_it_opens_on_the_last_24_hours_and_says_so(staff):
    young = make_call(at=timezone.now() - timedelta(hours=23))
    old = make_call(at=timezone.now() - timedelta(hours=25))
    assert _shown(staff) == {young.pk}
    page = staff.get(LIST).content.decode()
    assert re.search(r'<li class="selected">\s*<a href="\?started=1">Last 24 hours</a>', page)
    links = _choices(staff, "time")
    assert _shown(staff, links["All"]) == {young.pk, old.pk}
    assert _shown(staff, links["Last 7 days"]) == {young.pk, old.pk}
    assert _shown(staff, "?started=1") == {young.pk}


def test_the_columns_tell_what_happened(staff):
    row = make_call(
        token_label="Laptop", client_label="claude-code 2.0", outcome=ok(duration_ms=1234)
    )
    page = " ".join(_text(staff.get(LIST)).split())
    for value in (
        f"{row.started_at:%Y-%m-%d %H:%M:%S}",
        "OK",
        "search_numbers",
        "mcp.inventory.read",
        "Acme Test",
        "alice@acme.example",
        "Laptop / claude-code 2.0",
        "1,234 ms",
        "192.0.2.7",
        str(row.pk),
        "1 tool call",
    ):
        assert value in page


def test_filters_find_their_rows(staff):
    plain = make_call(outcome=ok())
    wrong = make_call(
        tool="get_pricing",
        scope_required="mcp.pricing.read",
        tenant_label="Globex",
        outcome=failed("not_found"),
    )
    free = make_call(tool="whoami", scope_required="", counted=False)
    assert _shown(staff, "?status__exact=error") == {wrong.pk}
    assert _shown(staff, "?status__exact=running") == {free.pk}
    assert _shown(staff, "?counted__exact=0") == {free.pk}
    assert _shown(staff, _choices(staff, "tool")["get_pricing"]) == {wrong.pk}
    assert _shown(staff, _choices(staff, "scope required")["mcp.pricing.read"]) == {wrong.pk}
    assert _shown(staff, _choices(staff, "scope required")["No scope"]) == {free.pk}
    assert _shown(staff, _choices(staff, "error code")["not_found"]) == {wrong.pk}
    assert _shown(staff, _choices(staff, "tenant")["Globex"]) == {wrong.pk}
    assert _shown(staff, "?status__exact=ok&tool=whoami") == set()
    assert _shown(staff, "?started=all") == {plain.pk, wrong.pk, free.pk}


def test_a_filter_keeps_the_time_and_the_time_keeps_the_filter(staff):
    old = make_call(tool="whoami", at=timezone.now() - timedelta(days=2))
    make_call(tool="get_pricing")
    assert _shown(staff, "?tool=whoami") == set()
    assert _shown(staff, _choices(staff, "time", "?tool=whoami")["All"]) == {old.pk}
    assert _shown(staff, _choices(staff, "tool", "?started=all")["whoami"]) == {old.pk}


def test_a_value_that_nobody_used_of_late_is_still_shown_as_chosen(staff):
    links = _choices(staff, "tool", "?tool=release_number&started=all")
    assert "release_number" in links


@pytest.mark.parametrize("query", ["?started=ever", "?tenant=acme", "?tool=%00", "?nothing=1"])
def test_what_can_not_be_asked_leads_back_to_the_list(staff, query):
    make_call()
    response = staff.get(LIST + query)
    assert (response.status_code, response["location"]) == (302, f"{LIST}?e=1")


def test_a_calls_uuid_finds_it_whenever_it_was(staff):
    old = make_call(at=timezone.now() - timedelta(days=30))
    make_call()
    assert _shown(staff, f"?q=%20{old.pk}") == {old.pk}
    assert _shown(staff, f"?q={old.pk.hex.upper()}") == {old.pk}
    assert _shown(staff, f"?q={old.pk}&started=1") == set()
    assert _shown(staff, f"?q={uuid7()}") == set()


@pytest.mark.parametrize("words", ["ALICE@", "laptop", "cursor", "client-9", "purchase", "globex"])
def test_words_find_user_token_client_tool_and_tenant(staff, words):
    row = make_call(
        user_label="alice@acme.example",
        token_label="Laptop of A",
        client_label="Cursor 3",
        client_id="client-99",
        tool="purchase_number",
        tenant_label="Globex",
    )
    make_call(user_label="bob@acme.example", token_label="CI", client_label="", tool="whoami")
    assert _shown(staff, f"?q={words}") == {row.pk}
    assert "A call's UUID finds that call" in _text(staff.get(LIST))


def test_months_and_days_are_walked_by_links(staff):
    row = make_call()
    now = row.started_at
    dates = staff.get(LIST).context["cl"].dates
    assert dates["back"] is None
    month = dates["choices"][0]
    assert month["title"] == f"{now:%B %Y}"
    assert _shown(staff, month["link"]) == {row.pk}
    inside = staff.get(LIST + month["link"]).context["cl"].dates
    assert len(inside["choices"]) == now.day
    assert inside["back"]["link"] == "?"
    today = inside["choices"][-1]
    assert _shown(staff, today["link"]) == {row.pk}
    page = staff.get(LIST + today["link"])
    assert today["title"] in _text(page)
    assert page.context["cl"].dates["back"]["link"] == month["link"]


def test_a_month_replaces_the_last_24_hours_and_reads_one_partition(staff):
    now = timezone.now()
    start = datetime(now.year, now.month, 1, tzinfo=UTC)
    inside = make_call(at=start)
    before = make_call(at=start - timedelta(milliseconds=1))
    after = make_call(at=month_bounds()[1])
    query = f"?started_at__year={now.year}&started_at__month={now.month}"
    shown = _shown(staff, query)
    assert inside.pk in shown
    assert not {before.pk, after.pk} & shown
    changelist = staff.get(LIST + query).context["cl"]
    read = set(re.findall(r"mcp_tool_calls_\d{4}_\d{2}", changelist.queryset.explain()))
    assert read == {f"mcp_tool_calls_{now:%Y_%m}"}
    (time,) = [spec for spec in changelist.filter_specs if spec.title == "time"]
    assert not any(choice["selected"] for choice in time.choices(changelist))


def test_clearing_the_filters_leads_to_the_last_24_hours(staff):
    page = staff.get(f"{LIST}?status__exact=error&started_at__year=2026&started_at__month=11")
    assert page.context["cl"].clear_all_filters_qs == "?"


def test_the_list_costs_the_same_for_one_row_and_for_sixty(staff):
    make_call(parent_id=uuid7(), outcome=ok(result={"count": 1}))
    staff.get(LIST)
    with CaptureQueriesContext(
        connection,
    ) as few:
        staff.get(LIST)
    for number in range(59):
        make_call(tool=f"tool_{number}", user_label=f"u{number}@acme.example")
    with CaptureQueriesContext(connection) as many:
        response = staff.get(LIST)
    assert len(response.context["cl"].result_list) == 60
    # Session, person; count, rows; choices of three filters; months; the last verification.
    assert len(few) == len(many) == 9
    (rows,) = [query["sql"] for query in many if '"duration_ms"' in query["sql"]]
    assert '"arguments"' not in rows


def test_nothing_counts_or_sorts_the_whole_table(staff, monkeypatch):
    monkeypatch.setattr(ToolCallAdmin, "list_per_page", 1)
    make_call()
    make_call()
    for query in ("", "?started=all", "?started=all&q=alice", "?o=1&started=all"):
        with CaptureQueriesContext(connection) as captured:
            staff.get(LIST + query)
        reads = [one["sql"] for one in captured if 'FROM "mcp_tool_calls"' in one["sql"]]
        assert len(reads) == 5  # count, rows, choices of three filters
        for sql in reads:
            assert "LIMIT" in sql
            assert "MIN(" not in sql.upper()
            assert "DISTINCT" not in sql.upper()


def test_large_counts_are_estimates_and_say_so(staff, monkeypatch):
    for _ in range(12):
        make_call()
    monkeypatch.setattr(EstimatingPaginator, "exact_up_to", 10)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE mcp_tool_calls")
    response = staff.get(LIST + "?started=all")
    assert response.context["cl"].paginator.is_estimate
    assert response.context["cl"].result_count >= 11
    assert re.search(r"about\s+\d+ tool calls", _text(response))
    monkeypatch.setattr(EstimatingPaginator, "exact_up_to", 12)
    response = staff.get(LIST + "?started=all")
    assert not response.context["cl"].paginator.is_estimate
    assert re.search(r"\s12 tool calls", _text(response))


def test_pages_end_where_reading_past_would_take_too_long(monkeypatch):
    calls = ToolCall.objects.order_by("-id")
    for _ in range(9):
        make_call()
    monkeypatch.setattr(EstimatingPaginator, "max_pages", 3)
    paginator = EstimatingPaginator(calls, 2)
    assert paginator.num_pages == 3
    assert paginator.count == 9


def test_a_search_that_takes_too_long_is_told_so(staff, monkeypatch):
    def fail(_self: object) -> int:
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(EstimatingPaginator, "count", property(fail))
    response = staff.get(LIST + "?started=all&q=x")
    assert (response.status_code, response["location"]) == (302, LIST)
    monkeypatch.undo()
    assert "That took too long" in _text(staff.get(LIST))


def test_the_page_of_a_call_shows_all_of_it_and_leads_to_its_parent(staff):
    parent = make_call(tool="draft_order_number", outcome=ok())
    row = make_call(
        tool="purchase_number",
        arguments={"pin": "hunter2", "note": "<b>Zoë</b>", "nested": {"list": [1, 2]}},
        parent_id=parent.pk,
        approval_id=uuid7(),
        actor_id=uuid7(),
        actor_label="carol@acme.example",
        counted=False,
        outcome=ok(result={"count": 3}, cost_amount=Decimal("1.50"), cost_currency="EUR"),
    )
    response = staff.get(_detail(row))
    assert response.status_code == 200
    page = response.content.decode()
    assert "<b>Zoë" not in page
    text = _text(response)
    assert '"note": "<b>Zoë</b>"' in text
    assert '  "nested": {\n    "list": [\n      1,' in text
    assert '"pin": "[redacted]"' in text
    assert "hunter2" not in text
    assert '"count": 3' in text
    assert "1.500000 EUR" in text
    assert "carol@acme.example" in text
    assert "Yes: the code fits." in text
    assert f'<a href="{_detail(parent)}">{parent.pk}</a>' in page
    assert staff.get(_detail(parent)).status_code == 200
    for name in ("_save", "_continue", "deletelink"):
        assert name not in page


def test_the_page_of_a_running_call_has_no_outcome_yet(staff):
    text = _text(staff.get(_detail(make_call())))
    assert "Running" in text
    assert "Yes: the code fits." in text


def test_a_forged_row_is_shown_as_one(staff, settings):
    row = make_call(outcome=ok())
    settings.AUDIT_KEY = "another" * 8
    assert "NO: this row was changed or slipped in." in _text(staff.get(_detail(row)))
    settings.AUDIT_KEY_ID = "k2"
    assert "the key k1 is not in AUDIT_OLD_KEYS" in _text(staff.get(_detail(row)))


def test_not_even_a_superuser_adds_changes_or_deletes(staff):
    row = make_call(outcome=ok())
    assert staff.get(f"{LIST}add/").status_code == 403
    assert staff.post(f"{LIST}add/", {}).status_code == 403
    assert staff.post(_detail(row), {"tool": "whoami"}).status_code == 403
    assert staff.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    response = staff.post(
        LIST, {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
    )
    assert response.status_code in (200, 302)
    assert ToolCall.objects.get(pk=row.pk).tool == "search_numbers"
    assert "delete_selected" not in staff.get(LIST).content.decode()


def test_a_call_that_there_is_not_leads_back_to_the_index(staff):
    for wrong in (str(uuid7()), "nonsense"):
        assert staff.get(f"{LIST}{wrong}/change/").status_code == 302


def test_staff_without_the_right_see_nothing_and_with_it_only_read(client):
    person = UserFactory(is_staff=True)
    client.force_login(person)
    row = make_call()
    assert client.get(LIST).status_code == 403
    assert client.get(_detail(row)).status_code == 403
    person.user_permissions.add(Permission.objects.get(codename="view_toolcall"))
    assert _shown(client) == {row.pk}
    assert client.get(_detail(row)).status_code == 200


def test_the_months_of_tenants_are_read_only_and_named(staff, acme):
    make_call(tenant_id=acme.pk)
    make_call(tenant_id=acme.pk)
    make_call()  # of a tenant that is no more
    page = staff.get("/admin/audit/monthlyusage/")
    assert "Acme Test" in _text(page)
    found = staff.get("/admin/audit/monthlyusage/?q=acme").context["cl"].result_list
    assert [(usage.tenant_name, usage.calls) for usage in found] == [("Acme Test", 2)]
    usage = MonthlyUsage.objects.get(tenant_id=acme.pk)
    detail = f"/admin/audit/monthlyusage/{usage.pk}/change/"
    assert "Acme Test" in _text(staff.get(detail))
    assert staff.post(detail, {"calls": "0"}).status_code == 403
    assert staff.post(f"/admin/audit/monthlyusage/{usage.pk}/delete/").status_code == 403
    assert staff.get("/admin/audit/monthlyusage/add/").status_code == 403


def test_the_months_of_tenants_cost_the_same_for_one_and_for_many(staff):
    make_call()
    staff.get("/admin/audit/monthlyusage/")
    with CaptureQueriesContext(connection) as few:
        staff.get("/admin/audit/monthlyusage/")
    for _ in range(20):
        make_call()
    with CaptureQueriesContext(connection) as many:
        staff.get("/admin/audit/monthlyusage/")
    assert len(few) == len(many)


def test_the_pages_have_no_inline_script_or_style(staff):
    row = make_call(outcome=ok())
    for path in (LIST, _detail(row)):
        page = staff.get(path).content.decode()
        assert "<style" not in page
        assert not re.search(r"\sstyle=", page)
        assert not re.search(r"<script(?![^>]*\ssrc=)[^>]*>\s*\S", page)
