"""What changes between two states of a call flow, as data and as plain sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cliqtel_portal.callflows.graph import Edge, Graph, Node

_LONGEST_SENTENCE = 300


@dataclass(frozen=True, kw_only=True)
class FieldChange:
    """`field` is `title`, `type` or `config.<key>`; a value of None means the key is absent."""

    field: str
    old: object
    new: object
    sentence: str


@dataclass(frozen=True, kw_only=True)
class NodeChange:
    old: Node
    new: Node
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, kw_only=True)
class GraphDiff:
    """Nodes and edges are matched by id. An edge is never changed: one goes, another comes."""

    old: Graph
    new: Graph
    added_nodes: tuple[Node, ...]
    removed_nodes: tuple[Node, ...]
    changed_nodes: tuple[NodeChange, ...]
    added_edges: tuple[Edge, ...]
    removed_edges: tuple[Edge, ...]

    @property
    def is_entry_changed(self) -> bool:
        return self.old.entry != self.new.entry

    def __bool__(self) -> bool:
        return self.is_entry_changed or any(
            (
                self.added_nodes,
                self.removed_nodes,
                self.changed_nodes,
                self.added_edges,
                self.removed_edges,
            )
        )

    def to_dict(self) -> dict[str, object]:
        """The form that tools answer and approvals store."""
        entry = {"old": self.old.entry, "new": self.new.entry} if self.is_entry_changed else None
        return {
            "added": {
                "nodes": [node.to_dict() for node in self.added_nodes],
                "edges": [edge.to_dict() for edge in self.added_edges],
            },
            "removed": {
                "nodes": [node.to_dict() for node in self.removed_nodes],
                "edges": [edge.to_dict() for edge in self.removed_edges],
            },
            "changed": [
                {
                    "id": change.new.id,
                    "title": change.new.title,
                    "fields": [
                        {"field": each.field, "old": each.old, "new": each.new}
                        for each in change.fields
                    ],
                }
                for change in self.changed_nodes
            ],
            "entry": entry,
        }


def diff(old: Graph, new: Graph) -> GraphDiff:
    """What leads from `old` to `new`, by id; the order of nodes and edges makes no difference."""
    old_edges, new_edges = frozenset(old.edges), frozenset(new.edges)
    changes = [
        NodeChange(old=before, new=after, fields=tuple(_field_changes(before, after)))
        for before, after in (
            (old.by_id[node_id], new.by_id[node_id])
            for node_id in sorted(old.by_id.keys() & new.by_id.keys())
        )
        if before != after
    ]
    return GraphDiff(
        old=old,
        new=new,
        added_nodes=_nodes(new, new.by_id.keys() - old.by_id.keys()),
        removed_nodes=_nodes(old, old.by_id.keys() - new.by_id.keys()),
        changed_nodes=tuple(changes),
        added_edges=_sorted_edges(new_edges - old_edges),
        removed_edges=_sorted_edges(old_edges - new_edges),
    )


def describe(changes: GraphDiff) -> list[str]:
    """One plain sentence for each change; none if nothing changes."""
    sentences: list[str] = []
    if changes.is_entry_changed:
        before = _title(changes.old, changes.old.entry)
        after = _title(changes.new, changes.new.entry)
        sentences.append(f"Calls start at {after} instead of {before}")
    for node in changes.added_nodes:
        sentences.append(f"Added {node.kind.label} “{node.title}”: {node.summary}")
    for node in changes.removed_nodes:
        sentences.append(f"Removed {node.kind.label} “{node.title}”")
    for change in changes.changed_nodes:
        fields = "; ".join(each.sentence for each in change.fields)
        sentences.append(f"Changed “{change.old.title}”: {fields}")
    sentences += _edge_sentences(changes)
    return [_shortened(sentence) for sentence in sentences]


def _edge_sentences(changes: GraphDiff) -> Iterator[str]:
    """An outcome that leads elsewhere is one sentence, not a removal and an addition."""
    added = list(changes.added_edges)
    for gone in changes.removed_edges:
        way = _way(changes.old, gone)
        came = next(
            (edge for edge in added if (edge.source, edge.on) == (gone.source, gone.on)), None
        )
        if came is None:
            yield f"Removed {way} → {_title(changes.old, gone.target)}"
            continue
        added.remove(came)
        if came.target == gone.target:
            yield f"Renamed the edge of {way}: {gone.id} → {came.id}"
        else:
            after, before = _title(changes.new, came.target), _title(changes.old, gone.target)
            yield f"{way} goes to {after} instead of {before}"
    for edge in added:
        yield f"Added {_way(changes.new, edge)} → {_title(changes.new, edge.target)}"


def _field_changes(old: Node, new: Node) -> Iterator[FieldChange]:
    if old.title != new.title:
        yield FieldChange(
            field="title", old=old.title, new=new.title, sentence=f"title → “{new.title}”"
        )
    if old.type != new.type:
        sentence = f"type: {old.kind.label} → {new.kind.label}"
        yield FieldChange(field="type", old=old.type, new=new.type, sentence=sentence)
    before, after = old.plain_config(), new.plain_config()
    for key, kind in {**old.kind.config, **new.kind.config}.items():
        if before.get(key) == after.get(key):
            continue
        if old.type == new.type:
            sentence = kind.show_change(old.config.get(key), new.config.get(key))
        else:
            # The same key means another thing in another type, so each type shows its own value.
            sentence = f"{kind.label}: {old.show(key)} → {new.show(key)}"
        yield FieldChange(
            field=f"config.{key}", old=before.get(key), new=after.get(key), sentence=sentence
        )


def _nodes(graph: Graph, ids: set[str]) -> tuple[Node, ...]:
    return tuple(graph.by_id[node_id] for node_id in sorted(ids))


def _sorted_edges(edges: frozenset[Edge]) -> tuple[Edge, ...]:
    return tuple(sorted(edges, key=lambda edge: (edge.source, edge.on, edge.id, edge.target)))


def _title(graph: Graph, node_id: str | None) -> str:
    node = graph.by_id.get(node_id or "")
    return f"“{node.title}”" if node else "nowhere"


def _way(graph: Graph, edge: Edge) -> str:
    return f"{_title(graph, edge.source)}, {graph.outcome_label(edge)}"


def _shortened(sentence: str) -> str:
    if len(sentence) <= _LONGEST_SENTENCE:
        return sentence
    return f"{sentence[: _LONGEST_SENTENCE - 1]}…"
