"""Two states of a flow as a page shows them: one picture, two beside each other, and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

from django.utils.safestring import SafeString, mark_safe

from cliqtel_portal.callflows.diff import GraphDiff, NodeChange
from cliqtel_portal.callflows.drawing import draw
from cliqtel_portal.callflows.graph import Edge, Graph, Node
from cliqtel_portal.callflows.scene import Mark

# A draft can rewire the largest flow there is: its layout would take a worker many seconds, and
# nobody could read it.
_MAX_LINES = 300


@dataclass(frozen=True, kw_only=True)
class Value:
    """A field before and after, in full. Empty: it was not there."""

    label: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One step or path that is another. `title` is what somebody wrote: to be quoted."""

    mark: Mark
    kind: str
    title: str
    values: tuple[Value, ...]


class Comparison:
    """Pictures are drawn when a template asks for them: each costs a layout.

    The rows are the accessible truth: all that the pictures say, and every value uncut.
    """

    def __init__(
        self,
        changes: GraphDiff,
        *,
        name: str,
        old_label: str,
        new_label: str,
        names: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`names`: of what a config names by id only, as trunks."""
        self.changes = changes
        self.names = names
        self.name = name
        self.old_label = old_label
        self.new_label = new_label

    @property
    def is_drawable(self) -> bool:
        """Whether there are pictures; the rows are always there."""
        changes = self.changes
        return len(changes.new.edges) + len(changes.removed_edges) <= _MAX_LINES

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return tuple(self._named(row) for row in _rows(self.changes))

    @cached_property
    def merged(self) -> SafeString:
        return self._drawn(self.changes.new, "merged", before=self.changes.old)

    @cached_property
    def merged_narrow(self) -> SafeString:
        return self._drawn(
            self.changes.new, "merged-narrow", before=self.changes.old, vertical=True
        )

    @cached_property
    def old(self) -> SafeString:
        return self._drawn(self.changes.old, "old", vertical=True)

    @cached_property
    def new(self) -> SafeString:
        return self._drawn(self.changes.new, "new", vertical=True)

    def _named(self, row: Row) -> Row:
        values = (
            replace(
                value,
                old=self.names.get(value.old, value.old),
                new=self.names.get(value.new, value.new),
            )
            for value in row.values
        )
        return replace(row, values=tuple(values))

    def _drawn(
        self, graph: Graph, part: str, *, before: Graph | None = None, vertical: bool = False
    ) -> SafeString:
        label = {"old": self.old_label, "new": self.new_label}.get(part, "what changes")
        drawing = draw(
            graph,
            title=f"Call flow {self.name}: {label}",
            before=before,
            vertical=vertical,
            prefix=f"flow-{part}",
            names=self.names,
        )
        # draw() builds it with ElementTree, which escapes every title.
        return mark_safe(drawing)  # noqa: S308


def _rows(changes: GraphDiff) -> Iterator[Row]:
    if changes.is_entry_changed:
        yield Row(
            mark=Mark.CHANGED,
            kind="Start",
            title="",
            values=(
                Value(
                    label="calls start at",
                    old=_title(changes.old, changes.old.entry),
                    new=_title(changes.new, changes.new.entry),
                ),
            ),
        )
    for node in changes.added_nodes:
        values = tuple(Value(label=label, old="", new=shown) for label, shown in _shown(node))
        yield Row(mark=Mark.ADDED, kind=node.kind.label, title=node.title, values=values)
    for node in changes.removed_nodes:
        values = tuple(Value(label=label, old=shown, new="") for label, shown in _shown(node))
        yield Row(mark=Mark.REMOVED, kind=node.kind.label, title=node.title, values=values)
    for change in changes.changed_nodes:
        yield Row(
            mark=Mark.CHANGED,
            kind=change.old.kind.label,
            title=change.old.title,
            values=tuple(_changed_values(change)),
        )
    yield from _path_rows(changes)


def _changed_values(change: NodeChange) -> Iterator[Value]:
    if change.old.title != change.new.title:
        yield Value(label="title", old=change.old.title, new=change.new.title)
    if change.old.type != change.new.type:
        yield Value(label="kind", old=change.old.kind.label, new=change.new.kind.label)
    before, after = dict(_shown(change.old)), dict(_shown(change.new))
    for label in dict.fromkeys((*before, *after)):
        if before.get(label) != after.get(label):
            yield Value(label=label, old=before.get(label, ""), new=after.get(label, ""))


def _path_rows(changes: GraphDiff) -> Iterator[Row]:
    """A way out that leads elsewhere is one row, not a removal and an addition."""
    added = list(changes.added_edges)
    for gone in changes.removed_edges:
        came = next(
            (edge for edge in added if (edge.source, edge.on) == (gone.source, gone.on)), None
        )
        old = _title(changes.old, gone.target)
        if came is None:
            yield _path(changes.old, gone, Mark.REMOVED, old=old, new="")
            continue
        added.remove(came)
        new = _title(changes.new, came.target)
        if came.target != gone.target:
            yield _path(changes.new, came, Mark.CHANGED, old=old, new=new)
        else:
            yield Row(
                mark=Mark.CHANGED,
                kind="Path from",
                title=_title(changes.new, came.source),
                values=(Value(label="id of the edge", old=gone.id, new=came.id),),
            )
    for edge in added:
        yield _path(changes.new, edge, Mark.ADDED, old="", new=_title(changes.new, edge.target))


def _path(graph: Graph, edge: Edge, mark: Mark, *, old: str, new: str) -> Row:
    label = f"{graph.outcome_label(edge)} leads to"
    return Row(
        mark=mark,
        kind="Path from",
        title=_title(graph, edge.source),
        values=(Value(label=label, old=old, new=new),),
    )


def _shown(node: Node) -> Iterator[tuple[str, str]]:
    for key in node.kind.config:
        if key in node.config:
            yield node.kind.config[key].label, node.show(key)


def _title(graph: Graph, node_id: str | None) -> str:
    node = graph.by_id.get(node_id or "")
    return node.title if node else "nowhere"
