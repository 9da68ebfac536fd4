"""Changes to a call flow as a list of small operations, the form in which a draft is proposed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from cliqtel_portal.callflows.config_fields import Problems, join, quoted, refuse_unknown_keys
from cliqtel_portal.callflows.graph import (
    MAX_EDGES,
    MAX_NODES,
    Edge,
    Graph,
    GraphError,
    Node,
    is_id,
    read_edge,
    read_id,
    read_node,
    read_title,
    refuse_unknown_ends,
)

MAX_OPERATIONS = 500


def apply_operations(graph: Graph, operations: Sequence[object]) -> Graph:
    """The graph after all operations, in their order; `graph` itself stays as it is.

    Each is a flat object; keys that are null count as absent:
      {"op": "add_node", "id", "type", "title", "config"}
      {"op": "update_node", "id", "title"?, "config"?}   config keys are merged; null resets one
      {"op": "remove_node", "id"}                        its edges go with it
      {"op": "add_edge", "id", "from", "to", "on"}       the nodes may be added by a later one
      {"op": "remove_edge", "id"}
      {"op": "set_entry", "id"}
    Dangling edges that `graph` had before are left to lint.

    Raises: GraphError with every problem, at `operations.<index>`.
    """
    draft = _Draft(graph)
    if not isinstance(operations, list | tuple) or not 0 < len(operations) <= MAX_OPERATIONS:
        draft.problems.add("operations", f"must be a list of 1 to {MAX_OPERATIONS} operations")
        raise GraphError(draft.problems)
    for index, operation in enumerate(operations):
        draft.apply(operation, f"operations.{index}")
    return draft.finish()


class _Draft:
    """The flow while operations are applied; a failed one leaves it as it was."""

    def __init__(self, graph: Graph) -> None:
        self.problems = Problems()
        self.nodes: dict[str, Node] = dict(graph.by_id)
        self.edges: dict[str, Edge] = {edge.id: edge for edge in graph.edges}
        self.entry = graph.entry
        # Ids of operations that failed: what builds on them is not one more problem.
        self.failed: set[str] = set()
        self.added_at: dict[str, str] = {}
        self.entry_changed_at = ""

    def apply(self, operation: object, path: str) -> None:
        if not isinstance(operation, Mapping):
            self.problems.add(path, 'must be an object with "op"')
            return
        given = {key: value for key, value in operation.items() if value is not None}
        name = given.pop("op", None)
        handler = _OPERATIONS.get(name) if isinstance(name, str) else None
        if handler is None:
            shown = f"{quoted(name)} is not an operation; " if isinstance(name, str) else ""
            self.problems.add(join(path, "op"), f"{shown}must be one of {', '.join(_OPERATIONS)}")
            return
        before = self.problems.count
        refuse_unknown_keys(given, handler.keys, path, self.problems)
        if self.problems.count == before:
            handler.run(self, given, path)
        else:
            self.failed.add(str(given.get("id")))

    def add_node(self, given: Mapping[object, object], path: str) -> None:
        node = read_node(given, path, self.problems)
        node_id = given.get("id")
        if isinstance(node_id, str) and node_id in self.nodes:
            self.problems.add(join(path, "id"), f"{quoted(node_id)} is used already")
        elif node is not None:
            self.nodes[node.id] = node
        elif isinstance(node_id, str):
            self.failed.add(node_id)

    def update_node(self, given: Mapping[object, object], path: str) -> None:
        node = self._find_node(given, path)
        if node is None:
            return
        if "title" not in given and "config" not in given:
            self.problems.add(path, "must change the title or the config")
        title = node.title
        if "title" in given:
            title = read_title(given["title"], join(path, "title"), self.problems)
        config = node.config
        if "config" in given:
            changes = given["config"]
            if not isinstance(changes, Mapping):
                self.problems.add(join(path, "config"), "must be an object")
                return
            resets = [key for key, value in changes.items() if value is None]
            refuse_unknown_keys(
                dict.fromkeys(resets), node.kind.config, join(path, "config"), self.problems
            )
            merged = {**config, **changes}
            kept = {key: value for key, value in merged.items() if value is not None}
            read = node.kind.read_config(kept, join(path, "config"), self.problems)
            if read is None:
                return
            config = MappingProxyType(read)
        if title:
            self.nodes[node.id] = replace(node, title=title, config=config)

    def remove_node(self, given: Mapping[object, object], path: str) -> None:
        node = self._find_node(given, path)
        if node is None:
            return
        del self.nodes[node.id]
        self.edges = {
            edge.id: edge
            for edge in self.edges.values()
            if node.id not in (edge.source, edge.target)
        }
        if self.entry == node.id:
            self.entry_changed_at = path

    def add_edge(self, given: Mapping[object, object], path: str) -> None:
        edge = read_edge(given, path, self.problems)
        edge_id = given.get("id")
        if isinstance(edge_id, str) and edge_id in self.edges:
            self.problems.add(join(path, "id"), f"{quoted(edge_id)} is used already")
        elif edge is not None:
            self.edges[edge.id] = edge
            self.added_at[edge.id] = path
        elif isinstance(edge_id, str):
            self.failed.add(edge_id)

    def remove_edge(self, given: Mapping[object, object], path: str) -> None:
        edge_id = read_id(given.get("id"), join(path, "id"), self.problems)
        if edge_id in self.edges:
            del self.edges[edge_id]
        elif edge_id and edge_id not in self.failed:
            self.problems.add(join(path, "id"), f"no edge has the id {quoted(edge_id)}")

    def set_entry(self, given: Mapping[object, object], path: str) -> None:
        node_id = read_id(given.get("id"), join(path, "id"), self.problems)
        if node_id:
            self.entry = node_id
            self.entry_changed_at = path

    def finish(self) -> Graph:
        node_ids = self.nodes.keys() | self.failed
        for edge in self.edges.values():
            if edge.id in self.added_at:
                refuse_unknown_ends(edge, node_ids, self.added_at[edge.id], self.problems)
        if self.entry_changed_at and self.entry not in node_ids:
            self.problems.add(
                self.entry_changed_at,
                f"leaves the flow without its entry {quoted(str(self.entry))}; "
                "set_entry to a node that exists",
            )
        for name, found, limit in (
            ("nodes", self.nodes, MAX_NODES),
            ("edges", self.edges, MAX_EDGES),
        ):
            if len(found) > limit:
                self.problems.add("operations", f"leave {len(found)} {name}; at most {limit}")
        if self.problems.count:
            raise GraphError(self.problems)
        return Graph(
            entry=self.entry, nodes=tuple(self.nodes.values()), edges=tuple(self.edges.values())
        )

    def _find_node(self, given: Mapping[object, object], path: str) -> Node | None:
        node_id = given.get("id")
        if isinstance(node_id, str) and node_id in self.nodes:
            return self.nodes[node_id]
        if not is_id(node_id) or node_id not in self.failed:
            shown = f" {quoted(node_id)}" if isinstance(node_id, str) else ""
            self.problems.add(join(path, "id"), f"no node has the id{shown}")
        return None


@dataclass(frozen=True, kw_only=True)
class _Operation:
    run: Callable[[_Draft, Mapping[object, object], str], None]
    keys: tuple[str, ...]


_OPERATIONS: Mapping[str, _Operation] = {
    "add_node": _Operation(run=_Draft.add_node, keys=("id", "type", "title", "config")),
    "update_node": _Operation(run=_Draft.update_node, keys=("id", "title", "config")),
    "remove_node": _Operation(run=_Draft.remove_node, keys=("id",)),
    "add_edge": _Operation(run=_Draft.add_edge, keys=("id", "from", "to", "on")),
    "remove_edge": _Operation(run=_Draft.remove_edge, keys=("id",)),
    "set_entry": _Operation(run=_Draft.set_entry, keys=("id",)),
}
