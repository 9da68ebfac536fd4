"""The language of the filter box."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from audit.criteria import calls_matching, criteria_of
from audit.models import ToolCall
from audit.period import read_period
from audit.query import KEYS, MAX_QUERY, BadQuery, CallQuery, parse_query
from audit.querysets import ToolCallQuerySet
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.ids import uuid7
from tests.factories.audit import failed, make_call, ok

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)  # the 22nd in Amsterdam


def parse(text: str) -> CallQuery:
    return parse_query(text, zone=AMSTERDAM, now=NOW)


def narrowed(text: str) -> ToolCallQuerySet:
    return parse(text).narrow(ToolCall.objects.all())


def found(text: str) -> set:
    return set(narrowed(text).values_list("pk", flat=True))


def bad_terms(text: str) -> list[str]:
    with pytest.raises(BadQuery) as caught:
        parse(text)
    assert all(f"“{one.field}”" in caught.value.message for one in caught.value.problems)
    return [problem.field for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("", ""),
        ("status:error  tool:whoami", "status:error tool:whoami"),
        ("STATUS:Error", "status:error"),
        ('token:"CI, deploy" client:claude-code*', 'token:"CI, deploy" client:claude-code*'),
        ('token:"CI"', "token:CI"),
        ("tool:a,b", "tool:a,b"),
        ('token:x,"y z"', 'token:x,"y z"'),
        ("created:>=2026-11-01 created:<2026-11-05", "created:>=2026-11-01 created:<2026-11-05"),
        ("address:2001:DB8::7", "address:2001:db8::7"),
    ],
)
def test_a_query_is_its_text(text, again):
    assert str(parse(text)) == again
    assert parse(again) == parse(text)


def test_a_bare_uuid_is_that_calls():
    call = uuid7()
    assert str(parse(f" {call.hex.upper()} ")) == f"call:{call}"


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("whoami", ["whoami"]),
        ("status:error colour:red", ["colour:red"]),
        ("status:late", ["status:late"]),
        ("tool:", ["tool:"]),
        ("tool:,", ["tool:,"]),
        ('token:"CI deploy', ['token:"CI deploy']),
        ("scope:mcp.everything", ["scope:mcp.everything"]),
        ("code:Not-Found", ["code:Not-Found"]),
        ("address:home", ["address:home"]),
        ("approval:7", ["approval:7"]),
        ("tool:a tool:b", ["tool:b"]),
        ("created:>=yesterday status:ok x:y", ["created:>=yesterday", "x:y"]),
        ("created:2026-02-30", ["created:2026-02-30"]),
        ("created:1026-02-01", ["created:1026-02-01"]),
        ("created:9999-12-31", ["created:9999-12-31"]),
        ("created:>=2026-11-01,2026-11-02", ["created:>=2026-11-01,2026-11-02"]),
        ("created:2026-11-01T25:00", ["created:2026-11-01T25:00"]),
        (
            "tool:" + ",".join("abcdefghijklmnopqrstu"),
            ["tool:" + ",".join("abcdefghijklmnopqrstu")],
        ),
    ],
)
def test_every_bad_term_is_named(text, bad):
    assert bad_terms(text) == bad


@pytest.mark.parametrize("text", ["tool:" + "a" * MAX_QUERY, "tool:\x00"])
def test_what_no_filter_can_be_is_refused(text):
    with pytest.raises(BadQuery):
        parse(text)


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2026-11-01", "2026-10-31T23:00", "2026-11-01T23:00"),
        ("=2026-11-01", "2026-10-31T23:00", "2026-11-01T23:00"),
        (">=2026-11-01", "2026-10-31T23:00", None),
        (">2026-11-01", "2026-11-01T23:00", None),
        ("<=2026-11-01", None, "2026-11-01T23:00"),
        ("<2026-11-01", None, "2026-10-31T23:00"),
        ("2026-10-25", "2026-10-24T22:00", "2026-10-25T23:00"),  # 25 hours: summer time ends
        ("2026-11-01..2026-11-02", "2026-10-31T23:00", "2026-11-02T23:00"),
        (">=2026-11-01T10:00", "2026-11-01T09:00", None),
        ("<2026-11-01T10:00Z", None, "2026-11-01T10:00"),
        ("today", "2026-11-21T23:00", "2026-11-22T23:00"),
        ("24h", "2026-11-20T23:30", None),
        ("7d", "2026-11-14T23:30", None),
    ],
)
def test_times_are_those_of_the_zone(text, since, until):
    def moment(value):
        return value and datetime.fromisoformat(value).replace(tzinfo=UTC)

    period = read_period(text, zone=AMSTERDAM, now=NOW)
    assert (period.since, period.until) == (moment(since), moment(until))


def test_two_bounds_are_both_kept():
    period = parse("created:>=2026-11-01 created:7d created:<2026-11-20").period
    assert period.since == NOW - timedelta(days=7)
    assert period.until == datetime(2026, 11, 19, 23, tzinfo=UTC)


def test_a_term_is_replaced_added_and_taken_away():
    query = parse("status:error tool:whoami")
    assert query.with_term("tool", "a b", "c") == 'status:error tool:"a b",c'
    assert query.with_term("scope", "none") == "status:error tool:whoami scope:none"
    assert query.with_term("status") == "tool:whoami"
    assert query.value_of("tool") == "whoami"
    assert query.value_of("code") == ""


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", [""]),
        ("tool:a created:7d", ["tool:a created:7d"]),
        ("status:ok,error tool:a,b,c", [f"status:ok,error tool:{one}" for one in "abc"]),
    ],
)
def test_a_query_is_divided_by_its_longest_list(text, parts):
    divided = parse(text).parts()
    assert [str(part) for part in divided] == parts
    assert {part.period for part in divided} == {parse(text).period}


@pytest.mark.django_db
def test_each_key_finds_its_rows(alice: Membership):
    person = {"user_id": alice.user_id, "user_label": "old@acme.example"}
    plain = make_call(outcome=ok(), **person)
    wrong = make_call(
        tool="get_pricing",
        scope_required="mcp.pricing.read",
        token_label="CI deploy",
        client_label="Cursor 3.1",
        address="2001:db8::7",
        outcome=failed("not_found"),
    )
    free = make_call(tool="whoami", scope_required="", client_label="", approval_id=uuid7())
    every = {plain.pk, wrong.pk, free.pk}
    assert found("") == every
    expected = {
        "tool:get_pricing": {wrong.pk},
        "tool:get_pricing,whoami": {wrong.pk, free.pk},
        "status:running": {free.pk},
        "status:ok,error": {plain.pk, wrong.pk},
        "code:not_found": {wrong.pk},
        "scope:mcp.pricing.read": {wrong.pk},
        "scope:none": {free.pk},
        "user:ALICE@acme.example": {plain.pk},
        f"user:{wrong.user_id}": {wrong.pk},
        "user:nobody@acme.example": set(),
        'token:"CI deploy"': {wrong.pk},
        f"token:{plain.token_id}": {plain.pk},
        f'token:{plain.token_id},"CI deploy"': {plain.pk, wrong.pk},
        "client:Cursor*": {wrong.pk},
        "client:none": {free.pk},
        "client:cl*,Cu*": {plain.pk, wrong.pk},
        "client:%*": set(),
        "address:2001:0db8::7": {wrong.pk},
        f"approval:{free.approval_id}": {free.pk},
        f"call:{plain.pk}": {plain.pk},
        "status:error tool:whoami": set(),
        "status:error tool:get_pricing client:Cursor*": {wrong.pk},
    }
    assert {text: found(text) for text in expected} == expected
    exported = {
        text: set(calls_matching(criteria_of(narrowed(text))).values_list("pk", flat=True))
        for text in expected
    }
    assert exported == expected
    assert {text.partition(":")[0] for text in expected} | {"created"} == set(KEYS)


@pytest.mark.django_db
def test_created_divides_the_log_at_the_tenants_midnight():
    midnight = datetime(2026, 11, 19, 23, tzinfo=UTC)  # of the 20th in Amsterdam
    before = make_call(at=midnight - timedelta(milliseconds=1))
    after = make_call(at=midnight)
    assert found("created:<2026-11-20") == {before.pk}
    assert found("created:>=2026-11-20") == {after.pk}
    assert found("created:2026-11-20") == {after.pk}


@pytest.mark.django_db
def test_admins_see_the_tenants_calls_others_their_own(
    alice: Membership, bob: Membership, mallory: Membership
):
    hers = make_call(tenant_id=alice.tenant_id, user_id=alice.user_id)
    his = make_call(tenant_id=alice.tenant_id, user_id=bob.user_id)
    # Bob's in another tenant of his: not for this one's pages.
    make_call(tenant_id=mallory.tenant_id, user_id=bob.user_id)
    assert set(ToolCall.objects.visible_to(alice)) == {hers, his}
    assert set(ToolCall.objects.visible_to(bob)) == {his}
    assert not ToolCall.objects.visible_to(mallory).filter(pk__in=[hers.pk, his.pk])
