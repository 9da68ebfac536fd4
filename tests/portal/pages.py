"""A page as a browser has it: its links and forms, and a walk along all of them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import Resolver404, resolve

# Pages of one kind differ by the state of what they show: two are enough to see most of them.
_EACH = 2


@dataclass
class Field:
    tag: str
    name: str
    kind: str
    value: str
    keyboard: str
    options: list[str] = field(default_factory=list)

    @property
    def is_free(self) -> bool:
        """Whether a person types or chooses it."""
        return self.kind != "hidden"

    @property
    def is_number(self) -> bool:
        return self.kind == "number" or self.keyboard in {"numeric", "decimal"}


@dataclass
class Form:
    page: str
    action: str
    method: str
    fields: list[Field] = field(default_factory=list)
    # Name, value and action of each.
    buttons: list[tuple[str, str, str]] = field(default_factory=list)

    def data(self) -> dict[str, list[str]]:
        """As it is rendered, without any button."""
        sent: dict[str, list[str]] = {}
        for each in self.fields:
            if each.name and each.kind != "file":
                sent.setdefault(each.name, []).append(each.value)
        return sent

    def submissions(self) -> Iterator[tuple[str, dict[str, list[str]]]]:
        """Address and data of each button, of the Enter key where there is none."""
        for name, value, action in self.buttons or [("", "", "")]:
            yield (
                urljoin(self.page, action or self.action),
                self.data() | ({name: [value]} if name else {}),
            )

    def search(self) -> str:
        """Where a form of a search leads as it is rendered."""
        return f"{self.action}?{urlencode(self.data(), doseq=True)}"

    @property
    def kind(self) -> tuple[object, ...]:
        path, _ = split(urljoin(self.page, self.action))
        return route_of(path), tuple(sorted({each.name for each in self.fields}))


class Page(HTMLParser):
    """`elements`: each start tag with its attributes, as a parser of HTML sees them."""

    def __init__(self, path: str, html: str) -> None:
        super().__init__()
        self.path = path
        self.html = html
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._form: Form | None = None
        self._select: Field | None = None
        self._by_id: dict[str, Form] = {}
        self._orphans: list[tuple[str, Field | tuple[str, str, str]]] = []
        self.feed(html)
        self.close()
        for name, each in self._orphans:
            _add(self._by_id[name], each)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        self.elements.append((tag, has))
        if tag == "a" and "href" in has:
            self.links.append(has["href"])
        for name in ("hx-get", "data-href"):
            if name in has:
                self.links.append(has[name])
        if tag == "form":
            form = Form(self.path, has.get("action", ""), has.get("method", "get").lower())
            self._form = form
            self.forms.append(form)
            if has.get("id"):
                self._by_id[has["id"]] = form
        elif tag == "option" and self._select is not None:
            value = has.get("value", "")
            self._select.options.append(value)
            if "selected" in has or len(self._select.options) == 1:
                self._select.value = value
        elif tag in {"input", "select", "textarea", "button"}:
            self._control(tag, has)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None

    def _control(self, tag: str, has: dict[str, str]) -> None:
        kind = has.get("type", "submit" if tag == "button" else "text")
        if "disabled" in has or kind in {"button", "reset"}:
            return
        if kind in {"radio", "checkbox"} and "checked" not in has:
            has["value"] = has.get("value", "on")
            if self._is_known(has):
                return
        each: Field | tuple[str, str, str]
        if kind == "submit":
            each = (has.get("name", ""), has.get("value", ""), has.get("formaction", ""))
        else:
            each = Field(
                tag, has.get("name", ""), kind, has.get("value", ""), has.get("inputmode", "")
            )
            if tag == "select":
                self._select = each
        if "form" in has:
            self._orphans.append((has["form"], each))
        elif self._form is not None:
            _add(self._form, each)

    def _is_known(self, has: dict[str, str]) -> bool:
        """The first of a group is taken where none is ticked."""
        form = self._form
        return form is not None and any(each.name == has.get("name") for each in form.fields)


def _add(form: Form, each: Field | tuple[str, str, str]) -> None:
    if isinstance(each, tuple):
        form.buttons.append(each)
    else:
        form.fields.append(each)


def split(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.path, parts.query


def route_of(path: str) -> str:
    try:
        return resolve(path).route
    except Resolver404:
        return path


def is_html(answer: HttpResponseBase) -> bool:
    return answer.headers.get("Content-Type", "").startswith("text/html") and not answer.streaming


class Walk:
    """All pages that links lead to from home, and `also`. `refused`: links that lead nowhere."""

    def __init__(self, client: Client, *also: str) -> None:
        self.client = client
        self.pages: list[Page] = []
        self.refused: dict[str, str] = {}
        self._seen: Counter[tuple[object, ...]] = Counter()
        self._known: set[str] = set()
        self._next: deque[tuple[str, str]] = deque([("/", ""), *((path, "") for path in also)])
        while self._next:
            self._visit(*self._next.popleft())

    def forms(self, *, method: str = "post") -> Iterator[Form]:
        """At most two of a kind."""
        seen: Counter[tuple[object, ...]] = Counter()
        for page in self.pages:
            for form in page.forms:
                seen[form.kind] += 1
                if form.method == method and seen[form.kind] <= _EACH:
                    yield form

    def _visit(self, address: str, source: str) -> None:
        answer = self.client.get(address)
        if answer.status_code in {301, 302}:
            self._add(answer.headers["Location"], address)
        elif answer.status_code >= 300:
            self.refused[f"{source} -> {address}"] = str(answer.status_code)
        elif is_html(answer):
            page = Page(address, answer.content.decode())
            self.pages.append(page)
            searches = [form for form in page.forms if form.method == "get" and form.buttons]
            for link in page.links + [form.search() for form in searches]:
                self._add(link, address)

    def _add(self, link: str, source: str) -> None:
        address = urljoin(source, link).partition("#")[0]
        path, query = split(address)
        if not address.startswith("/") or address in self._known:
            return
        self._known.add(address)
        kind = (route_of(path), tuple(sorted({name for name, _ in parse_qsl(query)})))
        self._seen[kind] += 1
        if self._seen[kind] <= _EACH:
            self._next.append((address, source))
