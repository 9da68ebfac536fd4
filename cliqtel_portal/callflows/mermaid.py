"""A call flow as Mermaid text, for hosts that draw it."""

from __future__ import annotations

from cliqtel_portal.callflows.graph import Graph, Node

# Everything else becomes a character code: quotes, brackets, `#`, `;`, `%`, `<` and the backtick
# all mean something to Mermaid, and a title must not be able to say any of it.
_PLAIN = frozenset(" ,.:+-_/()")


def to_mermaid(graph: Graph) -> str:
    """A `flowchart LR`. Nodes are n0, n1, … in the graph's order, as ids such as `end` are
    words of Mermaid."""
    names = {node.id: f"n{index}" for index, node in enumerate(graph.nodes)}
    lines = ["flowchart LR", '  start(["Incoming call"])']
    lines += [f"  {names[node.id]}{_shape(node)}" for node in graph.nodes]
    missing: dict[str, str] = {}
    for edge in graph.edges:
        for node_id in (edge.source, edge.target):
            if node_id not in names:
                names[node_id] = missing[node_id] = f"missing{len(missing)}"
    lines += [f'  {name}["missing: {_escaped(node_id)}"]' for node_id, name in missing.items()]
    if graph.entry_node is not None:
        lines.append(f"  start --> {names[graph.entry_node.id]}")
    for edge in graph.edges:
        label = graph.outcome_label(edge)
        lines.append(f'  {names[edge.source]} -->|"{_escaped(label)}"| {names[edge.target]}')
    return "\n".join(lines) + "\n"


def _shape(node: Node) -> str:
    label = f"{_escaped(node.kind.label)}: {_escaped(node.title)}"
    return f'(["{label}"])' if node.kind.is_terminal else f'["{label}"]'


def _escaped(text: str) -> str:
    return "".join(char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in text)
