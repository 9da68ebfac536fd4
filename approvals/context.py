"""What the shell of every page shows of approvals."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest

from approvals.cards import waiting_for


def waiting(request: HttpRequest) -> dict[str, Callable[[], int]]:
    """`approvals_waiting`: how many wait for the person; asked only where a page shows it."""
    membership = getattr(request, "membership", None)
    if membership is None:
        return {}
    counted: list[int] = []

    def count() -> int:
        if not counted:
            counted.append(waiting_for(membership))
        return counted[0]

    return {"approvals_waiting": count}
