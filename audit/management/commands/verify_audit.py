"""`manage.py verify_audit`: proves the log, or names the first row or seal that is wrong."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.anchors import Anchor, parse_anchor
from audit.chain_checks import check_chain
from audit.verification import Report


class Command(BaseCommand):
    help = (
        "Check every retained row of the log of calls, and the chain of seals over them. Exit 0 and"
        " 'chain ok, N rows', or exit 1 naming the first bad row or seal."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since",
            type=_moment,
            metavar="2026-11-01",
            help="date or time (UTC); what was sealed before is taken on trust",
        )
        parser.add_argument(
            "--anchor",
            type=_anchor,
            action="append",
            default=[],
            metavar="NUMBER:DIGEST",
            help="a head of the chain that you kept; those in AUDIT_ANCHOR_FILE count anyhow",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        check, report = check_chain(since=options["since"], anchors=options["anchor"])
        if check.problem:
            raise CommandError(f"chain broken: {check.problem}")
        self.stdout.write(f"chain ok, {report.rows} rows")
        for line in _details(report):
            self.stdout.write(f"  {line}")


def _details(report: Report) -> list[str]:
    if report.first_seal is None:
        lines = ["no seals in that time; rows were checked by their own codes"]
    else:
        lines = [
            f"seals {report.first_seal} to {report.last_seal},"
            f" up to {report.sealed_up_to:%Y-%m-%d %H:%M:%S} UTC",
            f"head {report.last_seal}:{report.last_digest}",
        ]
        if report.first_seal > 1:
            lines.append(f"seals before {report.first_seal} were not looked at")
    if report.late:
        lines.append(f"{report.late} rows came after their range was sealed, and have late seals")
    if report.dropped:
        lines.append(f"{report.dropped} sealed rows are gone with the partitions of their months")
    if report.unsealed:
        lines.append(f"{report.unsealed} rows have no seal yet; checked by their own codes")
    if report.running:
        lines.append(f"{report.running} rows are still running")
    return lines


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a date or time, as 2026-11-01") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _anchor(text: str) -> Anchor:
    try:
        return parse_anchor(text)
    except ValueError as error:
        raise ArgumentTypeError("write NUMBER:DIGEST, as verify_audit prints the head") from error
