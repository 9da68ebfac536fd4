"""One call: its row comes first, whatever happens closes it, and nobody reads an exception."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError, DataError
from pydantic import Field

from audit.models import ToolCall
from audit.services import is_authentic, open_tool_call, usage_of
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted, Problem, TierRequired
from mcp_access import pipeline
from mcp_access.authorization import InsufficientScope
from mcp_access.bridge import run_sync
from mcp_access.call import ToolCall as OpenCall
from mcp_access.call import new_record
from mcp_access.pipeline import (
    InternalError,
    QuotaExceeded,
    ResultTooLarge,
    UnknownTool,
    execute_tool_call,
    execute_tool_call_sync,
)
from mcp_access.principal import Principal
from mcp_access.results import error_result
from mcp_access.tools import registry
from mcp_access.tools.annotations import READ
from mcp_access.tools.tool import Answer, Arguments, Context, Result, tool
from tests.factories.mcp_access import principal_of

SECRET = "password=hunter2 at 10.0.0.9"


class ProbeArguments(Arguments):
    words: str = Field(default="", max_length=200, description="Anything.")
    count: int = Field(default=1, ge=1, le=9, description="A number.")


class ProbeResult(Result):
    words: str = ""


@tool(title="Probe", scope="mcp.docs.read", hints=READ)
def probe(context: Context, arguments: ProbeArguments) -> Answer:
    """Do nothing; each test replaces what it does."""
    return Answer(result=ProbeResult(words=arguments.words), text="Done.", facts={"count": 3})


class Calls:
    """The temporary tool: what it shall do, and how often it ran."""

    def __init__(self) -> None:
        self.count = 0
        self.work: Callable[[Context, ProbeArguments], Answer] = probe.handler

    def __call__(self, context: Context, arguments: ProbeArguments) -> Answer:
        self.count += 1
        return self.work(context, arguments)

    def raises(self, error: BaseException) -> None:
        def fail(context: Context, arguments: ProbeArguments) -> Answer:
            raise error

        self.work = fail


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    made = Calls()
    every = {**registry.all_tools(), "probe": replace(probe, name="probe", handler=made)}
    monkeypatch.setattr(registry, "all_tools", lambda: MappingProxyType(every))
    return made


def run(membership: Membership, arguments: Mapping[str, Any] | None = None) -> Answer:
    return execute_tool_call_sync(principal_of(membership), "probe", arguments)


def row() -> ToolCall:
    return ToolCall.objects.get()


pytestmark = pytest.mark.django_db


# -- in one thread --------------------------------------------------------------------------------


def test_an_answer_closes_the_row_with_its_facts(alice: Membership, calls: Calls) -> None:
    answer = run(alice, {"words": " hello "})
    assert answer.text == "Done."
    assert answer.result == ProbeResult(words="hello")
    closed = row()
    assert (closed.status, closed.error_code, closed.result) == ("ok", "", {"count": 3})
    assert closed.duration_ms is not None
    assert closed.arguments == {"words": " hello "}
    assert (closed.scope_required, closed.counted) == ("mcp.docs.read", True)
    assert is_authentic(closed)
    assert usage_of(alice.tenant_id).calls == 1


def test_the_tool_finds_its_own_row_already_there(alice: Membership, calls: Calls) -> None:
    seen = []

    def look(context: Context, arguments: ProbeArguments) -> Answer:
        own = ToolCall.objects.get(pk=context.call_id)
        seen.append((own.status, own.tool, own.counted, own.user_label, is_authentic(own)))
        return probe.handler(context, arguments)

    calls.work = look
    run(alice)
    assert seen == [("running", "probe", True, "alice@acme.example", True)]


def test_without_a_row_the_tool_does_not_run(alice: Membership, calls: Calls) -> None:
    def call_without_a_log() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE mcp_tool_calls RENAME TO gone")
            run(alice)

    with pytest.raises(DatabaseError, match='"mcp_tool_calls" does not exist'):
        call_without_a_log()
    assert calls.count == 0
    assert not ToolCall.objects.exists()
    assert usage_of(alice.tenant_id).calls == 0


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(SECRET),
        KeyError(SECRET),
        DataError(SECRET),
        psycopg.OperationalError(SECRET),
        ExceptionGroup(SECRET, [ValueError(SECRET)]),
        RecursionError(SECRET),
    ],
    ids=lambda error: type(error).__name__,
)
def test_nobody_reads_the_words_of_an_unexpected_exception(
    alice: Membership, calls: Calls, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    calls.raises(error)
    with pytest.raises(InternalError) as caught:
        run(alice)
    closed = row()
    assert (closed.status, closed.error_code, closed.result) == ("error", "internal_error", None)
    assert str(closed.pk) in caught.value.message
    assert caught.value.retryable
    told = error_result(caught.value).model_dump_json()
    for leak in ("hunter2", "10.0.0.9", type(error).__name__, "Traceback"):
        assert leak not in told
        assert leak not in str(vars(closed))
    # Our own log has all of it, under the same id.
    (record,) = [one for one in caplog.records if one.name == "mcp_access.pipeline"]
    assert record.levelno == logging.ERROR
    assert str(closed.pk) in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is error


@pytest.mark.parametrize(
    "wrong",
    [None, "text", Answer(result=ProbeResult(words="half \ud800"), text="x")],
    ids=["nothing", "text", "half a surrogate pair"],
)
def test_what_is_no_answer_is_an_internal_error(
    alice: Membership, calls: Calls, wrong: Any
) -> None:
    calls.work = lambda context, arguments: wrong
    with pytest.raises(InternalError):
        run(alice)
    assert row().error_code == "internal_error"


def test_an_expected_error_keeps_its_words_but_not_in_the_log(
    alice: Membership, calls: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    problems = [Problem(field="a", message="One."), Problem(field="b", message="Two.")]
    calls.raises(NotFound("There is no +31201234567. Look with list_inventory.", problems=problems))
    with pytest.raises(NotFound, match="Look with list_inventory"):
        run(alice)
    closed = row()
    assert (closed.status, closed.error_code) == ("error", "not_found")
    assert closed.result == {"problems": 2}
    assert closed.counted
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_result_larger_than_hosts_accept_is_refused(
    alice: Membership, calls: Calls, settings: Any
) -> None:
    def fill(context: Context, arguments: ProbeArguments) -> Answer:
        return Answer(result=ProbeResult(words="x" * arguments.count * 100), text="x")

    calls.work = fill
    settings.MCP_MAX_RESULT_CHARS = 300
    assert run(alice, {"count": 2}).text == "x"
    with pytest.raises(ResultTooLarge, match="Ask for less"):
        run(alice, {"count": 3})
    assert ToolCall.objects.get(status="error").error_code == "invalid_arguments"


def test_all_wrong_arguments_come_at_once_and_the_tool_does_not_run(
    alice: Membership, calls: Calls
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        run(alice, {"words": "x" * 201, "count": 0, "colour": "red"})
    assert {problem.field for problem in caught.value.problems} == {"words", "count", "colour"}
    assert calls.count == 0
    assert row().error_code == "invalid_arguments"


def test_nul_is_refused_wherever_it_stands(alice: Membership, calls: Calls) -> None:
    with pytest.raises(InvalidArguments) as caught:
        run(alice, {"words": "a\x00b", "list": ["ok", {"deep": "\x00"}], "na\x00me": 1})
    assert [problem.field for problem in caught.value.problems] == [
        "words",
        "list.1.deep",
        "arguments",
    ]
    assert calls.count == 0
    assert row().error_code == "invalid_arguments"


def test_an_unknown_tool_is_in_the_log(alice: Membership) -> None:
    with pytest.raises(UnknownTool):
        execute_tool_call_sync(principal_of(alice), "no_such_tool", {"a": 1})
    closed = row()
    assert (closed.tool, closed.status, closed.error_code) == (
        "no_such_tool",
        "error",
        "unknown_tool",
    )
    assert closed.scope_required == ""


@pytest.mark.parametrize(
    ("scope", "role", "tier", "error"),
    [
        ("mcp.orders.draft", "owner", "discover", TierRequired),
        ("mcp.numbers.purchase", "member", "automate", NotPermitted),
        ("mcp.orders.draft", "owner", "automate", InsufficientScope),
    ],
)
def test_a_closed_tool_does_not_run(
    alice: Membership,
    calls: Calls,
    monkeypatch: pytest.MonkeyPatch,
    scope: str,
    role: str,
    tier: str,
    error: type[Exception],
) -> None:
    alice.role = role
    alice.tenant.tier = tier
    closed_tool = replace(registry.all_tools()["probe"], scope=scope)
    monkeypatch.setattr(registry, "all_tools", lambda: MappingProxyType({"probe": closed_tool}))
    with pytest.raises(error) as caught:
        # Wrong arguments as well: access comes first, or strangers could probe the arguments.
        run(alice, {"count": 0})
    assert calls.count == 0
    assert row().error_code == caught.value.code


def test_over_a_hard_month_the_tool_does_not_run(alice: Membership, calls: Calls) -> None:
    Tenant.objects.update(tier="discover", calls_per_month=1)
    alice.tenant.refresh_from_db()
    run(alice)
    with pytest.raises(QuotaExceeded):
        run(alice)
    assert calls.count == 1
    assert ToolCall.objects.get(status="error").error_code == "quota_exceeded"
    assert usage_of(alice.tenant_id).calls == 1


# -- over the event loop, as /mcp does it ---------------------------------------------------------


async def opened(principal: Principal, arguments: Mapping[str, Any] | None) -> OpenCall:
    call = OpenCall(
        principal=principal, record=new_record(principal, tool="probe", arguments=arguments)
    )
    assert await open_tool_call(call.record, month_limit=None)
    return call


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
async def test_the_asynchronous_form_does_the_same(
    alice: Membership, calls: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    principal = await run_sync(principal_of, alice)

    async def closed_after(arguments: Mapping[str, Any] | None, error: type[Exception]) -> ToolCall:
        call = await opened(principal, arguments)
        with pytest.raises(error) as caught:
            await execute_tool_call(call, "probe", arguments)
        assert call.is_closed
        assert "hunter2" not in error_result(caught.value).model_dump_json()  # type: ignore[arg-type]
        return await ToolCall.objects.aget(pk=call.record.id)

    seen = []

    def look(context: Context, arguments: ProbeArguments) -> Answer:
        seen.append(ToolCall.objects.get(pk=context.call_id).status)
        return probe.handler(context, arguments)

    calls.work = look
    call = await opened(principal, {"words": "hello"})
    answer = await execute_tool_call(call, "probe", {"words": "hello"})
    assert (answer.result, seen, call.is_closed) == (ProbeResult(words="hello"), ["running"], True)
    closed = await ToolCall.objects.aget(pk=call.record.id)
    assert (closed.status, closed.result) == ("ok", {"count": 3})
    assert is_authentic(closed)

    calls.raises(RuntimeError(SECRET))
    failed = await closed_after({}, InternalError)
    assert (failed.status, failed.error_code) == ("error", "internal_error")
    assert "hunter2" not in str(vars(failed))
    calls.raises(NotFound("No."))
    assert (await closed_after({}, NotFound)).error_code == "not_found"
    ran = calls.count
    assert (await closed_after({"count": 0}, InvalidArguments)).result == {"problems": 1}
    assert (await closed_after({"words": "\x00"}, InvalidArguments)).error_code
    assert calls.count == ran
    assert await ToolCall.objects.filter(status="running").acount() == 0


@pytest.mark.wire
@pytest.mark.django_db(transaction=True)
async def test_a_row_that_can_not_be_closed_does_not_take_the_answer_away(
    alice: Membership,
    calls: Calls,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The deed is done: to say that it failed would make the host do it again."""

    async def fail(*_: Any) -> None:
        raise psycopg.OperationalError("the connection is lost")

    principal = await run_sync(principal_of, alice)
    call = await opened(principal, {})
    monkeypatch.setattr(pipeline, "close_tool_call", fail)
    assert (await execute_tool_call(call, "probe", {})).text == "Done."
    assert call.is_closed, "the endpoint must not close it as something else"
    assert f"tool call {call.record.id} stays open in the log" in caplog.text
    assert (await ToolCall.objects.aget()).status == "running"
