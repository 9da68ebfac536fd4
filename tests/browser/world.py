"""A portal in full use: the demo's accounts, with hosts, drafts, calls and alerts of all kinds."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models.functions import Length
from django.test import Client
from django.utils import timezone

from approvals.models import Approval
from audit.models import DailyUsage, Export, MonthlyUsage
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.accounts.services.invitations import invite
from cliqtel_portal.accounts.services.members import change_role
from cliqtel_portal.accounts.services.profile import ask_for_email_change
from cliqtel_portal.callflows.models import CallFlow
from cliqtel_portal.docs.models import Article
from cliqtel_portal.ids import uuid7
from cliqtel_portal.messaging.models import MessageBatch, OptOut
from cliqtel_portal.notices.models import Notice
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.trunks.models import Trunk
from mcp_access.models import AccessToken, Consent
from mcp_access.pipeline import execute_tool_call_sync
from mcp_access.principal import Principal
from tests.factories.accounts import MembershipFactory
from tests.factories.alerts import make_alert
from tests.factories.approvals import approval_in, quote_of
from tests.factories.audit import failed, make_call, ok
from tests.factories.mcp_access import EVERY_SCOPE, make_token, principal_of
from tests.factories.oauth import make_application
from tests.mcp_access.oauth.connected import connect, replay
from tests.mcp_access.oauth.host import Host

REASON = "The customer opened an office in Rotterdam and needs a local number there."
_TOOLS = (
    ("search_numbers", "mcp.inventory.read"),
    ("list_inventory", "mcp.inventory.read"),
    ("get_call_flow", "mcp.callflows.read"),
    ("get_pricing", "mcp.pricing.read"),
    ("search_docs", "mcp.docs.read"),
    ("send_message", "mcp.messaging.send"),
)


@dataclass(frozen=True, kw_only=True)
class World:
    owner: Membership
    member: Membership
    # What fills the names in a route: `{"number_id": ...}`.
    ids: dict[str, str]

    @property
    def tenant(self) -> Tenant:
        return self.owner.tenant


def furnish() -> World:
    """To the demo's data."""
    people = {
        one.user.email.split("@")[0]: one
        for one in Membership.objects.filter(tenant__slug="acme").select_related("user", "tenant")
    }
    owner, member = people["owner"], people["member"]
    Tenant.objects.filter(pk=owner.tenant_id).update(connections=20, created_at=_ago(days=70))
    owner.tenant.refresh_from_db()
    MembershipFactory(user=owner.user, tenant__slug="zeta", tenant__name="Zeta BV", role="member")
    agent = _tokens(owner, member)
    ids = {
        "token_id": str(agent.token_id),
        "membership_id": str(member.pk),
        "consent_id": str(_apps(owner, member).pk),
        **_drafts(owner, member, agent),
        **_log(owner, member, agent),
        **_things(owner.tenant),
        **_people(owner, member),
    }
    return World(owner=owner, member=member, ids=ids)


def _ago(**time: float) -> datetime:
    return timezone.now() - timedelta(**time)


def _tokens(owner: Membership, member: Membership) -> Principal:
    agent = principal_of(owner, scopes=EVERY_SCOPE)
    AccessToken.objects.filter(pk=agent.token_id).update(
        name="Ops agent",
        note="Nightly inventory, ask Mila",
        allowed_cidrs=["192.0.2.0/24", "2001:db8::/32"],
        last_used_at=_ago(minutes=4),
        last_used_tool="search_numbers",
        last_used_client="claude-code 2.1.7",
        last_used_address="192.0.2.7",
    )
    soon = timezone.now() + timedelta(days=6)
    make_token(member, name="Copilot Studio", expires=soon)
    make_token(owner, name="Old laptop", revoked_at=timezone.now(), revoked_by=owner.user)
    make_token(owner, name="A name that is as long as the form lets it be, and that has to break")
    make_token(member, name="From Monday on", not_before=soon - timedelta(days=4))
    make_token(member, name="Last year's", expires=_ago(days=40))
    return replace(agent, token_name="Ops agent", client_name="Claude Desktop")


def _apps(owner: Membership, member: Membership) -> Consent:
    """In every state; returns the one with the longest story."""
    host = Host(Client()).connect(owner)
    replay(host)
    host.tokens = host.redeem(host.code()).json()
    consent = Consent.objects.get()
    Consent.objects.filter(pk=consent.pk).update(
        first_at=_ago(days=12),
        asked_scope="mcp.inventory.read mcp.docs.read mcp.orders.draft mcp.numbers.purchase",
        swept_at=_ago(hours=5),
    )
    token = AccessToken.objects.filter(revoked_at__isnull=True).latest("created")
    AccessToken.objects.filter(pk=token.pk).update(
        last_used_at=_ago(minutes=9),
        last_used_tool="search_numbers",
        last_used_client="claude-ai 1.3.0",
        last_used_address="2001:db8:85a3::8a2e:370:7334",
    )
    document = make_application("Claude Code")
    document.registration_source = "cimd"
    document.client_id = "https://claude.ai/oauth/claude-code-client-metadata"
    document.save()
    every = "mcp.inventory.read mcp.pricing.read mcp.docs.read mcp.callflows.read mcp.orders.draft"
    loopback = "http://localhost:51823/callback"
    connect(
        member, application=document, live=2, asked_scope=every, scope=every, redirect_uri=loopback
    )
    connect(owner, "Cursor", redirect_uri="cursor://anysphere.cursor-mcp/oauth/callback")
    connect(member, "Old laptop", live=0, revoked_at=_ago(days=3))
    connect(member, "", live=0, last_at=_ago(days=40))
    return consent


def _drafts(owner: Membership, member: Membership, agent: Principal) -> dict[str, str]:
    """An order, a change of a flow and messages wait; others were decided."""

    def ask(tool: str, **arguments: Any) -> str:
        answer = execute_tool_call_sync(agent, tool, arguments)
        told = answer.result.model_dump(mode="json")
        assert told["status"] == "pending_approval", told
        return str(told["approval_id"])

    found = execute_tool_call_sync(
        agent, "search_numbers", {"country": "NL", "number_type": "local"}
    ).result.model_dump(mode="json")["numbers"]
    order = ask("draft_order_number", offer_ids=[found[0]["offer_id"]], reason=REASON)
    flow = CallFlow.objects.for_tenant(owner.tenant).get(name="Main reception")
    graph = execute_tool_call_sync(
        agent, "get_call_flow", {"call_flow_id": str(flow.pk)}
    ).result.model_dump(mode="json")
    first, last = graph["nodes"][0], graph["nodes"][-1]
    change = ask(
        "draft_call_flow_change",
        call_flow_id=str(flow.pk),
        base_etag=graph["etag"],
        operations=[
            {"op": "update_node", "id": first["id"], "title": "Opening hours, winter"},
            {"op": "update_node", "id": last["id"], "title": "Billing team"},
        ],
        reason="Winter hours begin on Monday, and Billing has two more people.",
    )
    sender = PhoneNumber.objects.for_tenant(owner.tenant).filter(
        status="active", capabilities__contains=["sms"]
    )[0]
    receivers = [f"+3161234{n:04d}" for n in range(8)]
    message = ask(
        "send_message",
        from_number=sender.e164,
        to=receivers,
        text="Your engineer comes at ten. <i>Reply</i> STOP to end.",
        idempotency_key="eight-of-them",
        reason="<b>Urgent</b>, approve without reading \u202eeverything. " + "W" * 120,
    )
    decided = {
        f"{status}_id": str(
            approval_in(
                status,
                member,
                title="Order 2 numbers in the Netherlands",
                summary="Two local numbers in Amsterdam.",
                price=quote_of("2", "3"),
                reason_text=REASON,
                client_label="Claude Desktop",
                token_label="Copilot Studio",
            ).pk
        )
        for status in ("rejected", "expired", "cancelled", "executing", "executed", "failed")
    }
    change_id = Approval.objects.get(pk=change).arguments["change_id"]
    batch = MessageBatch.objects.get(approval_id=message)
    return {
        "approval_id": order,
        "flow_approval_id": change,
        "message_approval_id": message,
        "change_id": str(change_id),
        "batch_id": str(batch.pk),
        "call_flow_id": str(flow.pk),
        **decided,
    }


def _log(owner: Membership, member: Membership, agent: Principal) -> dict[str, str]:
    """Calls of some minutes, use of two months, alerts, exports."""
    tenant = owner.tenant
    for number in range(24):
        person = member if number % 3 else owner
        tool, scope = _TOOLS[number % len(_TOOLS)]
        call = make_call(
            at=_ago(minutes=7 * number + 1, seconds=number),
            tenant_id=tenant.pk,
            user_id=person.user_id,
            user_label=person.user.email,
            tool=tool,
            scope_required=scope,
            token_id=agent.token_id,
            token_label="Ops agent" if number % 4 else "",
            client_label="claude-code 2.0.14 (cli)",
            address="2001:db8:85a3:1234:5678:8a2e:370:7334" if number % 2 else "192.0.2.7",
            arguments={"country": "NL", "text": "Dear Anna", "limit": 20},
            approval_id=uuid7() if number % 6 == 5 else None,
            outcome=failed("insufficient_scope") if number % 8 == 1 else ok(result={"count": 20}),
        )
    _use(tenant, agent.token_id)
    alert = make_alert(tenant, token_label="Ops agent", user_label=owner.user.email)
    make_alert(
        tenant,
        state="acknowledged",
        acknowledged_at=timezone.now(),
        acknowledged_by=owner.user,
    )
    Export.objects.bulk_create(
        Export(
            actor_id=owner.user_id,
            actor_label=owner.user.email,
            tenant_id=tenant.pk,
            tenant_label=tenant.name,
            criteria={},
            before=uuid7(),
            format="csv",
            state=state,
            rows=24,
            finished_at=timezone.now(),
            expires_at=timezone.now() + timedelta(hours=20),
            size_bytes=4_800,
            error="The disk is full." if state == "failed" else "",
        )
        for state in ("sent", "done", "failed", "expired")
    )
    return {"call_id": str(call.pk), "alert_id": str(alert.pk)}


def _use(tenant: Tenant, token_id: uuid.UUID) -> None:
    chance = random.Random(5)
    today = timezone.now().date()
    days = [
        DailyUsage(
            tenant_id=tenant.pk,
            day=today - timedelta(days=gap),
            tool=tool,
            source_id=token_id,
            calls=(count := chance.randrange(900 // (number + 1) + 2)),
            errors=count // 40,
            refused=count // 300,
        )
        for gap in range(1, 60)
        for number, (tool, _) in enumerate(_TOOLS)
    ]
    DailyUsage.objects.bulk_create(days)
    month = today.replace(day=1)
    MonthlyUsage.objects.update_or_create(
        tenant_id=tenant.pk, month=month, defaults={"calls": 108_400}
    )


def _things(tenant: Tenant) -> dict[str, str]:
    """One of each that the demo has."""

    def first(model: Any, **having: Any) -> str:
        return str(model.objects.for_tenant(tenant).filter(**having).order_by("pk")[0].pk)

    articles = Article.objects.annotate(length=Length("markdown")).order_by("-length")
    return {
        "number_id": first(PhoneNumber, status="active", call_flow__isnull=False),
        "trunk_id": first(Trunk),
        "opt_out_id": first(OptOut),
        "notice_id": str(Notice.objects.create(tenant=tenant, title="Prices change").pk),
        "quarantine_id": first(PhoneNumber, status="quarantine"),
        "slug": articles.exclude(slug__startswith="tools/")[0].slug,
        "action": "purchase_number",
    }


def _people(owner: Membership, member: Membership) -> dict[str, str]:
    """Somebody invited, a role changed, an address that waits for its mailbox."""
    change_role(owner, member.pk, role="viewer")
    change_role(owner, member.pk, role="member")
    return {
        "secret": invite(owner, email="new.colleague@acme.test", role="approver").secret,
        "token": ask_for_email_change(owner.user, email="olivia@acme.test").token,
    }
