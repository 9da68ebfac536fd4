"""Who changed what about an account and its people. A trigger keeps each row as it was written."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from cliqtel_portal.accounts.querysets import AccountChangeQuerySet, MembershipChangeQuerySet
from cliqtel_portal.ids import uuid7


class AccountChange(models.Model):
    """One setting of the account, before and after."""

    class Setting(models.TextChoices):
        TIME_ZONE = "time_zone", "Time zone"
        NUMBER_FORMAT = "number_format", "Number and date format"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="account_changes"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    setting = models.CharField(max_length=20, choices=Setting)
    before = models.CharField(max_length=60)
    after = models.CharField(max_length=60)
    at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AccountChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(setting__in=["time_zone", "number_format"]),
                name="accounts_accountchange_setting_valid",
            ),
            models.CheckConstraint(
                condition=~Q(before=F("after")), name="accounts_accountchange_is_a_change"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "-at"], name="accounts_accountchange_list")]

    def __str__(self) -> str:
        return f"{self.setting} from {self.before} to {self.after}"


class MembershipChange(models.Model):
    """One thing that happened to a person's place in an account, or to their invitation.

    The address and the names of the moment are copied: a person may be renamed later.
    """

    class Kind(models.TextChoices):
        INVITED = "invited", "Invited"
        RESENT = "resent", "Invited again"
        WITHDRAWN = "withdrawn", "Invitation withdrawn"
        JOINED = "joined", "Joined"
        ROLE = "role", "Role changed"
        REMOVED = "removed", "Removed"
        LEFT = "left", "Left"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="membership_changes"
    )
    kind = models.CharField(max_length=10, choices=Kind)
    # Whom it happened to.
    email = models.EmailField()
    name = models.CharField(max_length=120, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by_name = models.CharField(max_length=254)
    role_before = models.CharField(max_length=12, blank=True)
    role_after = models.CharField(max_length=12, blank=True)
    at = models.DateTimeField(default=timezone.now, editable=False)

    objects = MembershipChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "invited",
                        "resent",
                        "withdrawn",
                        "joined",
                        "role",
                        "removed",
                        "left",
                    ]
                ),
                name="accounts_membershipchange_kind_valid",
            ),
            models.CheckConstraint(
                condition=~Q(kind="role") | ~Q(role_before=F("role_after")),
                name="accounts_membershipchange_is_a_change",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "-at"], name="accounts_memberchange_list")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.email}"
