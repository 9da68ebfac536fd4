"""Verifies the log and keeps what came of it, for Django admin to show."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone

from audit.anchors import Anchor, digests
from audit.models import ChainCheck
from audit.verification import ChainBroken, Report, verify_chain

logger = logging.getLogger(__name__)


def check_chain(
    *, since: datetime | None = None, anchors: Iterable[Anchor] = ()
) -> tuple[ChainCheck, Report]:
    """The log is verified, and the finding kept. With a problem, the report is empty.

    As `verify_chain`; the anchors on disk count beside those given.
    """
    report, problem = Report(), ""
    try:
        report = verify_chain(since=since, anchors=digests(anchors))
    except ChainBroken as error:
        problem = str(error)
        logger.error("the log of calls is not in order: %s", problem)
    check = ChainCheck.objects.create(
        checked_at=timezone.now(),
        rows=report.rows,
        first_seal=report.first_seal,
        last_seal=report.last_seal,
        sealed_up_to=report.sealed_up_to,
        problem=problem[:300],
    )
    return check, report


def last_check() -> ChainCheck | None:
    return ChainCheck.objects.order_by("-id").first()
