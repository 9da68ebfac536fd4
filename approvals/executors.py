"""Who carries out what was approved. The apps above register themselves; nothing here knows them.

An action without an executor can't be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from approvals.errors import NoExecutor
from approvals.models import Approval
from approvals.presentation import Presentation
from approvals.quotes import Quote


class Executor(Protocol):
    """The deed behind one action."""

    def recheck(self, approval: Approval) -> Quote | None:
        """Return what it costs now, None where it costs nothing.

        Asked at the click, inside its transaction, so it waits for no network; and once more just
        before the deed is begun for the first time: token, scope, stock, requirements.

        Raises:
            PortalError: it can't be done now. At the click the approval stays pending; before
                execution a retryable one is tried again later, any other is the end.
        """

    def execute(self, approval: Approval, idempotency_key: str) -> Mapping[str, Any]:
        """The deed is done; return its outcome as JSON, safe to show to a model.

        Not inside a transaction. The same key may come again after a crash at any point, and has
        to do nothing more and return the same outcome, without checks that the deed itself would
        now fail ("number not available": it is ours already).

        Raises:
            PortalError: retryable, where trying again with the same key can help; else nothing
                was done and nothing will be.
        """

    def withdraw(self, approval: Approval) -> None:
        """What the draft held (numbers, a pending change) is free: it will not be done.

        Called in the transaction that rejects, cancels or expires it, or that ends its execution
        without the deed. What is free already stays so.
        """

    def present(self, approval: Approval) -> Presentation:
        """Return what the approval page shows. Reads only; of any status, for ever after."""


_executors: dict[str, Executor] = {}


def register(action: str, executor: Executor) -> None:
    """The executor is the one of that action.

    Raises:
        ValueError: the action has one already.
    """
    if action in _executors:
        raise ValueError(f"{action} has an executor already")
    _executors[action] = executor


def unregister(action: str) -> None:
    """The action has no executor any more."""
    del _executors[action]


def is_registered(action: str) -> bool:
    return action in _executors


def executor_of(action: str) -> Executor:
    """Return the executor.

    Raises:
        NoExecutor: there is none: a process of another version asked for this action.
    """
    try:
        return _executors[action]
    except KeyError:
        raise NoExecutor("The portal can't carry this out just now. Try again later.") from None
