"""The language of the log's filter box: `status:error tool:send_message created:>=2026-11-01`.

One language for the portal, Django admin and exports. A query is its text: it can be kept, sent
to a task, put into a link, and read again to the same conditions.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from django.conf import settings
from django.db.models import Q

from audit.models import ToolCall
from audit.period import EVER, Period, read_period
from audit.querysets import ToolCallQuerySet, as_uuid
from cliqtel_portal.accounts.models import User
from cliqtel_portal.errors import InvalidArguments, Problem

MAX_QUERY = 500
# What a row has where it has nothing: no scope needed, a host that gave no name.
NONE = "none"
_MAX_VALUES = 20

# A term, or anything else up to the next space. Quotes hold spaces and commas together.
_WORD = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_VALUE = re.compile(r'"([^"]*)"|([^,"]+)')
_PLAIN = re.compile(r'[^\s",]+')
_CODE = re.compile(r"[a-z0-9_]{1,40}")


@dataclass(frozen=True, kw_only=True)
class Term:
    """`key:value`; of several values, any fits."""

    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        quoted = (one if _PLAIN.fullmatch(one) else f'"{one}"' for one in self.values)
        return f"{self.key}:{','.join(quoted)}"


@dataclass(frozen=True, kw_only=True)
class CallQuery:
    """What was asked for. All terms have to fit; no term fits everything."""

    terms: tuple[Term, ...] = ()
    period: Period = EVER

    def __str__(self) -> str:
        return " ".join(str(term) for term in self.terms)

    def value_of(self, key: str) -> str:
        """The term's values as written, "" where the query has none."""
        return next((str(term).partition(":")[2] for term in self.terms if term.key == key), "")

    def with_term(self, key: str, *values: str) -> str:
        """This query's text with that term instead of its own of the key; no values: without."""
        kept = [str(term) for term in self.terms if term.key != key]
        return " ".join([*kept, *([str(Term(key=key, values=values))] if values else [])])

    def narrow(self, calls: ToolCallQuerySet) -> ToolCallQuerySet:
        """Those of `calls` that fit. Scoping them to a tenant is the caller's."""
        if self.period.since is not None:
            calls = calls.since(self.period.since)
        if self.period.until is not None:
            calls = calls.until(self.period.until)
        for term in self.terms:
            if term.key in _CONDITIONS:
                calls = calls.filter(_CONDITIONS[term.key](term.values))
        return calls

    def parts(self) -> list[CallQuery]:
        """Queries that together find the same, each with one value where this one has most.

        PostgreSQL finds the newest of one value at the end of an index. Of several it may rather
        walk back through everything, and where a tenant has none of them that takes long.
        """
        longest = max(self.terms, key=lambda term: len(term.values), default=None)
        if longest is None or len(longest.values) == 1:
            return [self]
        others = tuple(term for term in self.terms if term is not longest)
        return [
            CallQuery(terms=(*others, Term(key=longest.key, values=(value,))), period=self.period)
            for value in longest.values
        ]


class BadQuery(InvalidArguments):
    """A term can't be read. `problems` has one for each such term, its field is the term."""


def parse_query(text: str, *, zone: tzinfo, now: datetime) -> CallQuery:
    """Read what a person typed. Days are those of `zone`; `created:today` is the day of `now`.

    Raises:
        BadQuery: names each term that can't be read, and says what it could be.
    """
    if len(text) > MAX_QUERY or "\x00" in text:
        why = f"The filter is too long: {MAX_QUERY} characters at most."
        raise BadQuery(why, problems=[Problem(field=f"{text[:40]}…", message=why)])
    terms: list[Term] = []
    problems: list[Problem] = []
    period = EVER
    for word in _WORD.findall(text):
        try:
            term = _read_term(word)
            if term.key == "created":
                (value,) = term.values
                period = period & read_period(value, zone=zone, now=now)
            elif term.key in {one.key for one in terms}:
                raise ValueError(f"write both values behind one {term.key}:, with a comma between")
            terms.append(term)
        except ValueError as error:
            problems.append(Problem(field=word[:80], message=str(error)))
    if problems:
        words = "; ".join(f"“{one.field}”: {one.message}" for one in problems)
        raise BadQuery(f"The filter can't be read. {words}.", problems=problems)
    return CallQuery(terms=tuple(terms), period=period)


def is_query(text: str) -> bool:
    """Whether `text` is meant as terms, and not as words to be looked for."""
    return any(_key(word) in KEYS for word in _WORD.findall(text))


def names_its_time(text: str) -> bool:
    """Whether a query says itself which time it is about: `created:`, or one call or approval."""
    return any(_key(word) in ("created", "call", "approval") for word in _WORD.findall(text))


def _key(word: str) -> str:
    key, colon, _ = word.partition(":")
    return key.lower() if colon else ""


def _read_term(word: str) -> Term:
    key, colon, rest = word.partition(":")
    if not colon:
        if as_uuid(word):
            return Term(key="call", values=(str(as_uuid(word)),))
        raise ValueError(
            f"say of what it is, as in tool:{word}" if _CODE.fullmatch(word) else _KEYS
        )
    key = key.lower()
    if key not in _CHECKS and key != "created":
        raise ValueError(_KEYS)
    if rest.count('"') % 2:
        raise ValueError("a quotation mark is missing")
    values = tuple(quoted or plain for quoted, plain in _VALUE.findall(rest) if quoted or plain)
    if not values:
        raise ValueError("a value is missing")
    if len(values) > (1 if key == "created" else _MAX_VALUES):
        raise ValueError("too many values")
    check = _CHECKS.get(key)
    return Term(key=key, values=values if check is None else tuple(map(check, values)))


def _anything(value: str) -> str:
    return value


def _status(value: str) -> str:
    if value.lower() not in ToolCall.Status.values:
        raise ValueError("a status is ok, error or running")
    return value.lower()


def _code(value: str) -> str:
    if not _CODE.fullmatch(value):
        raise ValueError("a code is lower-case words, as in not_found")
    return value


def _scope(value: str) -> str:
    if value != NONE and value not in settings.MCP_SCOPES:
        known = ", ".join(settings.MCP_SCOPES)
        raise ValueError(f"there is no such scope; there are {known}, and none")
    return value


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError as error:
        raise ValueError("an address is as 192.0.2.7 or 2001:db8::7") from error


def _uuid(value: str) -> str:
    found = as_uuid(value)
    if found is None:
        raise ValueError("that is no UUID")
    return str(found)


# Each key's values as they are compared.
_CHECKS: Mapping[str, Callable[[str], str]] = {
    "tool": _anything,
    "status": _status,
    "code": _code,
    "scope": _scope,
    "user": _anything,
    "token": _anything,
    "client": _anything,
    "address": _address,
    "approval": _uuid,
    "call": _uuid,
}
KEYS = (*_CHECKS, "created")
_KEYS = "a term is " + ", ".join(f"{key}:" for key in KEYS[:-1]) + " or created: and a value"


def _stored(values: tuple[str, ...]) -> Iterator[str]:
    return ("" if value == NONE else value for value in values)


def _by_code(values: tuple[str, ...]) -> Q:
    # Only errors have a code; saying so lets the small index of errors in.
    return Q(status=ToolCall.Status.ERROR, error_code__in=values)


def _by_user(values: tuple[str, ...]) -> Q:
    """The person's calls, also those made when their e-mail address was another."""
    ids = [found for value in values if (found := as_uuid(value))]
    for value in values:
        ids += User.objects.filter(email__iexact=value).values_list("pk", flat=True)
    return Q(user_id__in=ids)


def _by_token(values: tuple[str, ...]) -> Q:
    ids = [found for value in values if (found := as_uuid(value))]
    names = [value for value in _stored(values) if as_uuid(value) is None]
    return Q(token_id__in=ids) | Q(token_label__in=names)


def _by_client(values: tuple[str, ...]) -> Q:
    """`claude-code*` is each version of it."""
    found = Q(client_label__in=[value for value in _stored(values) if not value.endswith("*")])
    for value in values:
        if value.endswith("*"):
            found |= Q(client_label__startswith=value[:-1])
    return found


_CONDITIONS: Mapping[str, Callable[[tuple[str, ...]], Q]] = {
    "tool": lambda values: Q(tool__in=values),
    "status": lambda values: Q(status__in=values),
    "code": _by_code,
    "scope": lambda values: Q(scope_required__in=list(_stored(values))),
    "user": _by_user,
    "token": _by_token,
    "client": _by_client,
    "address": lambda values: Q(address__in=values),
    "approval": lambda values: Q(approval_id__in=values),
    "call": lambda values: Q(pk__in=values),
}
