"""An alert in words, for pages, notices and Slack."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from audit.models import Alert
from cliqtel_portal.inert import visible

Rule = Alert.Rule

_ADVICE = {
    Rule.SCOPE_MISUSE: (
        "Give the token the scope if its host should have it; revoke the token if you don't know"
        " what asks."
    ),
    Rule.ERROR_SPIKE: "Look at the newest errors: a host may be set up wrongly, or out of hand.",
    Rule.NEW_NETWORK: (
        "If nobody of yours has moved, the token may have been copied: revoke it. A token can be"
        " bound to networks when it is made."
    ),
    Rule.DRAFT_BURST: "Reject what nobody wants, and revoke the token if its host is out of hand.",
    Rule.ENUMERATION: "Ask its owner what the host is looking for; revoke the token if unsure.",
}


def title_of(alert: Alert) -> str:
    """The rule, and whose token: "Guessed ids: Ops agent"."""
    label = visible(" ".join(alert.token_label.split()))
    return f"{alert.get_rule_display()}: {label}" if label else alert.get_rule_display()


def sentence_of(alert: Alert) -> str:
    """What was seen and done, in words of ours: numbers, networks and scopes only."""
    if alert.details.get("restricted"):
        return f"{_seen(alert)} The token was set to reading only."
    return _seen(alert)


def _seen(alert: Alert) -> str:
    minutes = f"{settings.ALERT_WINDOW_SECONDS // 60} minutes"
    details: dict[str, Any] = alert.details
    match alert.rule:
        case Rule.SCOPE_MISUSE:
            scopes = ", ".join(scope for scope in details.get("scopes", []) if scope)
            beyond = f" ({scopes})" if scopes else ""
            return (
                f"{alert.count} calls within {minutes} were refused, because the token or its"
                f" person may not do that{beyond}."
            )
        case Rule.ERROR_SPIKE:
            usual = details.get("usual", 0)
            than = f", where {usual:g} are usual" if usual else ""
            return (
                f"{alert.count} of {details.get('calls', alert.count)} calls within {minutes}"
                f" ended in an error{than}."
            )
        case Rule.NEW_NETWORK:
            networks = ", ".join(details.get("networks", []))
            return (
                f"It was used from {networks}, where it has not been used in"
                f" {settings.ALERT_NETWORK_DAYS} days."
            )
        case Rule.DRAFT_BURST:
            return f"{alert.count} drafts within {minutes} wait for a person."
        case _:
            return (
                f"{alert.count} different things that it asked for within {minutes} don't exist:"
                " somebody may be guessing ids."
            )


def advice_of(alert: Alert) -> str:
    return _ADVICE[Rule(alert.rule)]


def path_of(alert: Alert) -> str:
    return f"/numbers/ai-access/alerts/{alert.pk}/"
