"""The chain's head, kept outside of the database."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from audit import anchors, tasks
from audit.models import Seal, SlackMessage
from tests.factories.audit import make_call, ok
from tests.factories.seals import ago, mixed_traffic, seal_in, without_triggers

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path, settings):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "audit-anchors.log")
    return tmp_path / "audit-anchors.log"


def _head() -> str:
    seal = Seal.objects.first()
    assert seal is not None
    return f"{seal.number}:{seal.digest}"


def _seal_more(minutes_ago: float) -> None:
    mixed_traffic(minutes_ago=minutes_ago)
    seal_in(seconds=-60 * (minutes_ago - 5))


def test_each_day_appends_a_line_and_the_file_is_for_its_owner(file):
    _seal_more(40)
    tasks.anchor_chain()
    first = _head()
    _seal_more(20)
    tasks.anchor_chain()
    lines = file.read_text().splitlines()
    assert [line.split()[1] for line in lines] == [first, _head()]
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_daily_head_is_said_on_slack_once(file, settings):
    settings.SLACK_WEBHOOK_URL = "https://hooks.slack.test/x"
    tasks.anchor_chain()
    assert not SlackMessage.objects.exists(), "nothing is sealed"
    _seal_more(20)
    for _ in range(2):
        tasks.anchor_chain()
    (message,) = SlackMessage.objects.all()
    assert message.text == f"Audit log, head of the chain of seals: {_head()}"


def test_without_file_and_slack_nothing_is_written_and_the_rest_goes_on(settings):
    settings.AUDIT_ANCHOR_FILE = settings.SLACK_WEBHOOK_URL = ""
    mixed_traffic()
    seal_in()
    tasks.seal_calls()
    tasks.anchor_chain()
    assert anchors.read_anchors() == []
    assert not SlackMessage.objects.exists()


def test_the_head_file_follows_the_chain(file):
    _seal_more(40)
    anchors.keep_head()
    _seal_more(20)
    anchors.keep_head()
    anchors.keep_head()
    assert [str(anchor) for anchor in anchors.read_anchors()] == [_head()]
    assert sorted(path.name for path in file.parent.iterdir()) == ["audit-anchors.log.head"]


def test_a_chain_cut_at_its_end_is_found_by_the_head_that_was_kept(file, caplog):
    _seal_more(40)
    _seal_more(20)
    anchors.keep_head()
    kept = _head()
    call_command("verify_audit")
    with without_triggers() as cursor:
        cursor.execute("DELETE FROM audit_seal WHERE number = 2")
        cursor.execute("DELETE FROM mcp_tool_calls WHERE started_at > %s", [ago(minutes=30)])
    anchors.keep_head()
    assert "the chain of seals lacks seal 2" in caplog.text
    with pytest.raises(CommandError, match="the chain ends before seal 2"):
        call_command("verify_audit")
    # It grows again: what was kept stays as evidence.
    make_call(at=ago(minutes=2), outcome=ok())
    seal_in()
    anchors.keep_head()
    assert [str(anchor) for anchor in anchors.read_anchors()] == [kept]
    with pytest.raises(CommandError, match="seal 2 was replaced"):
        call_command("verify_audit")


def test_a_line_cut_off_by_a_crash_is_passed_over(file):
    _seal_more(20)
    anchors.anchor_chain()
    with file.open("a") as log:
        log.write("2026-11-21T01:10:00+00:00 2:abc")
    assert [str(anchor) for anchor in anchors.read_anchors()] == [_head()]
    call_command("verify_audit")


def test_anchors_that_contradict_each_other_are_told(file):
    _seal_more(20)
    anchors.anchor_chain()
    with pytest.raises(CommandError, match="two anchors contradict each other on seal 1"):
        call_command("verify_audit", "--anchor", f"1:{'0' * 64}")
