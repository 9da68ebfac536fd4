"""How much of a limit is used, as a bar."""

from __future__ import annotations

from dataclasses import dataclass

from cliqtel_portal import formats

_NEAR_PERCENT = 80


@dataclass(frozen=True, kw_only=True)
class Meter:
    """Something used out of a limit; `limit` None is unlimited."""

    used: int
    limit: int | None

    @property
    def text(self) -> str:
        used = formats.count(self.used)
        return f"{used} used" if self.limit is None else f"{used} of {formats.count(self.limit)}"

    @property
    def tone(self) -> str:
        if self.limit is None or self.used * 100 < self.limit * _NEAR_PERCENT:
            return ""
        return "bad" if self.used >= self.limit else "warn"
