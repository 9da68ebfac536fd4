"""A policy in words: for the settings page, and for what changed in it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from approvals.actions import PRICED
from approvals.models import Policy
from cliqtel_portal.money import Money

_HOUR = 3600
_DAY = 24 * _HOUR


def lines_of(action: str, rules: Mapping[str, Any], currency: str) -> list[tuple[str, str]]:
    """Each rule as label and words; `rules` as `policy_changes.as_json` has them."""
    is_priced = action in PRICED
    return [
        ("Who decides", str(Policy.DeciderRole(rules["decider_role"]).label)),
        (
            "Another person than the one who asked",
            _four_eyes(rules, currency, is_priced=is_priced),
        ),
        ("How many agree", _layers(rules, currency, is_priced=is_priced)),
        ("Expires", f"After {_period(rules['expires_seconds'])}"),
    ]


def differences(
    action: str, before: Mapping[str, Any], after: Mapping[str, Any], currency: str
) -> list[tuple[str, str, str]]:
    """What changed: label, old words, new words."""
    pairs = zip(lines_of(action, before, currency), lines_of(action, after, currency), strict=True)
    return [(label, old, new) for (label, old), (_, new) in pairs if old != new]


def _four_eyes(rules: Mapping[str, Any], currency: str, *, is_priced: bool) -> str:
    amount = rules["four_eyes_from"]
    if rules["always_four_eyes"] or (amount is not None and Decimal(amount) == 0):
        return "Always"
    if amount is None or not is_priced:
        return "Not needed"
    return f"From {_money(amount, currency)}"


def _layers(rules: Mapping[str, Any], currency: str, *, is_priced: bool) -> str:
    layers = rules["layers"]
    lowest = max((one["deciders"] for one in layers if Decimal(one["from"]) == 0), default=1)
    words = [f"{lowest} people" if lowest > 1 else "One person"]
    if is_priced:
        words += [
            f"{one['deciders']} from {_money(one['from'], currency)}"
            for one in layers
            if Decimal(one["from"]) > 0
        ]
    return ", ".join(words)


def _money(amount: str, currency: str) -> str:
    return str(Money(amount=Decimal(amount), currency=currency))


def _period(seconds: int) -> str:
    for size, unit in ((_DAY, "day"), (_HOUR, "hour"), (60, "minute")):
        if seconds >= 2 * size and seconds % size == 0:
            return f"{seconds // size} {unit}s"
    return f"{seconds} seconds"
