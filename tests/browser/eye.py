"""What is wrong with a page as it is now: in light, in dark, and on a phone.

axe-core comes through the browser's debugging protocol: the portal's Content-Security-Policy lets
no script tag in. All rules run in light and on the phone; dark changes colours alone, so there only
their rule runs.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

# Most of the time of axe's colours went into reading the same few again for each text.
_READ_ONCE = """
(() => {
  const {Color} = axe.commons.color, known = new Map(), parse = Color.prototype.parseString;
  Color.prototype.parseString = function (text) {
    if (!known.has(text)) {
      parse.call(this, text);
      known.set(text, [this.r, this.g, this.b, this.alpha]);
    }
    [this.r, this.g, this.b, this.alpha] = known.get(text);
    return this;
  };
})();
"""
_AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text() + _READ_ONCE

# Name, width, height, theme.
_LOOKS = (
    ("light", 1280, 800, "light"),
    ("phone", 390, 844, "light"),
    ("dark", 1280, 800, "dark"),
)

_ALL_RULES = {"rules": {"target-size": {"enabled": True}}}
_COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}

_FINDINGS = """async ([options, skipped]) => {
  for (const rule of skipped)
    if (!options.runOnly) options.rules[rule] = {enabled: false};
  const found = await axe.run(document, {
    ...options, resultTypes: ['violations'], iframes: false, preload: false, selectors: false,
  });
  return found.violations.flatMap(({id, nodes}) => nodes.slice(0, 5).map(node => {
    const why = [...node.any, ...node.all, ...node.none].map(one => one.message).join('; ');
    return `${id}: ${node.html.slice(0, 160)} | ${why.slice(0, 240)}`;
  }));
}"""

# How wide the page is; and texts whose contrast with what is behind them is under 4.5 (WCAG 1.4.3),
# as "ratio text": axe leaves it open where something lies over a text, or a picture behind it.
_LOOK = """() => {
  for (const fading of document.getAnimations()) if (fading.transitionProperty) fading.finish();
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [...document.querySelectorAll('body *')]
    .filter(e => e.checkVisibility() && !e.matches(':disabled, option, .visually-hidden'))
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
    .map(e => {
      const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.textContent.trim()];
    })
    .filter(([ratio]) => ratio < 4.5)
    .map(([ratio, text]) => `${ratio.toFixed(2)} ${text.slice(0, 40)}`);
  return [document.documentElement.scrollWidth, faint];
}"""


def problems_of(
    page: Page, name: str, *, without: tuple[str, ...] = (), is_state: bool = False
) -> list[str]:
    """A line for each finding; `without` names rules of axe that don't bind on this page.

    `is_state`: of a page that is walked anyhow, so axe looks once. With $SCREENSHOTS each look is
    also saved there.
    """
    folder = os.environ.get("SCREENSHOTS")
    before = page.viewport_size
    found: list[str] = []
    if page.evaluate("typeof axe") == "undefined":
        debugger = page.context.new_cdp_session(page)
        debugger.send("Runtime.evaluate", {"expression": _AXE})
        debugger.detach()
    for look, width, height, theme in _LOOKS:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        if folder:
            page.screenshot(path=Path(folder) / f"{_file(name)}-{look}.png", full_page=True)
        options: dict[str, Any] = _ALL_RULES if theme == "light" else _COLOURS
        again = is_state and look != _LOOKS[0][0]
        inner, faint = page.evaluate(_LOOK)
        seen = [] if again else page.evaluate(_FINDINGS, [options, list(without)])
        if inner > width:
            seen.append(f"{inner} px wide on a screen of {width} px")
        seen += [f"too faint: {text}" for text in faint]
        found += [f"{name}, {look}: {one}" for one in seen]
    page.emulate_media(color_scheme="null")
    if before:
        page.set_viewport_size(before)
    return found


def _file(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:120]


class Walk:
    """Goes from page to page, keeps what is wrong with each, and tells it all at the end."""

    def __init__(self, page: Page, ids: Mapping[str, str]) -> None:
        self.page = page
        # Sent once, instead of to each page.
        page.add_init_script(script=_AXE)
        self.ids = ids
        self._found: dict[str, list[str]] = defaultdict(list)

    def to(
        self,
        *paths: str,
        status: int = 200,
        without: tuple[str, ...] = (),
        are_states: bool = False,
    ) -> None:
        """Look at the pages of these paths: routes whose names `ids` fill.

        `are_states`: their templates are walked anyhow.
        """
        for path in paths:
            wanted = path.format_map(self.ids)
            answer = self.page.goto(wanted)
            if answer is None or answer.status != status:
                self._found[f"{answer and answer.status}, not {status}"].append(path)
            if not self.page.url.endswith(wanted):
                self._found[f"led to {self.page.url}"].append(path)
            self.look(path, without=without, is_state=are_states)

    def look(self, name: str, *, without: tuple[str, ...] = (), is_state: bool = False) -> None:
        """Look at the page as it is now."""
        for found in problems_of(self.page, name, without=without, is_state=is_state):
            where, _, what = found.partition(": ")
            self._found[what].append(where)

    def end(self) -> None:
        """Fail with all that was found; what is wrong on many pages is told once."""
        told = [f"{what}\n    on {'; '.join(where)}" for what, where in self._found.items()]
        assert not told, "\n" + "\n".join(told)
