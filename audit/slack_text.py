"""Messages as Slack takes them: blocks, a plain fallback, and nothing that it would act on."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings

from audit import alert_words
from audit.models import Alert
from cliqtel_portal.inert import visible

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029]+")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# Slack takes 2,000 characters in a field, and an escaped one is five.
_LONGEST = 400


def inert(text: str) -> str:
    """One line that Slack shows as it is: no mention, no link, no markup of somebody else's.

    https://docs.slack.dev/messaging/formatting-message-text: the three characters are escaped, and
    every block below is `plain_text`, in which nothing is bold or a link.
    """
    line = " ".join(_CONTROL.sub(" ", visible(text)).split())
    # Cut before escaping, or an entity could be cut in two.
    cut = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
    return cut.translate(_ESCAPES)


def fallback_of(alert: Alert, link: str) -> str:
    """What notifications show, and programs that know no blocks."""
    return (
        f"[{alert.get_severity_display()}] {inert(alert.tenant.name)}:"
        f" {inert(alert_words.title_of(alert))}. {inert(alert_words.sentence_of(alert))}"
        f" {link}"
    )


def blocks_of(alert: Alert, link: str) -> list[dict[str, Any]]:
    facts = [("Account", alert.tenant.name), ("Severity", alert.get_severity_display())]
    if alert.token_label:
        facts.append(("Token or app", alert.token_label))
    if alert.user_label:
        facts.append(("Person", alert.user_label))
    return [
        {"type": "header", "text": _plain(alert.get_rule_display())},
        {"type": "section", "text": _plain(alert_words.sentence_of(alert))},
        {"type": "section", "fields": [_plain(f"{name}: {value}") for name, value in facts]},
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "action_id": "open_alert",
                    "text": _plain("Open the alert"),
                    "url": link,
                }
            ],
        },
    ]


def portal_link(alert: Alert) -> str:
    return f"{settings.OAUTH_ISSUER}{alert_words.path_of(alert)}"


def admin_link(alert: Alert) -> str:
    """For the operator's people, who are members of no tenant."""
    return f"{settings.OAUTH_ISSUER}/admin/audit/alert/{alert.pk}/change/"


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": inert(text), "emoji": False}
