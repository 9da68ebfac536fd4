"""The stock: looking for numbers, and holding some for a quarter of an hour."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.accounts.permissions import may_use_ai_access
from cliqtel_portal.errors import InvalidArguments, NotFound, PortalError
from cliqtel_portal.number_types import NumberType
from cliqtel_portal.numbers.listing import capability_words
from cliqtel_portal.numbers.models import Reservation
from cliqtel_portal.numbers.querysets import ReservationQuerySet
from cliqtel_portal.numbers.search_forms import SelectionForm, StockSearchForm, field_of
from cliqtel_portal.numbers.services.reservations import release_reservation, reserve_number
from cliqtel_portal.numbers.services.stock_search import FoundNumber, StockPage, search_stock
from cliqtel_portal.phone import display
from cliqtel_portal.pricing.services import (
    CountryCoverage,
    NumberPrice,
    coverage,
    current_prices,
)

_PER_PAGE = 25
_COUNTRIES = 250  # all that there are
_HOLD_MINUTES = 15
_MAX_ERRORS = 10


@dataclass(frozen=True, kw_only=True)
class Row:
    """`starts_block`: it is the first of numbers in a row, and how many they are."""

    number: FoundNumber
    type_label: str
    capabilities: str
    starts_block: int


@dataclass(frozen=True, kw_only=True)
class Held:
    reservation: Reservation
    price: NumberPrice | None


@dataclass(frozen=True, kw_only=True)
class Relaxation:
    """A search that would find something: what is left out, and its address."""

    label: str
    count: int
    query: str


@require_safe
@portal_view()
def search(request: PortalRequest) -> HttpResponse:
    sold_in = coverage(request.tenant, limit=_COUNTRIES).countries
    form = StockSearchForm(request.GET, countries=[(one.country, one.name) for one in sold_in])
    page = _find(request.tenant, form, after=_cursor(request.GET.get("after", "")))
    may_order = may_use_ai_access(request.membership.role)
    return render(
        request,
        "numbers/search.html",
        {
            "form": form,
            "countries": _by_name(sold_in) if page is None and not form.errors else (),
            "page": page,
            "rows": _rows(page, form.cleaned_data["in_a_row"] or 0) if page else (),
            "relaxations": _relaxations(page, request.GET) if page else (),
            "held": _held(request.tenant),
            "in_orders": _live(request.tenant).filter(order__isnull=False).count(),
            "trunks": list(request.tenant.trunks.filter(status="active").order_by("name")),
            "may_order": may_order,
            "query": request.GET.urlencode(),
        },
    )


@require_POST
@portal_view(may_use_ai_access)
def reserve(request: PortalRequest) -> HttpResponse:
    """Each number that can be held is; the others are told."""
    form = SelectionForm(request.POST)
    held, errors = 0, [str(error) for error in form.errors.get("numbers", ())]
    for number in form.ticked if form.is_valid() else ():
        try:
            reserve_number(request.tenant, e164=number, ttl_minutes=_HOLD_MINUTES)
            held += 1
        except PortalError as error:
            errors.append(error.message)
    tell(request, errors)
    if held:
        numbers = "1 number is" if held == 1 else f"{held} numbers are"
        messages.success(request, f"{numbers} held for you for {_HOLD_MINUTES} minutes.")
    return redirect(search_address(request))


@require_POST
@portal_view(may_use_ai_access)
def release_hold(request: PortalRequest, reservation_id: uuid.UUID) -> HttpResponse:
    try:
        row = release_reservation(request.tenant, reservation_id=reservation_id)
    except NotFound as error:
        raise Http404 from error
    except InvalidArguments as error:
        tell(request, [error.message])
    else:
        messages.success(request, f"{display(row.stock_number.e164)} is free for others again.")
    return redirect(search_address(request))


def tell(request: HttpRequest, errors: Iterable[str]) -> None:
    """The next page shows them, each once."""
    for error in list(dict.fromkeys(errors))[:_MAX_ERRORS]:
        messages.error(request, error)


def search_address(request: HttpRequest) -> str:
    """The search that the posted form was shown with."""
    query = QueryDict(request.POST.get("query", "")[:2000]).urlencode()
    address = reverse("numbers:search")
    return f"{address}?{query}" if query else address


def _find(tenant: Tenant, form: StockSearchForm, *, after: int | None) -> StockPage | None:
    filters = form.filters()
    if filters is None:
        return None
    try:
        return search_stock(tenant, filters, limit=_PER_PAGE, after=after)
    except InvalidArguments as error:
        form.refuse((problem.field, problem.message) for problem in error.problems)
        return None


def _cursor(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


def _by_name(countries: Iterable[CountryCoverage]) -> list[CountryCoverage]:
    return sorted(countries, key=lambda one: one.name)


def _rows(page: StockPage, in_a_row: int) -> list[Row]:
    rows = []
    seen: set[int] = set()
    for number in page.numbers:
        is_first = number.block is not None and number.block not in seen
        if number.block is not None:
            seen.add(number.block)
        rows.append(
            Row(
                number=number,
                type_label=NumberType(number.number_type).label,
                capabilities=capability_words(number.capabilities),
                starts_block=in_a_row if is_first else 0,
            )
        )
    return rows


def _relaxations(page: StockPage, query: QueryDict) -> list[Relaxation]:
    """Of a search without result."""
    found = []
    for reason in page.why_empty:
        if not reason.count:
            continue
        relaxed = query.copy()
        relaxed.pop("after", None)
        if reason.filter == "all":
            relaxed = QueryDict(mutable=True)
            relaxed["country"] = query.get("country", "")
        else:
            relaxed.pop(field_of(reason.filter), None)
        label = _LABELS.get(field_of(reason.filter), "all filters but the country")
        found.append(Relaxation(label=label, count=reason.count, query=relaxed.urlencode()))
    return found


_LABELS = {
    "digits": "the digits",
    "in_a_row": "“in a row”",
    "area": "the city",
    "capabilities": "what it has to carry",
    "max_monthly": "the highest price",
    "without_requirements": "“needs no documents”",
    "number_type": "the type",
}


def _live(tenant: Tenant) -> ReservationQuerySet:
    return Reservation.objects.for_tenant(tenant).live(timezone.now())


def _held(tenant: Tenant) -> list[Held]:
    """What the tenant holds by itself; what a drafted order holds is decided with that."""
    rows = list(
        _live(tenant)
        .filter(order__isnull=True)
        .select_related("stock_number")
        .order_by("expires_at", "id")
    )
    pairs = {(row.stock_number.country, row.stock_number.number_type) for row in rows}
    prices = current_prices(tenant, pairs)
    return [
        Held(
            reservation=row,
            price=prices.get((row.stock_number.country, row.stock_number.number_type)),
        )
        for row in rows
    ]
