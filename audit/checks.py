"""Wrong settings of alerts stop the start, not the first alert."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

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
