"""The suite: real PostgreSQL and Valkey, started by tests/servers.py before this is imported."""

from __future__ import annotations

import os

from cliqtel_portal.settings.base import *  # noqa: F403
from cliqtel_portal.settings.base import CACHES, DATABASES
from cliqtel_portal.settings.base import VALKEY_URL as _VALKEY_URL

# Each xdist worker has its own keys in the one Valkey.
_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
VALKEY_PREFIX = os.environ.get("VALKEY_PREFIX") or f"test-{os.getpid()}-{_worker}:"
# Two runs on one machine at once are each other's strangers; xdist adds its worker to the name.
DATABASES["default"]["TEST"] = {"NAME": f"test_{os.environ.get('TEST_RUN', 'cliqtel')}"}
CACHES["default"]["KEY_PREFIX"] = f"{VALKEY_PREFIX}cache"
CELERY_BROKER_URL = _VALKEY_URL
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True

SECRET_KEY = "test-" + "0" * 50
AUDIT_KEY = "test-audit-" + "0" * 40
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
# Only a daphne that OAuth clients meet is told its own origin: they hold a server to its name.
OAUTH_ISSUER = os.environ.get("OAUTH_ISSUER", "http://127.0.0.1:8000")
MCP_RESOURCE_URL = os.environ.get("MCP_RESOURCE_URL", "http://127.0.0.1:8000/mcp")
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
