"""Servers. Refuses to start without what a server must be told, naming the variable."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from cliqtel_portal.settings.base import *  # noqa: F403
from cliqtel_portal.settings.base import BASE_DIR, env
from cliqtel_portal.settings.logs import logging_config


def _required(name: str) -> str:
    value: str = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"Set the environment variable {name}: production needs it.")
    return value


for _name in ("DATABASE_URL", "VALKEY_URL"):
    _required(_name)
SECRET_KEY = _required("SECRET_KEY")
AUDIT_KEY = _required("AUDIT_KEY")
OAUTH_ISSUER = _required("OAUTH_ISSUER").rstrip("/")
MCP_RESOURCE_URL = _required("MCP_RESOURCE_URL")
for _name, _url in (("OAUTH_ISSUER", OAUTH_ISSUER), ("MCP_RESOURCE_URL", MCP_RESOURCE_URL)):
    if urlsplit(_url).scheme != "https" or not urlsplit(_url).hostname:
        raise ImproperlyConfigured(f"{_name} must be an https URL with a host, not {_url!r}.")
if len(AUDIT_KEY) < 32:
    raise ImproperlyConfigured("AUDIT_KEY must have at least 32 characters.")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[]) or [
    host for url in (OAUTH_ISSUER, MCP_RESOURCE_URL) if (host := urlsplit(url).hostname)
]
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[OAUTH_ISSUER])
_required("EMAIL_URL")

SECURE_SSL_REDIRECT = True
# Health checks come from inside, over plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

STATIC_ROOT = env.path("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
LOGGING = logging_config(json_lines=env.bool("LOG_JSON", default=True))
