"""`/api/v1/messaging/`: what became of messages, and how much AI hosts may send by themselves."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from cliqtel_portal.accounts.api import PortalAPIView
from cliqtel_portal.accounts.permissions import may_edit_policies, may_use_ai_access
from cliqtel_portal.api_fields import REFUSALS, MoneySerializer
from cliqtel_portal.messaging.models import Message
from cliqtel_portal.messaging.services import daily_allowance, set_limit
from cliqtel_portal.phone import mask_e164

_PER_PAGE = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Microseconds since 1970, and the id of the last row.
_CURSOR = re.compile(r"([0-9]{1,17})\.([0-9a-f-]{36})")


class MessageQuerySerializer(serializers.Serializer):  # type: ignore[misc]
    status = serializers.ChoiceField(choices=Message.Status.choices, required=False)
    channel = serializers.ChoiceField(choices=Message.Channel.choices, required=False)
    cursor = serializers.CharField(required=False, help_text="`next` of the page before.")

    def validate_cursor(self, value: str) -> tuple[datetime, uuid.UUID]:
        match = _CURSOR.fullmatch(value)
        try:
            if match:
                at = _EPOCH + timedelta(microseconds=int(match[1]))
                return at, uuid.UUID(match[2])
        except (ValueError, OverflowError):
            pass
        raise serializers.ValidationError("This is not the `next` of a page.")


class MessageSerializer(serializers.Serializer):  # type: ignore[misc]
    """Without the text: it is read on the portal's own page of what was sent together."""

    id = serializers.UUIDField()
    batch_id = serializers.UUIDField(allow_null=True)
    direction = serializers.ChoiceField(choices=Message.Direction.choices)
    channel = serializers.ChoiceField(choices=Message.Channel.choices)
    from_number = serializers.SerializerMethodField()
    to_number = serializers.SerializerMethodField()
    status = serializers.ChoiceField(choices=Message.Status.choices)
    error_code = serializers.CharField()
    encoding = serializers.CharField()
    segments = serializers.IntegerField()
    cost = MoneySerializer(source="cost_money")
    created_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)

    def get_from_number(self, message: Message) -> str:
        return self._shown(message.from_number, message.direction == "inbound")

    def get_to_number(self, message: Message) -> str:
        return self._shown(message.to_number, message.direction == "outbound")

    def _shown(self, number: str, is_theirs: bool) -> str:
        """Viewers see the numbers of others masked."""
        return mask_e164(number) if is_theirs and self.context["is_masked"] else number


class MessageListSerializer(serializers.Serializer):  # type: ignore[misc]
    results = MessageSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class LimitSerializer(serializers.Serializer):  # type: ignore[misc]
    messages_per_day = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    amount_per_day = serializers.DecimalField(
        max_digits=10, decimal_places=2, min_value=0, help_text="In the account's currency."
    )


class AllowanceSerializer(serializers.Serializer):  # type: ignore[misc]
    """Of today, in UTC."""

    messages_per_day = serializers.IntegerField()
    messages_left = serializers.IntegerField()
    amount_per_day = MoneySerializer()
    amount_left = MoneySerializer()
    resets_at = serializers.DateTimeField()
    may_edit = serializers.SerializerMethodField()

    def get_may_edit(self, _: Any) -> bool:
        return bool(self.context["may_edit"])


class MessageListView(PortalAPIView):
    @extend_schema(
        operation_id="messages",
        summary="Messages sent and received, newest first",
        parameters=[MessageQuerySerializer],
        responses={200: MessageListSerializer, **REFUSALS},
    )
    def get(self, request: Any) -> Response:
        query = MessageQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = dict(query.validated_data)
        found = Message.objects.for_tenant(self.member.tenant)
        if cursor := wanted.pop("cursor", None):
            at, message_id = cursor
            # A row value would do, but Django has none: the first condition lets the index in.
            found = found.filter(
                Q(created_at__lte=at) & (Q(created_at__lt=at) | Q(pk__lt=message_id))
            )
        rows = list(found.filter(**wanted).order_by("-created_at", "-id")[: _PER_PAGE + 1])
        shown = rows[:_PER_PAGE]
        context = {"is_masked": not may_use_ai_access(self.member.role)}
        body = {
            "results": shown,
            "next": _name(shown[-1]) if len(rows) > _PER_PAGE else None,
        }
        return Response(MessageListSerializer(body, context=context).data)


class LimitView(PortalAPIView):
    @extend_schema(
        operation_id="messaging_limit",
        summary="What AI hosts may still send today without asking a person",
        responses={200: AllowanceSerializer, **REFUSALS},
    )
    def get(self, request: Any) -> Response:
        return self._answer()

    @extend_schema(
        operation_id="set_messaging_limit",
        summary="Set what AI hosts may send in a day without asking a person",
        description="Nothing for either: a person approves every message.",
        request=LimitSerializer,
        responses={200: AllowanceSerializer, **REFUSALS},
    )
    def put(self, request: Any) -> Response:
        asked = LimitSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        set_limit(self.member, **asked.validated_data)
        return self._answer()

    def _answer(self) -> Response:
        context = {"may_edit": may_edit_policies(self.member.role)}
        allowance = daily_allowance(self.member.tenant)
        return Response(AllowanceSerializer(allowance, context=context).data)


def _name(message: Message) -> str:
    return f"{(message.created_at - _EPOCH) // timedelta(microseconds=1)}.{message.pk}"
