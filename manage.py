#!/usr/bin/env python
"""Commands. On a developer's machine they bring the database with them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import execute_from_command_line

from cliqtel_portal import embedded

DEVELOPMENT = "cliqtel_portal.settings.dev"
# These say nothing to a database, so none is started for them.
WITHOUT_DATABASE = frozenset(
    {"check", "collectstatic", "compilemessages", "diffsettings", "findstatic", "help"}
    | {
        "makemessages",
        "mcp_call",
        "spectacular",
        "version",
        "--help",
        "--version",
    }
)


@contextmanager
def environment(command: str) -> Iterator[None]:
    """Have servers and keys in the environment, which settings are read from."""
    if os.environ.setdefault("DJANGO_SETTINGS_MODULE", DEVELOPMENT) != DEVELOPMENT:
        yield  # servers elsewhere are told everything by their own environment
        return
    folder = embedded.data_dir()
    if command != "up":
        embedded.load_address(folder)
    if command in WITHOUT_DATABASE:
        yield
        return
    with embedded.servers(folder) as servers:
        os.environ.update(DATABASE_URL=servers.database_url, VALKEY_URL=servers.valkey_url)
        for name, value in embedded.secrets(folder).items():
            os.environ.setdefault(name, value)
        yield


def main() -> None:
    # The default action would leave the servers running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with environment(sys.argv[1] if len(sys.argv) > 1 else "help"):
            execute_from_command_line(sys.argv)
    except embedded.EmbeddedError as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
