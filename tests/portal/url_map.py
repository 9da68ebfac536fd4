"""Every address of the portal, as Django knows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from django.urls import URLPattern, URLResolver, get_resolver

_ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")
_REGEX = re.compile(r"\(\?P<\w+>|[\^$\\]")


def routes() -> list[str]:
    """As "numbers/<uuid:number_id>/", without Django's admin, which is for staff."""
    found = _walk(get_resolver().url_patterns, "")
    return [route for route in found if not route.startswith("admin/")]


def arguments_of(route: str) -> list[str]:
    return _ARGUMENT.findall(route)


def is_regex(route: str) -> bool:
    return _REGEX.search(route) is not None


def filled(route: str, arguments: Mapping[str, object]) -> str:
    return "/" + _ARGUMENT.sub(lambda match: str(arguments[match[1]]), route)


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for each in patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _walk(each.url_patterns, route)
        else:
            yield route
