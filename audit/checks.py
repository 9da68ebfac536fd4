"""Wrong settings of alerts and of the log stop the start, not the first alert or deletion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

# This month and the one before are still counted and billed.
_SHORTEST_DAYS = 62
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@register
def check_alerts(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    return [*_webhook(), *_times()]


def _webhook() -> Iterator[CheckMessage]:
    url = settings.SLACK_WEBHOOK_URL
    parts = urlsplit(url)
    is_near = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if url and not (parts.hostname and (parts.scheme == "https" or is_near)):
        # Without the address: whoever has it can post.
        yield Error(
            "SLACK_WEBHOOK_URL must be an https address with a host.",
            hint="Copy it from “Incoming Webhooks” of the Slack app. http is for loopback only.",
            id="audit.E001",
        )


def _times() -> Iterator[CheckMessage]:
    if settings.ALERT_QUIET_SECONDS <= settings.ALERT_WINDOW_SECONDS:
        yield Error(
            "ALERT_QUIET_SECONDS must be more than ALERT_WINDOW_SECONDS.",
            hint="Or an alert ends and is raised again by the same calls.",
            id="audit.E002",
        )
    longest = 3 * settings.SLACK_TIMEOUT_SECONDS + 2 * (settings.SLACK_WAIT_SECONDS + 1)
    if longest >= settings.SLACK_CLAIM_SECONDS:
        yield Error(
            f"SLACK_CLAIM_SECONDS must be more than {longest}, as long as one attempt may take.",
            hint="Or a living sender is taken for dead, and the message is sent twice.",
            id="audit.E003",
        )


@register
def check_retention(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[CheckMessage]:
    return list(_retention())


def _retention() -> Iterator[CheckMessage]:
    if settings.AUDIT_RETENTION_DAYS < _SHORTEST_DAYS:
        yield Error(
            f"AUDIT_RETENTION_DAYS is {settings.AUDIT_RETENTION_DAYS}.",
            hint=f"The log keeps at least {_SHORTEST_DAYS} days: last month is still billed.",
            id="audit.E004",
        )
    if settings.AUDIT_ARCHIVE_DIR and not Path(settings.AUDIT_ARCHIVE_DIR).is_absolute():
        yield Error(
            f"AUDIT_ARCHIVE_DIR {settings.AUDIT_ARCHIVE_DIR!r} is not an absolute path.",
            hint="Workers may be started anywhere: name the directory from the root.",
            id="audit.E005",
        )
