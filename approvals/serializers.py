"""Approvals as JSON: the card of the inbox, and all that the approval's page shows."""

from __future__ import annotations

from rest_framework import serializers

from approvals.states import Status
from cliqtel_portal.api_fields import MoneySerializer


class CostSerializer(serializers.Serializer):  # type: ignore[misc]
    once = MoneySerializer()
    monthly = MoneySerializer()
    first_charge = MoneySerializer(help_text="What approving spends at once.")


class RequesterSerializer(serializers.Serializer):  # type: ignore[misc]
    name = serializers.CharField(source="requester_name")
    is_me = serializers.BooleanField(source="is_mine")


class CardSerializer(serializers.Serializer):  # type: ignore[misc]
    """`host` and `reason` are the AI host's words and `token` the requester's: show them as such.

    None of the texts is markup.
    """

    id = serializers.UUIDField()
    action = serializers.CharField()
    action_words = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    cost = CostSerializer(allow_null=True)
    previous_cost = CostSerializer(allow_null=True)
    is_requoted = serializers.BooleanField()
    requester = RequesterSerializer(source="*")
    host = serializers.CharField()
    token = serializers.CharField()
    reason = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    status_words = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    digest = serializers.CharField(help_text="Of what is shown: an approval sends it back.")
    url = serializers.CharField(source="path", help_text="The approval's page, as a path.")
    may_approve = serializers.BooleanField()
    may_reject = serializers.BooleanField()
    may_cancel = serializers.BooleanField()
    why_not = serializers.CharField(help_text="Why the reader may not approve; else empty.")
    needs_password = serializers.BooleanField()
    approvals_missing = serializers.IntegerField()
    decided_by = serializers.CharField()
    decided_at = serializers.DateTimeField(allow_null=True)
    comment = serializers.CharField()
    outcome = serializers.CharField()
    next_try_at = serializers.DateTimeField(allow_null=True)


class CostLineSerializer(serializers.Serializer):  # type: ignore[misc]
    label = serializers.CharField()
    once = MoneySerializer(allow_null=True)
    monthly = MoneySerializer(allow_null=True)


class HappeningSerializer(serializers.Serializer):  # type: ignore[misc]
    at = serializers.DateTimeField()
    words = serializers.CharField()
    who = serializers.CharField()
    comment = serializers.CharField()


class DetailSerializer(CardSerializer):
    """The card and what the approval's page shows below it."""

    arguments = serializers.DictField(help_text="What would run.")
    lines = CostLineSerializer(many=True)
    consequences = serializers.ListField(child=serializers.CharField())
    missing = serializers.ListField(
        child=serializers.CharField(), help_text="What has to be there before it can run."
    )
    timeline = HappeningSerializer(many=True)


class CardListSerializer(serializers.Serializer):  # type: ignore[misc]
    results = CardSerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="Cursor of the next page.")
    waiting = serializers.IntegerField(help_text="How many wait for the reader's word.")
    last_event_id = serializers.IntegerField(
        help_text="The list holds what happened up to here: follow events from it on."
    )


class CardListQuerySerializer(serializers.Serializer):  # type: ignore[misc]
    state = serializers.ChoiceField(choices=["waiting", "decided", "expired"], default="waiting")
    cursor = serializers.CharField(default="", allow_blank=True)


class ApproveSerializer(serializers.Serializer):  # type: ignore[misc]
    digest = serializers.RegexField(r"^[0-9a-f]{64}\Z", help_text="Of the card that was shown.")
    comment = serializers.CharField(default="", allow_blank=True, max_length=1000)
    password = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=1000,
        trim_whitespace=False,
        write_only=True,
        help_text="Where the card says `needs_password`.",
    )


class RejectSerializer(serializers.Serializer):  # type: ignore[misc]
    comment = serializers.CharField(
        default="", allow_blank=True, max_length=1000, help_text="Reaches the AI host."
    )


class RulingSerializer(serializers.Serializer):  # type: ignore[misc]
    approval = CardSerializer()
    missing = serializers.IntegerField(help_text="How many more people have to agree.")


class SettledSerializer(serializers.Serializer):  # type: ignore[misc]
    approval = CardSerializer()
