"""Reads the environment. What can't be read is refused by its variable's name, its value unsaid."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

_RATE = re.compile(r"\d+/\d*[smhd]", re.ASCII)
_FLAGS = {"true": True, "yes": True, "on": True, "1": True}
_FLAGS |= {"false": False, "no": False, "off": False, "0": False, "": False}


class Environment(environ.Env):  # type: ignore[misc]
    def get_value(self, var: str, cast: Any = None, *args: Any, **options: Any) -> Any:
        try:
            return super().get_value(var, cast, *args, **options)
        except ValueError:
            raise ImproperlyConfigured(f"{var} must be {_FORMS[cast]}.") from None

    @classmethod
    def parse_value(cls, value: str, cast: Any) -> Any:
        """The library takes each word that it doesn't know, as in "enabled", for no."""
        if cast is bool:
            if value.strip().lower() not in _FLAGS:
                raise ValueError
            return _FLAGS[value.strip().lower()]
        return super().parse_value(value, cast)


def port(value: str) -> int:
    if not 0 < int(value) < 65536:
        raise ValueError
    return int(value)


def rate(value: str) -> str:
    if not _RATE.fullmatch(value):
        raise ValueError
    return value


def valkey_url(value: str) -> str:
    if urlsplit(value).scheme not in {"redis", "rediss"} or not urlsplit(value).hostname:
        raise ValueError
    return value


def database_url(value: str) -> dict[str, Any]:
    if urlsplit(value).scheme not in {"postgres", "postgresql"}:
        raise ValueError
    return dict(environ.Env.db_url_config(value))


def email_url(value: str) -> dict[str, Any]:
    try:
        return dict(environ.Env.email_url_config(value))
    except ImproperlyConfigured as error:
        raise ValueError from error


_FORMS = {
    int: "a whole number",
    bool: "true or false",
    port: "a whole number from 1 to 65535",
    rate: "a rate, as in 10/5m or 60/h",
    valkey_url: "a URL that begins with redis:// or rediss://",
    database_url: "a URL that begins with postgres:// or postgresql://, its special characters"
    " percent-encoded",
    email_url: "a URL as in smtp+tls://user:password@mail.example.com:587",
}
