"""Which carrier a slug names: settings.CARRIERS, read at each call."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from cliqtel_portal.carriers.base import CarrierBackend
from cliqtel_portal.carriers.webhooks.base import CarrierWebhook


def backend_of(carrier: str) -> CarrierBackend:
    """Return the carrier's backend, made anew: it keeps no state.

    Raises:
        LookupError: no carrier of that name is configured (any more).
    """
    entry = settings.CARRIERS[carrier]
    return cast("CarrierBackend", import_string(entry["backend"])(**entry.get("options", {})))


def has_webhook(carrier: str) -> bool:
    return "webhook" in settings.CARRIERS.get(carrier, {})


def webhook_of(carrier: str) -> CarrierWebhook:
    """Return what reads the carrier's webhook, made anew: it keeps no state.

    Raises:
        LookupError: no carrier of that name is configured, or it has no webhook.
    """
    entry = settings.CARRIERS[carrier]
    made = import_string(entry["webhook"])(**entry.get("webhook_options", {}))
    return cast("CarrierWebhook", made)
