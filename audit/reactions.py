"""What follows from a severe alert, by whoever stands above the log and knows tokens."""

from __future__ import annotations

from collections.abc import Callable

from audit.models import Alert

_reactions: list[Callable[[Alert], None]] = []


def register(reaction: Callable[[Alert], None]) -> None:
    """`reaction(alert)` is called once for each new severe alert, in the transaction that writes
    it. Called from `AppConfig.ready`.
    """
    _reactions.append(reaction)


def react(alert: Alert) -> None:
    for reaction in _reactions:
        reaction(alert)
