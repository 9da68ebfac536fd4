"""Scopes as people choose them: grouped, in words, with the reason where one is closed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from django.conf import settings

from cliqtel_portal.accounts import permissions
from cliqtel_portal.accounts.models import Membership

_MESSAGING = "mcp.messaging.send"
_GROUPS = (
    ("read", "Read", "Looks things up, changes nothing."),
    ("draft", "Draft", "Prepares a proposal that waits for a person."),
    ("change", "Change", "Carries out what a person has approved."),
)


@dataclass(frozen=True, kw_only=True)
class ScopeLine:
    """One scope. `locked` says why this person can't grant it; `warning`, what a grant means.

    `calls`: how many needed it lately; None where that is not the question.
    """

    name: str
    title: str
    checked: bool
    locked: str
    warning: str
    calls: int | None = None


@dataclass(frozen=True, kw_only=True)
class ScopeGroup:
    title: str
    explanation: str
    lines: tuple[ScopeLine, ...]


@dataclass(frozen=True, kw_only=True)
class TokenTemplate:
    """A start for the form. `locked` says why not, where a scope of it can't be granted."""

    key: str
    title: str
    summary: str
    scopes: tuple[str, ...]
    locked: str = ""


# The smallest set that does the job: approving a draft executes it, so drafting is enough.
_TEMPLATES = (
    TokenTemplate(
        key="explorer",
        title="Read-only explorer",
        summary="Looks up numbers, prices, docs and call flows.",
        scopes=(
            "mcp.inventory.read",
            "mcp.pricing.read",
            "mcp.docs.read",
            "mcp.callflows.read",
        ),
    ),
    TokenTemplate(
        key="ordering",
        title="Ordering assistant",
        summary="Finds numbers and drafts orders for you to approve.",
        scopes=("mcp.inventory.read", "mcp.pricing.read", "mcp.docs.read", "mcp.orders.draft"),
    ),
    TokenTemplate(
        key="callflows",
        title="Call-flow editor",
        summary="Reads call flows and proposes changes.",
        scopes=(
            "mcp.inventory.read",
            "mcp.docs.read",
            "mcp.callflows.read",
            "mcp.callflows.draft",
        ),
    ),
    TokenTemplate(
        key="messaging",
        title="Messaging",
        summary="Sends SMS and WhatsApp from your numbers.",
        scopes=("mcp.inventory.read", "mcp.docs.read", _MESSAGING),
    ),
)


def kind_of(scope: str) -> str:
    """read, draft or change."""
    suffix = scope.rpartition(".")[2]
    return suffix if suffix in {"read", "draft"} else "change"


def summary(scopes: Iterable[str]) -> str:
    """ "3 read, 1 write": drafts count as writes, because they wait for somebody."""
    kinds = [kind_of(scope) for scope in scopes]
    reads = kinds.count("read")
    counts = ((reads, "read"), (len(kinds) - reads, "write"))
    return ", ".join(f"{count} {word}" for count, word in counts if count) or "None"


def groups(actor: Membership, chosen: Collection[str]) -> list[ScopeGroup]:
    """Every scope there is, in groups, with what `actor` may tick."""
    return [
        ScopeGroup(
            title=title,
            explanation=explanation,
            lines=tuple(
                _line(actor, scope, checked=scope in chosen)
                for scope in settings.MCP_SCOPES
                if kind_of(scope) == key
            ),
        )
        for key, title, explanation in _GROUPS
    ]


def lines(
    actor: Membership, scopes: Collection[str], *, used: Mapping[str, int] | None = None
) -> list[ScopeLine]:
    """These scopes alone; `locked` where they have no effect for `actor` now."""
    found = [_line(actor, scope, checked=True) for scope in settings.MCP_SCOPES if scope in scopes]
    if used is None:
        return found
    return [replace(line, calls=used.get(line.name, 0)) for line in found]


def templates(actor: Membership) -> list[TokenTemplate]:
    return [
        TokenTemplate(
            key=template.key,
            title=template.title,
            summary=template.summary,
            scopes=template.scopes,
            locked=next(filter(None, (lock_reason(actor, each) for each in template.scopes)), ""),
        )
        for template in _TEMPLATES
    ]


def find_template(actor: Membership, key: str) -> TokenTemplate | None:
    """The template, if all of it can be granted."""
    return next((each for each in templates(actor) if each.key == key and not each.locked), None)


def lock_reason(actor: Membership, scope: str) -> str:
    """Why `actor` can't put the scope on a token now; "" if they can."""
    if scope not in permissions.scopes_of_tier(actor.tenant.tier):
        return f"Not part of the tier {actor.tenant.get_tier_display()}"
    if scope not in permissions.scopes_of_role(actor.role):
        needed = Membership.Role(permissions.role_needed_for(scope)).label
        return f"Needs the role {needed.lower()}"
    return ""


def _line(actor: Membership, scope: str, *, checked: bool) -> ScopeLine:
    if kind_of(scope) == "read":
        warning = ""
    elif scope == _MESSAGING:
        warning = "Needs approval beyond your daily limit"
    else:
        warning = "Always needs approval"
    return ScopeLine(
        name=scope,
        title=settings.MCP_SCOPES[scope]["title"],
        checked=checked,
        locked=lock_reason(actor, scope),
        warning=warning,
    )
