"""`/api/v1/approvals/`: what the chat widget reads and posts. The same services as the pages."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from approvals import inbox, serializers, services
from approvals.cards import Card, cards_of, waiting_for
from approvals.executors import executor_of, is_registered
from approvals.models import Approval
from approvals.presentation import Presentation
from approvals.timeline import timeline_of
from cliqtel_portal.accounts.api import PortalAPIView
from cliqtel_portal.accounts.passwords import confirm_password
from cliqtel_portal.api_errors import ErrorSerializer
from cliqtel_portal.api_fields import CHANGE_REFUSALS, REFUSALS
from cliqtel_portal.errors import NotFound
from cliqtel_portal.notices.stream import newest_id

_DECISION_REFUSALS = CHANGE_REFUSALS | dict.fromkeys((410, 429), ErrorSerializer)


class ApprovalView(PortalAPIView):
    """Base of what is about one approval of the reader's tenant."""

    def approval(self, approval_id: uuid.UUID) -> Approval:
        found = (
            Approval.objects.for_tenant(self.member.tenant)
            .select_related("requester")
            .filter(pk=approval_id)
            .first()
        )
        if found is None:
            raise NotFound("There is no such approval. Reload the page.")
        return found

    def card(self, approval: Approval) -> Card:
        return cards_of(self.member, [approval])[0]


class ApprovalListView(PortalAPIView):
    @extend_schema(
        operation_id="approvals",
        summary="Approvals as cards",
        description="What waits comes in the order of urgency, the rest newest first.",
        parameters=[
            OpenApiParameter(
                "state", str, enum=["waiting", "decided", "expired"], default="waiting"
            ),
            OpenApiParameter("cursor", str, description="`next` of the page before."),
        ],
        responses={200: serializers.CardListSerializer, **REFUSALS},
    )
    def get(self, request: Any) -> Response:
        query = serializers.CardListQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        member = self.member
        # First: an event that comes meanwhile is told again, none is missed.
        last_event_id = newest_id(member.tenant, member.user)
        page = inbox.read_page(
            member, inbox.Tab(query.validated_data["state"]), after=query.validated_data["cursor"]
        )
        body = {
            "results": page.cards,
            "next": page.after or None,
            "waiting": waiting_for(member),
            "last_event_id": last_event_id,
        }
        return Response(serializers.CardListSerializer(body).data)


class ApprovalDetailView(ApprovalView):
    @extend_schema(
        operation_id="approval",
        summary="Everything about one approval",
        responses={200: serializers.DetailSerializer, **REFUSALS},
    )
    def get(self, request: Any, approval_id: uuid.UUID) -> Response:
        approval = self.approval(approval_id)
        now = timezone.now()
        card = cards_of(self.member, [approval], now)[0]
        presentation = Presentation()
        if is_registered(approval.action):
            presentation = executor_of(approval.action).present(approval)
        body = serializers.CardSerializer(card).data | {
            "arguments": approval.arguments,
            "lines": serializers.CostLineSerializer(presentation.lines, many=True).data,
            "consequences": presentation.consequences,
            "missing": presentation.missing,
            "timeline": serializers.HappeningSerializer(
                timeline_of(approval, card, list(approval.decisions.in_order()), now), many=True
            ).data,
        }
        return Response(body)


@method_decorator(sensitive_variables(), name="post")
class ApproveView(ApprovalView):
    @extend_schema(
        operation_id="approve",
        summary="Approve what was shown",
        description=(
            "Runs it, where nobody else has to agree. `price_changed`: nothing was decided; read "
            "the card again and show the new price. `already_decided` says who was first, and when."
        ),
        request=serializers.ApproveSerializer,
        responses={200: serializers.RulingSerializer, **_DECISION_REFUSALS},
    )
    def post(self, request: Any, approval_id: uuid.UUID) -> Response:
        said = serializers.ApproveSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        approval = self.approval(approval_id)
        password = said.validated_data["password"]
        is_confirmed = bool(password) and self.card(approval).needs_password
        if is_confirmed:
            confirm_password(
                request._request, self.member.user, password, outcome="Nothing was decided."
            )
        ruling = services.approve(
            self.member,
            approval_id=approval_id,
            seen_digest=said.validated_data["digest"],
            comment=said.validated_data["comment"],
            password_confirmed=is_confirmed,
        )
        body = {"approval": self.card(self.approval(approval_id)), "missing": ruling.missing}
        return Response(serializers.RulingSerializer(body).data)


class RejectView(ApprovalView):
    @extend_schema(
        operation_id="reject",
        summary="Reject it",
        request=serializers.RejectSerializer,
        responses={200: serializers.SettledSerializer, **_DECISION_REFUSALS},
    )
    def post(self, request: Any, approval_id: uuid.UUID) -> Response:
        said = serializers.RejectSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        services.reject(
            self.member, approval_id=approval_id, comment=said.validated_data["comment"]
        )
        body = {"approval": self.card(self.approval(approval_id))}
        return Response(serializers.SettledSerializer(body).data)


class CancelView(ApprovalView):
    @extend_schema(
        operation_id="cancel",
        summary="Take back what one asked for oneself",
        request=None,
        responses={200: serializers.SettledSerializer, **_DECISION_REFUSALS},
    )
    def post(self, request: Any, approval_id: uuid.UUID) -> Response:
        services.cancel(self.member, approval_id=approval_id)
        body = {"approval": self.card(self.approval(approval_id))}
        return Response(serializers.SettledSerializer(body).data)
