"""My Numbers: what the tenant has, and where calls to it go."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import CharField, F, Func, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.accounts.permissions import (
    may_restore_numbers,
    may_tag_numbers,
    may_use_ai_access,
)
from cliqtel_portal.errors import NotFound
from cliqtel_portal.numbers.bulk import take_refused
from cliqtel_portal.numbers.change_models import NumberChange
from cliqtel_portal.numbers.errors import NumberUnavailable
from cliqtel_portal.numbers.forms import NumberFilterForm
from cliqtel_portal.numbers.listing import Sort, capability_words, read_page
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.numbers.services import NumberFilters, StatusCount, count_numbers
from cliqtel_portal.numbers.services.places import Place, place_of
from cliqtel_portal.numbers.services.release import is_restorable, restore_number
from cliqtel_portal.phone import display, national

_MAX_TAGS = 200  # of the menu
_CHANGES = 10  # of a number's record
_CONNECTABLE = frozenset({"active", "provisioning", "disabled"})
_GIVES_UP = frozenset({"active", "disabled"})
_AFTER_A_COUNT = {PhoneNumber.Status.QUARANTINE.value: "in quarantine"}


@dataclass(frozen=True, kw_only=True)
class Told:
    """An entry of a number's record, in words."""

    change: NumberChange
    words: str


@require_safe
@portal_view()
def number_list(request: PortalRequest) -> HttpResponse:
    counts = count_numbers(request.tenant, NumberFilters())
    held = sum(one.count for one in counts)
    tags = _tags_of(request.tenant)
    form = NumberFilterForm(
        request.GET.dict(), countries={one.country for one in counts if one.country}, tags=tags
    )
    found = form.narrow(PhoneNumber.objects.for_tenant(request.tenant))
    refused = take_refused(request)
    sort = Sort.of(request.GET.get("sort", ""))
    return render(
        request,
        "numbers/list.html",
        {
            "form": form,
            "page": read_page(
                found,
                sort,
                after=request.GET.get("after", ""),
                before=request.GET.get("before", ""),
                ticked=refused.get("ticked", ()),
            ),
            "sort": sort,
            "found": found.count() if form.is_used else held,
            "held": held,
            "countries": len({one.country for one in counts}),
            "statuses": _statuses(counts),
            "may_tag": may_tag_numbers(request.membership.role),
            "tags": tags,
            "refused": refused,
            "query": request.GET.urlencode(),
            **_targets(request.tenant),
        },
    )


@require_safe
@portal_view()
def number_detail(request: PortalRequest, number_id: uuid.UUID) -> HttpResponse:
    """The first tab; `number_page` has the others."""
    context = frame(request, number_id, tab="overview")
    number: PhoneNumber = context["number"]
    is_kept = number.status != PhoneNumber.Status.RELEASED
    context |= {
        "national": national(number.e164),
        "capabilities": capability_words(number.capabilities),
        "changes": [told(change) for change in number.changes.newest_first()[:_CHANGES]],
        "may_tag": is_kept and may_tag_numbers(request.membership.role),
        "refused": take_refused(request),
    }
    return render(request, "numbers/detail.html", context)


def frame(request: PortalRequest, number_id: uuid.UUID, *, tab: str) -> dict[str, Any]:
    """What every tab of a number's page shows, and who may do what about it.

    Raises:
        Http404: no such number in the tenant.
    """
    number = get_object_or_404(
        PhoneNumber.objects.for_tenant(request.tenant).select_related(
            "trunk", "call_flow", "emergency_address"
        ),
        pk=number_id,
    )
    number.tenant = request.tenant
    role = request.membership.role
    may_ask = may_use_ai_access(role)
    return {
        "tab": tab,
        "number": number,
        "place": place_of(number),
        "may_connect": may_ask and number.status in _CONNECTABLE,
        "may_give_up": may_ask and number.status in _GIVES_UP,
        "may_restore": may_restore_numbers(role) and is_restorable(number, timezone.now()),
        **_targets(request.tenant),
    }


@require_POST
@portal_view(may_restore_numbers)
def restore(request: PortalRequest, number_id: uuid.UUID) -> HttpResponse:
    try:
        number = restore_number(request.membership, number_id=number_id)
    except NotFound as error:
        raise Http404 from error
    except NumberUnavailable as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{display(number.e164)} is back. Connect it again.")
    return redirect("numbers:detail", number_id)


def _targets(tenant: Tenant) -> dict[str, QuerySet[Any]]:
    """Where calls can be sent; read once by the template, if it offers them at all."""
    return {
        "trunks": tenant.trunks.filter(status="active").order_by("name").only("name", "tenant"),
        "call_flows": tenant.call_flows.filter(status="active")
        .order_by("name")
        .only("name", "tenant"),
    }


def told(change: NumberChange) -> Told:
    if change.kind == NumberChange.Kind.TAGGED:
        return Told(change=change, words=_tagged(change.before["tags"], change.after["tags"]))
    if change.kind == NumberChange.Kind.EMERGENCY:
        return Told(change=change, words=_help_sent(change.before, change.after))
    if change.kind != NumberChange.Kind.ASSIGNED:
        return Told(change=change, words=change.get_kind_display())
    before, after = Place.from_json(change.before), Place.from_json(change.after)
    if not after.place_id:
        return Told(change=change, words=f"Disconnected from {before.words}")
    return Told(change=change, words=f"Connected to {after.words}, before to {before.words}")


def _help_sent(before: dict[str, Any], after: dict[str, Any]) -> str:
    was, now = (one["address"]["label"] if one["address"] else "" for one in (before, after))
    if was == now:
        return f"Emergency address “{now}” validated"
    return f"Emergency address “{now}”, before {f'“{was}”' if was else 'none'}"


def _tagged(before: list[str], after: list[str]) -> str:
    added = ", ".join(f"“{tag}”" for tag in after if tag not in before)
    removed = ", ".join(f"“{tag}”" for tag in before if tag not in after)
    parts = [f"Tagged {added}" if added else "", f"Tags removed: {removed}" if removed else ""]
    return ". ".join(part for part in parts if part)


def _tags_of(tenant: Tenant) -> list[str]:
    each = Func(F("tags"), function="unnest", output_field=CharField())
    each.set_returning = True
    held = PhoneNumber.objects.for_tenant(tenant).exclude(status=PhoneNumber.Status.RELEASED)
    return list(held.values_list(each, flat=True).distinct().order_by(each)[:_MAX_TAGS])


def _statuses(counts: Iterable[StatusCount]) -> list[tuple[int, str]]:
    """How many of each status, in words that go after a number, the most frequent first."""
    sums: Counter[str] = Counter()
    for one in counts:
        sums[one.status] += one.count
    return [(count, _AFTER_A_COUNT.get(status, status)) for status, count in sums.most_common()]
