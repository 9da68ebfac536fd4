"""The consent page, read as a browser would: what its form would send."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser


@dataclass(frozen=True, kw_only=True)
class ConsentForm:
    csrf: str
    scopes: list[str]  # those that are ticked

    @classmethod
    def read(cls, html: str) -> ConsentForm | None:
        """None where the page has no button that says Allow."""
        reader = _Reader()
        reader.feed(html)
        reader.close()
        if not reader.may_allow:
            return None
        return cls(csrf=reader.csrf, scopes=reader.scopes)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.csrf = ""
        self.scopes: list[str] = []
        self.may_allow = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        name, value = values.get("name"), values.get("value", "")
        if "disabled" in values:
            return
        if tag == "button":
            self.may_allow |= (name, value) == ("decision", "allow")
        elif tag == "input" and name == "csrfmiddlewaretoken":
            self.csrf = value
        elif tag == "input" and name == "scope" and "checked" in values:
            self.scopes.append(value)
