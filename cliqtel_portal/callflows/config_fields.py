"""The kinds of value a node's config can hold: what is accepted from outside, and how it is shown.

A kind never raises and never recurses into what it does not know; it adds problems instead.
"""

from __future__ import annotations

import re
import zoneinfo
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TypeAlias
from urllib.parse import urlsplit

from cliqtel_portal.errors import Problem

ConfigValue: TypeAlias = "str | int | tuple[ConfigValue, ...] | Mapping[str, ConfigValue]"
Config: TypeAlias = Mapping[str, ConfigValue]

MAX_PROBLEMS = 100


class Problems:
    """What is wrong so far. Keeps the first hundred, and counts the rest in one last entry."""

    def __init__(self) -> None:
        self._kept: list[Problem] = []
        self.count = 0

    def add(self, field: str, message: str) -> None:
        self.count += 1
        if self.count <= MAX_PROBLEMS:
            self._kept.append(Problem(field=field, message=message))

    def to_tuple(self) -> tuple[Problem, ...]:
        if self.count <= MAX_PROBLEMS:
            return tuple(self._kept)
        more = f"and {self.count - MAX_PROBLEMS} more problems"
        return (*self._kept, Problem(field="", message=more))


def quoted(text: str) -> str:
    """Text of unknown origin, fit to stand in one of our sentences: printable, 40 characters."""
    shown = "".join(char if char.isprintable() else "?" for char in text[:40])
    return f"“{shown}…”" if len(text) > 40 else f"“{shown}”"


def join(path: str, key: str | int) -> str:
    return f"{path}.{key}" if path else str(key)


def read_text(value: object, max_length: int) -> str | None:
    """One stripped line without control or bidirectional characters, or None."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    return text if 0 < len(text) <= max_length and text.isprintable() else None


def refuse_unknown_keys(
    value: Mapping[object, object], known: Iterable[str], path: str, problems: Problems
) -> None:
    names = sorted(known)
    for key in value:
        if key not in names:
            shown = quoted(key) if isinstance(key, str) else "that is not text"
            expected = f"expected {', '.join(names)}" if names else "none is expected here"
            problems.add(path, f"has an unknown key {shown}; {expected}")


@dataclass(frozen=True, kw_only=True)
class Field(ABC):
    """One config key. `default` fills it in when absent; without one it stays absent."""

    label: str
    required: bool = False
    default: ConfigValue | None = None

    @property
    @abstractmethod
    def expects(self) -> str:
        """Ends the sentence "must be …"."""

    @abstractmethod
    def read(self, value: object, path: str, problems: Problems) -> ConfigValue | None:
        """The value as it is stored, or None and at least one more problem."""

    def show(self, value: ConfigValue) -> str:
        return str(value)

    def show_change(self, old: ConfigValue | None, new: ConfigValue | None) -> str:
        """`retries: 2 → 3`. None stands for an absent key."""
        before, after = ("none" if value is None else self.show(value) for value in (old, new))
        return f"{self.label}: {before} → {after}"


@dataclass(frozen=True, kw_only=True)
class Scalar(Field):
    """A field whose value is right or wrong as a whole."""

    @abstractmethod
    def accept(self, value: object) -> str | int | None:
        """The value as it is stored, or None if it is not one."""

    def read(self, value: object, path: str, problems: Problems) -> ConfigValue | None:
        accepted = self.accept(value)
        if accepted is None:
            problems.add(path, f"must be {self.expects}")
        return accepted


@dataclass(frozen=True, kw_only=True)
class Text(Scalar):
    max_length: int = 500

    @property
    def expects(self) -> str:
        return f"one line of text, 1 to {self.max_length} printable characters"

    def accept(self, value: object) -> str | int | None:
        return read_text(value, self.max_length)

    def show(self, value: ConfigValue) -> str:
        return f"“{value}”"


@dataclass(frozen=True, kw_only=True)
class Pattern(Scalar):
    """Text that matches `pattern` as a whole; `meaning` says in words what that is.

    Patterns spell out [0-9]: `\\d` would let in the digits of every script.
    """

    pattern: str
    meaning: str
    lowercase: bool = False

    @property
    def expects(self) -> str:
        return self.meaning

    def accept(self, value: object) -> str | int | None:
        # The length is checked first, so that no pattern ever sees a megabyte.
        if not isinstance(value, str) or len(value) > 254:
            return None
        text = value.lower() if self.lowercase else value
        return text if re.fullmatch(self.pattern, text) else None


@dataclass(frozen=True, kw_only=True)
class Whole(Scalar):
    minimum: int
    maximum: int
    unit: str = ""

    @property
    def expects(self) -> str:
        unit = f" ({self.unit})" if self.unit else ""
        return f"a whole number from {self.minimum} to {self.maximum}{unit}"

    def accept(self, value: object) -> str | int | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        return value if self.minimum <= value <= self.maximum else None

    def show(self, value: ConfigValue) -> str:
        return f"{value} {self.unit}" if self.unit else str(value)


@dataclass(frozen=True, kw_only=True)
class Choice(Scalar):
    """One of `choices`: stored value → what a person reads."""

    choices: Mapping[str, str]

    @property
    def expects(self) -> str:
        return f"one of {', '.join(self.choices)}"

    def accept(self, value: object) -> str | int | None:
        return value if isinstance(value, str) and value in self.choices else None

    def show(self, value: ConfigValue) -> str:
        return self.choices[str(value)]


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(
        name for name in zoneinfo.available_timezones() if "/" in name or name == "UTC"
    )


@dataclass(frozen=True, kw_only=True)
class TimeZone(Scalar):
    @property
    def expects(self) -> str:
        return "an IANA time zone such as Europe/Amsterdam"

    def accept(self, value: object) -> str | int | None:
        return value if isinstance(value, str) and value in _time_zones() else None


@dataclass(frozen=True, kw_only=True)
class Date(Scalar):
    @property
    def expects(self) -> str:
        return "a date such as 2026-12-25"

    def accept(self, value: object) -> str | int | None:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return None
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            return None


@dataclass(frozen=True, kw_only=True)
class HttpsUrl(Scalar):
    """Without user name or password: a flow is read by models, so it holds no secret."""

    @property
    def expects(self) -> str:
        return "an https:// URL without user name, password or fragment, at most 500 characters"

    def accept(self, value: object) -> str | int | None:
        text = read_text(value, 500)
        if text is None or " " in text:
            return None
        try:
            parts = urlsplit(text)
            # Reading the port is what raises on "https://host:port".
            is_complete = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
        except ValueError:
            return None
        has_secret = parts.username is not None or parts.password is not None
        return text if is_complete and not has_secret and not parts.fragment else None


@dataclass(frozen=True, kw_only=True)
class Listing(Field):
    """A list of `item`. An unordered one is stored sorted and without doubles."""

    item: Scalar
    max_items: int
    min_items: int = 1
    is_ordered: bool = True

    @property
    def expects(self) -> str:
        return f"a list of {self.min_items} to {self.max_items}, each {self.item.expects}"

    def read(self, value: object, path: str, problems: Problems) -> ConfigValue | None:
        if (
            not isinstance(value, list | tuple)
            or not self.min_items <= len(value) <= self.max_items
        ):
            problems.add(path, f"must be {self.expects}")
            return None
        before = problems.count
        accepted: list[str] = []
        for index, entry in enumerate(value):
            item = self.item.read(entry, join(path, index), problems)
            if item in accepted and self.is_ordered:
                problems.add(join(path, index), f"{quoted(str(item))} is listed twice")
            accepted.append(str(item))
        if problems.count > before:
            return None
        return tuple(accepted if self.is_ordered else sorted(set(accepted)))

    def show(self, value: ConfigValue) -> str:
        return ", ".join(texts(value)) or "none"

    def show_change(self, old: ConfigValue | None, new: ConfigValue | None) -> str:
        added = [entry for entry in texts(new) if entry not in texts(old)]
        removed = [entry for entry in texts(old) if entry not in texts(new)]
        kept = [entry for entry in texts(old) if entry in texts(new)]
        if kept != [entry for entry in texts(new) if entry in texts(old)]:
            return super().show_change(old, new)
        parts = [f"removed {', '.join(removed)}"] if removed else []
        parts += [f"added {', '.join(added)}"] if added else []
        return f"{self.label} {', '.join(parts)}"


def texts(value: ConfigValue | None) -> tuple[str, ...]:
    """The entries of a stored listing; none if the key is absent."""
    return tuple(str(entry) for entry in value) if isinstance(value, tuple) else ()
