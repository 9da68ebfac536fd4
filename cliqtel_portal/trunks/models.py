"""SIP trunks: how a customer's PBX reaches us, and what we last heard from it."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from cliqtel_portal.ids import uuid7
from cliqtel_portal.trunks.querysets import CredentialRevealQuerySet, TrunkQuerySet


class Trunk(models.Model):
    """One SIP connection. Its password is a TrunkCredential, so no query of trunks loads it."""

    class Authentication(models.TextChoices):
        REGISTRATION = "registration", "Registration"
        IP = "ip", "IP address"

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        DISABLED = "disabled", "Disabled"

    class Registration(models.TextChoices):
        REGISTERED = "registered", "Registered"
        UNREGISTERED = "unregistered", "Not registered"
        EXPIRED = "expired", "Expired"
        NEVER = "never", "Never registered"

    class Srtp(models.TextChoices):
        NONE = "none", "None"
        OPTIONAL = "optional", "Optional"
        REQUIRED = "required", "Required"

    class Dtmf(models.TextChoices):
        RFC4733 = "rfc4733", "RFC 4733 (telephone-event)"
        INFO = "info", "SIP INFO"
        INBAND = "inband", "In-band"

    class Transport(models.TextChoices):
        UDP = "udp", "UDP"
        TCP = "tcp", "TCP"
        TLS = "tls", "TLS"

    class Codec(models.TextChoices):
        PCMA = "PCMA", "G.711 A-law"
        PCMU = "PCMU", "G.711 µ-law"
        G722 = "G722", "G.722"
        OPUS = "opus", "Opus"
        G729 = "G729", "G.729"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="trunks")
    name = models.CharField(max_length=80)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    authentication = models.CharField(
        max_length=12, choices=Authentication, default=Authentication.REGISTRATION
    )
    # Empty where the address is the proof.
    username = models.CharField(max_length=64, blank=True)
    realm = models.CharField(max_length=120)
    registrar = models.CharField(max_length=120)
    transports = ArrayField(models.CharField(max_length=3, choices=Transport), size=3)
    # In the order we offer them.
    codecs = ArrayField(models.CharField(max_length=8, choices=Codec), size=8)
    dtmf_mode = models.CharField(max_length=8, choices=Dtmf, default=Dtmf.RFC4733)
    srtp = models.CharField(max_length=8, choices=Srtp, default=Srtp.NONE)
    channel_limit = models.PositiveIntegerField(default=10)
    allowed_ips = ArrayField(models.CharField(max_length=43), default=list, blank=True, size=20)
    registration_state = models.CharField(
        max_length=12, choices=Registration, default=Registration.NEVER
    )
    registered_at = models.DateTimeField(null=True, blank=True)
    registration_expires_at = models.DateTimeField(null=True, blank=True)
    user_agent = models.CharField(max_length=120, blank=True)
    contact_address = models.CharField(max_length=80, blank=True)
    # Of the last failed request; a later success leaves it for the history.
    last_sip_code = models.PositiveSmallIntegerField(null=True, blank=True)
    last_sip_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TrunkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="trunks_trunk_name_unique"),
            # What trunks_reveal_same_tenant points at.
            models.UniqueConstraint(fields=["id", "tenant"], name="trunks_trunk_id_tenant"),
            # The registrar knows a PBX by its user name alone.
            models.UniqueConstraint(
                fields=["username"], condition=~Q(username=""), name="trunks_trunk_username_unique"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["active", "disabled"]), name="trunks_trunk_status_valid"
            ),
            models.CheckConstraint(
                condition=(Q(authentication="registration") & ~Q(username=""))
                | (Q(authentication="ip") & ~Q(allowed_ips=[]) & Q(registration_state="never")),
                name="trunks_trunk_authentication_complete",
            ),
            models.CheckConstraint(
                condition=Q(transports__contained_by=["udp", "tcp", "tls"]) & ~Q(transports=[]),
                name="trunks_trunk_transports_valid",
            ),
            models.CheckConstraint(
                condition=Q(codecs__contained_by=["PCMA", "PCMU", "G722", "opus", "G729"])
                & ~Q(codecs=[]),
                name="trunks_trunk_codecs_valid",
            ),
            models.CheckConstraint(
                condition=Q(dtmf_mode__in=["rfc4733", "info", "inband"]),
                name="trunks_trunk_dtmf_valid",
            ),
            # SDES carries the media keys in the signalling: without TLS anybody reads them.
            models.CheckConstraint(
                condition=Q(srtp="none")
                | (Q(srtp__in=["optional", "required"]) & Q(transports__contains=["tls"])),
                name="trunks_trunk_srtp_needs_tls",
            ),
            models.CheckConstraint(
                condition=Q(channel_limit__gte=1), name="trunks_trunk_channels_positive"
            ),
            models.CheckConstraint(
                condition=Q(
                    registration_state="never",
                    registered_at__isnull=True,
                    registration_expires_at__isnull=True,
                )
                | Q(
                    registration_state__in=["registered", "unregistered", "expired"],
                    registered_at__isnull=False,
                    registration_expires_at__isnull=False,
                    registration_expires_at__gt=F("registered_at"),
                ),
                name="trunks_trunk_registration_dated",
            ),
            models.CheckConstraint(
                condition=Q(last_sip_code__isnull=True, last_sip_at__isnull=True)
                | Q(
                    last_sip_code__isnull=False,
                    last_sip_code__range=(300, 699),
                    last_sip_at__isnull=False,
                ),
                name="trunks_trunk_last_error_dated",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "status"], name="trunks_trunk_tenant_status"),
            models.Index(fields=["tenant", "registration_state"], name="trunks_trunk_tenant_state"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def state_since(self) -> datetime | None:
        """When the registration became what it is; None where there never was one."""
        if self.registration_state == self.Registration.REGISTERED:
            return self.registered_at
        return self.registration_expires_at

    @property
    def needs_attention(self) -> bool:
        """Calls to it can't arrive, and nobody wanted that."""
        return (
            self.status == self.Status.ACTIVE
            and self.authentication == self.Authentication.REGISTRATION
            and self.registration_state != self.Registration.REGISTERED
        )


class TrunkCredential(models.Model):
    """The SIP password of a trunk, encrypted (`credentials.py`). Only `reveals.py` shows it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    trunk = models.OneToOneField(Trunk, on_delete=models.PROTECT, related_name="credential")
    ciphertext = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            # A Fernet token starts with its version byte, 0x80: in base64 "gAAAA".
            models.CheckConstraint(
                condition=Q(ciphertext__gte=b"gAAAA", ciphertext__lt=b"gAAAB"),
                name="trunks_credential_encrypted",
            ),
        ]

    def __str__(self) -> str:
        return f"Credential of trunk {self.trunk_id}"


class CredentialReveal(models.Model):
    """Somebody asked to see a trunk's SIP password, and might. A trigger refuses every update and
    delete."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="+")
    # The migration holds that it is a trunk of this very tenant.
    trunk = models.ForeignKey(Trunk, on_delete=models.PROTECT, related_name="reveals")
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    # A copy: the log still names the person after they changed their address.
    user_label = models.CharField(max_length=254)
    address = models.GenericIPAddressField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = CredentialRevealQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(user_label=""), name="trunks_reveal_by_somebody"),
        ]
        indexes = [
            models.Index(fields=["trunk", "-created_at"], name="trunks_reveal_of_trunk"),
            models.Index(fields=["tenant", "user", "-created_at"], name="trunks_reveal_by_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user_label}, {self.created_at:%Y-%m-%d %H:%M} UTC"
