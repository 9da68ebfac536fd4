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
