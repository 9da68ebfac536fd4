"""The four hints of MCP's ToolAnnotations. All are required: an undefined hint is a silent gap."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Hints:
    read_only: bool
    destructive: bool
    idempotent: bool
    # Whether it reaches beyond this platform (a message to a stranger does, a look-up does not).
    open_world: bool

    def __post_init__(self) -> None:
        if self.read_only and self.destructive:
            raise ValueError("a read-only tool destroys nothing")


READ = Hints(read_only=True, destructive=False, idempotent=True, open_world=False)
# Makes something that waits for a person, or holds a number for minutes.
DRAFT = Hints(read_only=False, destructive=False, idempotent=False, open_world=False)
# Ends in a deed, once a person has agreed. With its idempotency key it can be repeated.
PRIVILEGED = Hints(read_only=False, destructive=True, idempotent=True, open_world=False)
# The same, and strangers get it.
REACHES_OUT = Hints(read_only=False, destructive=True, idempotent=True, open_world=True)
