"""Arguments with which each tool finds, or drafts, something in acme's demo data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.callflows.models import CallFlow
from cliqtel_portal.deeds.purchase_number import draft_order
from cliqtel_portal.deeds.requester import Requester
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.trunks.models import Trunk
from tests.factories.approvals import make_approval


def _approval() -> str:
    owner = Membership.objects.get(user__email="owner@acme.test")
    return str(make_approval(owner).pk)


def _trunk() -> str:
    return str(Trunk.objects.filter(tenant__slug="acme")[0].pk)


def _flow() -> CallFlow:
    return CallFlow.objects.filter(tenant__slug="acme", name="Main reception").get()


def _call_flow() -> str:
    return str(_flow().pk)


def _etag() -> str:
    revision = _flow().active_revision
    assert revision is not None
    return revision.etag


def _retitling() -> list[dict[str, str]]:
    revision = _flow().active_revision
    assert revision is not None
    return [{"op": "update_node", "id": revision.graph["entry"], "title": "Opening times"}]


def _number_with_flow() -> str:
    numbers = PhoneNumber.objects.filter(tenant__slug="acme", call_flow__isnull=False)
    return numbers[0].e164


def _spare_number() -> str:
    numbers = PhoneNumber.objects.filter(
        tenant__slug="acme", status="active", trunk__isnull=True, call_flow__isnull=True
    )
    return numbers[0].e164


def _order() -> str:
    owner = Membership.objects.get(user__email="owner@acme.test")
    requester = Requester(tenant=owner.tenant, user=owner.user)
    drafted = draft_order(requester, numbers=["+31201230002"]).approval
    assert drafted is not None
    return str(drafted.artifact_id)


def _number_with_sms() -> str:
    numbers = PhoneNumber.objects.filter(
        tenant__slug="acme", status="active", capabilities__contains=["sms"]
    )
    return numbers[0].e164


# A callable looks up an object of acme's: no other tenant may reach it.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "generate_pbx_setup": {"trunk_id": _trunk, "platform": "asterisk"},
    "get_approval_status": {"approval_id": _approval},
    "get_call_flow": {"number": _number_with_flow},
    "get_document": {"document_id": "trunk-3cx"},
    "get_number_requirements": {"country": "NL", "number_type": "local"},
    "get_pricing": {},
    "get_sip_config": {"trunk_id": _trunk},
    "list_call_flows": {},
    "list_inventory": {},
    "search_docs": {"query": "one way audio"},
    "search_numbers": {"country": "NL"},
    "whoami": {},
}
# The same for tools that write: what they draft or hold is real, so each test gets its own.
WRITE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "assign_number": {
        "number": _number_with_flow,
        "target_kind": "trunk",
        "target_id": _trunk,
        "idempotency_key": "demo-assign",
    },
    "draft_call_flow_change": {
        "call_flow_id": _call_flow,
        "base_etag": _etag,
        "operations": _retitling,
    },
    "release_number": {
        "number": _spare_number,
        "confirm_number": _spare_number,
        "idempotency_key": "demo-release",
    },
    "draft_order_number": {"numbers": ["+31201230001"]},
    "purchase_number": {"order_id": _order, "idempotency_key": "demo-purchase"},
    "reserve_number": {"number": "+31201230000"},
    "update_route": {
        "call_flow_id": _call_flow,
        "revision": 1,
        "idempotency_key": "demo-roll-back",
    },
    "send_message": {
        "from_number": _number_with_sms,
        "to": ["+447700900123"],
        "text": "Your order is on its way.",
        "idempotency_key": "demo-send",
    },
}

# Arguments that name an object by id, with one of acme's.
FOREIGN_IDS: dict[str, tuple[str, Callable[[], str]]] = {
    "assign_number": ("target_id", _trunk),
    "draft_order_number": ("assign_to_trunk_id", _trunk),
    "draft_call_flow_change": ("call_flow_id", _call_flow),
    "generate_pbx_setup": ("trunk_id", _trunk),
    "get_approval_status": ("approval_id", _approval),
    "get_call_flow": ("call_flow_id", _call_flow),
    "get_sip_config": ("trunk_id", _trunk),
    "list_inventory": ("trunk_id", _trunk),
    "purchase_number": ("order_id", _order),
    "update_route": ("call_flow_id", _call_flow),
}


def real_arguments(name: str) -> dict[str, Any]:
    wanted = {**ARGUMENTS, **WRITE_ARGUMENTS}[name]
    return {key: value() if callable(value) else value for key, value in wanted.items()}


def is_about_acme(name: str) -> bool:
    """Whether the arguments name something that only acme has."""
    return any(map(callable, {**ARGUMENTS, **WRITE_ARGUMENTS}[name].values()))
