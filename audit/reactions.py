"""What follows from a severe alert, by whoever stands above the log and knows tokens."""

from __future__ import annotations

from collections.abc import Callable

from audit.models import Alert

_reactions: list[Callable[[Alert], bool]] = []


def register(reaction: Callable[[Alert], bool]) -> None:
    """`reaction(alert)` is called once for each new severe alert, in the transaction that writes
    it; it returns whether it restricted the token. Called from `AppConfig.ready`.
    """
    _reactions.append(reaction)


def react(alert: Alert) -> bool:
    """Whether the alert's token may only read from now on."""
    outcomes = [reaction(alert) for reaction in _reactions]
    return any(outcomes)
