"""`manage.py mcp_call TOOL key=value…`: one call through the real endpoint."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cliqtel_portal.embedded import data_dir
from mcp_access.client import CallFailed, call_once

TOKEN_VARIABLE = "CLIQTEL_MCP_TOKEN"  # noqa: S105 - a variable's name


class Command(BaseCommand):
    help = "Call one tool at a running /mcp and print its structured content as JSON."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tool")
        parser.add_argument(
            "arguments",
            nargs="*",
            metavar="key=value",
            help='a value that is JSON (true, 20, ["sms"]) is taken as such, else as text',
        )
        parser.add_argument(
            "--token", help=f"default: ${TOKEN_VARIABLE}, else the token that `make run` printed"
        )
        parser.add_argument("--url", help="default: the endpoint of these settings")

    def handle(self, *args: Any, **options: Any) -> None:
        token = options["token"] or os.environ.get(TOKEN_VARIABLE) or _ready_token()
        if not token:
            raise CommandError(f"Give --token or ${TOKEN_VARIABLE}, or start `make run`.")
        url = options["url"] or settings.MCP_RESOURCE_URL
        arguments = dict(_parsed(argument) for argument in options["arguments"])
        try:
            content, is_error = asyncio.run(call_once(url, token, options["tool"], arguments))
        except CallFailed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(content, indent=2, ensure_ascii=False))
        if is_error:
            sys.exit(1)


def _parsed(argument: str) -> tuple[str, Any]:
    key, sign, value = argument.partition("=")
    if not sign or not key:
        raise CommandError(f"Write key=value, not {argument!r}.")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _ready_token() -> str:
    try:
        return (data_dir() / "ready-token").read_text().strip()
    except OSError:
        return ""
