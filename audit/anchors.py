"""Writes the chain's head down outside of the database.

Whoever may write the database could cut the newest seals off and leave a chain that fits. The file
remembers how far it went: a line a day for good, and beside it the newest head, `.head`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from audit import slack
from audit.models import Seal
from audit.verification import ChainBroken

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """A seal's number and digest; `str()` is what a person may keep and give to `verify_audit`."""

    number: int
    digest: str

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"


def chain_head() -> Anchor | None:
    newest = Seal.objects.order_by("-number").values_list("number", "digest").first()
    return Anchor(number=newest[0], digest=newest[1]) if newest else None


def keep_head() -> None:
    """The `.head` file names the newest seal.

    Left as it is, as evidence, where the chain doesn't hold what it names: then it was cut.
    """
    path, head = _file(), chain_head()
    if path is None or head is None:
        return
    kept = max(read_anchors(), key=lambda anchor: anchor.number, default=None)
    if kept == head:
        return
    if kept and not Seal.objects.filter(number=kept.number, digest=kept.digest).exists():
        logger.error("the chain of seals lacks seal %d of %s: run verify_audit", kept.number, path)
        return
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    _write(beside, _line(head), os.O_TRUNC)
    beside.replace(_head_file(path))


def anchor_chain() -> Anchor | None:
    """Append the head to the file, and say it on the operator's Slack, where they have those."""
    head = chain_head()
    if head is None:
        return None
    path = _file()
    if path is not None:
        _write(path, _line(head), os.O_APPEND)
    slack.send_text(f"Audit log, head of the chain of seals: {head}", key=f"anchor:{head.number}")
    return head


def read_anchors() -> list[Anchor]:
    """What the files say, oldest first. A line cut off by a crash is passed over."""
    path = _file()
    if path is None:
        return []
    return [anchor for file in (path, _head_file(path)) for anchor in _parsed(_lines(file))]


def digests(given: Iterable[Anchor] = ()) -> dict[int, str]:
    """By seal number, of the files and of those given.

    Raises:
        ChainBroken: two of them contradict each other.
    """
    found: dict[int, str] = {}
    for anchor in [*read_anchors(), *given]:
        if found.setdefault(anchor.number, anchor.digest) != anchor.digest:
            raise ChainBroken(f"two anchors contradict each other on seal {anchor.number}")
    return found


def parse_anchor(text: str) -> Anchor:
    """From `NUMBER:DIGEST`.

    Raises:
        ValueError: it is not one.
    """
    number, colon, digest = text.strip().partition(":")
    if not (colon and number.isdecimal() and len(digest) == 64):
        raise ValueError(text)
    return Anchor(number=int(number), digest=digest)


def _parsed(lines: Iterable[str]) -> Iterable[Anchor]:
    for line in lines:
        try:
            yield parse_anchor(line.rpartition(" ")[2])
        except ValueError:
            continue


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except FileNotFoundError:
        return []


def _line(head: Anchor) -> str:
    return f"{timezone.now().astimezone(UTC).isoformat(timespec='seconds')} {head}\n"


def _write(path: Path, line: str, how: int) -> None:
    """On disk when this returns."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _file() -> Path | None:
    return Path(settings.AUDIT_ANCHOR_FILE) if settings.AUDIT_ANCHOR_FILE else None


def _head_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.head")
