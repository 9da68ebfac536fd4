"""The one token table, and the OAuth rows around it (django-oauth-toolkit's swappable models).

Static tokens and OAuth access tokens are rows of AccessToken: one look-up, one predicate. Rows are
never deleted by use: revoking sets a time, because the audit log names tokens for 400 days.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from oauth2_provider.models import (
    AbstractAccessToken,
    AbstractGrant,
    AbstractRefreshToken,
    set_token_value,
)
from oauth2_provider.settings import oauth2_settings

from cliqtel_portal.ids import uuid7
from mcp_access.querysets import AccessTokenQuerySet, IdempotentCallQuerySet


class AccessToken(AbstractAccessToken):  # type: ignore[misc]
    """A bearer credential of a person in a tenant. Only the SHA-256 of it is here."""

    class Kind(models.TextChoices):
        STATIC = "static", "Static token"
        OAUTH = "oauth", "OAuth"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.OAUTH)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    application = models.ForeignKey(
        oauth2_settings.APPLICATION_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    name = models.CharField(max_length=80, blank=True)
    note = models.CharField(max_length=200, blank=True)
    last_four = models.CharField(max_length=4, blank=True)
    allowed_cidrs = ArrayField(models.CharField(max_length=43), default=list, blank=True)
    # This token's own burst limit, below the tenant's; null: the tenant's.
    burst_per_minute = models.PositiveIntegerField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    not_before = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    # Since then it may only read: a severe alert did that, and an admin lifts it.
    restricted_at = models.DateTimeField(null=True, blank=True)
    # The token that takes over after a rotation; both live until this one expires.
    replaced_by = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaces"
    )
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_address = models.GenericIPAddressField(null=True, blank=True)
    last_used_tool = models.CharField(max_length=40, blank=True)
    last_used_client = models.CharField(max_length=80, blank=True)

    objects = AccessTokenQuerySet.as_manager()

    class Meta(AbstractAccessToken.Meta):  # type: ignore[misc]
        swappable = "OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["static", "oauth"]), name="mcp_token_kind_valid"
            ),
            models.CheckConstraint(condition=Q(token=""), name="mcp_token_no_plaintext"),
            models.CheckConstraint(
                condition=Q(token_checksum__regex=r"^[0-9a-f]{64}$"),  # noqa: S106 - a pattern
                name="mcp_token_sha256",
            ),
            models.CheckConstraint(
                condition=(Q(kind="static", application__isnull=True) & ~Q(name=""))
                | Q(kind="oauth", application__isnull=False),
                name="mcp_token_static_or_app",
            ),
            models.CheckConstraint(
                condition=Q(not_before__isnull=True) | Q(not_before__lt=F("expires")),
                name="mcp_token_window",
            ),
            models.CheckConstraint(
                condition=Q(burst_per_minute__isnull=True) | Q(burst_per_minute__gte=1),
                name="mcp_token_burst_positive",
            ),
            models.UniqueConstraint(
                fields=["tenant", "name"],
                condition=Q(kind="static", revoked_at__isnull=True, replaced_by__isnull=True),
                name="mcp_token_name_unique",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "kind", "-created"], name="mcp_token_tenant"),
            models.Index(fields=["user", "kind"], name="mcp_token_user"),
            # What comes to its end and has no successor: who is to be warned (`expiry`).
            models.Index(
                fields=["expires"],
                condition=Q(kind="static", revoked_at__isnull=True, replaced_by__isnull=True),
                name="mcp_token_ending",
            ),
        ]

    @property
    def masked(self) -> str:
        """Enough to recognise it by, useless to use."""
        return f"ct_mcp_…{self.last_four}" if self.last_four else ""

    @property
    def state(self) -> str:
        """revoked, expired, pending (its start lies ahead), expiring (within 14 days), active."""
        now = timezone.now()
        if self.revoked_at is not None:
            return "revoked"
        if self.expires <= now:
            return "expired"
        if self.not_before is not None and self.not_before > now:
            return "pending"
        if self.expires - now < timedelta(days=14):
            return "expiring"
        return "active"

    def remember(self, plaintext: str) -> None:
        """Keep the SHA-256 of a new token, to be saved; the plaintext itself is not kept."""
        set_token_value(self, plaintext)
        self.last_four = plaintext[-4:]

    def revoke(self) -> None:
        """Stop it now. The row stays (django-oauth-toolkit would delete it). Idempotent."""
        AccessToken.objects.filter(pk=self.pk, revoked_at__isnull=True).update(
            revoked_at=timezone.now(), updated=timezone.now()
        )


class RefreshToken(AbstractRefreshToken):  # type: ignore[misc]
    """Renews one OAuth session; used once. `token_family` joins all of a session."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    application = models.ForeignKey(
        oauth2_settings.APPLICATION_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    # What the session was consented for; a refresh may narrow its access token, never this.
    scope = models.TextField(blank=True)
    # The end of the session, from its consent: renewing does not move it.
    expires_at = models.DateTimeField()

    class Meta(AbstractRefreshToken.Meta):  # type: ignore[misc]
        swappable = "OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL"
        constraints = [
            models.CheckConstraint(condition=Q(token=""), name="mcp_refresh_no_plaintext"),
            models.UniqueConstraint(fields=["token_checksum"], name="mcp_refresh_unique"),
        ]
        indexes = [
            models.Index(fields=["token_family"], name="mcp_refresh_family"),
            models.Index(
                fields=["tenant", "user", "application"],
                condition=Q(revoked__isnull=True),
                name="mcp_refresh_live",
            ),
        ]

    def revoke(self) -> None:
        """End this refresh token and its access token; rows stay. Idempotent."""
        with transaction.atomic():
            now = timezone.now()
            live = RefreshToken.objects.filter(pk=self.pk, revoked__isnull=True)
            if live.update(revoked=now, updated=now) and self.access_token_id:
                AccessToken.objects.filter(pk=self.access_token_id, revoked_at__isnull=True).update(
                    revoked_at=now, updated=now
                )

    @classmethod
    def revoke_family(cls, token_family: uuid.UUID | None) -> None:
        """End a session: every refresh token of the family and their access tokens. Idempotent."""
        if token_family is None:
            return
        with transaction.atomic():
            now = timezone.now()
            family = cls.objects.filter(token_family=token_family)
            family.filter(revoked__isnull=True).update(revoked=now, updated=now)
            AccessToken.objects.filter(
                pk__in=family.values("access_token_id"), revoked_at__isnull=True
            ).update(revoked_at=now, updated=now)


class Grant(AbstractGrant):  # type: ignore[misc]
    """An authorization code, for the seconds between consent and redemption."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta(AbstractGrant.Meta):  # type: ignore[misc]
        swappable = "OAUTH2_PROVIDER_GRANT_MODEL"


class ConsumedCode(models.Model):
    """A redeemed authorization code: if it comes again, what it had issued ends."""

    code = models.CharField(max_length=64, primary_key=True, help_text="SHA-256.")
    application = models.ForeignKey(
        oauth2_settings.APPLICATION_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    token_family = models.UUIDField()
    consumed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"code of session {self.token_family}"


class Consent(models.Model):
    """What a person allowed an app in a tenant, last time they were asked."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    application = models.ForeignKey(
        oauth2_settings.APPLICATION_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    asked_scope = models.TextField()
    scope = models.TextField()
    redirect_uri = models.TextField()
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # The last time that a replayed token ended this app's sessions.
    swept_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "user", "application"], name="mcp_consent_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application} for {self.user}"


class OAuthAttempt(models.Model):
    """A step that an AI host tried at the authorization server, for the connection doctor."""

    class Step(models.TextChoices):
        REGISTER = "register", "Register"
        AUTHORIZE = "authorize", "Authorize"
        CONSENT = "consent", "Consent"
        TOKEN = "token", "Token"
        REFRESH = "refresh", "Refresh"
        REVOKE = "revoke", "Revoke"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(default=timezone.now)
    step = models.CharField(max_length=12, choices=Step)
    ok = models.BooleanField()
    reason = models.CharField(max_length=40, blank=True, help_text="Code of the failure.")
    detail = models.CharField(max_length=300, blank=True, help_text="In our words.")
    client_id = models.CharField(max_length=255, blank=True)
    client_name = models.CharField(max_length=120, blank=True)
    redirect_host = models.CharField(max_length=255, blank=True)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    # More than one only for refusals by the rate limit, which share a row.
    times = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = "OAuth attempt"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["tenant", "-id"], name="mcp_attempt_tenant"),
            models.Index(fields=["client_id", "-id"], name="mcp_attempt_client"),
            models.Index(fields=["address", "-id"], name="mcp_attempt_address"),
        ]

    def __str__(self) -> str:
        return f"{self.step} {'ok' if self.ok else self.reason}"


class DoctorWatch(models.Model):
    """Minutes in which an admin may see what comes from their own address, whoever sent it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    address = models.GenericIPAddressField()
    started_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("started_at")), name="mcp_watch_ends_after_start"
            ),
        ]
        verbose_name_plural = "doctor watches"
        indexes = [
            models.Index(fields=["tenant", "user", "-started_at"], name="mcp_watch_own"),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.address}"


class ExpiryWarning(models.Model):
    """That a token's person was told of its end, so many days ahead. Its mail is sent from it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    token = models.ForeignKey(AccessToken, on_delete=models.CASCADE, related_name="+")
    days = models.PositiveSmallIntegerField(help_text="Ahead of the end; 0 on its day.")
    warned_at = models.DateTimeField(default=timezone.now, editable=False)
    # Set too where the mail came to nothing because the token had ended meanwhile.
    mailed_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token", "days"], name="mcp_expiry_warned_once"),
            models.CheckConstraint(condition=Q(days__in=[14, 3, 0]), name="mcp_expiry_days_valid"),
        ]
        indexes = [
            models.Index(
                fields=["warned_at"],
                condition=Q(mailed_at__isnull=True),
                name="mcp_expiry_to_mail",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.token_id}, {self.days} days ahead"


class IdempotentCall(models.Model):
    """The outcome that a key stands for, for a day. Written with the work itself, or not at all."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="+")
    # A static token's id, or client and person of an OAuth session (see `holder_of`).
    holder = models.CharField(max_length=320)
    key = models.CharField(max_length=100)
    tool = models.CharField(max_length=40)
    # Keyed hash of tool and arguments.
    digest = models.CharField(max_length=64)
    result = models.JSONField(default=dict)
    text = models.TextField(blank=True)
    approval_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = IdempotentCallQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "holder", "key"], name="mcp_idempotent_once_a_key"
            ),
            models.CheckConstraint(condition=~Q(key=""), name="mcp_idempotent_key_present"),
        ]
        indexes = [models.Index(fields=["created_at"], name="mcp_idempotent_age")]

    def __str__(self) -> str:
        return f"{self.tool} of {self.created_at:%H:%M}"
