"""What is wrong with a call flow that parses: calls that would be lost, and likely mistakes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from cliqtel_portal.callflows.graph import Edge, Graph, Node
from cliqtel_portal.callflows.node_types import Need
from cliqtel_portal.callflows.opening_hours import overlaps, ranges_of

Severity = Literal["error", "warning"]


@dataclass(frozen=True, kw_only=True)
class LintFinding:
    """`code` is stable; `message` names the node by its title and says what to do."""

    code: str
    severity: Severity
    message: str
    node_id: str | None = None
    edge_id: str | None = None


def lint(graph: Graph) -> tuple[LintFinding, ...]:
    """Every finding, errors first; the order of nodes and edges makes no difference."""
    nodes = sorted(graph.nodes, key=lambda node: node.id)
    found = [
        *_missing_entry(graph),
        *_dangling_edges(graph),
        *_unreachable_nodes(graph, nodes),
        *_loops(graph, nodes),
        *_duplicate_titles(nodes),
    ]
    for node in nodes:
        leaving = sorted(graph.outgoing[node.id], key=lambda edge: edge.id)
        found += _outcomes(node, leaving)
        found += _overlapping_hours(node)
    return tuple(
        sorted(
            found,
            key=lambda each: (
                each.severity != "error",
                each.node_id or "",
                each.edge_id or "",
                each.code,
                each.message,
            ),
        )
    )


def _missing_entry(graph: Graph) -> Iterator[LintFinding]:
    if graph.entry_node is None:
        yield LintFinding(
            code="missing_entry",
            severity="error",
            message="The flow has no entry, so no call can start. Set the entry to a node.",
        )


def _dangling_edges(graph: Graph) -> Iterator[LintFinding]:
    for edge in graph.edges:
        for node_id in dict.fromkeys((edge.source, edge.target)):
            if node_id in graph.by_id:
                continue
            other = graph.by_id.get(edge.source) or graph.by_id.get(edge.target)
            of_whom = f" of “{other.title}”" if other else ""
            yield LintFinding(
                code="dangling_edge",
                severity="error",
                node_id=other.id if other else None,
                edge_id=edge.id,
                message=(
                    f"The edge “{edge.id}”{of_whom} names the node “{node_id}”, which does not "
                    "exist. Remove the edge, or add the node."
                ),
            )


def _unreachable_nodes(graph: Graph, nodes: Iterable[Node]) -> Iterator[LintFinding]:
    if graph.entry_node is None:
        return
    reached = _reach([graph.entry_node.id], _successors(graph))
    for node in nodes:
        if node.id not in reached:
            yield LintFinding(
                code="unreachable_node",
                severity="warning",
                node_id=node.id,
                message=f"No call reaches “{node.title}”. Lead an edge to it, or remove it.",
            )


def _outcomes(node: Node, leaving: list[Edge]) -> Iterator[LintFinding]:
    if node.kind.is_terminal:
        for edge in leaving:
            yield LintFinding(
                code="terminal_with_edges",
                severity="error",
                node_id=node.id,
                edge_id=edge.id,
                message=(
                    f"“{node.title}” ends the call. Remove the edge “{edge.id}” that leaves it."
                ),
            )
        return
    allowed = node.kind.outcomes_for(node.config)
    taken = Counter(edge.on for edge in leaving)
    first_with: set[str] = set()
    for edge in leaving:
        if edge.on not in allowed:
            yield LintFinding(
                code="unknown_outcome",
                severity="error",
                node_id=node.id,
                edge_id=edge.id,
                message=(
                    f"“{node.title}” never ends in “{edge.on}”. "
                    f"Use one of {', '.join(allowed)}, or remove the edge."
                ),
            )
        elif edge.on in first_with:
            yield LintFinding(
                code="duplicate_outcome",
                severity="error",
                node_id=node.id,
                edge_id=edge.id,
                message=(
                    f"“{node.title}” has {taken[edge.on]} edges for “{edge.on}”; a call can take "
                    "only one. Keep one of them."
                ),
            )
        first_with.add(edge.on)
    for outcome in allowed.values():
        if outcome.on in taken or outcome.need is Need.OPTIONAL:
            continue
        yield LintFinding(
            code="missing_fallback",
            severity="error" if outcome.need is Need.REQUIRED else "warning",
            node_id=node.id,
            message=(
                f"“{node.title}” leads nowhere on “{outcome.on}”, and the call is lost. "
                f"Add an edge for it."
            ),
        )
    if node.kind.choices and not node.kind.choices & taken.keys():
        yield LintFinding(
            code="missing_choice",
            severity="error",
            node_id=node.id,
            message=f"“{node.title}” offers no key to press. Add an edge for at least one key.",
        )


def _loops(graph: Graph, nodes: Iterable[Node]) -> Iterator[LintFinding]:
    """Cycles from which no end of the call can be reached.

    Where somebody may answer on the way, as in "queue, message, queue", it is a warning.
    """
    successors = _successors(graph)
    predecessors: dict[str, list[str]] = {node_id: [] for node_id in successors}
    for source, targets in successors.items():
        for target in targets:
            predecessors[target].append(source)
    ends = [node.id for node in nodes if _ends_the_call(node, successors)]
    escaping = _reach(ends, predecessors)
    # Whatever leads to a node that escapes escapes too, so every target here is trapped as well.
    trapped = {
        node_id: targets for node_id, targets in successors.items() if node_id not in escaping
    }
    reach = {node_id: _reach(targets, trapped) for node_id, targets in trapped.items()}
    seen: set[str] = set()
    for node_id in sorted(trapped):
        if node_id in seen or node_id not in reach[node_id]:
            continue
        loop = sorted(other for other in reach[node_id] if node_id in reach[other])
        seen.update(loop)
        titles = ", ".join(f"“{graph.by_id[other].title}”" for other in loop[:4])
        more = f" and {len(loop) - 4} more" if len(loop) > 4 else ""
        if any(graph.by_id[other].kind.may_connect for other in reach[node_id]):
            yield LintFinding(
                code="loop_until_answered",
                severity="warning",
                node_id=node_id,
                message=(
                    f"If nobody answers, a call goes round {titles}{more} for ever. "
                    "Lead one outcome to a voicemail or a hang-up."
                ),
            )
        else:
            yield LintFinding(
                code="loop_without_exit",
                severity="error",
                node_id=node_id,
                message=(
                    f"A call that comes to {titles}{more} goes round and never gets out. "
                    "Lead one outcome to a node that ends the call."
                ),
            )


def _ends_the_call(node: Node, successors: Mapping[str, list[str]]) -> bool:
    return node.kind.is_terminal or (node.kind.may_connect and not successors[node.id])


def _overlapping_hours(node: Node) -> Iterator[LintFinding]:
    for days, one, other in overlaps(ranges_of(node.config.get("hours"))):
        yield LintFinding(
            code="overlapping_hours",
            severity="warning",
            node_id=node.id,
            message=(
                f"“{node.title}” has two ranges that overlap on {days}: {one} and {other}. "
                "Join them, or correct one."
            ),
        )


def _duplicate_titles(nodes: Iterable[Node]) -> Iterator[LintFinding]:
    first: dict[str, Node] = {}
    for node in nodes:
        key = node.title.casefold()
        if key in first:
            yield LintFinding(
                code="duplicate_title",
                severity="warning",
                node_id=node.id,
                message=(
                    f"“{node.title}” is the title of another node too. "
                    "Rename one, so that people can tell them apart."
                ),
            )
        first.setdefault(key, node)


def _successors(graph: Graph) -> dict[str, list[str]]:
    """Where a call can go next: only along edges for an outcome that the node can have."""
    return {
        node.id: [
            edge.target
            for edge in graph.outgoing[node.id]
            if edge.target in graph.by_id and edge.on in node.kind.outcomes_for(node.config)
        ]
        for node in graph.nodes
    }


def _reach(starts: Iterable[str], successors: Mapping[str, list[str]]) -> set[str]:
    """Every node on a path from one of `starts`, these included."""
    reached: set[str] = set()
    waiting = list(starts)
    while waiting:
        node_id = waiting.pop()
        if node_id not in reached:
            reached.add(node_id)
            waiting += successors[node_id]
    return reached
