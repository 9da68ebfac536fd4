"""Which carrier a slug names: settings.CARRIERS, read at each call."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from cliqtel_portal.carriers.base import CarrierBackend


def backend_of(carrier: str) -> CarrierBackend:
    """Return the carrier's backend, made anew: it keeps no state.

    Raises:
        LookupError: no carrier of that name is configured (any more).
    """
    entry = settings.CARRIERS[carrier]
    return cast("CarrierBackend", import_string(entry["backend"])(**entry.get("options", {})))
