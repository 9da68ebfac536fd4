"""The base of every error that a caller is expected to handle.

`message` is written by us and safe to show to a person or a model; the words of an upstream system,
a token or a stack trace never go in it. `code` is stable: clients compare it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong, and with which argument (`numbers.3`, `country`)."""

    field: str
    message: str


class PortalError(Exception):
    """An expected failure. Subclasses set `code` and, where repeating can help, `retryable`."""

    code = "internal_error"
    retryable = False

    def __init__(self, message: str, *, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)

    @property
    def details(self) -> Mapping[str, Any]:
        """What a program may want to know beside the words, by name; as JSON."""
        return {}


class NotFound(PortalError):
    """The object does not exist in the caller's tenant (another tenant's is the same)."""

    code = "not_found"


class InvalidArguments(PortalError):
    """Arguments are wrong; `problems` lists all of them."""

    code = "invalid_arguments"


class NotPermitted(PortalError):
    """The caller's role forbids it, whatever the scopes say."""

    code = "not_permitted"


class TierRequired(PortalError):
    """The tenant's tier does not include it."""

    code = "tier_required"
