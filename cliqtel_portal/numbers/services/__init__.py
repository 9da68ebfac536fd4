"""What others may ask of numbers."""

from __future__ import annotations

from cliqtel_portal.numbers.services.inventory import (
    InventoryNumber,
    InventoryPage,
    NumberFilters,
    StatusCount,
    Target,
    TrunkFilters,
    TrunkPage,
    TrunkRow,
    count_numbers,
    count_trunks,
    list_numbers,
    list_trunks,
)
from cliqtel_portal.numbers.services.offers import OFFER_LIFETIME, make_offers
from cliqtel_portal.numbers.services.reservations import release_reservation, reserve_number
from cliqtel_portal.numbers.services.stock_query import StockFilters
from cliqtel_portal.numbers.services.stock_search import (
    FoundNumber,
    StockPage,
    WhyEmpty,
    search_stock,
)

__all__ = [
    "OFFER_LIFETIME",
    "FoundNumber",
    "InventoryNumber",
    "InventoryPage",
    "NumberFilters",
    "StatusCount",
    "StockFilters",
    "StockPage",
    "Target",
    "TrunkFilters",
    "TrunkPage",
    "TrunkRow",
    "WhyEmpty",
    "count_numbers",
    "count_trunks",
    "list_numbers",
    "list_trunks",
    "make_offers",
    "release_reservation",
    "reserve_number",
    "search_stock",
]
