"""Where the boxes and lines of a drawing go; the only module that knows the layout engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import graphlay

# Past this many lines the engine's fine search takes seconds and nobody reads the result.
_FAST_FROM_LINES = 150


@dataclass(frozen=True, kw_only=True)
class Point:
    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle; as input its position means nothing."""

    width: float
    height: float
    x: float = 0
    y: float = 0


@dataclass(frozen=True, kw_only=True)
class Line:
    """From one box to another, by their indices. `label` is the room its label needs."""

    source: int
    target: int
    label: Box | None


@dataclass(frozen=True, kw_only=True)
class PlacedLine:
    points: tuple[Point, ...]
    label: Box | None


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Boxes and lines in the order they were given, all of them within (0, 0, width, height)."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[PlacedLine, ...]


def layout(
    boxes: Sequence[Box], lines: Sequence[Line], *, vertical: bool = False, margin: float = 16
) -> Layout:
    """Layers from left to right, or from the top down. The same input gives the same layout.

    A label is laid out as a node of its own, so that it has room and sits on its line: the
    engine's own labels may stand apart, and then nobody knows which of two lines they name.
    """
    nodes = [_node(box) for box in boxes]
    edges: list[dict[str, int]] = []
    # Per line: which of the engine's edges it is made of, and which node is its label.
    parts: list[tuple[Line, list[int], int]] = []
    for line in lines:
        label_node = len(nodes)
        stops = [line.source, line.target]
        if line.label is not None:
            stops.insert(1, label_node)
            nodes.append(_node(line.label))
        legs = [{"source": source, "target": target} for source, target in pairwise(stops)]
        parts.append((line, [len(edges) + leg for leg in range(len(legs))], label_node))
        edges += legs

    drawing = graphlay.layout(
        {"nodes": nodes, "edges": edges}, options=_options(len(lines), vertical=vertical)
    )
    centres = [node["center"] for node in drawing.nodes]
    placed = [
        PlacedLine(
            points=tuple(
                Point(x=point["x"], y=point["y"])
                for leg in legs
                for point in drawing.edges[leg]["points"]
            ),
            label=_centred(centres[label_node], line.label) if line.label else None,
        )
        for line, legs, label_node in parts
    ]
    placed_boxes = [_centred(centre, box) for centre, box in zip(centres, boxes, strict=False)]
    return _moved_to_origin(placed_boxes, placed, margin)


def _options(line_count: int, *, vertical: bool) -> dict[str, Any]:
    return {
        "direction": "topbottom" if vertical else "leftright",
        "effort": "fast" if line_count > _FAST_FROM_LINES else "balanced",
        # Less than the engine's own gaps: labels have layers of their own here.
        "spacing": {"layer_gap": 26.0, "node_gap": 22.0, "dummy_gap": 18.0},
    }


def _node(box: Box) -> dict[str, dict[str, float]]:
    return {"size": {"width": box.width, "height": box.height}}


def _centred(centre: dict[str, float], box: Box) -> Box:
    return Box(
        x=centre["x"] - box.width / 2,
        y=centre["y"] - box.height / 2,
        width=box.width,
        height=box.height,
    )


def _moved_to_origin(boxes: Sequence[Box], lines: Sequence[PlacedLine], margin: float) -> Layout:
    """The engine's bounds leave labels out, so they are measured here."""
    corners = [Point(x=area.x, y=area.y) for area in _areas(boxes, lines)]
    corners += [
        Point(x=area.x + area.width, y=area.y + area.height) for area in _areas(boxes, lines)
    ]
    corners += [point for line in lines for point in line.points]
    left = min((corner.x for corner in corners), default=0) - margin
    top = min((corner.y for corner in corners), default=0) - margin
    right = max((corner.x for corner in corners), default=0)
    bottom = max((corner.y for corner in corners), default=0)
    return Layout(
        width=round(right - left + margin, 1),
        height=round(bottom - top + margin, 1),
        boxes=tuple(_moved(box, left, top) for box in boxes),
        lines=tuple(
            PlacedLine(
                points=tuple(
                    Point(x=round(point.x - left, 1), y=round(point.y - top, 1))
                    for point in line.points
                ),
                label=_moved(line.label, left, top) if line.label else None,
            )
            for line in lines
        ),
    )


def _areas(boxes: Sequence[Box], lines: Sequence[PlacedLine]) -> list[Box]:
    return [*boxes, *(line.label for line in lines if line.label)]


def _moved(box: Box, left: float, top: float) -> Box:
    return Box(
        x=round(box.x - left, 1), y=round(box.y - top, 1), width=box.width, height=box.height
    )
