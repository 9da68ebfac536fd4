"""`manage.py up`: the whole stack on one machine; what `make run` calls."""

from __future__ import annotations

import os
import shlex
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError

from cliqtel_portal import embedded
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.docs.loading import load_articles
from cliqtel_portal.embedded.keys import write_private
from cliqtel_portal.embedded.locks import only_one
from cliqtel_portal.errors import PortalError
from cliqtel_portal.management.commands import demo
from cliqtel_portal.processes import ADDRESS, Child, free_port, supervise
from mcp_access.models import AccessToken
from mcp_access.services import issue_token, revoke_as_system

OWNER = "owner@acme.test"
TOKEN_NAME = "make run"  # noqa: S105 - a name
TOKEN_FILE = "ready-token"  # noqa: S105 - a file's name
TOKEN_SCOPES = (
    "mcp.inventory.read",
    "mcp.pricing.read",
    "mcp.docs.read",
    "mcp.callflows.read",
    "mcp.callflows.draft",
    "mcp.orders.draft",
)
START_SECONDS = 60


class Command(BaseCommand):
    help = "Migrate, seed the demo once, and run web, worker and beat until Ctrl-C."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        folder = embedded.data_dir()
        is_free, other = free_port(settings.PORT)
        with only_one(folder / "up.lock") as is_only:
            if not is_only:
                # Beside it on another port, this one would end the other's token and plan its
                # tasks twice.
                raise CommandError(
                    f"make run is at work already, with the data in {folder}. For another beside"
                    f" it: CLIQTEL_DATA_DIR={folder}/second PORT={other} make run"
                )
            if not is_free:
                raise CommandError(
                    f"Port {settings.PORT} is busy. {other} is free: PORT={other} make run"
                )
            self._run(folder)

    def _run(self, folder: Path) -> None:
        _require_servers()
        _migrate(self._tell)
        password = ""
        if not demo.is_seeded() or os.environ.get(demo.PASSWORD_VARIABLE):
            self._tell("Filling in the demo ...")
            password = demo.seed()
        else:
            load_articles()  # a newer checkout may have newer articles
        token = _new_token()
        write_private(folder / TOKEN_FILE, f"{token}\n")
        connections.close_all()
        connection.close_pool()  # type: ignore[attr-defined]
        try:
            supervise(
                _children(folder),
                on_ready=lambda: self._announce(password, token),
                look_after=lambda: _revive(folder),
            )
        finally:
            (folder / TOKEN_FILE).unlink(missing_ok=True)

    def _announce(self, password: str, token: str) -> None:
        if _wait_for_port(settings.PORT):
            self._tell(banner(password, token))
        else:
            self.stderr.write(f"Nothing answers on port {settings.PORT}; see the lines above.")

    def _tell(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()  # into a file or a pipe it would wait for more


def _revive(folder: Path) -> str:
    try:
        return embedded.revive(folder)
    except embedded.EmbeddedError as error:
        return str(error)


def banner(password: str, token: str) -> str:
    """What a newcomer needs, in the order of use; each line can be pasted."""
    origin, mcp = settings.OAUTH_ISSUER, settings.MCP_RESOURCE_URL
    shown = password or "as printed at the first start (new: manage.py demo --reset-password)"
    python = ".venv/bin/python"
    call = (
        f"""curl -s {mcp} -H 'Authorization: Bearer {token}' """
        """-H 'Content-Type: application/json' -H 'Accept: application/json' """
        """-d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami"}}'"""
    )
    lines = [
        "",
        "Cliqtel AI Access is up. Ctrl-C stops everything.",
        "",
        f"  Portal       {origin}/",
        f"  AI Access    {origin}/numbers/ai-access/",
        f"  Admin        {origin}/admin/",
        f"  MCP          {mcp}",
        "",
        f"  People       {', '.join(email for email, *_ in demo.PEOPLE)}",
        f"  Staff        {demo.STAFF[0]}",
        f"  Password     {shown}",
        "",
    ]
    if token:
        lines += [
            f"  Token        {token}",
            f"               of {OWNER}: read and draft; good until the next start",
            "",
            "  Claude Code  claude mcp add --transport http cliqtel "
            f'{mcp} --header "Authorization: Bearer {token}"',
            f"  curl         {call}",
            f"  Terminal     {python} manage.py mcp_call search_numbers country=NL "
            f"number_type=mobile --token {token}",
            "",
        ]
    else:
        lines += [
            f"  Token        none could be made for {OWNER}: see AI Access → Tokens.",
            "",
        ]
    return "\n".join(lines)


def _require_servers() -> None:
    """Those that the person named answer; the pool would wait, and then not say what was wrong.

    Raises: CommandError.
    """
    try:
        psycopg.connect(**connection.get_connection_params(), connect_timeout=10).close()
    except psycopg.OperationalError as error:
        raise CommandError(f"DATABASE_URL can't be used: {error}") from error
    try:
        cache.get("up")
    except (RedisError, OSError) as error:
        raise CommandError(f"VALKEY_URL can't be used: {error}") from error


def _migrate(tell: Callable[[str], None]) -> None:
    executor = MigrationExecutor(connection)
    if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        tell(f"Setting up the database ({len(plan)} steps, at first up to a minute) ...")
        call_command("migrate", verbosity=0, interactive=False)


def _new_token() -> str:
    """The start's own token; those of earlier starts are dead. "" where none can be made."""
    earlier = AccessToken.objects.static().live().filter(user__email=OWNER, name=TOKEN_NAME)
    for token_id in list(earlier.values_list("pk", flat=True)):
        revoke_as_system(token_id)
    owner = (
        Membership.objects.live()
        .select_related("user", "tenant")
        .filter(user__email=OWNER, tenant__slug="acme")
        .first()
    )
    try:
        return issue_token(owner, name=TOKEN_NAME, scopes=TOKEN_SCOPES).plaintext if owner else ""
    except PortalError:
        # Somebody took the last connection or the name, or changed the owner's role: their choice.
        return ""


def _children(folder: Path) -> list[Child]:
    python = shlex.quote(sys.executable)
    # Root is who runs a container or a fresh machine; the warning is right, but not here.
    quiet = shlex.quote("ignore:You're running the worker with superuser privileges")
    celery = f"{python} -W {quiet} -m celery --quiet -A cliqtel_portal.celery"
    schedule = shlex.quote(str(folder / "celerybeat-schedule"))
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    commands = {
        "web": f"{python} -m daphne -b {ADDRESS} -p {settings.PORT} --no-server-name -v 0"
        " cliqtel_portal.asgi:application",
        "worker": f"{celery} worker --concurrency=2 --loglevel=WARNING --without-gossip"
        " --without-mingle --hostname=worker@localhost",
        "beat": f"{celery} beat --loglevel=WARNING --pidfile= --schedule={schedule}",
    }
    return [Child(name, shlex.split(line), environment) for name, line in commands.items()]


def _wait_for_port(
    port: int, *, seconds: float = START_SECONDS, sleep: Callable[[float], None] = time.sleep
) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((ADDRESS, port)) == 0:
                return True
        sleep(0.1)
    return False
