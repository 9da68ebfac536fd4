from __future__ import annotations

import re

from hypothesis import given, settings

from cliqtel_portal.callflows.graph import parse
from cliqtel_portal.callflows.mermaid import to_mermaid
from tests.factories.call_flow_graphs import Flow, flow, flows, node, office_flow, play

LINE = re.compile(
    r"flowchart LR"
    r"|  start\(\[\"Incoming call\"\]\)"
    r"|  (n|missing)[0-9]+(\(\[)?\[?\"[^\"]*\"\]?(\]\))?"
    r"|  start --> n[0-9]+"
    r"|  (n|missing)[0-9]+ -->\|\"[^\"]*\"\| (n|missing)[0-9]+"
)


def test_the_office_flow_as_text() -> None:
    lines = to_mermaid(parse(office_flow())).splitlines()
    assert lines[0] == "flowchart LR"
    assert '  n0["Schedule: Office hours"]' in lines
    assert '  n5(["Voicemail: Office voicemail"])' in lines
    assert "  start --> n0" in lines
    assert '  n1 -->|"key 1"| n2' in lines
    assert len(lines) == 2 + 6 + 1 + 8


def test_a_title_cannot_break_out_of_its_label() -> None:
    hostile = '"]; click n0 call alert() %%{init}%% <script> `x` #quot; end'
    text = to_mermaid(parse(flow("a", [play("a", hostile)])))
    label = next(line for line in text.splitlines() if line.startswith("  n0"))
    assert label.startswith('  n0["Message: #34;#93;#59; click n0 call alert() #37;#37;#123;init')
    assert label.count('"') == 2
    assert not set("<>`%{}\\") & set(label)


def test_words_of_mermaid_are_safe_as_ids_and_outcomes() -> None:
    data = flow("end", [play("end"), node("graph", "hangup")])
    data["edges"] = [{"id": "e", "from": "end", "to": "graph", "on": '"| x --> y'}]
    lines = to_mermaid(parse(data)).splitlines()
    assert lines[-1] == '  n0 -->|"#34;#124; x --#62; y"| n1'


def test_a_dangling_edge_leads_to_a_missing_node() -> None:
    text = to_mermaid(parse(flow("a", [play("a")], "a next nowhere"), strict=False))
    assert '  missing0["missing: nowhere"]' in text
    assert '  n0 -->|"then"| missing0' in text


@given(flows())
@settings(deadline=None, max_examples=100)
def test_every_line_has_a_known_form(data: Flow) -> None:
    for line in to_mermaid(parse(data, strict=False)).splitlines():
        assert LINE.fullmatch(line), line
