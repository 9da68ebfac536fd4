"""whoami: the caller's account, scopes and limits; needs no scope."""

from __future__ import annotations

from django.conf import settings
from pydantic import Field

from audit.services import usage_of
from mcp_access.authorization import InsufficientScope, access_error
from mcp_access.connections import count_connections
from mcp_access.tools import registry
from mcp_access.tools.annotations import READ
from mcp_access.tools.fields import timestamp
from mcp_access.tools.tool import Answer, Arguments, Context, Part, Result, tool


class WhoamiArguments(Arguments):
    pass


class TenantPart(Part):
    slug: str
    name: str
    tier: str


class UserPart(Part):
    name: str
    email: str
    role: str


class TokenPart(Part):
    name: str
    kind: str = Field(description="static or oauth.")
    expires_at: str | None = None


class BurstPart(Part):
    limit_per_minute: int = Field(description="Tool calls a minute for this token.")
    remaining: int | None = None


class MonthPart(Part):
    used: int = Field(description="Tool calls of the whole account this calendar month (UTC).")
    limit: int | None = Field(default=None, description="Absent: unlimited.")
    remaining: int | None = None
    is_hard: bool = Field(description="true: calls beyond the limit are refused.")
    overage_price_eur: str | None = Field(
        default=None, description="Price of a call beyond the limit, where it is not hard."
    )
    resets_at: str


class ConnectionsPart(Part):
    used: int
    limit: int | None = Field(default=None, description="Absent: unlimited.")


class LimitsPart(Part):
    burst: BurstPart
    month: MonthPart
    connections: ConnectionsPart


class UnavailableToolPart(Part):
    name: str
    scope: str
    code: str = Field(description="tier_required, not_permitted or insufficient_scope.")
    reason: str
    listed: bool = Field(description="false: hidden from tools/list.")


class WhoamiResult(Result):
    tenant: TenantPart | None = None
    user: UserPart | None = None
    token: TokenPart | None = None
    scopes: list[str] = Field(default_factory=list, description="What this call may do now.")
    limits: LimitsPart | None = None
    unavailable_tools: list[UnavailableToolPart] = Field(default_factory=list)


@tool(title="Who am I", scope=None, hints=READ)
def whoami(context: Context, arguments: WhoamiArguments) -> Answer:
    """Tell account, person, token, scopes, limits left with their reset times, and which tools are
    closed and why. Call it first, and when a call is refused for scope, tier, role or limit."""
    principal = context.principal
    usage = usage_of(principal.tenant.pk)
    month_limit = principal.calls_per_month
    tier = settings.MCP_TIERS[principal.tenant.tier]
    closed = [
        UnavailableToolPart(
            name=one.name,
            scope=one.scope or "",
            code=error.code,
            reason=error.message,
            listed=isinstance(error, InsufficientScope),
        )
        for one in registry.all_tools().values()
        if (error := access_error(principal, one)) is not None
    ]
    result = WhoamiResult(
        tenant=TenantPart(
            slug=principal.tenant.slug, name=principal.tenant.name, tier=principal.tenant.tier
        ),
        user=UserPart(
            name=principal.user.display_name, email=principal.user.email, role=principal.role
        ),
        token=TokenPart(
            name=principal.token_name,
            kind=principal.token_kind,
            expires_at=timestamp(principal.token_expires_at),
        ),
        scopes=sorted(principal.scopes),
        limits=LimitsPart(
            burst=BurstPart(
                limit_per_minute=principal.burst_per_minute,
                remaining=context.burst.remaining if context.burst else None,
            ),
            month=MonthPart(
                used=usage.calls,
                limit=month_limit,
                remaining=None if month_limit is None else max(0, month_limit - usage.calls),
                is_hard=principal.month_is_hard,
                overage_price_eur=tier.get("overage_eur"),
                resets_at=timestamp(usage.resets_at) or "",
            ),
            connections=ConnectionsPart(
                used=count_connections(principal.tenant), limit=principal.connections
            ),
        ),
        unavailable_tools=closed,
    )
    text = (
        f"{principal.user.display_name} ({principal.role}) of {principal.tenant.name}, tier "
        f"{principal.tenant.get_tier_display()}, with {len(principal.scopes)} scopes."
    )
    return Answer(result=result, text=text, facts={"closed_tools": len(closed)})
