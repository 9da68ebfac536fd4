"""Activity: the tenant's own log of calls, filtered as one types, and one call."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from audit import daily
from audit.activity import CallPage, TooSlow, read_page, recent_values
from audit.models import ToolCall
from audit.query import NONE, BadQuery, CallQuery, parse_query
from audit.querysets import as_uuid
from cliqtel_portal.accounts.http import PortalRequest, portal_view
from cliqtel_portal.accounts.permissions import may_manage_all_tokens, may_use_ai_access
from mcp_access.views import activity_strip
from mcp_access.views.activity_strip import Strip
from mcp_access.views.notices import unread

_RELATED_SHOWN = 20
_TIMES = (
    ("today", "Today"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A link: `query` is the text that it leads to."""

    label: str
    query: str
    is_chosen: bool


@dataclass(frozen=True, kw_only=True)
class Menu:
    title: str
    chosen: str
    choices: list[Choice]


@require_safe
@portal_view(may_use_ai_access)
def activity(request: PortalRequest) -> HttpResponse:
    """A filter that can't be read is shown with what is wrong; the list stays that of before."""
    typed = request.GET.get("q", "").strip()
    query, problem = _read(request, typed), None
    if isinstance(query, BadQuery):
        problem = query
        query = _read(request, request.GET.get("was", ""))
        if isinstance(query, BadQuery):
            query = CallQuery()
    visible = ToolCall.objects.visible_to(request.membership)
    page, delay = CallPage(calls=[], before=None, after=None), None
    try:
        page = read_page(
            visible,
            query,
            before=as_uuid(request.GET.get("before", "")),
            after=as_uuid(request.GET.get("after", "")),
        )
    except TooSlow as error:
        delay = error
    return render(
        request,
        "mcp_access/activity.html",
        {
            "typed": typed if problem else str(query),
            "query": str(query),
            "problem": problem,
            "delay": delay,
            "page": page,
            "menus": _menus(query, recent_values(visible), sees_all=_sees_all(request)),
            "presets": _presets(query),
            "retention_days": settings.AUDIT_RETENTION_DAYS,
            "strip": _strip(request, query),
            "notices": unread(request, about=reverse("exports:list")),
        },
    )


@require_safe
@portal_view(may_use_ai_access)
def call_detail(request: PortalRequest, call_id: uuid.UUID) -> HttpResponse:
    visible = ToolCall.objects.visible_to(request.membership)
    call = visible.filter(pk=call_id).first()
    if call is None:
        raise Http404
    related: list[ToolCall] = []
    if call.approval_id is not None:
        others = visible.filter(approval_id=call.approval_id).exclude(pk=call.pk)
        related = list(others.defer("arguments", "result").order_by("-id")[:_RELATED_SHOWN])
    context = {
        "call": call,
        "arguments": _as_text(call.arguments),
        "result": None if call.result is None else _as_text(call.result),
        "related": related,
        # Drafted by a member, carried out for them: the draft's row may be somebody else's.
        "parent": visible.filter(pk=call.parent_id).first() if call.parent_id else None,
    }
    return render(request, "mcp_access/call_detail.html", context)


def _read(request: PortalRequest, text: str) -> CallQuery | BadQuery:
    try:
        return parse_query(text, zone=ZoneInfo(request.tenant.time_zone), now=timezone.now())
    except BadQuery as error:
        return error


def _strip(request: PortalRequest, query: CallQuery) -> Strip | None:
    """Of everybody's calls: for those who see them all, on top of the list of all or of a day."""
    is_narrowed = any(term.key != "created" for term in query.terms)
    is_further = "before" in request.GET or "after" in request.GET
    if is_narrowed or is_further or not _sees_all(request):
        return None
    today = timezone.now().astimezone(UTC).date()
    rows = daily.days_of_all(request.tenant.pk, since=today - timedelta(days=activity_strip.DAYS))
    return activity_strip.draw(rows, last=today, chosen=query)


def _sees_all(request: PortalRequest) -> bool:
    return may_manage_all_tokens(request.membership.role)


def _menus(query: CallQuery, recent: Mapping[str, list[str]], *, sees_all: bool) -> list[Menu]:
    scopes = [(scope, scope) for scope in (*settings.MCP_SCOPES, NONE)]
    offered = {
        "Time": ("created", list(_TIMES)),
        "Status": ("status", [(str(value), str(text)) for value, text in ToolCall.Status.choices]),
        "Tool": ("tool", _same(recent["tool"])),
        "Scope": ("scope", scopes),
        "Error": ("code", _same(recent["code"])),
        "Person": ("user", _same(recent["user"]) if sees_all else []),
        "Token": ("token", _same(recent["token"])),
        "Client": ("client", _same(recent["client"])),
    }
    return [
        _menu(query, title, key, choices)
        for title, (key, choices) in offered.items()
        if choices or (query.value_of(key) and key != "user")
    ]


def _same(values: list[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]


def _menu(query: CallQuery, title: str, key: str, choices: list[tuple[str, str]]) -> Menu:
    chosen = query.value_of(key)
    links = [
        Choice(label=label, query=query.with_term(key, value), is_chosen=chosen.strip('"') == value)
        for value, label in choices
    ]
    if chosen:
        links.insert(0, Choice(label="Any", query=query.with_term(key), is_chosen=False))
    label = next((link.label for link in links if link.is_chosen), chosen)
    return Menu(title=title, chosen=label, choices=links)


def _presets(query: CallQuery) -> list[Choice]:
    changing = [scope for scope in settings.MCP_SCOPES if not scope.endswith(".read")]
    found = {
        "All calls": "",
        "Errors today": "status:error created:today",
        "Writes": CallQuery().with_term("scope", *changing),
        "Scope denied": "code:insufficient_scope",
    }
    return [
        Choice(label=label, query=text, is_chosen=str(query) == text)
        for label, text in found.items()
    ]


def _as_text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
