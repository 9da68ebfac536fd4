"""Owned numbers, stock, holds and offers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import factory
import phonenumbers
from django.utils import timezone

from cliqtel_portal.numbers.change_models import NumberChange
from cliqtel_portal.numbers.models import (
    EmergencyAddress,
    Offer,
    PhoneNumber,
    Reservation,
    StockNumber,
)
from tests.factories.accounts import TenantFactory


class EmergencyAddressFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = EmergencyAddress

    tenant = factory.SubFactory(TenantFactory)
    label = factory.Sequence(lambda n: f"Office {n}")
    street = "Keizersgracht"
    house_number = "100"
    postal_code = "1015 CV"
    city = "Amsterdam"
    country = "NL"


class PhoneNumberFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PhoneNumber

    tenant = factory.SubFactory(TenantFactory)
    e164 = factory.Sequence(lambda n: f"+3120555{n:04d}")
    country = "NL"
    number_type = "local"
    area = "Amsterdam"
    area_code = "20"
    capabilities = ["voice"]
    status = "active"
    monthly_price = Decimal("1.00")
    currency = "EUR"
    quarantine_until = factory.LazyAttribute(
        lambda number: (
            timezone.now() + timedelta(days=30) if number.status == "quarantine" else None
        )
    )


class NumberChangeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = NumberChange

    number = factory.SubFactory(PhoneNumberFactory)
    tenant = factory.SelfAttribute("number.tenant")
    kind = "given_up"
    before = {"status": "active"}
    after = {"status": "quarantine"}
    by_label = "Alice"
    key = factory.Sequence(lambda n: f"change-{n}")


class StockNumberFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = StockNumber

    e164 = factory.Sequence(lambda n: f"+3120666{n:04d}")
    national = factory.LazyAttribute(
        lambda stock: phonenumbers.national_significant_number(phonenumbers.parse(stock.e164))
    )
    country = "NL"
    number_type = "local"
    area = "Amsterdam"
    area_code = "20"
    capabilities = ["voice"]


class ReservationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Reservation

    tenant = factory.SubFactory(TenantFactory)
    stock_number = factory.SubFactory(StockNumberFactory)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(minutes=15))


class OfferFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Offer

    tenant = factory.SubFactory(TenantFactory)
    stock_number = factory.SubFactory(StockNumberFactory)
    setup_price = Decimal("1.00")
    monthly_price = Decimal("1.00")
    currency = "EUR"
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(minutes=15))
