"""A wrong entry in settings.CARRIERS stops the start, not the first order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string

from cliqtel_portal.carriers.base import CarrierBackend
from cliqtel_portal.carriers.webhooks.base import CarrierWebhook

_KEYS = {"backend", "options", "webhook", "webhook_options"}


@register
def check_carriers(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    return [*_default(), *_entries(), *_attempts()]


def _default() -> Iterator[CheckMessage]:
    if settings.CARRIER_DEFAULT not in settings.CARRIERS:
        yield Error(
            f"CARRIER_DEFAULT {settings.CARRIER_DEFAULT!r} is none of CARRIERS.",
            hint="Set it to one of: " + ", ".join(sorted(settings.CARRIERS)),
            id="carriers.E001",
        )


def _entries() -> Iterator[CheckMessage]:
    for slug, entry in settings.CARRIERS.items():
        if not re.fullmatch(r"[a-z0-9-]{1,40}", slug):
            yield Error(
                f"CARRIERS: {slug!r} can't be part of a URL.",
                hint="Up to 40 lower-case letters, digits and hyphens.",
                id="carriers.E002",
            )
        if unknown := sorted(set(entry) - _KEYS):
            yield Error(
                f"CARRIERS[{slug!r}] has unknown keys: {', '.join(unknown)}.",
                hint="Known are: " + ", ".join(sorted(_KEYS)),
                id="carriers.E003",
            )
        yield from _part(slug, entry, "backend", "options", CarrierBackend)
        if "webhook" in entry:
            yield from _part(slug, entry, "webhook", "webhook_options", CarrierWebhook)


def _part(
    slug: str, entry: Mapping[str, Any], name: str, options: str, base: type[object]
) -> Iterator[CheckMessage]:
    where = f"CARRIERS[{slug!r}][{name!r}]"
    try:
        found = import_string(entry.get(name, ""))
    except ImportError as error:
        yield Error(f"{where}: {error}", id="carriers.E004")
        return
    if not (isinstance(found, type) and issubclass(found, base)):
        yield Error(f"{where} is no {base.__name__}.", id="carriers.E005")
        return
    try:
        found(**entry.get(options, {}))
    except TypeError:
        # Without the words of the error: options hold credentials.
        yield Error(
            f"{where} can't be made with its {options}, or lacks a method.", id="carriers.E006"
        )


def _attempts() -> Iterator[CheckMessage]:
    if not 1 <= settings.CARRIER_MAX_ATTEMPTS < settings.APPROVAL_MAX_ATTEMPTS:
        yield Error(
            "CARRIER_MAX_ATTEMPTS must be at least 1 and below APPROVAL_MAX_ATTEMPTS.",
            hint="Or an approval gives up before the operation that it waits for has ended.",
            id="carriers.E007",
        )
