"""Settings of the stack itself that can be wrong."""

from __future__ import annotations

from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

METRICS_TOKEN_LENGTH = 32


@register
def check_metrics_token(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[CheckMessage]:
    token = settings.METRICS_TOKEN
    if not token or (
        len(token) >= METRICS_TOKEN_LENGTH and token.isascii() and token.isprintable()
    ):
        return []
    return [
        Error(
            f"METRICS_TOKEN must have at least {METRICS_TOKEN_LENGTH} printable ASCII characters.",
            hint="Make one: openssl rand -hex 32. Or leave it empty: only this machine reads then.",
            id="cliqtel_portal.E001",
        )
    ]
