"""`/api/v1/events/`: what the socket says, for pages whose sockets are blocked."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from cliqtel_portal.accounts.api import PortalAPIView
from cliqtel_portal.api_fields import REFUSALS
from cliqtel_portal.notices import stream


class EventSerializer(serializers.Serializer):  # type: ignore[misc]
    id = serializers.IntegerField()
    kind = serializers.CharField()
    payload = serializers.DictField()
    at = serializers.DateTimeField()


class EventListSerializer(serializers.Serializer):  # type: ignore[misc]
    results = EventSerializer(many=True)
    last = serializers.IntegerField(help_text="Ask for what comes after it the next time.")
    reset = serializers.BooleanField(
        help_text="Too much was missed: load your list anew, then go on from `last`."
    )


class PlaceSerializer(serializers.Serializer):  # type: ignore[misc]
    after = serializers.IntegerField(min_value=0, max_value=2**63 - 1, required=False)


class EventListView(PortalAPIView):
    @extend_schema(
        operation_id="events",
        summary="What happened since",
        description="Without `after`: nothing, and the place to start from.",
        parameters=[OpenApiParameter("after", int, description="The last id that was seen.")],
        responses={200: EventListSerializer, **REFUSALS},
    )
    def get(self, request: Any) -> Response:
        place = PlaceSerializer(data=request.query_params)
        place.is_valid(raise_exception=True)
        tenant, user = self.member.tenant, self.member.user
        after = place.validated_data.get("after")
        if after is None:
            batch = stream.Batch(events=(), last=stream.newest_id(tenant, user))
        else:
            batch = stream.resume_after(tenant, user, after)
        return Response(
            {
                "results": [stream.as_json(event) for event in batch.events],
                "last": batch.last,
                "reset": batch.is_reset,
            }
        )
