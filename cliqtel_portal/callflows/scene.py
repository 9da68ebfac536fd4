"""What a drawing of a call flow shows: steps and arrows, and what a comparison says of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from cliqtel_portal.callflows.diff import GraphDiff
from cliqtel_portal.callflows.graph import Edge, Graph, Node
from cliqtel_portal.callflows.icons import ICONS

# No node can have this key: ids have no space.
_START = "incoming call"


class Mark(Enum):
    """The value is what the style sheet and the person read."""

    NONE = ""
    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"

    @property
    def sign(self) -> str:
        return _SIGNS.get(self, "")

    @property
    def words(self) -> str:
        return f"{self.sign} {self.value}" if self.sign else ""


_SIGNS = {Mark.ADDED: "+", Mark.REMOVED: "\N{MINUS SIGN}", Mark.CHANGED: "~"}


@dataclass(frozen=True, kw_only=True)
class Step:
    """A node; or, without `kind`, a pill: where calls start, or a node that is missing.

    severity: of the worst that is wrong with it, empty if nothing is.
    """

    key: str
    role: str
    title: str
    kind: str = ""
    icon: str = ""
    summary: str = ""
    severity: str = ""
    mark: Mark

    @property
    def sign(self) -> str:
        """What stands in the corner of the box."""
        return self.mark.words or (f"! {self.severity}" if self.severity else "")


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """From step to step, by key. `edge_id` is empty for the arrow from the start."""

    edge_id: str
    source: str
    target: str
    label: str
    mark: Mark


@dataclass(frozen=True, kw_only=True)
class Scene:
    steps: tuple[Step, ...]
    arrows: tuple[Arrow, ...]


def build_scene(
    graph: Graph,
    changes: GraphDiff | None,
    *,
    severities: Mapping[str, str] = MappingProxyType({}),
    names: Mapping[str, str] = MappingProxyType({}),
) -> Scene:
    """The graph; with changes, one merged picture that also has what they remove.

    severities: of what is wrong, by node id. names: of what a summary names by id only.
    """
    unmarked = Mark.NONE if changes is None else Mark.SAME
    marks = _node_marks(changes)
    nodes = [*graph.nodes, *(changes.removed_nodes if changes else ())]
    steps = [
        _step(
            node,
            marks.get(node.id, unmarked),
            summary=names.get(node.summary, node.summary),
            severity=severities.get(node.id, ""),
        )
        for node in nodes
    ]

    added = frozenset(changes.added_edges) if changes else frozenset()
    arrows = [
        *_start_arrows(graph, changes, unmarked),
        *_edge_arrows(graph, (e for e in graph.edges if e not in added), unmarked),
        *_edge_arrows(graph, (e for e in graph.edges if e in added), Mark.ADDED),
    ]
    if changes:
        arrows += _edge_arrows(changes.old, changes.removed_edges, Mark.REMOVED)
    return Scene(steps=(*_pills(steps, arrows, unmarked), *steps), arrows=tuple(arrows))


def _node_marks(changes: GraphDiff | None) -> Mapping[str, Mark]:
    if changes is None:
        return {}
    return {
        **{node.id: Mark.ADDED for node in changes.added_nodes},
        **{node.id: Mark.REMOVED for node in changes.removed_nodes},
        **{change.new.id: Mark.CHANGED for change in changes.changed_nodes},
    }


def _step(node: Node, mark: Mark, *, summary: str, severity: str) -> Step:
    return Step(
        key=node.id,
        role=f"type-{node.type}",
        icon=ICONS[node.type],
        kind=node.kind.label,
        title=node.title,
        summary=summary,
        severity=severity,
        mark=mark,
    )


def _edge_arrows(graph: Graph, edges: Iterable[Edge], mark: Mark) -> Iterator[Arrow]:
    for edge in edges:
        yield Arrow(
            edge_id=edge.id,
            source=edge.source,
            target=edge.target,
            label=graph.outcome_label(edge),
            mark=mark,
        )


def _start_arrows(graph: Graph, changes: GraphDiff | None, unmarked: Mark) -> Iterator[Arrow]:
    is_changed = changes is not None and changes.is_entry_changed
    entries = [(graph.entry_node, Mark.ADDED if is_changed else unmarked)]
    if changes is not None and is_changed:
        entries.append((changes.old.entry_node, Mark.REMOVED))
    for node, mark in entries:
        if node is not None:
            yield Arrow(edge_id="", source=_START, target=node.id, label="", mark=mark)


def _pills(steps: Iterable[Step], arrows: Iterable[Arrow], mark: Mark) -> Iterator[Step]:
    """One for the start, and one for each end of an arrow that has no step."""
    known = {step.key for step in steps}
    for key in dict.fromkeys(end for arrow in arrows for end in (arrow.source, arrow.target)):
        if key == _START:
            yield Step(key=key, role="start", title="Incoming call", mark=mark)
        elif key not in known:
            yield Step(key=key, role="missing", title=f"missing: {key}", mark=mark)
