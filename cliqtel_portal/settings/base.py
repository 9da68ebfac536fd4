"""What is the same everywhere. A missing or wrong variable fails at start, by its name."""

from __future__ import annotations

import logging
from pathlib import Path

from csp.constants import NONE, SELF

from cliqtel_portal.settings.carriers import *  # noqa: F403 - upstream networks, same namespace
from cliqtel_portal.settings.environment import Environment, database_url, email_url, valkey_url
from cliqtel_portal.settings.keys import keys_by_id
from cliqtel_portal.settings.logs import logging_config
from cliqtel_portal.settings.mcp import *  # noqa: F403 - one page of AI-access policy, same namespace
from cliqtel_portal.settings.messaging import *  # noqa: F403

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = Environment()

DEBUG = False
SECRET_KEY = env.str("SECRET_KEY", default="")
# Former ones: sessions and links stay valid, SIP passwords and webhooks stay readable.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Signs audit rows. Not SECRET_KEY: rotating sessions must not break the chain of the log.
AUDIT_KEY = env.str("AUDIT_KEY", default="")
# Written into each audit row, so that old rows verify with old keys after a rotation.
AUDIT_KEY_ID = env.str("AUDIT_KEY_ID", default="k1")
# Retired keys by id, "k0:secret,k1:secret": only for verifying.
AUDIT_OLD_KEYS = keys_by_id("AUDIT_OLD_KEYS", env.list("AUDIT_OLD_KEYS", default=[]))
# What we write to disk; web and workers must see the same. Each use has its own folder in it.
DATA_DIR = Path(env.str("CLIQTEL_DATA_DIR", default="") or BASE_DIR / "var").resolve()
EXPORT_DIR = DATA_DIR / "exports"

INSTALLED_APPS = [
    "daphne",
    "cliqtel_portal.accounts",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "channels",
    "corsheaders",
    "csp",
    "django_htmx",
    "oauth2_provider",
    "rest_framework",
    "drf_spectacular",
    "cliqtel_portal.notices",
    "cliqtel_portal.billing",
    "cliqtel_portal.carriers",
    "cliqtel_portal.pricing",
    "cliqtel_portal.regulatory",
    "cliqtel_portal.numbers",
    "cliqtel_portal.trunks",
    "cliqtel_portal.callflows",
    "cliqtel_portal.messaging",
    "cliqtel_portal.docs",
    "audit",
    "approvals",
    "cliqtel_portal.deeds",
    "mcp_access",
    "cliqtel_portal",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "cliqtel_portal.request_log.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "csp.middleware.CSPMiddleware",
    "cliqtel_portal.accounts.middleware.NoStoreMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "cliqtel_portal.accounts.middleware.SessionUseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "cliqtel_portal.request_metrics.RequestMetricsMiddleware",
]

ROOT_URLCONF = "cliqtel_portal.urls"
ASGI_APPLICATION = "cliqtel_portal.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cliqtel_portal.accounts.context.shell",
                "approvals.context.waiting",
            ],
        },
    }
]

DATABASES = {
    "default": env(
        "DATABASE_URL",
        cast=database_url,
        default="postgres://127.0.0.1:1/unset",
        parse_default=True,
    )
}
DATABASES["default"]["OPTIONS"] = {
    **DATABASES["default"].get("OPTIONS", {}),
    "application_name": "cliqtel",
    # A statement that runs longer than this is a bug or an attack; jobs raise it for themselves.
    "options": f"-c statement_timeout={env.int('DB_STATEMENT_TIMEOUT_MS', default=30_000)}",
}
# One pool for a process: tools run in threads, and each call gives its connection back.
DATABASES["default"]["OPTIONS"]["pool"] = {
    "min_size": 1,
    "max_size": env.int("DB_POOL_MAX", default=MCP_THREADS + 4),  # noqa: F405
    "max_idle": 60,
    "timeout": 10,
}
DATABASES["default"]["CONN_MAX_AGE"] = 0
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

VALKEY_URL = env("VALKEY_URL", cast=valkey_url, default="redis://127.0.0.1:1/0")
# One database, key prefixes: a Valkey shared with other programs, or by test workers, stays clean.
VALKEY_PREFIX = env.str("VALKEY_PREFIX", default="")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": VALKEY_URL,
        "KEY_PREFIX": f"{VALKEY_PREFIX}cache",
        # Seconds. Without them one that accepts and never answers holds every log-in and /readyz.
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    }
}
# Open pages. Hints go over Valkey's own publish and subscribe (notices/hints.py): no channel layer.
SOCKETS_PER_USER = 20  # in one process
# Who left is disconnected within 5, and a lost hint delays news by no more.
SOCKET_CHECK_SECONDS = 3.0
EVENT_REPLAY_MAX = 500  # events; who missed more loads the page's list anew

CELERY_BROKER_URL = VALKEY_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": f"{VALKEY_PREFIX}celery:",
    # Seconds. Without them a Valkey that accepts and never answers holds each click that hands work
    # on, with its thread and connection, for good. A worker's own read waits for one of them.
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
}
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 300  # seconds
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    # Judges nothing: it is told of every change, and ends what the old password had opened.
    {"NAME": "mcp_access.oauth.password_changes.EndOAuthSessions"},
]
# What accounts can't import, by its name: `(membership, *, by)` is told of each that ended, and
# `(tenant)` says how many AI hosts each person has connected.
MEMBERSHIP_ENDED = ["mcp_access.departures.end_access"]
MEMBER_CONNECTIONS = "mcp_access.connections.count_by_person"
INVITATION_SECONDS = 7 * 24 * 3600
EMAIL_CHANGE_SECONDS = 24 * 3600
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "cliqtel_portal.accounts.adapter.ClosedSignupAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # people are invited: the invitation's link proved the address
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = False  # django-ratelimit holds the doors (settings/mcp.py); no second locker
ACCOUNT_PASSWORD_RESET_TIMEOUT = 3600
PASSWORD_RESET_TIMEOUT = 3600  # seconds
SESSION_ENGINE = "cliqtel_portal.accounts.session_store"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "cliqtel_portal.error_pages.csrf_failure"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]

EMAIL_URL = env("EMAIL_URL", cast=email_url, default="consolemail://", parse_default=True)
EMAIL_BACKEND = EMAIL_URL["EMAIL_BACKEND"]
EMAIL_HOST = EMAIL_URL["EMAIL_HOST"] or "localhost"
EMAIL_PORT = EMAIL_URL["EMAIL_PORT"] or 25
EMAIL_HOST_USER = EMAIL_URL["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = EMAIL_URL["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = EMAIL_URL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = EMAIL_URL.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10  # seconds: a mail server that hangs holds up no worker, and no page
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Cliqtel <portal@cliqtel.test>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# Strict: no inline script or style anywhere, nothing from elsewhere.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    }
}
# Browser-based hosts read discovery, register and fetch tokens from their own origin. No cookies:
# nothing there is done on the person's behalf. `/mcp` answers for itself.
CORS_URLS_REGEX = r"^/(\.well-known/oauth-|oauth/(token|register|revoke)$)"
CORS_ALLOW_ALL_ORIGINS = True
CORS_ALLOW_CREDENTIALS = False
CORS_EXPOSE_HEADERS = ["WWW-Authenticate", "Retry-After"]
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "mcp-protocol-version"]
CORS_PREFLIGHT_MAX_AGE = 600
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

# How long a number that was given up can be brought back before it goes to the carrier.
NUMBER_QUARANTINE_DAYS = 30
# Numbers that one form can tag: the rows stay locked while it works.
NUMBER_BULK_LIMIT = 10_000
# What a tenant may keep from others: reserved while people choose, and held by drafted orders.
NUMBER_RESERVATIONS_MAX = 10
NUMBER_ORDER_HELD_MAX = 50
NUMBER_ORDER_HOLD_SECONDS = 24 * 3600
# A click keeps the numbers at least this long, so that the purchase it starts still finds them.
NUMBER_ORDER_GRACE_SECONDS = 600

# Whoever sends it reads /metrics from anywhere; empty: only this machine does. At least 32
# characters, by a system check: nothing limits how often it may be guessed.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
# How long an answer of database and Valkey serves every scrape of a process, and after a failure.
METRICS_CACHE_SECONDS = 5.0
METRICS_RETRY_SECONDS = 30.0

# Base URL of an OTLP collector: traces of calls go to its /v1/traces. Empty: none are made. Needs
# the extra `otel`; its SDK's other variables (OTEL_…) are its own.
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
OTEL_SERVICE_NAME = env.str("OTEL_SERVICE_NAME", default="cliqtel")

# Bounds of ordinary form posts; /mcp has its own.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

# The portal's own pages are its only clients: sessions with CSRF, JSON, no pages of its own.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["cliqtel_portal.api_requests.BrowserSession"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["cliqtel_portal.api_requests.BoundedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS: 405
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "cliqtel_portal.api_errors.handle",
}
API_MAX_BODY_BYTES = 64 * 1024
SPECTACULAR_SETTINGS = {
    "TITLE": "Cliqtel portal",
    "DESCRIPTION": "What the portal's own pages ask and post, with the session of a person.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SERVE_AUTHENTICATION": ["cliqtel_portal.api_requests.BrowserSession"],
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ApprovalStatusEnum": "approvals.states.Status",
        "MessageStatusEnum": "cliqtel_portal.messaging.models.Message.Status",
    },
}

# django-ratelimit distrusts Django's own Redis cache backend; its counters there are atomic.
# http redirect URIs are for loopback only, which our own registration holds (RFC 8252).
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.W001", "oauth2_provider.W008"]

# A client must not choose the id under which its requests are found in the log.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = False
DJANGO_STRUCTLOG_TRUST_UPSTREAM_CORRELATION_ID = False
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
LOGGING = logging_config(json_lines=env.bool("LOG_JSON", default=False))
