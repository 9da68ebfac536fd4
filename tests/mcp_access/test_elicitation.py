"""Multi round trips (MCP 2026-07-28): a host that can open links is asked to, once.

Over a real daphne, with the SDK's client. Its word is no authority: only the approval's state is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult, InputRequiredResult

from approvals.models import Approval
from approvals.services import reject
from audit.models import ToolCall
from mcp_access.bridge import run_sync
from tests.factories.mcp_access import EVERY_SCOPE, make_token
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.trunks import TrunkFactory

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

MODERN = "2026-07-28"


class Person:
    """Behind the host: opens the address, or doesn't."""

    def __init__(self, action: str = "accept") -> None:
        self.action = action
        self.asked: list[Any] = []

    async def __call__(self, context: Any, params: Any) -> ElicitResult:
        self.asked.append(params)
        return ElicitResult(action=self.action)


@asynccontextmanager
async def host(
    url: str, token: str, person: Person | None, mode: str = MODERN
) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(
            streamable_http_client(url, http_client=http),
            mode=mode,
            elicitation_callback=person,
            cache=None,
        ) as client,
    ):
        yield client


@pytest.fixture
def token(alice) -> str:
    return make_token(alice, scopes=EVERY_SCOPE)[1]


@pytest.fixture
def arguments(alice) -> dict[str, Any]:
    trunk = TrunkFactory(tenant=alice.tenant)
    number = PhoneNumberFactory(tenant=alice.tenant, trunk=trunk)
    return {"number": number.e164, "target_kind": "none", "idempotency_key": "once-and-for-all"}


@pytest.mark.parametrize("action", ["accept", "decline", "cancel"])
async def test_a_host_that_opens_links_is_asked_once(action, web, token, arguments):
    person = Person(action)
    async with host(web.mcp, token, person) as client:
        result = await client.call_tool("assign_number", arguments)
    approval = await Approval.objects.aget()
    (asked,) = person.asked
    assert asked.mode == "url"
    assert asked.url == f"http://127.0.0.1:8000/approvals/{approval.pk}/"
    assert approval.title in asked.message
    assert result.is_error is False
    assert result.structured_content["status"] == "pending_approval"
    assert result.structured_content["approval_id"] == str(approval.pk)
    # Whatever was clicked there: nothing is decided, nothing is drafted twice.
    assert approval.status == "pending"
    rows = [row async for row in ToolCall.objects.order_by("id")]
    assert [(row.tool, row.status, row.approval_id) for row in rows] == [
        ("assign_number", "ok", approval.pk)
    ] * 2


@pytest.mark.parametrize(
    ("mode", "person"), [("legacy", Person()), (MODERN, None)], ids=["older", "no capability"]
)
async def test_others_get_the_link_as_text(mode, person, web, token, arguments):
    async with host(web.mcp, token, person, mode) as client:
        result = await client.call_tool("assign_number", arguments)
    approval = await Approval.objects.aget()
    assert result.structured_content["status"] == "pending_approval"
    assert f"http://127.0.0.1:8000/approvals/{approval.pk}/" in result.content[0].text
    assert person is None or person.asked == []


async def test_the_second_round_tells_what_a_person_decided(alice, web, token, arguments):
    async with host(web.mcp, token, Person()) as client:
        first = await client.session.call_tool(
            "assign_number", arguments, allow_input_required=True
        )
        assert isinstance(first, InputRequiredResult)
        approval = await Approval.objects.aget()
        # Sealed: a client reads neither id nor anything else in it.
        assert str(approval.pk) not in first.request_state
        await run_sync(reject, alice, approval_id=approval.pk, comment="Not this trunk.")
        second = await client.session.call_tool(
            "assign_number",
            arguments,
            input_responses={"approval": ElicitResult(action="accept")},
            request_state=first.request_state,
        )
    assert second.is_error is True
    assert second.structured_content["error"]["code"] == "approval_rejected"
    assert "Not this trunk." in second.content[0].text
    assert await Approval.objects.acount() == 1


@pytest.mark.parametrize("twist", ["made up", "changed", "other arguments", "other person"])
async def test_a_state_that_is_not_ours_is_refused(twist, mallory, web, token, arguments):
    mallory.tenant.tier = "automate"
    await mallory.tenant.asave()
    async with host(web.mcp, token, Person()) as client:
        first = await client.session.call_tool(
            "assign_number", arguments, allow_input_required=True
        )
    state, wanted = first.request_state, dict(arguments)
    match twist:
        case "made up":
            state = str((await Approval.objects.aget()).pk)
        case "changed":
            state = state[:-6] + ("AAAAAA" if state[-6:] != "AAAAAA" else "BBBBBB")
        case "other arguments":
            wanted["reason"] = "another"
        case "other person":
            token = (await run_sync(make_token, mallory, scopes=EVERY_SCOPE))[1]
    async with host(web.mcp, token, Person()) as client:
        with pytest.raises(MCPError) as caught:
            await client.session.call_tool(
                "assign_number",
                wanted,
                input_responses={"approval": ElicitResult(action="accept")},
                request_state=state,
            )
    assert caught.value.code == -32602
    assert await Approval.objects.acount() == 1
    row = await ToolCall.objects.order_by("id").alast()
    assert (row.status, row.error_code) == ("error", "invalid_request")
