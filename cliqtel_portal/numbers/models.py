"""Telephone numbers: those of tenants, those for sale, and what holds or prices one for a while."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Cast, Coalesce, Upper
from django.utils import timezone

from cliqtel_portal.ids import uuid7
from cliqtel_portal.money import Money
from cliqtel_portal.number_types import Capability, NumberType
from cliqtel_portal.numbers.change_models import NumberChange  # noqa: F401 - a model of this app
from cliqtel_portal.numbers.order_models import NumberOrder, OrderLine  # noqa: F401 - the same
from cliqtel_portal.numbers.querysets import (
    EmergencyAddressQuerySet,
    OfferQuerySet,
    PhoneNumberQuerySet,
    ReservationQuerySet,
    StockNumberQuerySet,
)
from cliqtel_portal.numbers.tags import MAX_LENGTH, MAX_TAGS

_E164 = r"^\+[1-9][0-9]{6,14}$"
_TYPES = ["local", "mobile", "national", "toll_free"]
# When a number renews, as a value to compare: those that never do come after all others.
RENEWAL = Coalesce("renews_at", Value(datetime(9999, 12, 1, tzinfo=UTC)))
_CAPABILITIES = ["voice", "sms", "mms", "whatsapp", "fax"]


class EmergencyAddress(models.Model):
    """Where help goes when somebody calls 112 or 911 from a number."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="emergency_addresses"
    )
    label = models.CharField(max_length=80)
    street = models.CharField(max_length=120)
    house_number = models.CharField(max_length=20)
    # What is needed to find the caller inside: building, floor, room.
    location = models.CharField(max_length=80, blank=True)
    postal_code = models.CharField(max_length=16)
    city = models.CharField(max_length=80)
    country = models.CharField(max_length=2)
    validated_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = EmergencyAddressQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "emergency addresses"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "label"], name="numbers_emergency_label_unique"
            ),
            models.CheckConstraint(
                condition=Q(country__regex=r"^[A-Z]{2}$"), name="numbers_emergency_country_valid"
            ),
        ]

    def __str__(self) -> str:
        return self.label


class PhoneNumber(models.Model):
    """A number that a tenant has, or had: released ones stay for their history."""

    class Status(models.TextChoices):
        PROVISIONING = "provisioning", "Provisioning"
        ACTIVE = "active", "Active"
        DISABLED = "disabled", "Disabled"
        PORTING = "porting", "Porting"
        QUARANTINE = "quarantine", "Quarantine"
        RELEASED = "released", "Released"

    class EmergencyState(models.TextChoices):
        NONE = "none", "No address"
        PENDING = "pending", "Being validated"
        VALIDATED = "validated", "Validated"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="numbers")
    e164 = models.CharField("number", max_length=16)
    country = models.CharField(max_length=2)
    number_type = models.CharField(max_length=10, choices=NumberType)
    area = models.CharField(max_length=80, blank=True)
    area_code = models.CharField(max_length=8, blank=True)
    capabilities = ArrayField(models.CharField(max_length=10, choices=Capability), size=5)
    status = models.CharField(max_length=12, choices=Status, default=Status.PROVISIONING)
    # Where calls go: a trunk or a call flow of the same tenant (the migration holds the latter).
    trunk = models.ForeignKey(
        "trunks.Trunk", on_delete=models.PROTECT, null=True, blank=True, related_name="numbers"
    )
    call_flow = models.ForeignKey(
        "callflows.CallFlow",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="numbers",
    )
    # numbers.tags says which there are; the constraint of 0009 holds it.
    tags = ArrayField(
        models.CharField(max_length=MAX_LENGTH), default=list, blank=True, size=MAX_TAGS
    )
    monthly_price = models.DecimalField(max_digits=12, decimal_places=6)
    currency = models.CharField(max_length=3)
    renews_at = models.DateTimeField(null=True, blank=True)
    emergency_state = models.CharField(
        max_length=10, choices=EmergencyState, default=EmergencyState.NONE
    )
    emergency_address = models.ForeignKey(
        EmergencyAddress, on_delete=models.PROTECT, null=True, blank=True, related_name="numbers"
    )
    # The last day that it can't be given up.
    contract_until = models.DateField(null=True, blank=True)
    # Given up, and can be brought back until then.
    quarantine_until = models.DateTimeField(null=True, blank=True)
    # What hands it back to the carrier, once the quarantine is over: there is no way back then.
    release_operation = models.ForeignKey(
        "carriers.CarrierOperation",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="released_numbers",
    )
    # Made up for the demo: not to be called.
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = PhoneNumberQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["e164"], condition=~Q(status="released"), name="numbers_number_held_once"
            ),
            models.CheckConstraint(condition=Q(e164__regex=_E164), name="numbers_number_e164"),
            models.CheckConstraint(
                condition=Q(country__regex=r"^[A-Z]{2}$"), name="numbers_number_country_valid"
            ),
            models.CheckConstraint(
                condition=Q(number_type__in=_TYPES), name="numbers_number_type_valid"
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "provisioning",
                        "active",
                        "disabled",
                        "porting",
                        "quarantine",
                        "released",
                    ]
                ),
                name="numbers_number_status_valid",
            ),
            models.CheckConstraint(
                condition=Q(capabilities__contained_by=_CAPABILITIES),
                name="numbers_number_capabilities_valid",
            ),
            models.CheckConstraint(
                condition=Q(trunk__isnull=True) | Q(call_flow__isnull=True),
                name="numbers_number_one_target",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["quarantine", "released"])
                | Q(trunk__isnull=True, call_flow__isnull=True),
                name="numbers_number_given_up_goes_nowhere",
            ),
            models.CheckConstraint(
                condition=Q(status="quarantine", quarantine_until__isnull=False)
                | (~Q(status="quarantine") & Q(quarantine_until__isnull=True)),
                name="numbers_number_quarantine_dated",
            ),
            models.CheckConstraint(
                condition=Q(release_operation__isnull=True)
                | Q(status__in=["quarantine", "released"]),
                name="numbers_number_handed_back_after_quarantine",
            ),
            models.CheckConstraint(
                condition=Q(emergency_state="none", emergency_address__isnull=True)
                | Q(emergency_state__in=["pending", "validated"], emergency_address__isnull=False),
                name="numbers_number_emergency_address_set",
            ),
            models.CheckConstraint(
                condition=Q(monthly_price__gte=0, currency__regex=r"^[A-Z]{3}$"),
                name="numbers_number_price_valid",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "e164", "id"], name="numbers_number_list"),
            models.Index(
                fields=["tenant", "country", "status", "e164"], name="numbers_number_country"
            ),
            models.Index(fields=["tenant", "status", "e164"], name="numbers_number_status"),
            models.Index(fields=["tenant", "monthly_price", "e164"], name="numbers_number_monthly"),
            models.Index(F("tenant"), RENEWAL, F("e164"), name="numbers_number_renewal"),
            models.Index(
                fields=["quarantine_until"],
                condition=Q(quarantine_until__isnull=False, release_operation__isnull=True),
                name="numbers_number_quarantine",
            ),
            GinIndex(fields=["tags"], name="numbers_number_tags"),
            GinIndex(fields=["capabilities"], name="numbers_number_capabilities"),
            GinIndex(OpClass(F("e164"), name="gin_trgm_ops"), name="numbers_number_contains"),
        ]

    def __str__(self) -> str:
        return self.e164

    @property
    def monthly_money(self) -> Money:
        return Money(amount=self.monthly_price, currency=self.currency)


class StockNumber(models.Model):
    """A number that can be bought. Short holds are Reservations, not a status."""

    class Status(models.TextChoices):
        AVAILABLE = "available", "Available"
        RESERVED = "reserved", "Withheld"
        SOLD = "sold", "Sold"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    e164 = models.CharField("number", max_length=16, unique=True)
    # The same as an integer: the order of pages, and what makes numbers consecutive.
    digits = models.GeneratedField(
        expression=Cast("e164", models.BigIntegerField()),
        output_field=models.BigIntegerField(),
        db_persist=True,
        unique=True,
    )
    # What patterns are matched with: the national significant number, without country code and
    # trunk prefix ("201234567" of +31 20 123 4567).
    national = models.CharField(max_length=15)
    country = models.CharField(max_length=2)
    number_type = models.CharField(max_length=10, choices=NumberType)
    area = models.CharField(max_length=80, blank=True)
    area_code = models.CharField(max_length=8, blank=True)
    capabilities = ArrayField(models.CharField(max_length=10, choices=Capability), size=5)
    status = models.CharField(max_length=10, choices=Status, default=Status.AVAILABLE)
    requires_documents = models.BooleanField(default=False)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = StockNumberQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(e164__regex=_E164), name="numbers_stock_e164"),
            models.CheckConstraint(
                condition=Q(national__regex=r"^[0-9]{3,15}$", e164__endswith=F("national")),
                name="numbers_stock_national_of_e164",
            ),
            models.CheckConstraint(
                condition=Q(country__regex=r"^[A-Z]{2}$"), name="numbers_stock_country_valid"
            ),
            models.CheckConstraint(
                condition=Q(number_type__in=_TYPES), name="numbers_stock_type_valid"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["available", "reserved", "sold"]),
                name="numbers_stock_status_valid",
            ),
            models.CheckConstraint(
                condition=Q(capabilities__contained_by=_CAPABILITIES),
                name="numbers_stock_capabilities_valid",
            ),
        ]
        indexes = [
            models.Index(
                fields=["country", "digits"],
                condition=Q(status="available"),
                name="numbers_stock_country",
            ),
            models.Index(
                fields=["country", "number_type", "digits"],
                condition=Q(status="available"),
                name="numbers_stock_type",
            ),
            models.Index(
                fields=["country", "area_code", "digits"],
                condition=Q(status="available"),
                name="numbers_stock_area_code",
            ),
            GinIndex(OpClass(Upper("area"), name="gin_trgm_ops"), name="numbers_stock_area"),
            # contains, starts with and ends with alike: pg_trgm marks both ends of a word.
            GinIndex(OpClass(F("national"), name="gin_trgm_ops"), name="numbers_stock_pattern"),
            GinIndex(fields=["capabilities"], name="numbers_stock_capabilities"),
        ]

    def __str__(self) -> str:
        return self.e164


class Reservation(models.Model):
    """A tenant holds a number of the stock until `expires_at`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.PROTECT, related_name="reservations"
    )
    stock_number = models.ForeignKey(
        StockNumber, on_delete=models.PROTECT, related_name="reservations"
    )
    # The drafted order that keeps it; without one a person holds it while they choose.
    order = models.ForeignKey(
        NumberOrder, on_delete=models.PROTECT, null=True, blank=True, related_name="reservations"
    )
    expires_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ReservationQuerySet.as_manager()

    class Meta:
        constraints = [
            # A partial index can't look at the clock: who reserves first releases what ran out.
            models.UniqueConstraint(
                fields=["stock_number"],
                condition=Q(released_at__isnull=True),
                name="numbers_reservation_one_live",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")),
                name="numbers_reservation_ends_after_start",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "expires_at"],
                condition=Q(released_at__isnull=True),
                name="numbers_reservation_live",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(released_at__isnull=True),
                name="numbers_reservation_expiry",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stock_number_id} until {self.expires_at:%H:%M}"


class Offer(models.Model):
    """A price promised to a tenant for a number, for a quarter of an hour."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="offers")
    stock_number = models.ForeignKey(StockNumber, on_delete=models.CASCADE, related_name="offers")
    setup_price = models.DecimalField(max_digits=12, decimal_places=6)
    monthly_price = models.DecimalField(max_digits=12, decimal_places=6)
    currency = models.CharField(max_length=3)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OfferQuerySet.as_manager()

    class Meta:
        constraints = [
            # A repeated search renews the offer; only another price makes another.
            models.UniqueConstraint(
                fields=["tenant", "stock_number", "setup_price", "monthly_price", "currency"],
                name="numbers_offer_once_at_a_price",
            ),
            models.CheckConstraint(
                condition=Q(setup_price__gte=0, monthly_price__gte=0),
                name="numbers_offer_not_negative",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="numbers_offer_expiry")]

    def __str__(self) -> str:
        return f"{self.stock_number_id} at {self.monthly_price} {self.currency}"

    @property
    def setup_money(self) -> Money:
        return Money(amount=self.setup_price, currency=self.currency)

    @property
    def monthly_money(self) -> Money:
        return Money(amount=self.monthly_price, currency=self.currency)
