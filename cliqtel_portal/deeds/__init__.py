"""What an approval releases: one module for each action, found by its name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from approvals.executors import Executor


ACTIONS = ("assign_number", "purchase_number", "release_number", "send_message", "update_route")


def all_deeds() -> Mapping[str, Executor]:
    """The `deed` of each action's module. The apps have to be ready."""
    return {
        action: importlib.import_module(f"{__name__}.{action}").deed
        for action in ACTIONS
        if find_spec(f"{__name__}.{action}")
    }
