"""People, the customer accounts they work in, and with which role."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from cliqtel_portal.accounts.browsers import browser_words
from cliqtel_portal.accounts.change_models import (  # noqa: F401 - models of this app
    AccountChange,
    MembershipChange,
)
from cliqtel_portal.accounts.querysets import InvitationQuerySet, MembershipQuerySet, UserManager
from cliqtel_portal.formats import DEFAULT, FORMATS
from cliqtel_portal.ids import uuid7


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by e-mail. Staff belong to no tenant."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField("e-mail", unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="accounts_user_email_lower_unique"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def display_name(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.display_name


class Partner(models.Model):
    """A reseller that serves tenants of its own; white label hangs here."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    status = models.CharField(max_length=12, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["active", "suspended"]),
                name="accounts_partner_status_valid",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Tenant(models.Model):
    """A customer account: the boundary that no query crosses."""

    class Tier(models.TextChoices):
        DISCOVER = "discover", "Discover"
        AUTOMATE = "automate", "Automate"
        EMBED = "embed", "Embed / OEM"

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    tier = models.CharField(max_length=12, choices=Tier, default=Tier.DISCOVER)
    status = models.CharField(max_length=12, choices=Status, default=Status.ACTIVE)
    partner = models.ForeignKey(
        Partner, on_delete=models.PROTECT, null=True, blank=True, related_name="tenants"
    )
    time_zone = models.CharField(max_length=60, default="Europe/Amsterdam")
    currency = models.CharField(
        max_length=3, default="EUR", validators=[RegexValidator(r"^[A-Z]{3}$")]
    )
    # How its pages write amounts and dates; what it is billed in is the currency's to say.
    number_format = models.CharField(
        max_length=5,
        choices=[(one.code, one.where) for one in FORMATS.values()],
        default=DEFAULT.code,
    )
    # Staff's own limits for this tenant; null means the tier's.
    burst_per_minute = models.PositiveIntegerField(null=True, blank=True)
    calls_per_month = models.PositiveIntegerField(null=True, blank=True)
    connections = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(tier__in=["discover", "automate", "embed"]),
                name="accounts_tenant_tier_valid",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["active", "suspended"]), name="accounts_tenant_status_valid"
            ),
            models.CheckConstraint(
                condition=Q(number_format__in=sorted(FORMATS)),
                name="accounts_tenant_number_format_valid",
            ),
            models.CheckConstraint(
                condition=Q(burst_per_minute__isnull=True) | Q(burst_per_minute__gte=1),
                name="accounts_tenant_burst_positive",
            ),
            models.CheckConstraint(
                condition=Q(calls_per_month__isnull=True) | Q(calls_per_month__gte=1),
                name="accounts_tenant_month_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's role in a tenant. Ended ones stay: the log and tokens point at them."""

    class Role(models.TextChoices):
        VIEWER = "viewer", "Viewer"
        MEMBER = "member", "Member"
        APPROVER = "approver", "Approver"
        ADMIN = "admin", "Admin"
        OWNER = "owner", "Owner"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role, default=Role.VIEWER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "tenant"], name="accounts_membership_user_tenant_unique"
            ),
            models.CheckConstraint(
                condition=Q(role__in=["viewer", "member", "approver", "admin", "owner"]),
                name="accounts_membership_role_valid",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.tenant} ({self.role})"


class Invitation(models.Model):
    """A place in the account for whoever reads that mailbox. Only the SHA-256 of the link's secret
    is here; sending it again makes another secret."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=12, choices=Membership.Role)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    secret_digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=Q(accepted_at__isnull=True, withdrawn_at__isnull=True),
                name="accounts_invitation_one_open",
            ),
            models.CheckConstraint(
                condition=Q(role__in=Membership.Role.values),
                name="accounts_invitation_role_valid",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True, accepted_by__isnull=True)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False),
                name="accounts_invitation_accepted_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(withdrawn_at__isnull=True),
                name="accounts_invitation_ends_once",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("sent_at")), name="accounts_invitation_lasts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} into {self.tenant} as {self.role}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()


class BrowserSession(models.Model):
    """Where and when a session of a person was last used. It lives in Django's own table."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="browser_sessions")
    session_key = models.CharField(max_length=40, unique=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["user", "-last_used_at"], name="accounts_session_list")]

    def __str__(self) -> str:
        return f"a session of {self.user}"

    @property
    def browser(self) -> str:
        return browser_words(self.user_agent)
