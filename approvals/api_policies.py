"""`/api/v1/approval-policies/`: who decides what. Everybody reads, admins and owners write."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from approvals.actions import ACTIONS
from approvals.models import Policy
from approvals.policies import Terms, terms_by_action
from approvals.policy_changes import as_json, set_policy
from cliqtel_portal.accounts.api import PortalAPIView
from cliqtel_portal.accounts.permissions import may_edit_policies
from cliqtel_portal.api_fields import REFUSALS
from cliqtel_portal.errors import NotFound

_MAX_LAYERS = 10


class LayerSerializer(serializers.Serializer):  # type: ignore[misc]
    deciders = serializers.IntegerField(help_text="From the amount on, so many must agree.")

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python's."""
        return {
            "from": serializers.DecimalField(max_digits=10, decimal_places=2),
            **super().get_fields(),
        }


class PolicySerializer(serializers.Serializer):  # type: ignore[misc]
    """Amounts are first charges, in the account's currency."""

    decider_role = serializers.ChoiceField(choices=Policy.DeciderRole.choices)
    always_four_eyes = serializers.BooleanField(
        help_text="Always another person than the one who asked."
    )
    four_eyes_from = serializers.DecimalField(
        max_digits=10, decimal_places=2, allow_null=True, help_text="Null: for no amount."
    )
    layers = LayerSerializer(many=True)
    expires_seconds = serializers.IntegerField()

    def validate_layers(self, value: list[Any]) -> list[Any]:
        if len(value) > _MAX_LAYERS:
            raise serializers.ValidationError(f"At most {_MAX_LAYERS} steps.")
        return value


class NamedPolicySerializer(PolicySerializer):
    action = serializers.CharField()
    title = serializers.CharField()


class PolicyListSerializer(serializers.Serializer):  # type: ignore[misc]
    results = NamedPolicySerializer(many=True)
    currency = serializers.CharField()
    may_edit = serializers.BooleanField()


class PolicyListView(PortalAPIView):
    @extend_schema(
        operation_id="approval_policies",
        summary="Who decides what",
        responses={200: PolicyListSerializer, **REFUSALS},
    )
    def get(self, request: Any) -> Response:
        tenant = self.member.tenant
        terms = terms_by_action(tenant, ACTIONS)
        return Response(
            {
                "results": [_named(action, terms[action]) for action in ACTIONS],
                "currency": tenant.currency,
                "may_edit": may_edit_policies(self.member.role),
            }
        )


class PolicyView(PortalAPIView):
    @extend_schema(
        operation_id="set_approval_policy",
        summary="Set who decides one kind of approval",
        description="Holds for what waits already, too. Every change is on record.",
        request=PolicySerializer,
        responses={200: NamedPolicySerializer, **REFUSALS},
    )
    def put(self, request: Any, action: str) -> Response:
        if action not in ACTIONS:
            raise NotFound("There is no such kind of approval.")
        asked = PolicySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        set_policy(self.member, action=action, **asked.validated_data)
        terms = terms_by_action(self.member.tenant, [action])[action]
        return Response(_named(action, terms))


def _named(action: str, terms: Terms) -> dict[str, Any]:
    return {"action": action, "title": ACTIONS[action], **as_json(terms)}
