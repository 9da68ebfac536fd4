"""The tenant's log of calls: who sees which, the filter box, the pages, one call."""

from __future__ import annotations

import html
import re
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit import activity
from audit.models import DailyUsage, ToolCall
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.ids import uuid7
from tests.factories.accounts import MembershipFactory
from tests.factories.audit import failed, make_call, ok

pytestmark = pytest.mark.django_db

URL = "/numbers/ai-access/activity/"
HOSTILE = '<img src=x onerror=alert(1)> "quoted" \u202e\N{HEBREW LETTER SHIN}'


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def call_of(person: Membership, **fields: Any) -> ToolCall:
    values = {
        "tenant_id": person.tenant_id,
        "user_id": person.user_id,
        "user_label": person.user.email,
    }
    return make_call(**({"outcome": ok()} | values | fields))


def text_of(response: Any) -> str:
    assert response.status_code == 200
    words = html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode()))
    return " ".join(words.split())


def shown(client: Client, query: str = "", **more: str) -> list:
    response = client.get(URL, {"q": query, **more})
    assert response.status_code == 200
    return [call.pk for call in response.context["page"].calls]


def menu(client: Client, title: str, query: str = "") -> dict[str, str]:
    (found,) = [
        menu for menu in client.get(URL, {"q": query}).context["menus"] if menu.title == title
    ]
    return {choice.label: choice.query for choice in found.choices}


# -- who sees what --------------------------------------------------------------------------------


def test_a_stranger_is_sent_to_the_login(alice: Membership) -> None:
    for path in (URL, f"{URL}{call_of(alice).pk}/"):
        response = Client().get(path)
        assert response.status_code == 302
        assert response["Location"].startswith("/account/login/")


def test_a_viewer_may_not(acme: Any, alice: Membership) -> None:
    viewer = MembershipFactory(tenant=acme, role="viewer")
    for path in (URL, f"{URL}{call_of(alice).pk}/"):
        assert signed_in(viewer).get(path).status_code == 403
    assert URL not in signed_in(viewer).get("/").content.decode()


def test_admins_see_all_members_their_own(alice: Membership, bob: Membership) -> None:
    hers, his = call_of(alice, tool="whoami"), call_of(bob, token_label="Bob's laptop")
    assert shown(signed_in(alice)) == [his.pk, hers.pk]
    assert shown(signed_in(bob)) == [his.pk]
    assert shown(signed_in(bob), "user:alice@acme.example") == []
    page = text_of(signed_in(bob).get(URL))
    assert "alice@acme.example" not in page
    assert "whoami" not in page
    assert signed_in(bob).get(f"{URL}{hers.pk}/").status_code == 404
    assert signed_in(alice).get(f"{URL}{his.pk}/").status_code == 200


def test_mallory_sees_nothing_of_acme(alice: Membership, mallory: Membership) -> None:
    call = call_of(alice, tool="whoami", token_label="Alice's", approval_id=uuid7())
    client = signed_in(mallory)
    for query in ("", f"call:{call.pk}", f"token:{call.token_id}", f"approval:{call.approval_id}"):
        assert shown(client, query) == []
    assert shown(client, "", after=str(uuid7())) == []
    assert client.get(f"{URL}{call.pk}/").status_code == 404
    page = text_of(client.get(URL))
    assert "No calls yet" in page
    assert "Alice's" not in page


def test_what_others_did_on_the_same_approval_stays_theirs(
    alice: Membership, bob: Membership
) -> None:
    approval = uuid7()
    parent = call_of(alice, tool="draft_order_number", approval_id=approval)
    his = call_of(bob, tool="purchase_number", approval_id=approval, parent_id=parent.pk)
    assert str(parent.pk) not in signed_in(bob).get(f"{URL}{his.pk}/").content.decode()
    page = signed_in(alice).get(f"{URL}{his.pk}/").content.decode()
    assert f"{URL}{parent.pk}/" in page
    assert f"/approvals/{approval}/" in page


# -- the list -------------------------------------------------------------------------------------


def test_a_row_tells_what_happened(alice: Membership) -> None:
    row = call_of(
        alice,
        token_label="CI deploy",
        client_label="claude-code 2.0",
        outcome=failed("not_found", duration_ms=1234),
    )
    page = text_of(signed_in(alice).get(URL))
    for value in (
        "Error not_found",
        "search_numbers",
        "mcp.inventory.read",
        "alice@acme.example",
        "CI deploy",
        "claude-code 2.0",
        "1,234 ms",
        "192.0.2.7",
        f"…{str(row.pk)[-12:]}",
        f"Kept for {settings.AUDIT_RETENTION_DAYS} days",
    ):
        assert value in page


def test_pages_are_walked_there_and_back(alice: Membership, monkeypatch: Any) -> None:
    monkeypatch.setattr(activity, "PER_PAGE", 2)
    newest_first = [call_of(alice, tool="whoami").pk for _ in range(5)][::-1]
    call_of(alice, tool="other")
    client = signed_in(alice)

    def walk(where: str, link: str | None) -> Any:
        sent = {} if link is None else {where: link}
        return client.get(URL, {"q": "tool:whoami", **sent}).context["page"]

    pages = [walk("after", None)]
    while pages[-1].after:
        pages.append(walk("after", str(pages[-1].after)))
    assert [[call.pk for call in page.calls] for page in pages] == [
        newest_first[:2],
        newest_first[2:4],
        newest_first[4:],
    ]
    assert [page.before is None for page in pages] == [True, False, False]
    back = walk("before", str(pages[2].before))
    assert [call.pk for call in back.calls] == newest_first[2:4]
    assert back.after == newest_first[3]
    first = walk("before", str(back.before))
    assert ([call.pk for call in first.calls], first.before) == (newest_first[:2], None)


def test_a_page_keeps_its_filter_and_a_wrong_cursor_is_none(
    alice: Membership, monkeypatch: Any
) -> None:
    monkeypatch.setattr(activity, "PER_PAGE", 1)
    call_of(alice, token_label="a b")
    newest = call_of(alice, token_label="a b")
    page = signed_in(alice).get(URL, {"q": 'token:"a b"'}).content.decode()
    assert f"?q=token%3A%22a%20b%22&amp;after={newest.pk}" in page
    assert shown(signed_in(alice), 'token:"a b"', after="nonsense") == [newest.pk]


def test_the_list_costs_the_same_for_one_call_and_for_fifty(alice: Membership) -> None:
    client = signed_in(alice)
    call_of(alice)
    client.get(URL)
    with CaptureQueriesContext(connection) as few:
        client.get(URL)
    for number in range(49):
        call_of(alice, tool=f"tool_{number}", approval_id=uuid7())
    with CaptureQueriesContext(connection) as many:
        assert len(client.get(URL).context["page"].calls) == 50
    assert len(few) == len(many)
    reads = [one["sql"] for one in many if 'FROM "mcp_tool_calls"' in one["sql"]]
    assert len(reads) == 2  # the page, the menus
    for sql in reads:
        assert "LIMIT" in sql
        assert "OFFSET" not in sql
        assert '"arguments"' not in sql


# -- the filter -----------------------------------------------------------------------------------


def test_a_filter_finds_its_calls(alice: Membership) -> None:
    old = call_of(alice, at=timezone.now() - timedelta(days=10), outcome=failed("not_found"))
    new = call_of(alice, outcome=failed("insufficient_scope"))
    call_of(alice)
    client = signed_in(alice)
    assert shown(client, "status:error") == [new.pk, old.pk]
    assert shown(client, "status:error created:7d") == [new.pk]
    assert shown(client, str(old.pk)) == [old.pk]
    assert "No calls match" in text_of(client.get(URL, {"q": "status:running"}))


def test_of_several_values_each_fits_once_and_in_order(alice: Membership, monkeypatch: Any) -> None:
    monkeypatch.setattr(activity, "PER_PAGE", 2)
    rows = [
        call_of(alice, tool=tool, client_label=client).pk
        for tool, client in (("a", "x1"), ("b", "x12"), ("c", "x1"), ("b", "x2"), ("a", "x12"))
    ]
    client = signed_in(alice)
    assert shown(client, "tool:a,b") == [rows[4], rows[3]]
    assert shown(client, "tool:a,b", after=str(rows[3])) == [rows[1], rows[0]]
    assert shown(client, "tool:a,b", before=str(rows[0])) == [rows[3], rows[1]]
    assert shown(client, "client:x1,x1*") == [rows[4], rows[2]]


def test_a_bad_filter_names_the_term_and_changes_nothing(alice: Membership) -> None:
    wrong = call_of(alice, outcome=failed("not_found"))
    call_of(alice)
    response = signed_in(alice).get(URL, {"q": "status:eror tool:whoami", "was": "status:error"})
    page = response.content.decode()
    assert "<code>status:eror</code>: a status is ok, error or running" in page
    assert 'value="status:eror tool:whoami"' in page
    assert 'name="was" value="status:error"' in page
    assert [call.pk for call in response.context["page"].calls] == [wrong.pk]
    both = signed_in(alice).get(URL, {"q": "x:1", "was": "y:1"})
    assert len(both.context["page"].calls) == 2
    assert "Below are still all calls" in text_of(both)


def test_presets_are_filters(alice: Membership) -> None:
    client = signed_in(alice)
    failure = call_of(alice, outcome=failed("not_found"))
    write = call_of(alice, scope_required="mcp.messaging.send", tool="send_message")
    denied = call_of(alice, outcome=failed("insufficient_scope"))
    call_of(alice, at=timezone.now() - timedelta(days=2), outcome=failed("not_found"))
    found = {one.label: one.query for one in client.get(URL).context["presets"]}
    assert shown(client, found["Errors today"]) == [denied.pk, failure.pk]
    assert shown(client, found["Writes"]) == [write.pk]
    assert shown(client, found["Scope denied"]) == [denied.pk]
    assert len(shown(client, found["All calls"])) == 4
    chosen = client.get(URL, {"q": found["Writes"]}).content.decode()
    assert re.search(r'aria-current="page">Writes<', chosen)


def test_menus_offer_what_occurs_and_keep_the_rest_of_the_filter(
    alice: Membership, bob: Membership, mallory: Membership
) -> None:
    call_of(alice, token_label="CI deploy", outcome=failed("not_found"))
    call_of(bob, tool="whoami", client_label='quo"ted')
    call_of(mallory, tool="of_mallory")
    client = signed_in(alice)
    assert menu(client, "Tool", "status:ok") == {
        "search_numbers": "status:ok tool:search_numbers",
        "whoami": "status:ok tool:whoami",
    }
    assert menu(client, "Tool", "tool:whoami status:ok")["Any"] == "status:ok"
    assert menu(client, "Error")["not_found"] == "code:not_found"
    assert menu(client, "Token")["CI deploy"] == 'token:"CI deploy"'
    assert set(menu(client, "Person")) == {"alice@acme.example", "bob@acme.example"}
    assert menu(client, "Time", "created:>=2026-01-01")["Today"] == "created:today"
    for title in ("Time", "Status", "Tool", "Scope", "Error", "Person", "Token", "Client"):
        for query in menu(client, title).values():
            assert "can't be read" not in text_of(client.get(URL, {"q": query}))
    titles = {one.title for one in signed_in(bob).get(URL).context["menus"]}
    assert "Person" not in titles


def test_what_takes_too_long_is_told_so(alice: Membership, monkeypatch: Any, settings: Any) -> None:
    call_of(alice)
    every = ToolCall.objects.visible_to(alice)
    slow = every.extra(where=["pg_sleep(0.1) IS NOT NULL"])
    monkeypatch.setattr(type(every), "visible_to", lambda _self, _actor: slow)
    settings.AUDIT_PAGE_TIMEOUT_MS = 10
    page = text_of(signed_in(alice).get(URL))
    assert "That took too long. Choose a shorter time" in page
    assert "No calls" not in page


# -- one call -------------------------------------------------------------------------------------


def test_one_call_shows_arguments_without_secrets_and_its_result(alice: Membership) -> None:
    from audit.record import prepare_arguments

    sent = {"pin": "hunter2", "text": "Dear Anna", "country": "NL", "note": HOSTILE}
    kept, digest = prepare_arguments(sent)
    row = call_of(
        alice,
        arguments=sent,
        argument_digest=digest,
        token_label=HOSTILE,
        actor_id=uuid7(),
        actor_label="carol@acme.example",
        outcome=ok(result={"count": 3}),
    )
    assert row.arguments == kept
    response = signed_in(alice).get(f"{URL}{row.pk}/")
    page = text_of(response)
    assert '"country": "NL"' in page
    assert '"count": 3' in page
    assert "carol@acme.example" in page
    assert str(row.pk) in page
    assert "hunter2" not in page
    assert "Dear Anna" not in page
    raw = response.content.decode()
    assert "<img src=x" not in raw
    assert "\u202e" not in raw.split("<pre")[1]
    assert "<img src=x" not in signed_in(alice).get(URL).content.decode()


def test_a_call_that_there_is_not_is_not_found(alice: Membership) -> None:
    assert signed_in(alice).get(f"{URL}{uuid7()}/").status_code == 404
    assert signed_in(alice).get(f"{URL}nonsense/").status_code == 404


def test_the_pages_are_read_only(alice: Membership) -> None:
    row = call_of(alice)
    for path in (URL, f"{URL}{row.pk}/"):
        assert signed_in(alice).post(path).status_code == 405
        page = signed_in(alice).get(path).content.decode()
        assert "<style" not in page
        assert not re.search(r"<script(?![^>]*\ssrc=)", page)


def test_the_strip_counts_the_days_of_the_account_for_those_who_see_them_all(alice, bob, mallory):
    today = timezone.now().astimezone(UTC).date()
    for gap, calls in ((0, 40), (3, 10), (31, 999)):
        DailyUsage.objects.create(
            tenant_id=alice.tenant_id,
            day=today - timedelta(days=gap),
            tool="whoami",
            source_id=uuid7(),
            calls=calls,
            errors=5,
            refused=2,
        )
    page = signed_in(alice).get(URL)
    strip = page.context["strip"]
    assert (strip.calls, strip.errors, len(strip.bars)) == (54, 14, 30)
    assert "54 calls in 30 days, 14 with an error" in text_of(page)
    day = f"created:{today.isoformat()}"
    assert f'href="?q={day}"' in page.content.decode()
    chosen = signed_in(alice).get(URL, {"q": day}).context["strip"]
    assert [bar.is_chosen for bar in chosen.bars] == [False] * 29 + [True]
    assert signed_in(alice).get(URL, {"q": f"{day} status:error"}).context["strip"] is None
    assert signed_in(bob).get(URL).context["strip"] is None, "a member sees only their own"
    assert signed_in(mallory).get(URL).context["strip"] is None
