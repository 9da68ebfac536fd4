"""The steps of a flow as a list: the accessible truth beside the drawing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cliqtel_portal.callflows.graph import Graph, Node
from cliqtel_portal.callflows.icons import ICONS
from cliqtel_portal.callflows.lint import LintFinding


@dataclass(frozen=True, kw_only=True)
class Way:
    """Where one outcome leads. `target_id` is empty where that step is missing."""

    label: str
    target_id: str
    target: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a node does, where each outcome leads, and what is wrong with it.

    settings: label and value of all that is set, whatever the summary leaves out.
    """

    node: Node
    summary: str
    is_entry: bool
    ways: tuple[Way, ...]
    settings: tuple[tuple[str, str], ...]
    findings: tuple[LintFinding, ...]

    @property
    def icon(self) -> str:
        return ICONS[self.node.type]


def steps_of(
    graph: Graph, findings: Iterable[LintFinding], *, names: Mapping[str, str]
) -> list[Step]:
    """Every node, the entry first, then in the order in which a call can come to them.

    names: of what a config names by id only, as trunks.
    """
    of_node: dict[str, list[LintFinding]] = {}
    for finding in findings:
        of_node.setdefault(finding.node_id or "", []).append(finding)
    return [
        Step(
            node=node,
            summary=names.get(node.summary, node.summary),
            is_entry=node.id == graph.entry,
            ways=tuple(
                Way(
                    label=graph.outcome_label(edge),
                    target_id=edge.target if edge.target in graph.by_id else "",
                    target=_title(graph, edge.target),
                )
                for edge in graph.outgoing[node.id]
            ),
            settings=tuple(_settings(node, names)),
            findings=tuple(of_node.get(node.id, ())),
        )
        for node in _as_a_call_goes(graph)
    ]


def _as_a_call_goes(graph: Graph) -> list[Node]:
    """Breadth first from the entry; what no call reaches comes last."""
    order = dict.fromkeys([graph.entry] if graph.entry in graph.by_id else [])
    waiting = [*order]
    while waiting:
        for edge in graph.outgoing[waiting.pop(0) or ""]:
            if edge.target in graph.by_id and edge.target not in order:
                order[edge.target] = None
                waiting.append(edge.target)
    reached = [graph.by_id[node_id] for node_id in order if node_id]
    return [*reached, *(node for node in graph.nodes if node.id not in order)]


def _settings(node: Node, names: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for key, kind in node.kind.config.items():
        if key in node.config:
            shown = node.show(key)
            yield kind.label, names.get(shown, shown)


def _title(graph: Graph, node_id: str) -> str:
    node = graph.by_id.get(node_id)
    return node.title if node else f"{node_id} (missing)"
