from __future__ import annotations

import pytest
from django.core.checks import run_checks


def ids() -> list[str | None]:
    return [one.id for one in run_checks() if one.id and one.id.startswith("audit.")]


@pytest.mark.parametrize(
    "url", ["", "https://hooks.slack.com/services/x", "http://127.0.0.1:9/x", "http://[::1]:9/x"]
)
def test_a_webhook_that_can_be_used_is_accepted(settings, url: str) -> None:
    settings.SLACK_WEBHOOK_URL = url
    assert ids() == []


@pytest.mark.parametrize(
    "url", ["hooks.slack.com/x", "http://hooks.slack.com/x", "https:///secret"]
)
def test_one_that_can_not_is_an_error_that_does_not_repeat_it(settings, url: str) -> None:
    settings.SLACK_WEBHOOK_URL = url
    (error,) = [one for one in run_checks() if one.id == "audit.E001"]
    assert url not in str(error)


def test_times_that_contradict_each_other_are_errors(settings) -> None:
    settings.ALERT_QUIET_SECONDS = settings.ALERT_WINDOW_SECONDS
    settings.SLACK_TIMEOUT_SECONDS = 60
    assert ids() == ["audit.E002", "audit.E003"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("EXPORT_PAGE_ROWS", 0), ("EXPORT_FILE_HOURS", "24"), ("AUDIT_SEAL_MAX_ROWS", True)],
)
def test_a_number_that_is_none_or_too_small_is_named(settings, name: str, value: object) -> None:
    setattr(settings, name, value)
    (error,) = [one for one in run_checks() if one.id == "audit.E006"]
    assert error.msg.startswith(f"{name} must be")


def test_calls_cut_off_are_closed_before_they_are_late(settings) -> None:
    settings.AUDIT_SEAL_WAIT = settings.AUDIT_INTERRUPTED_AFTER
    assert ids() == ["audit.E007"]


def test_a_new_key_under_the_old_id_is_an_error_that_tells_neither(settings) -> None:
    settings.AUDIT_OLD_KEYS = {settings.AUDIT_KEY_ID: "retired-secret", "k0": "other"}
    (error,) = [one for one in run_checks() if one.id == "audit.E008"]
    assert "retired-secret" not in str(error)
    assert settings.AUDIT_KEY not in str(error)


def test_directories_that_cannot_be_written_are_named(settings, tmp_path) -> None:
    (tmp_path / "file").touch()
    settings.EXPORT_DIR = tmp_path / "file" / "exports"
    settings.AUDIT_ARCHIVE_DIR = str(tmp_path / "made" / "when" / "needed")
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "file" / "anchors.log")
    warnings = [one.msg for one in run_checks() if one.id == "audit.W001"]
    assert [text.partition(":")[0] for text in warnings] == ["EXPORT_DIR", "AUDIT_ANCHOR_FILE"]
    for wrong in ("anchors.log", str(tmp_path)):
        settings.AUDIT_ANCHOR_FILE = wrong
        assert "audit.E009" in ids()
