"""Tokens and apps as the Usage page lists and filters by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audit.daily import Source
from cliqtel_portal.accounts.models import Membership
from mcp_access import services
from mcp_access.limits import TenantLimits
from mcp_access.oauth import connected_apps
from mcp_access.oauth.consent import app_name


@dataclass(frozen=True, kw_only=True)
class NamedSource:
    """`key` is its name in the page's query; `limit` its burst a minute."""

    key: str
    source: Source
    name: str
    detail: str
    limit: int


@dataclass(frozen=True, kw_only=True)
class SourceRow:
    """`named` None: those that the person may not see, or that are gone, all in one."""

    named: NamedSource | None
    calls: int
    minute: int


def visible_sources(actor: Membership, limits: TenantLimits) -> dict[Source, NamedSource]:
    """What the actor may see by name: their own, or all of the tenant for admins."""
    most = limits.burst_per_minute
    tokens = [
        NamedSource(
            key=f"token-{token.pk}",
            source=Source(id=token.pk),
            name=token.name,
            detail=token.masked,
            limit=min(token.burst_per_minute or most, most),
        )
        for token in services.visible_tokens(actor)
    ]
    apps = [
        NamedSource(
            key=f"app-{consent.pk}",
            source=Source(id=consent.user_id, client_id=consent.application.client_id),
            name=app_name(consent.application),
            detail=f"App of {consent.user.display_name}",
            limit=most,
        )
        for consent in connected_apps.visible_consents(actor)
    ]
    return {named.source: named for named in [*tokens, *apps]}


def source_rows(
    visible: Mapping[Source, NamedSource],
    month: Mapping[Source, int],
    minute: Mapping[Source, int],
) -> list[SourceRow]:
    """One for each that called, most calls first; the nameless together at the end."""
    called = [source for source in {**month, **minute} if source in visible]
    rows = [
        SourceRow(named=visible[one], calls=month.get(one, 0), minute=minute.get(one, 0))
        for one in called
    ]
    others = sum(calls for source, calls in month.items() if source not in visible)
    if others:
        rows.append(SourceRow(named=None, calls=others, minute=0))
    return rows


def busiest(
    visible: Mapping[Source, NamedSource], minute: Mapping[Source, int]
) -> tuple[NamedSource, int] | None:
    """The one that is nearest to its own limit in this minute, with its calls."""
    found = [(visible[source], calls) for source, calls in minute.items() if source in visible]
    return max(found, key=lambda pair: pair[1] / pair[0].limit, default=None)


def chosen(visible: Mapping[Source, NamedSource], key: str) -> NamedSource | None:
    """The source that the query names, if the actor may see it."""
    return next((named for named in visible.values() if named.key == key), None)
