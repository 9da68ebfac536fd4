"""Acme of the demo with one of everything that a page shows, a person of each role, a stranger."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from approvals import services as approvals
from audit.export import prepare
from audit.models import Export, ToolCall
from audit.webhooks import set_webhook
from cliqtel_portal.accounts.models import BrowserSession, Membership, Tenant
from cliqtel_portal.accounts.services.invitations import invite
from cliqtel_portal.callflows.models import CallFlow
from cliqtel_portal.deeds.assign_number import draft_assign_number
from cliqtel_portal.deeds.purchase_number import draft_order
from cliqtel_portal.deeds.release_number import draft_release_number
from cliqtel_portal.deeds.send_message import send_or_draft
from cliqtel_portal.deeds.update_route import draft_change, draft_publication
from cliqtel_portal.messaging.models.formats import Channel
from cliqtel_portal.numbers.models import PhoneNumber, StockNumber
from cliqtel_portal.trunks.models import Trunk
from mcp_access.models import Consent, OAuthAttempt
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.alerts import calls, make_alert
from tests.factories.audit import failed, make_call, ok
from tests.factories.deeds import requester_of
from tests.factories.mcp_access import EVERY_SCOPE, make_token
from tests.factories.messaging import MessageBatchFactory, OptOutFactory
from tests.factories.notices import NoticeFactory
from tests.factories.numbers import NumberChangeFactory, PhoneNumberFactory, ReservationFactory
from tests.factories.oauth import make_application, make_session

ROLES = ("viewer", "member", "approver", "admin", "owner")


@dataclass(frozen=True, kw_only=True)
class World:
    """`objects`: one of acme's for each name that an address has for its object."""

    tenant: Tenant
    people: dict[str, Membership]
    mallory: Membership
    staff: Membership
    objects: dict[str, Model]

    def __getitem__(self, role: str) -> Membership:
        return self.people[role]


@contextmanager
def undone() -> Iterator[None]:
    """What is done inside is taken back; services that insist on the outermost block don't mind."""
    block = transaction.atomic()
    block._from_testcase = True
    with block:
        yield
        transaction.set_rollback(True)


def build() -> World:
    """To the demo's data."""
    acme = Tenant.objects.get(slug="acme")
    # More than its tier has: everybody has a token and an app, and may make another.
    acme.connections = 50
    acme.save()
    people = {
        role: Membership.objects.filter(tenant=acme, role=role).first()
        or MembershipFactory(tenant=acme, role=role, user__email=f"{role}@acme.test")
        for role in ROLES
    }
    mallory = MembershipFactory(tenant__slug="malice", tenant__name="Malice", role="owner")
    staff = Membership(tenant=acme, user=UserFactory(email="crew@cliqtel.test", is_staff=True))
    objects = (
        _ai_access(people)
        | _approvals(people)
        | _log(people)
        | {
            "number_id": _connected(acme),
            "trunk_id": Trunk.objects.for_tenant(acme)[0],
            "call_flow_id": CallFlow.objects.for_tenant(acme).get(name="Main reception"),
            "membership_id": people["viewer"],
            "invitation_id": invite(
                people["owner"], email="dora@acme.test", role="member"
            ).invitation,
            "session_id": BrowserSession.objects.create(
                user=people["owner"].user, session_key="gone-home", last_used_at=timezone.now()
            ),
            "opt_out_id": OptOutFactory(tenant=acme),
            "batch_id": MessageBatchFactory(
                tenant=acme, requested_by=people["member"].user, sent=True, by_ai_host=True
            ),
            "notice_id": NoticeFactory(tenant=acme),
            "reservation_id": ReservationFactory(
                tenant=acme, stock_number=StockNumber.objects.get(e164="+31201230005")
            ),
        }
    )
    # Given up, and bringing it back is offered.
    gone = PhoneNumberFactory(tenant=acme, status="quarantine")
    NumberChangeFactory(number=gone)
    set_webhook(people["owner"], url="https://hooks.slack.com/services/T1/B1/acme-secret")
    return World(tenant=acme, people=people, mallory=mallory, staff=staff, objects=objects)


def _connected(acme: Tenant) -> PhoneNumber:
    numbers = PhoneNumber.objects.for_tenant(acme).filter(status="active")
    return numbers.filter(call_flow__isnull=False).order_by("e164")[0]


def _ai_access(people: dict[str, Membership]) -> dict[str, Model]:
    now = timezone.now()
    app = make_application("Claude")
    consents = []
    for role in ("member", "approver", "owner"):
        person = people[role]
        make_token(person, name=f"{role} token")
        make_token(person, name=f"{role} ending", expires=now + timedelta(days=3))
        make_session(person, app, family=uuid.uuid4())
        consents.append(
            Consent.objects.create(
                tenant=person.tenant,
                user=person.user,
                application=app,
                asked_scope=" ".join(EVERY_SCOPE),
                scope="mcp.inventory.read",
                redirect_uri="https://claude.example/callback",
            )
        )
    OAuthAttempt.objects.create(
        step="token",
        ok=False,
        reason="invalid_grant",
        client_id=app.client_id,
        client_name="Claude",
        tenant=people["owner"].tenant,
        user=people["owner"].user,
    )
    token, _ = make_token(
        people["owner"],
        name="Ops agent",
        scopes=EVERY_SCOPE,
        restricted_at=now,
        last_used_at=now,
        last_used_address="192.0.2.7",
        last_used_tool="search_numbers",
        last_used_client="claude-code 2.0",
    )
    make_token(people["owner"], name="Gone", revoked_at=now)
    return {"token_id": token, "consent_id": consents[-1]}


def _approvals(people: dict[str, Membership]) -> dict[str, Model]:
    """One of each deed that waits, some of them over."""
    member = requester_of(people["member"])
    acme = member.tenant
    numbers = PhoneNumber.objects.for_tenant(acme).filter(status="active")
    spare = numbers.filter(trunk__isnull=True, call_flow__isnull=True).order_by("e164")[0]
    sender = numbers.filter(capabilities__contains=["sms"]).order_by("e164")[0]
    flow = CallFlow.objects.for_tenant(acme).get(name="Main reception")
    assert flow.active_revision is not None
    order = draft_order(
        member, numbers=["+31201230001"], reason_text="<b>Now!</b> \u202egnp.exe"
    ).approval
    assert order is not None
    rejected = draft_order(member, numbers=["+31201230002"]).approval
    assert rejected is not None
    approvals.reject(people["approver"], approval_id=rejected.pk)
    entry = flow.active_revision.graph["entry"]
    edited = draft_change(
        member,
        call_flow_id=flow.pk,
        base_etag=flow.active_revision.etag,
        operations=[{"op": "update_node", "id": entry, "title": "Opening times"}],
    )
    draft_publication(requester_of(people["approver"]), call_flow_id=flow.pk, revision=1)
    draft_assign_number(
        requester_of(people["approver"]),
        number=_connected(acme).e164,
        target_kind="trunk",
        target_id=Trunk.objects.for_tenant(acme)[0].pk,
    )
    draft_release_number(member, number=spare.e164, confirm_number=spare.e164)
    send_or_draft(
        member,
        from_number=sender.e164,
        to=["+447700900123"],
        channel=Channel.SMS,
        text="Your order is on its way.",
    )
    return {"approval_id": order, "change_id": edited.draft.change}


def _log(people: dict[str, Membership]) -> dict[str, Model]:
    acme = people["owner"].tenant
    call: ToolCall | None = None
    for role in ("member", "approver", "owner"):
        who = {
            "tenant_id": acme.pk,
            "tenant_label": acme.name,
            "user_id": people[role].user_id,
            "user_label": people[role].user.email,
        }
        make_call(**who)
        make_call(**who, outcome=failed("insufficient_scope"))
        call = make_call(**who, outcome=ok(result={"count": 2}))
    assert call is not None
    calls(acme, 3, token_id=call.token_id)
    token, _ = make_token(people["member"], name="Misused")
    alert = make_alert(acme, token_id=token.pk, subject=str(token.pk))
    export = prepare(ToolCall.objects.for_tenant(acme.pk), file_format="csv", tenant=acme)
    export.actor_id, export.actor_label = people["owner"].user_id, people["owner"].user.email
    export.state, export.size_bytes = Export.State.DONE, 2_000_000
    export.finished_at = timezone.now()
    export.expires_at = export.finished_at + timedelta(hours=24)
    export.save()
    return {"call_id": call, "alert_id": alert, "export_id": export}
