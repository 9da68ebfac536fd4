"""Parts of answers and questions that several endpoints of the REST API share."""

from __future__ import annotations

from rest_framework import serializers

from cliqtel_portal.api_errors import ErrorSerializer

# What any endpoint may answer, for its OpenAPI entry.
REFUSALS = dict.fromkeys((400, 401, 403, 404), ErrorSerializer)
CHANGE_REFUSALS = REFUSALS | {409: ErrorSerializer}


class MoneySerializer(serializers.Serializer):  # type: ignore[misc]
    amount = serializers.CharField(source="plain", help_text="Decimal string.")
    currency = serializers.CharField(help_text="ISO 4217.")
    text = serializers.CharField(source="__str__", help_text="For people.")
