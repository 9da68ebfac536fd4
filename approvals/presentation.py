"""What a person sees of a deed before they decide: its price by line, its consequences, a preview.

The executor of the action makes it, from the frozen arguments and from how things stand now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cliqtel_portal.money import Money


@dataclass(frozen=True, kw_only=True)
class CostLine:
    """One line of the cost box; None where it costs nothing of that kind."""

    label: str
    once: Money | None = None
    monthly: Money | None = None


@dataclass(frozen=True, kw_only=True)
class Presentation:
    """All text is shown escaped. Words of ours only: what an AI host wrote is quoted elsewhere,
    or by the `template` itself, in a block labelled as such.
    """

    # Sentences: what happens once it is approved.
    consequences: tuple[str, ...] = ()
    lines: tuple[CostLine, ...] = ()
    # What still has to be there before it can run: documents, an address, balance.
    missing: tuple[str, ...] = ()
    # A partial of the approval page (a diff, a preview of a message), rendered by itself with
    # `context` and what every page has (tenant, request); shown under the consequences.
    template: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    # The partial needs the whole width of the page: a picture.
    is_wide: bool = False
