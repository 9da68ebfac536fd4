"""Run `check --deploy` on production settings, with what a server would be told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "cliqtel_portal.settings.prod",
    "DATABASE_URL": "postgres://portal@db.example.test:5432/portal",
    "VALKEY_URL": "rediss://valkey.example.test:6379/0",
    "SECRET_KEY": "a-key-of-more-than-fifty-characters-for-the-deployment-check-0123456789",
    "AUDIT_KEY": "another-key-of-more-than-fifty-characters-for-the-check-9876543210",
    "OAUTH_ISSUER": "https://portal.example.test",
    "MCP_RESOURCE_URL": "https://mcp.example.test/mcp",
    "EMAIL_URL": "smtp+tls://mail.example.test:587",
}

if __name__ == "__main__":
    repository = Path(__file__).resolve().parent.parent
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    sys.exit(
        subprocess.call(  # noqa: S603 - our own command
            command, cwd=repository, env={**os.environ, **ENVIRONMENT}
        )
    )
