"""PostgreSQL and Valkey from wheels, so that one command runs the portal and its tests.

Used before Django's settings exist, so nothing in here imports Django. Production names its servers
in the environment and starts none of this.
"""

from __future__ import annotations

from cliqtel_portal.embedded.errors import EmbeddedError
from cliqtel_portal.embedded.keys import data_dir, secrets
from cliqtel_portal.embedded.stack import (
    Servers,
    load_address,
    load_environment,
    revive,
    running,
    servers,
)

__all__ = [
    "EmbeddedError",
    "Servers",
    "data_dir",
    "load_address",
    "load_environment",
    "revive",
    "running",
    "secrets",
    "servers",
]
