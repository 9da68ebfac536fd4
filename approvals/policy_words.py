"""A policy in words: for the settings page, and for what changed in it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from approvals.models import Policy
from cliqtel_portal.money import Money

_HOUR = 3600
_DAY = 24 * _HOUR
LABELS = {
    "decider_role": "Who decides",
    "four_eyes": "Another person than the one who asked",
    "layers": "More people",
    "expires_seconds": "Expires",
}


def lines_of(rules: Mapping[str, Any], currency: str) -> dict[str, str]:
    """Each rule in words, by the keys of `LABELS`; `rules` as `policy_changes.as_json` has them."""
    return {
        "decider_role": str(Policy.DeciderRole(rules["decider_role"]).label),
        "four_eyes": _four_eyes(rules, currency),
        "layers": ", ".join(
            f"{layer['deciders']} from {_money(layer['from'], currency)}"
            for layer in rules["layers"]
        )
        or "No: one is enough",
        "expires_seconds": f"After {_period(rules['expires_seconds'])}",
    }


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], currency: str
) -> list[tuple[str, str, str]]:
    """What changed: label, old words, new words."""
    old, new = lines_of(before, currency), lines_of(after, currency)
    return [(LABELS[key], old[key], new[key]) for key in LABELS if old[key] != new[key]]


def _four_eyes(rules: Mapping[str, Any], currency: str) -> str:
    if rules["always_four_eyes"]:
        return "Always"
    if rules["four_eyes_from"] is None:
        return "Never"
    return f"From {_money(rules['four_eyes_from'], currency)}"


def _money(amount: str, currency: str) -> str:
    return str(Money(amount=Decimal(amount), currency=currency))


def _period(seconds: int) -> str:
    for size, unit in ((_DAY, "day"), (_HOUR, "hour"), (60, "minute")):
        if seconds >= 2 * size and seconds % size == 0:
            return f"{seconds // size} {unit}s"
    return f"{seconds} seconds"
