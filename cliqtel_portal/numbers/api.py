"""`/api/v1/numbers/`: what can be bought, and what the tenant holds while somebody chooses."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from cliqtel_portal.accounts.api import PortalAPIView
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.api_errors import NotPermittedHere
from cliqtel_portal.api_fields import CHANGE_REFUSALS, REFUSALS, MoneySerializer
from cliqtel_portal.countries import is_country
from cliqtel_portal.number_types import Capability, NumberType
from cliqtel_portal.numbers.models import Reservation
from cliqtel_portal.numbers.services import (
    StockFilters,
    release_reservation,
    reserve_number,
    search_stock,
)

_MAX_PATTERN = 20
_MAX_PAGE = 100


class StockQuerySerializer(serializers.Serializer):  # type: ignore[misc]
    country = serializers.CharField(help_text="ISO 3166-1 code.")
    number_type = serializers.ChoiceField(choices=NumberType.choices, required=False)
    capabilities = serializers.MultipleChoiceField(choices=Capability.choices, required=False)
    area = serializers.CharField(max_length=80, required=False, help_text="City or area code.")
    contains = serializers.CharField(max_length=_MAX_PATTERN, required=False)
    starts_with = serializers.CharField(max_length=_MAX_PATTERN, required=False)
    ends_with = serializers.CharField(max_length=_MAX_PATTERN, required=False)
    quantity = serializers.IntegerField(min_value=1, max_value=_MAX_PAGE, required=False)
    consecutive = serializers.BooleanField(default=False)
    max_monthly = serializers.DecimalField(
        max_digits=9, decimal_places=2, min_value=0, required=False
    )
    without_requirements = serializers.BooleanField(default=False)
    limit = serializers.IntegerField(min_value=1, max_value=_MAX_PAGE, default=20)
    cursor = serializers.RegexField(
        r"^[0-9]{1,15}\Z", required=False, help_text="`next` of the page before."
    )

    def validate_country(self, value: str) -> str:
        code = value.upper()
        if not is_country(code):
            raise serializers.ValidationError("Write an ISO 3166-1 code, for example NL.")
        return code


class FoundNumberSerializer(serializers.Serializer):  # type: ignore[misc]
    number = serializers.CharField(source="e164")
    country = serializers.CharField()
    number_type = serializers.ChoiceField(choices=NumberType.choices)
    area = serializers.CharField()
    area_code = serializers.CharField()
    capabilities = serializers.ListField(child=serializers.CharField())
    setup = MoneySerializer()
    monthly = MoneySerializer()
    offer_id = serializers.UUIDField(help_text="Keeps this price until `offer_expires_at`.")
    offer_expires_at = serializers.DateTimeField()
    requirements = serializers.ListField(child=serializers.CharField())
    reservable = serializers.BooleanField()
    is_demo = serializers.BooleanField()
    block = serializers.IntegerField(allow_null=True)


class WhyEmptySerializer(serializers.Serializer):  # type: ignore[misc]
    filter = serializers.CharField()
    count = serializers.IntegerField()
    hint = serializers.CharField()


class StockPageSerializer(serializers.Serializer):  # type: ignore[misc]
    results = FoundNumberSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    why_empty = WhyEmptySerializer(many=True)


class ReservationSerializer(serializers.Serializer):  # type: ignore[misc]
    id = serializers.UUIDField()
    number = serializers.CharField(source="stock_number.e164")
    expires_at = serializers.DateTimeField()
    is_ordered = serializers.SerializerMethodField(help_text="A drafted order holds it.")

    def get_is_ordered(self, reservation: Reservation) -> bool:
        return reservation.order_id is not None


class ReservationListSerializer(serializers.Serializer):  # type: ignore[misc]
    results = ReservationSerializer(many=True)


class ReserveSerializer(serializers.Serializer):  # type: ignore[misc]
    number = serializers.CharField(max_length=16, help_text="E.164, as +31201234567.")
    ttl_minutes = serializers.IntegerField(default=15)


class StockView(PortalAPIView):
    @extend_schema(
        operation_id="search_stock",
        summary="Numbers that can be bought now",
        parameters=[StockQuerySerializer],
        responses={200: StockPageSerializer, **REFUSALS},
    )
    def get(self, request: Any) -> Response:
        query = StockQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        cursor, limit = asked.pop("cursor", None), asked.pop("limit")
        asked["capabilities"] = tuple(sorted(asked.get("capabilities", ())))
        page = search_stock(
            self.member.tenant,
            StockFilters(**asked),
            limit=limit,
            after=None if cursor is None else int(cursor),
        )
        body = {
            "results": page.numbers,
            "next": None if page.next_after is None else str(page.next_after),
            "why_empty": page.why_empty,
        }
        return Response(StockPageSerializer(body).data)


class ReservationListView(PortalAPIView):
    @extend_schema(
        operation_id="reservations",
        summary="Numbers that are held for the account",
        responses={200: ReservationListSerializer, **REFUSALS},
    )
    def get(self, request: Any) -> Response:
        held = (
            Reservation.objects.for_tenant(self.member.tenant)
            .live(timezone.now())
            .select_related("stock_number")
            .order_by("expires_at", "id")
        )
        return Response(ReservationListSerializer({"results": held}).data)

    @extend_schema(
        operation_id="reserve",
        summary="Hold a number for a few minutes",
        description="Held by the account already: it lasts longer, never shorter.",
        request=ReserveSerializer,
        responses={200: ReservationSerializer, **CHANGE_REFUSALS},
    )
    def post(self, request: Any) -> Response:
        _check_may_hold(self)
        asked = ReserveSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        held = reserve_number(
            self.member.tenant,
            e164=asked.validated_data["number"],
            ttl_minutes=asked.validated_data["ttl_minutes"],
        )
        return Response(ReservationSerializer(held).data)


class ReservationView(PortalAPIView):
    @extend_schema(
        operation_id="release_reservation",
        summary="Let a held number go",
        description="What is free already stays so.",
        responses={204: None, **REFUSALS},
    )
    def delete(self, request: Any, reservation_id: uuid.UUID) -> Response:
        _check_may_hold(self)
        release_reservation(self.member.tenant, reservation_id=reservation_id)
        return Response(status=204)


def _check_may_hold(view: PortalAPIView) -> None:
    if not may_use_ai_access(view.member.role):
        raise NotPermittedHere(
            "not_permitted", "Your role only reads. Ask an owner for another role."
        )
