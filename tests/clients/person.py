"""A person in a browser without a screen: signs in and answers the consent page by its forms."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2

PASSWORD = "correct horse battery"  # of every user that tests.factories.accounts makes
MAX_STEPS = 8


@dataclass
class Form:
    """What a browser would send of a form, and the buttons that it could be sent with."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def names(self) -> set[str]:
        return {name for name, _ in self.fields}


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(values.get("action", ""), values.get("method", "get").lower())
            self.found.append(self._open)
            return
        if self._open is None or "name" not in values or "disabled" in values:
            return
        pair = (values["name"], values.get("value", ""))
        if tag == "button":
            self._open.buttons.append(pair)
        elif tag == "input" and (
            values.get("type") not in {"checkbox", "radio"} or "checked" in values
        ):
            self._open.fields.append(pair)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def forms_of(page: str) -> list[Form]:
    parser = _Forms()
    parser.feed(page)
    return parser.found


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One consent page that was answered: what the host asked in its URL, what was ticked."""

    query: dict[str, list[str]]
    ticked: frozenset[str]

    @property
    def scopes(self) -> set[str]:
        return set(self.query["scope"][0].split())


class Person(AbstractContextManager["Person"]):
    """Keeps cookies over all visits, as a browser does. `asked` tells the consents in order."""

    def __init__(self, email: str) -> None:
        self.email = email
        self.asked: list[Asked] = []
        self.signed_in = 0
        self._browser = httpx2.Client(timeout=30)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._browser.close()

    def __enter__(self) -> Self:
        return self

    def allow(self, url: str, *, untick: Collection[str] = ()) -> str:
        """Answer with Allow; return the host's address that the browser is sent to."""
        return self._visit(url, decision="allow", untick=untick)

    def cancel(self, url: str) -> str:
        return self._visit(url, decision="cancel", untick=())

    def _visit(self, url: str, *, decision: str, untick: Collection[str]) -> str:
        origin = urlsplit(url)[:2]
        answer = self._browser.get(url)
        for _ in range(MAX_STEPS):
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                if urlsplit(target)[:2] != origin:
                    return target
                answer = self._browser.get(target)
                continue
            assert answer.status_code == 200, f"{answer.status_code} {answer.url}: {answer.text}"
            assert answer.headers["content-type"].startswith("text/html"), answer.headers
            answer = self._answer(answer, decision=decision, untick=untick)
        raise AssertionError(f"still at {answer.url} after {MAX_STEPS} steps")

    def _answer(
        self, page: httpx2.Response, *, decision: str, untick: Collection[str]
    ) -> httpx2.Response:
        for form in forms_of(page.text):
            if "password" in form.names():
                self.signed_in += 1
                filled = {"login": self.email, "password": PASSWORD}
                fields = [(name, filled.get(name, value)) for name, value in form.fields]
                return self._submit(page, form, fields)
            if ("decision", decision) in form.buttons:
                fields = [pair for pair in form.fields if pair[1] not in untick]
                ticked = frozenset(value for name, value in fields if name == "scope")
                query = parse_qs(urlsplit(str(page.url)).query)
                self.asked.append(Asked(query=query, ticked=ticked))
                return self._submit(page, form, [*fields, ("decision", decision)])
        raise AssertionError(f"no form to answer at {page.url}: {page.text}")

    def _submit(
        self, page: httpx2.Response, form: Form, fields: list[tuple[str, str]]
    ) -> httpx2.Response:
        assert form.method == "post"
        assert "csrfmiddlewaretoken" in form.names()
        sent: dict[str, list[str]] = {}
        for name, value in fields:
            sent.setdefault(name, []).append(value)
        here = urlsplit(str(page.url))
        headers = {"origin": f"{here.scheme}://{here.netloc}", "referer": str(page.url)}
        return self._browser.post(urljoin(str(page.url), form.action), data=sent, headers=headers)
