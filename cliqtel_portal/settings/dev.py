"""One machine, to try or develop it. `manage.py` has put the servers in the environment."""

from __future__ import annotations

from cliqtel_portal.embedded import data_dir
from cliqtel_portal.settings.base import *  # noqa: F403
from cliqtel_portal.settings.base import SECRET_KEY as _SECRET_KEY
from cliqtel_portal.settings.base import env

DEBUG = env.bool("DEBUG", default=False)
# Commands that need no database (check, makemigrations) run without a stack and so without its key.
SECRET_KEY = _SECRET_KEY or "development-only-" + "0" * 40
AUDIT_KEY = env.str("AUDIT_KEY", default="") or SECRET_KEY
AUDIT_ANCHOR_FILE = env.str("AUDIT_ANCHOR_FILE", default=str(data_dir() / "audit-anchors.log"))
AUDIT_ARCHIVE_DIR = env.str("AUDIT_ARCHIVE_DIR", default=str(data_dir() / "audit-archive"))
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Serve files straight from the source tree, no collectstatic.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
