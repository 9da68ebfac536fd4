"""A call flow as a graph: what decides where a call to a number goes.

Pure: no Django, no database. Only what came through `parse` or `apply_operations` is a Graph, so
whoever holds one never has to check text, limits or config again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from cliqtel_portal.callflows.config_fields import (
    Config,
    ConfigValue,
    Problems,
    join,
    quoted,
    read_text,
    refuse_unknown_keys,
)
from cliqtel_portal.callflows.node_types import NODE_TYPES, NodeType
from cliqtel_portal.errors import InvalidArguments

MAX_NODES = 200
MAX_EDGES = 600
MAX_TITLE_LENGTH = 80
MAX_OUTCOME_LENGTH = 40
ID_PATTERN = re.compile(r"[a-z0-9_-]{1,40}")
ID_MEANING = "1 to 40 of the characters a-z, 0-9, _ and -"


class GraphError(InvalidArguments):
    """Not a valid call flow; `problems` has all that is wrong, each with its place."""

    def __init__(self, problems: Problems) -> None:
        found = problems.to_tuple()
        first = f"{found[0].field}: {found[0].message}" if found[0].field else found[0].message
        more = f" (and {problems.count - 1} more)" if problems.count > 1 else ""
        super().__init__(f"The call flow is not valid. {first}{more}", problems=found)


@dataclass(frozen=True, kw_only=True)
class Node:
    id: str
    type: str
    title: str
    config: Config

    @property
    def kind(self) -> NodeType:
        return NODE_TYPES[self.type]

    @property
    def summary(self) -> str:
        return self.kind.summarize(self.config)

    def show(self, key: str) -> str:
        """One config value as a person reads it."""
        return self.kind.config[key].show(self.config[key]) if key in self.config else "none"

    def plain_config(self) -> dict[str, object]:
        return {key: _plain(value) for key, value in self.config.items()}

    def to_dict(self) -> dict[str, object]:
        config = self.plain_config()
        return {"id": self.id, "type": self.type, "title": self.title, "config": config}


@dataclass(frozen=True, kw_only=True)
class Edge:
    """`from`, `to` and `on` of the JSON form; `from` is a word of Python."""

    id: str
    source: str
    target: str
    on: str

    def to_dict(self) -> dict[str, object]:
        return {"id": self.id, "from": self.source, "to": self.target, "on": self.on}


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Nodes and edges in the order they were given; no two share an id."""

    entry: str | None
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Node]:
        return {node.id: node for node in self.nodes}

    @property
    def entry_node(self) -> Node | None:
        return self.by_id.get(self.entry) if self.entry is not None else None

    @cached_property
    def outgoing(self) -> Mapping[str, tuple[Edge, ...]]:
        """The edges that leave each node, also of a node that has none."""
        leaving: dict[str, list[Edge]] = {node.id: [] for node in self.nodes}
        for edge in self.edges:
            leaving.setdefault(edge.source, []).append(edge)
        return {node_id: tuple(edges) for node_id, edges in leaving.items()}

    def outcome_label(self, edge: Edge) -> str:
        """What a person reads beside an edge: `key 1`, `no answer`."""
        source = self.by_id.get(edge.source)
        known = source.kind.outcomes_for(source.config).get(edge.on) if source else None
        return known.label if known else edge.on

    def to_dict(self) -> dict[str, object]:
        """The JSON form that is stored and answered; `parse` of it gives an equal graph."""
        return {
            "entry": self.entry,
            "nodes": [node.to_dict() for node in self.nodes],
            "edges": [edge.to_dict() for edge in self.edges],
        }


def parse(data: object, *, strict: bool = True) -> Graph:
    """A graph from its JSON form, config defaults filled in, positions dropped.

    `strict=False` lets an entry or edge name a node that is missing, so that a stored flow can
    still be shown and linted.

    Raises: GraphError, and nothing else whatever `data` is.
    """
    problems = Problems()
    if not isinstance(data, Mapping):
        problems.add("", "must be an object with entry, nodes and edges")
        raise GraphError(problems)
    refuse_unknown_keys(data, ("entry", "nodes", "edges"), "", problems)

    nodes: dict[str, Node] = {}
    claimed: set[str] = set()
    for index, value in enumerate(_entries(data, "nodes", MAX_NODES, problems)):
        path = f"nodes.{index}"
        node = read_node(value, path, problems)
        _claim(value, path, claimed, problems)
        if node is not None:
            nodes[node.id] = node

    edges: dict[str, Edge] = {}
    edge_ids: set[str] = set()
    for index, value in enumerate(_entries(data, "edges", MAX_EDGES, problems)):
        path = f"edges.{index}"
        edge = read_edge(value, path, problems)
        _claim(value, path, edge_ids, problems)
        if edge is None:
            continue
        edges[edge.id] = edge
        if strict:
            # A node that is there but wrong has its own problems already.
            refuse_unknown_ends(edge, claimed, path, problems)

    entry = data.get("entry")
    if entry is not None and not is_id(entry):
        problems.add("entry", f"must be the id of a node: {ID_MEANING}")
    elif strict and entry not in claimed:
        problems.add("entry", "must be the id of the node where a call starts")
    if problems.count:
        raise GraphError(problems)
    return Graph(
        entry=str(entry) if entry is not None else None,
        nodes=tuple(nodes.values()),
        edges=tuple(edges.values()),
    )


def canonical(graph: Graph) -> bytes:
    """The same bytes for every order of nodes, edges and keys."""
    form = {
        "entry": graph.entry,
        "nodes": [node.to_dict() for node in sorted(graph.nodes, key=lambda node: node.id)],
        "edges": [edge.to_dict() for edge in sorted(graph.edges, key=lambda edge: edge.id)],
    }
    return json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def etag(graph: Graph) -> str:
    """SHA-256 (hex) of the canonical form: names one state of a flow."""
    return hashlib.sha256(canonical(graph)).hexdigest()


def is_id(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 40 and bool(ID_PATTERN.fullmatch(value))


def read_node(value: object, path: str, problems: Problems) -> Node | None:
    """The node, or None and at least one more problem. A `position` is accepted and dropped."""
    if not isinstance(value, Mapping):
        problems.add(path, "must be an object with id, type, title and config")
        return None
    before = problems.count
    refuse_unknown_keys(value, ("id", "type", "title", "config", "position"), path, problems)
    node_id = read_id(value.get("id"), join(path, "id"), problems)
    title = read_title(value.get("title"), join(path, "title"), problems)
    type_name = value.get("type")
    kind = NODE_TYPES.get(type_name) if isinstance(type_name, str) else None
    if kind is None:
        given = f"{quoted(type_name)} is not a node type; " if isinstance(type_name, str) else ""
        problems.add(join(path, "type"), f"{given}must be one of {', '.join(NODE_TYPES)}")
        return None
    config = kind.read_config(value.get("config", {}), join(path, "config"), problems)
    if problems.count > before or config is None:
        return None
    return Node(id=node_id, type=str(type_name), title=title, config=MappingProxyType(config))


def read_edge(value: object, path: str, problems: Problems) -> Edge | None:
    """The edge, or None and at least one more problem. Its ends may not exist."""
    if not isinstance(value, Mapping):
        problems.add(path, "must be an object with id, from, to and on")
        return None
    before = problems.count
    refuse_unknown_keys(value, ("id", "from", "to", "on"), path, problems)
    edge_id = read_id(value.get("id"), join(path, "id"), problems)
    source = read_id(value.get("from"), join(path, "from"), problems)
    target = read_id(value.get("to"), join(path, "to"), problems)
    on = read_text(value.get("on"), MAX_OUTCOME_LENGTH)
    if on is None:
        problems.add(join(path, "on"), "must name the outcome that leads along this edge")
    if problems.count > before:
        return None
    return Edge(id=edge_id, source=source, target=target, on=str(on))


def read_id(value: object, path: str, problems: Problems) -> str:
    if is_id(value):
        return str(value)
    problems.add(path, f"must be {ID_MEANING}")
    return ""


def read_title(value: object, path: str, problems: Problems) -> str:
    title = read_text(value, MAX_TITLE_LENGTH)
    if title is None:
        problems.add(path, f"must be one line of 1 to {MAX_TITLE_LENGTH} printable characters")
    return title or ""


def refuse_unknown_ends(edge: Edge, node_ids: set[str], path: str, problems: Problems) -> None:
    for key, node_id in (("from", edge.source), ("to", edge.target)):
        if node_id not in node_ids:
            problems.add(join(path, key), f"no node has the id {quoted(node_id)}")


def _entries(
    data: Mapping[object, object], key: str, limit: int, problems: Problems
) -> list[object]:
    """The list under `key`, cut at the limit so that an endless one costs no more to check."""
    value = data.get(key)
    if not isinstance(value, list | tuple):
        problems.add(key, "must be a list")
        return []
    if len(value) > limit:
        problems.add(key, f"has {len(value)} entries; at most {limit} are allowed")
    return list(value[:limit])


def _claim(value: object, path: str, claimed: set[str], problems: Problems) -> None:
    """Remembers the id of an entry, also of a wrong one, and refuses it the second time."""
    given = value.get("id") if isinstance(value, Mapping) else None
    if not isinstance(given, str) or not is_id(given):
        return
    if given in claimed:
        problems.add(join(path, "id"), f"{quoted(given)} is used twice")
    claimed.add(given)


def _plain(value: ConfigValue) -> object:
    """Config as JSON has it. Its depth is bounded by the kinds of field, not by input."""
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    return value
