"""Wrong settings of alerts, exports and the log stop the start, not the first alert or deletion."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register

# This month and the one before are still counted and billed.
_SHORTEST_DAYS = 62
# Whole numbers, and the least that each may be.
_LEAST = {
    "AUDIT_INTERRUPTED_AFTER": 1,
    "AUDIT_MAX_ARGUMENT_BYTES": 1,
    "AUDIT_PAGE_TIMEOUT_MS": 1,
    "AUDIT_SEAL_GRACE": 1,
    "AUDIT_SEAL_LATE_WINDOW": 1,
    "AUDIT_SEAL_MAX_ROWS": 1,
    "AUDIT_VERIFY_DAYS": 1,
    "EXPORT_COUNT_MS": 1,
    "EXPORT_FILE_HOURS": 1,
    "EXPORT_LINK_SECONDS": 1,
    "EXPORT_MAX_ATTEMPTS": 1,
    "EXPORT_MAX_WAITING": 1,
    "EXPORT_PAGE_ROWS": 1,
    "EXPORT_STATEMENT_MS": 1,
    "EXPORT_STREAM_ROWS": 0,
    "EXPORT_TIME_LIMIT": 1,
}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@register
def check_alerts(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    return [*_webhook(), *_times()]


def _webhook() -> Iterator[CheckMessage]:
    url = settings.SLACK_WEBHOOK_URL
    parts = urlsplit(url)
    is_near = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if url and not (parts.hostname and (parts.scheme == "https" or is_near)):
        # Without the address: whoever has it can post.
        yield Error(
            "SLACK_WEBHOOK_URL must be an https address with a host.",
            hint="Copy it from “Incoming Webhooks” of the Slack app. http is for loopback only.",
            id="audit.E001",
        )


def _times() -> Iterator[CheckMessage]:
    if settings.ALERT_QUIET_SECONDS <= settings.ALERT_WINDOW_SECONDS:
        yield Error(
            "ALERT_QUIET_SECONDS must be more than ALERT_WINDOW_SECONDS.",
            hint="Or an alert ends and is raised again by the same calls.",
            id="audit.E002",
        )
    longest = 3 * settings.SLACK_TIMEOUT_SECONDS + 2 * (settings.SLACK_WAIT_SECONDS + 1)
    if longest >= settings.SLACK_CLAIM_SECONDS:
        yield Error(
            f"SLACK_CLAIM_SECONDS must be more than {longest}, as long as one attempt may take.",
            hint="Or a living sender is taken for dead, and the message is sent twice.",
            id="audit.E003",
        )


@register
def check_retention(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[CheckMessage]:
    return list(_retention())


def _retention() -> Iterator[CheckMessage]:
    if settings.AUDIT_RETENTION_DAYS < _SHORTEST_DAYS:
        yield Error(
            f"AUDIT_RETENTION_DAYS is {settings.AUDIT_RETENTION_DAYS}.",
            hint=f"The log keeps at least {_SHORTEST_DAYS} days: last month is still billed.",
            id="audit.E004",
        )
    if settings.AUDIT_ARCHIVE_DIR and not Path(settings.AUDIT_ARCHIVE_DIR).is_absolute():
        yield Error(
            f"AUDIT_ARCHIVE_DIR {settings.AUDIT_ARCHIVE_DIR!r} is not an absolute path.",
            hint="Workers may be started anywhere: name the directory from the root.",
            id="audit.E005",
        )


@register
def check_numbers(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    wrong: list[CheckMessage] = []
    for name, least in _LEAST.items():
        value = getattr(settings, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            wrong.append(Error(f"{name} must be a whole number, {least} or more.", id="audit.E006"))
    if not wrong and settings.AUDIT_SEAL_WAIT <= settings.AUDIT_INTERRUPTED_AFTER:
        wrong.append(
            Error(
                "AUDIT_SEAL_WAIT must be more than AUDIT_INTERRUPTED_AFTER.",
                hint="Or each call that was cut off is sealed late.",
                id="audit.E007",
            )
        )
    return wrong


@register
def check_keys(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    old = settings.AUDIT_OLD_KEYS.get(settings.AUDIT_KEY_ID, settings.AUDIT_KEY)
    if old == settings.AUDIT_KEY:
        return []
    # Without the keys.
    return [
        Error(
            f"AUDIT_OLD_KEYS has another key under the id of the present one,"
            f" {settings.AUDIT_KEY_ID!r}.",
            hint="A new AUDIT_KEY needs a new AUDIT_KEY_ID, or old rows can't be proved.",
            id="audit.E008",
        )
    ]


@register
def check_directories(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[CheckMessage]:
    """What is written by workers. A warning, as a command may run where nothing is written."""
    directories = {"EXPORT_DIR": Path(settings.EXPORT_DIR)}
    if settings.AUDIT_ARCHIVE_DIR:
        directories["AUDIT_ARCHIVE_DIR"] = Path(settings.AUDIT_ARCHIVE_DIR)
    found: list[CheckMessage] = []
    if settings.AUDIT_ANCHOR_FILE:
        file = Path(settings.AUDIT_ANCHOR_FILE)
        directories["AUDIT_ANCHOR_FILE"] = file.parent
        if not file.is_absolute() or file.is_dir():
            found.append(
                Error(
                    f"AUDIT_ANCHOR_FILE {settings.AUDIT_ANCHOR_FILE!r} is no absolute path of a"
                    " file.",
                    hint="Workers may be started anywhere: name the file from the root.",
                    id="audit.E009",
                )
            )
    found += [
        checks.Warning(
            f"{name}: {directory} can't be written.",
            hint="Workers write there. Give it to the user that they run as, or mount a volume.",
            id="audit.W001",
        )
        for name, directory in directories.items()
        if not _may_be_written(directory)
    ]
    return found


def _may_be_written(directory: Path) -> bool:
    """It, or what there is of the way to it."""
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    return directory.is_dir() and os.access(directory, os.W_OK | os.X_OK)
