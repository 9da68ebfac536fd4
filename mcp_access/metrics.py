"""What this process counts of `/mcp`, for `/metrics`. Each web process has its own numbers.

Labels come from our own code, never from a caller: their number is bounded.
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from audit.record import Outcome
from mcp_access.tools import registry

UNKNOWN = "unknown"

RESPONSES = Counter("cliqtel_mcp_responses", "HTTP answers of /mcp, by status.", ["status"])
CALLS = Counter(
    "cliqtel_tool_calls",
    "Tool calls that were let in and ended, by tool and status (ok or error).",
    ["tool", "status"],
)
ERRORS = Counter("cliqtel_tool_call_errors", "Tool calls that ended as errors, by code.", ["code"])
SECONDS = Histogram(
    "cliqtel_tool_call_duration_seconds",
    "From the gate to the outcome, before the row is closed.",
    ["tool", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
REFUSALS = Counter(
    "cliqtel_mcp_refusals",
    "Requests of a valid token that were refused before any tool, by reason.",
    ["reason"],
)
AUTH_FAILURES = Counter("cliqtel_mcp_auth_failures", "Answers 401 of /mcp, by reason.", ["reason"])


def count_call(tool: str, outcome: Outcome) -> None:
    """A tool call has ended."""
    name = tool if registry.get(tool) is not None else UNKNOWN
    CALLS.labels(name, outcome.status).inc()
    SECONDS.labels(name, outcome.status).observe(outcome.duration_ms / 1000)
    if outcome.error_code:
        ERRORS.labels(outcome.error_code).inc()


def count_refusal(reason: str) -> None:
    """A request got no further than the gate. Empty: it was no request that we could judge."""
    if reason and reason != "unauthorized":
        REFUSALS.labels(reason).inc()


def count_auth_failure(reason: str) -> None:
    """An answer 401; `reason` is one of `authentication`'s."""
    AUTH_FAILURES.labels(reason.replace(" ", "_")).inc()
