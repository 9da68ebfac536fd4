"""Prices promised for a while, so that an order costs what the search said."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.numbers.models import Offer, StockNumber
from cliqtel_portal.pricing.services import NumberPrice

OFFER_LIFETIME = timedelta(minutes=15)


def make_offers(
    tenant: Tenant, priced: Sequence[tuple[StockNumber, NumberPrice]], *, at: datetime
) -> Mapping[uuid.UUID, Offer]:
    """Each number has an offer at its price until `at` + 15 minutes; by the stock number's id.

    One INSERT and one SELECT. An offer that the tenant has at the same price is renewed, so
    repeated searches leave no pile of rows. The INSERT is atomic by itself.
    """
    expires_at = at + OFFER_LIFETIME
    # Always in the same order: two searches that renew the same rows can't wait for each other.
    wanted = {stock.pk: price for stock, price in sorted(priced, key=lambda pair: pair[0].pk)}
    Offer.objects.bulk_create(
        [
            Offer(
                tenant=tenant,
                stock_number_id=stock_id,
                setup_price=price.setup.amount,
                monthly_price=price.monthly.amount,
                currency=price.monthly.currency,
                expires_at=expires_at,
            )
            for stock_id, price in wanted.items()
        ],
        update_conflicts=True,
        unique_fields=["tenant", "stock_number", "setup_price", "monthly_price", "currency"],
        update_fields=["expires_at"],
    )
    # The ids of renewed rows are the database's, not those just offered: read them back.
    offers = Offer.objects.for_tenant(tenant).live(at).filter(stock_number__in=wanted)
    return {offer.stock_number_id: offer for offer in offers if _fits(offer, wanted)}


def _fits(offer: Offer, wanted: Mapping[uuid.UUID, NumberPrice]) -> bool:
    price = wanted[offer.stock_number_id]
    return offer.setup_money == price.setup and offer.monthly_money == price.monthly
