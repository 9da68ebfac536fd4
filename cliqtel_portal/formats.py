"""How amounts, counts and dates are written: as an account chose, on its own pages only.

Tools, exports and logs never ask: they are read by programs and keep one form.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True)
class Format:
    """`day` and `clock` are strftime's; months keep their English names, as the pages do."""

    code: str
    where: str
    group: str
    day: str = "%-d %b %Y"
    clock: str = "%H:%M"

    @property
    def locale(self) -> str:
        """The code as babel writes it."""
        return self.code.replace("-", "_")


NO_BREAK = "\u00a0"

_ALL = (
    Format(code="en-GB", where="United Kingdom, Ireland", group=","),
    Format(
        code="en-US", where="United States", group=",", day="%b %-d, %Y", clock="%-I:%M\u00a0%p"
    ),
    Format(code="nl-NL", where="Netherlands", group="."),
    Format(code="de-DE", where="Germany, Austria", group=".", day="%d.%m.%Y"),
    Format(code="de-CH", where="Switzerland", group="\u2019", day="%d.%m.%Y"),
    Format(code="fr-FR", where="France", group="\u202f"),
    Format(code="sv-SE", where="Sweden", group="\u00a0", day="%Y-%m-%d"),
)
FORMATS = {one.code: one for one in _ALL}
DEFAULT = _ALL[0]

_current: ContextVar[Format] = ContextVar("format", default=DEFAULT)


def current() -> Format:
    return _current.get()


@contextmanager
def written_as(code: str) -> Iterator[Format]:
    """What is written within the block is written so; an unknown code is the default."""
    chosen = FORMATS.get(code, DEFAULT)
    token = _current.set(chosen)
    try:
        yield chosen
    finally:
        _current.reset(token)


def count(value: int) -> str:
    """ "12,345"."""
    return f"{value:,}".replace(",", current().group)


def day(moment: date) -> str:
    """A day, or that of a moment that is in the wanted zone already."""
    return f"{moment:{current().day}}"


def day_and_time(moment: datetime) -> str:
    """ "1 Jul 2026, 22:30", of a moment that is in the wanted zone already."""
    chosen = current()
    return f"{moment:{chosen.day}, {chosen.clock}}"


def day_and_second(moment: datetime) -> str:
    """ "1 Jul 2026, 22:30:05", where many things happen in a minute. It breaks at the comma."""
    chosen = current()
    clock = chosen.clock.replace("%M", "%M:%S")
    return f"{day(moment).replace(' ', NO_BREAK)}, {moment:{clock}}"
