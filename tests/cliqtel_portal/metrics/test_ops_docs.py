"""What operators read names metrics that there are, and all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.cliqtel_portal.metrics.test_state import NAMES

OPS = Path(__file__).resolve().parents[3] / "docs/ops"
_METRIC = re.compile(r"\bcliqtel_[a-z_]+[a-z]\b")


def named_in(text: str) -> set[str]:
    return {re.sub("_(total|bucket|sum|count)$", "", name) for name in _METRIC.findall(text)}


def test_the_article_names_each_metric_and_no_other():
    assert named_in((OPS / "metrics.md").read_text()) == set(NAMES)


def test_alerts_watch_metrics_that_there_are():
    rules = yaml.safe_load((OPS / "prometheus-rules.yml").read_text())["groups"][0]["rules"]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert named_in(rule["expr"]) <= set(NAMES), rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
        for labels in re.findall(r"(cliqtel_[a-z_]+)\{(\w+)", rule["expr"]):
            assert labels[1] in NAMES[named_in(labels[0]).pop()], rule["alert"]


@pytest.mark.parametrize("name", sorted(NAMES))
def test_names_follow_what_prometheus_recommends(name):
    assert re.fullmatch("cliqtel_[a-z]+(_[a-z]+)*", name)
    assert "_ms" not in name
    assert "minutes" not in name
