"""A large tenant: the rows of its lists by the thousand, made without its services."""

from __future__ import annotations

import uuid
from datetime import timedelta
from itertools import count

from django.utils import timezone

from audit.models import ToolCall
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.callflows.graph import etag, parse
from cliqtel_portal.callflows.models import CallFlow, Revision
from cliqtel_portal.ids import uuid7
from cliqtel_portal.messaging.models import Message, MessageBatch, OptOut
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.trunks.models import Trunk
from mcp_access.models import AccessToken, Consent, OAuthAttempt
from tests.factories.accounts import MembershipFactory
from tests.factories.alerts import make_alert
from tests.factories.approvals import make_approval, quote_of
from tests.factories.call_flow_graphs import office_flow
from tests.factories.messaging import MessageBatchFactory, MessageFactory, OptOutFactory
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.oauth import make_application, make_session
from tests.factories.trunks import TrunkFactory

_COUNTRIES = ("NL", "GB", "DE", "FR", "BE", "US")
_STATUSES = ("active",) * 8 + ("provisioning", "disabled")
_serial = count(1)


def add(owner: Membership, numbers: int) -> None:
    """That many numbers more in the owner's tenant, and of all else what goes with so many."""
    tenant, some = owner.tenant, numbers // 100
    trunks = Trunk.objects.bulk_create(TrunkFactory.build(tenant=tenant) for _ in range(some))
    flows = _flows(owner, some)
    PhoneNumber.objects.bulk_create(
        PhoneNumberFactory.build(
            tenant=tenant,
            e164=f"+4930{next(_serial):08d}",
            country=_COUNTRIES[n % 6],
            status=_STATUSES[n % 10],
            capabilities=["voice", "sms"] if n % 3 else ["voice"],
            tags=[f"site {n % 40}"],
            trunk=trunks[n % some] if n % 10 < 4 else None,
            call_flow=flows[n % some] if 4 <= n % 10 < 8 else None,
        )
        for n in range(numbers)
    )
    _messages(owner, numbers)
    _hosts(owner, some)
    _log(owner, numbers)
    for n in range(some):
        make_approval(owner, action="purchase_number", price=quote_of("1"), title=f"Order {n}")
        make_alert(tenant)
    for _ in range(some // 4):
        MembershipFactory(tenant=tenant, role="member")


def _flows(owner: Membership, some: int) -> list[CallFlow]:
    graph = office_flow()
    tag = etag(parse(graph, strict=False))
    flows = CallFlow.objects.bulk_create(
        CallFlow(tenant=owner.tenant, name=f"Flow {next(_serial)}") for _ in range(some)
    )
    revisions = Revision.objects.bulk_create(
        Revision(call_flow=flow, number=1, graph=graph, etag=tag, author_label="a")
        for flow in flows
    )
    for flow, revision in zip(flows, revisions, strict=True):
        flow.status, flow.active_revision = "active", revision
    CallFlow.objects.bulk_update(flows, ["status", "active_revision"])
    return flows


def _messages(owner: Membership, numbers: int) -> None:
    tenant = owner.tenant
    Message.objects.bulk_create(MessageFactory.build(tenant=tenant) for _ in range(numbers // 10))
    MessageBatch.objects.bulk_create(
        MessageBatchFactory.build(
            tenant=tenant, requested_by=owner.user, sent=True, key=str(next(_serial))
        )
        for _ in range(numbers // 100)
    )
    OptOut.objects.bulk_create(
        OptOutFactory.build(tenant=tenant, peer_number=f"+4930{next(_serial):08d}")
        for _ in range(numbers // 100)
    )


def _hosts(owner: Membership, some: int) -> None:
    now = timezone.now()
    AccessToken.objects.bulk_create(
        AccessToken(
            kind="static",
            tenant=owner.tenant,
            user=owner.user,
            name=f"Host {next(_serial)}",
            scope="mcp.inventory.read",
            token_checksum=uuid.uuid4().hex * 2,
            expires=now + timedelta(days=n + 1),
        )
        for n in range(some)
    )
    for n in range(some // 4):
        app = make_application(f"App {n}")
        make_session(owner, app, family=uuid.uuid4())
        Consent.objects.create(
            tenant=owner.tenant,
            user=owner.user,
            application=app,
            asked_scope="mcp.inventory.read",
            scope="mcp.inventory.read",
            redirect_uri="https://claude.example/callback",
        )
    OAuthAttempt.objects.bulk_create(
        OAuthAttempt(step="token", ok=n % 2 == 0, tenant=owner.tenant, user=owner.user)
        for n in range(some * 10)
    )


def _log(owner: Membership, numbers: int) -> None:
    now = timezone.now()
    ToolCall.objects.bulk_create(
        ToolCall(
            id=uuid7(),
            status="error" if n % 10 == 0 else "ok",
            error_code="not_found" if n % 10 == 0 else "",
            started_at=now,
            duration_ms=12,
            tenant_id=owner.tenant_id,
            tenant_label=owner.tenant.name,
            user_id=owner.user_id,
            user_label=owner.user.email,
            token_id=uuid.uuid5(owner.tenant_id, str(n % 20)),
            token_label=f"Host {n % 20}",
            client_label="claude-code 2.0",
            tool=("search_numbers", "list_inventory", "get_pricing")[n % 3],
            scope_required="mcp.inventory.read",
            arguments={"country": "NL"},
            argument_digest="0" * 64,
            result={"count": 2},
            address="192.0.2.7",
            counted=True,
            mac_key_id="k1",
            mac="0" * 64,
        )
        for n in range(numbers)
    )
