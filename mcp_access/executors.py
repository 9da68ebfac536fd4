"""What an AI host drafted, executed: its token is checked again, and the log has the execution."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from approvals import executors
from approvals.executors import Executor
from approvals.models import Approval
from approvals.presentation import Presentation
from approvals.quotes import Quote
from mcp_access.authority import check_authority
from mcp_access.pipeline import execute_approved_call


class ToolExecutor:
    """A deed, and around it what MCP promises. A person's own draft (no call) is just the deed."""

    def __init__(self, deed: Executor) -> None:
        self.deed = deed

    def recheck(self, approval: Approval) -> Quote | None:
        check_authority(approval)
        return self.deed.recheck(approval)

    def execute(self, approval: Approval, idempotency_key: str) -> Mapping[str, Any]:
        do = functools.partial(self.deed.execute, approval, idempotency_key)
        return do() if approval.call_id is None else execute_approved_call(approval, do)

    def withdraw(self, approval: Approval) -> None:
        self.deed.withdraw(approval)

    def present(self, approval: Approval) -> Presentation:
        return self.deed.present(approval)


def register(deeds: Mapping[str, Executor]) -> None:
    """Each action has its deed. Called once, when the apps are ready."""
    for action, deed in deeds.items():
        executors.register(action, ToolExecutor(deed))
