from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, OuterRef

from cliqtel_portal.accounts.querysets import TenantQuerySet

if TYPE_CHECKING:
    from cliqtel_portal.accounts.models import Tenant
    from cliqtel_portal.numbers.change_models import NumberChange  # noqa: F401 - as below
    from cliqtel_portal.numbers.models import (  # noqa: F401 - row types of the querysets
        EmergencyAddress,
        Offer,
        PhoneNumber,
        Reservation,
        StockNumber,
    )
    from cliqtel_portal.numbers.order_models import NumberOrder, OrderLine  # noqa: F401 - as above


class EmergencyAddressQuerySet(TenantQuerySet["EmergencyAddress"]):
    pass


class PhoneNumberQuerySet(TenantQuerySet["PhoneNumber"]):
    pass


class NumberChangeQuerySet(TenantQuerySet["NumberChange"]):
    def newest_first(self) -> NumberChangeQuerySet:
        return self.order_by("-at", "-id")


class StockNumberQuerySet(models.QuerySet["StockNumber"]):
    def obtainable_by(self, tenant: Tenant, at: datetime) -> StockNumberQuerySet:
        """Neither sold nor withheld, nor held at that moment by another tenant."""
        reservations = self.model._meta.get_field("reservations").related_model
        held_by_others = reservations._default_manager.filter(
            stock_number=OuterRef("pk"), released_at__isnull=True, expires_at__gt=at
        ).exclude(tenant=tenant)
        return self.filter(~Exists(held_by_others), status="available")


class ReservationQuerySet(TenantQuerySet["Reservation"]):
    def live(self, at: datetime) -> ReservationQuerySet:
        """Not released and not run out: a row that nobody has closed yet holds nothing."""
        return self.filter(released_at__isnull=True, expires_at__gt=at)

    def unreleased(self) -> ReservationQuerySet:
        """Rows that the index of live ones knows: also those that have run out."""
        return self.filter(released_at__isnull=True)


class OfferQuerySet(TenantQuerySet["Offer"]):
    def live(self, at: datetime) -> OfferQuerySet:
        """Still promised at that moment."""
        return self.filter(expires_at__gt=at)


class NumberOrderQuerySet(TenantQuerySet["NumberOrder"]):
    def lapsed(self, at: datetime) -> NumberOrderQuerySet:
        """Drafts that hold nothing any more, the oldest first."""
        return self.filter(state="draft", hold_until__lte=at).order_by("hold_until", "id")


class OrderLineQuerySet(models.QuerySet["OrderLine"]):
    def for_tenant(self, tenant: Tenant) -> OrderLineQuerySet:
        return self.filter(order__tenant=tenant)
