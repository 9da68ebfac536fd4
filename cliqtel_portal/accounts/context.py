"""What the shell of every page shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import is_valid_path

from cliqtel_portal.accounts import permissions

THEME_COOKIE = "theme"
# In the cookie and on <html data-theme>; "system" is the absence of both.
THEMES = (("system", "System"), ("light", "Light"), ("dark", "Dark"))


@dataclass(frozen=True, kw_only=True)
class Entry:
    path: str
    title: str
    icon: str  # a symbol of static/img/icons.svg
    may: Callable[[str], bool] = permissions.may_read_portal


@dataclass(frozen=True, kw_only=True)
class Group:
    title: str
    entries: tuple[Entry, ...]


# The rail has a number beside it: `approvals.context`.
APPROVALS = "/approvals/"
# Paths, not URL names: they are promised (contract.md), and a page that is not built yet, or that a
# deployment leaves out, is simply not listed.
_NAVIGATION = (
    Group(
        title="",
        entries=(
            Entry(path="/numbers/", title="My Numbers", icon="numbers"),
            Entry(path="/callflows/", title="Call flows", icon="callflows"),
            Entry(path="/trunks/", title="Trunks", icon="trunks"),
            Entry(path="/messaging/", title="Messaging", icon="messaging"),
        ),
    ),
    Group(
        title="AI Access",
        entries=(
            Entry(path="/numbers/ai-access/", title="Overview", icon="overview"),
            Entry(path="/numbers/ai-access/tokens/", title="Tokens", icon="tokens"),
            Entry(path="/numbers/ai-access/apps/", title="Connected apps", icon="apps"),
            Entry(path=APPROVALS, title="Approvals", icon="approvals"),
            Entry(path="/numbers/ai-access/usage/", title="Usage", icon="usage"),
            Entry(path="/numbers/ai-access/activity/", title="Activity", icon="activity"),
            Entry(
                path="/numbers/ai-access/alerts/",
                title="Alerts",
                icon="alerts",
                may=permissions.may_manage_all_tokens,
            ),
            Entry(
                path="/numbers/ai-access/doctor/",
                title="Connection doctor",
                icon="doctor",
                may=permissions.may_manage_all_tokens,
            ),
        ),
    ),
    Group(
        title="Help",
        entries=(
            Entry(path="/docs/", title="Docs", icon="docs"),
            Entry(path="/settings/", title="Settings", icon="settings"),
        ),
    ),
)
_AI_ACCESS = "/numbers/ai-access/"
# The tabs of Settings; each page belongs to an app of its own.
_SETTINGS = (
    Entry(path="/settings/profile/", title="Profile", icon="settings"),
    Entry(path="/settings/security/", title="Security", icon="lock"),
    Entry(
        path="/settings/members/",
        title="Members",
        icon="settings",
        may=permissions.may_see_members,
    ),
    Entry(
        path="/settings/account/",
        title="Account",
        icon="settings",
        may=permissions.may_edit_account,
    ),
    Entry(path="/settings/approvals/", title="Approval policy", icon="approvals"),
    Entry(path="/settings/messaging/", title="Messaging limit", icon="messaging"),
    Entry(
        path="/settings/alerts/",
        title="Alerts on Slack",
        icon="alerts",
        may=permissions.may_edit_policies,
    ),
)


def _navigation(role: str) -> list[Group]:
    may_use_ai_access = permissions.may_use_ai_access(role)
    groups = []
    for group in _NAVIGATION:
        entries = tuple(
            entry
            for entry in group.entries
            if is_valid_path(entry.path)
            and entry.may(role)
            and (may_use_ai_access or not entry.path.startswith(_AI_ACCESS))
        )
        if entries:
            groups.append(Group(title=group.title, entries=entries))
    return groups


def settings_tabs(role: str) -> list[Entry]:
    """The pages of Settings that there are and that the role may see, in order."""
    return [entry for entry in _SETTINGS if is_valid_path(entry.path) and entry.may(role)]


def _here(groups: list[Group], path: str) -> str:
    """The entry that the page belongs to: the longest that the path starts with."""
    found = (entry.path for group in groups for entry in group.entries)
    return max((entry for entry in found if path.startswith(entry)), key=len, default="")


def shell(request: HttpRequest) -> dict[str, Any]:
    """Tenant, memberships, navigation and what the role may, where `portal_view` let one in."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    base: dict[str, Any] = {
        "theme": theme if theme in {"light", "dark"} else "",
        "themes": THEMES,
        "tenant": None,
        "memberships": [],
        "nav": [],
        "nav_here": "",
    }
    membership = getattr(request, "membership", None)
    if membership is None:
        return base
    may_use_ai_access = permissions.may_use_ai_access(membership.role)
    groups = _navigation(membership.role)
    return base | {
        "tenant": membership.tenant,
        "membership": membership,
        "memberships": getattr(request, "memberships", []),
        "may_use_ai_access": may_use_ai_access,
        "may_manage_all_tokens": permissions.may_manage_all_tokens(membership.role),
        "nav": groups,
        "nav_here": _here(groups, request.path),
        "nav_approvals": APPROVALS,
        "settings_tabs": settings_tabs(membership.role),
    }
