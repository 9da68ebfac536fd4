"""A call flow as SVG, alone or as one merged picture of what a draft changes.

Colours and font sizes belong to the style sheet, as the strict CSP allows no style in here:
`flow`, `flow-vertical` on the whole; `flow-node`, `flow-edge`, `flow-label` on the groups, each in
a comparison with `flow-same`, `flow-added`, `flow-removed` or `flow-changed`; `flow-type-<type>`,
`flow-start` or `flow-missing` on nodes, `flow-error` or `flow-warning` on those with something
wrong; and within the groups `flow-box`, `flow-icon`, `flow-kind`, `flow-title`, `flow-summary`,
`flow-mark`, `flow-line`, `flow-arrow`, `flow-label-box`, `flow-label-text`.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from xml.etree.ElementTree import Element, SubElement, tostring

from cliqtel_portal.callflows.diff import GraphDiff, describe, diff
from cliqtel_portal.callflows.graph import Graph
from cliqtel_portal.callflows.layout import Box, Line, PlacedLine, Point, layout
from cliqtel_portal.callflows.scene import Arrow, Mark, Step, build_scene

_NODE_WIDTH, _NARROW_NODE_WIDTH, _NODE_HEIGHT = 224, 184, 76
_PILL_HEIGHT, _LABEL_HEIGHT = 34, 20
# Pixels that a character takes at 14 and 12 px, rather too many than too few.
_TITLE_CHARACTER, _SMALL_CHARACTER = 8.8, 6.8
_LONGEST_LABEL = 24
_PADDING = 12
_CORNER = 8
_ICON = 16
_ARROW = 7


def draw(
    graph: Graph,
    *,
    title: str,
    before: Graph | None = None,
    vertical: bool = False,
    prefix: str = "flow",
    severities: Mapping[str, str] = MappingProxyType({}),
    names: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The SVG element, escaped, to be put into a page as it is.

    before: shows what `graph` changes against it, removed parts included.
    vertical: from the top down with narrower nodes, for phones.
    prefix: begins the ids within; two drawings on one page need different ones.
    severities: "error" or "warning" for nodes that have something wrong, by id.
    names: of what a step names by id only, as trunks.
    """
    changes = None if before is None else diff(before, graph)
    scene = build_scene(graph, changes, severities=severities, names=names)
    index = {step.key: position for position, step in enumerate(scene.steps)}
    placed = layout(
        [_step_box(step, _NARROW_NODE_WIDTH if vertical else _NODE_WIDTH) for step in scene.steps],
        [
            Line(
                source=index[arrow.source],
                target=index[arrow.target],
                label=_label_box(_label(arrow)) if arrow.label else None,
            )
            for arrow in scene.arrows
        ],
        vertical=vertical,
    )

    svg = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "flow flow-vertical" if vertical else "flow",
            "viewBox": f"0 0 {placed.width:g} {placed.height:g}",
            "width": f"{placed.width:g}",
            "height": f"{placed.height:g}",
            "role": "img",
            "aria-labelledby": f"{prefix}-title {prefix}-desc",
        },
    )
    _add_text(svg, "title", title, {"id": f"{prefix}-title"})
    _add_text(svg, "desc", _description(graph, changes), {"id": f"{prefix}-desc"})
    for arrow, line in zip(scene.arrows, placed.lines, strict=True):
        _add_arrow(svg, arrow, line)
    # Labels and steps come last, so that no line crosses them out.
    for arrow, line in zip(scene.arrows, placed.lines, strict=True):
        if line.label is not None:
            _add_label(svg, arrow, line.label)
    for step, box in zip(scene.steps, placed.boxes, strict=True):
        _add_step(svg, step, box)
    return tostring(svg, encoding="unicode")


def _description(graph: Graph, changes: GraphDiff | None) -> str:
    sentences = [f"{_count(len(graph.nodes), 'step')} and {_count(len(graph.edges), 'path')}"]
    if graph.entry_node is not None:
        sentences.append(f"Calls start at “{graph.entry_node.title}”")
    if changes is not None:
        sentences += describe(changes) or ["Nothing changes"]
    return "".join(f"{sentence}. " for sentence in sentences).strip()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _step_box(step: Step, width: float) -> Box:
    if step.kind:
        return Box(width=width, height=_NODE_HEIGHT)
    pill = columns(fit(step.title, _LONGEST_LABEL)) * _SMALL_CHARACTER + 2 * _PADDING
    return Box(width=pill, height=_PILL_HEIGHT)


def _label(arrow: Arrow) -> str:
    return f"{arrow.mark.sign} {fit(arrow.label, _LONGEST_LABEL)}".strip()


def _label_box(label: str) -> Box:
    return Box(width=columns(label) * _SMALL_CHARACTER + _PADDING, height=_LABEL_HEIGHT)


def _add_step(svg: Element, step: Step, box: Box) -> None:
    wrong = [f"flow-{step.severity}"] if step.severity else []
    group = _add_group(svg, "flow-node", step.mark, f"flow-{step.role}", *wrong)
    group.set("data-node", step.key)
    facts = (step.kind, step.title, step.summary, step.sign)
    _add_text(group, "title", ": ".join(fact for fact in facts if fact))
    _add_box(group, "flow-box", box, _CORNER if step.kind else box.height / 2)
    if not step.kind:
        middle = _at(box.x + box.width / 2, box.y + 21, "kind", "middle")
        _add_text(group, "text", fit(step.title, _LONGEST_LABEL), middle)
        return
    room = box.width - 2 * _PADDING
    left, right = box.x + _PADDING, box.x + box.width - _PADDING
    move = f"translate({left:g} {box.y + 9:g}) scale({_ICON / 24:.4f})"
    SubElement(group, "path", {"class": "flow-icon", "d": step.icon, "transform": move})
    _add_text(group, "text", step.kind, _at(left + _ICON + 6, box.y + 21, "kind"))
    if step.sign:
        _add_text(group, "text", step.sign, _at(right, box.y + 21, "mark", "end"))
    title = fit(step.title, int(room / _TITLE_CHARACTER))
    _add_text(group, "text", title, _at(left, box.y + 42, "title"))
    summary = fit(step.summary, int(room / _SMALL_CHARACTER))
    _add_text(group, "text", summary, _at(left, box.y + 62, "summary"))


def _add_arrow(svg: Element, arrow: Arrow, line: PlacedLine) -> None:
    group = _add_group(svg, "flow-edge", arrow.mark)
    if arrow.edge_id:
        group.set("data-edge", arrow.edge_id)
    SubElement(group, "path", {"class": "flow-line", "d": _rounded(line.points)})
    # Drawn, because a marker would need an id and could not take the colour of its line.
    SubElement(group, "path", {"class": "flow-arrow", "d": _arrow_head(line.points)})


def _add_label(svg: Element, arrow: Arrow, box: Box) -> None:
    group = _add_group(svg, "flow-label", arrow.mark)
    _add_text(group, "title", f"{arrow.label} {arrow.mark.words}".strip())
    _add_box(group, "flow-label-box", box, 4)
    middle = _at(box.x + box.width / 2, box.y + 14, "label-text", "middle")
    _add_text(group, "text", _label(arrow), middle)


def _add_group(parent: Element, css: str, mark: Mark, *more: str) -> Element:
    names = [css, *more, *([f"flow-{mark.value}"] if mark.value else [])]
    return SubElement(parent, "g", {"class": " ".join(names)})


def _add_box(parent: Element, css: str, box: Box, radius: float) -> None:
    sides = {"x": box.x, "y": box.y, "width": box.width, "height": box.height, "rx": radius}
    numbers = {name: f"{value:g}" for name, value in sides.items()}
    SubElement(parent, "rect", {"class": css, **numbers})


def _at(x: float, y: float, css: str, anchor: str = "start") -> dict[str, str]:
    return {"class": f"flow-{css}", "x": f"{x:g}", "y": f"{y:g}", "text-anchor": anchor}


def _add_text(
    parent: Element, tag: str, text: str, attributes: dict[str, str] | None = None
) -> None:
    child = SubElement(parent, tag, attributes or {})
    # The title of the whole comes from outside this package, and XML has no control characters.
    child.text = "".join(char if char.isprintable() else "?" for char in text)


def columns(text: str) -> int:
    """The width in Latin characters: the wide ones of East Asia take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def fit(text: str, room: int) -> str:
    """The text, cut with an ellipsis to at most `room` columns."""
    if columns(text) <= room:
        return text
    kept = text[:room]
    while kept and columns(kept) >= room:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"


def _rounded(points: Sequence[Point]) -> str:
    """A line whose bends are round, by half of the shorter leg at most."""
    parts = [f"M{_xy(points[0])}"]
    for before, bend, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(_CORNER, _distance(before, bend) / 2, _distance(bend, after) / 2)
        start, end = _towards(bend, before, radius), _towards(bend, after, radius)
        parts.append(f"L{_xy(start)}Q{_xy(bend)} {_xy(end)}")
    parts.append(f"L{_xy(points[-1])}")
    return "".join(parts)


def _arrow_head(points: Sequence[Point]) -> str:
    tip = points[-1]
    origin = next((point for point in reversed(points) if point != tip), tip)
    base = _towards(tip, origin, _ARROW)
    dx, dy = (tip.x - base.x) / 2, (tip.y - base.y) / 2
    left, right = Point(x=base.x - dy, y=base.y + dx), Point(x=base.x + dy, y=base.y - dx)
    return f"M{_xy(tip)}L{_xy(left)}L{_xy(right)}Z"


def _towards(start: Point, end: Point, distance: float) -> Point:
    share = distance / (_distance(start, end) or 1)
    return Point(x=start.x + (end.x - start.x) * share, y=start.y + (end.y - start.y) * share)


def _distance(one: Point, other: Point) -> float:
    return math.hypot(one.x - other.x, one.y - other.y)


def _xy(point: Point) -> str:
    return f"{round(point.x, 1):g} {round(point.y, 1):g}"
