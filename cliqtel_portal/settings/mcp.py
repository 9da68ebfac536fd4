"""All policy of AI access on one page. Times in seconds unless the name says otherwise."""

from __future__ import annotations

from typing import Any

from cliqtel_portal.settings.environment import Environment, port, rate

_env = Environment()

PORT = _env("PORT", cast=port, default=8000)

# -- where we are. Never taken from a Host header: tokens are bound to these ----------------------
# The portal's origin, the OAuth issuer, and the base of every link we hand out.
OAUTH_ISSUER = _env.str("OAUTH_ISSUER", default=f"http://127.0.0.1:{PORT}").rstrip("/")
# The protected resource (RFC 9728): the audience that every token must carry.
MCP_RESOURCE_URL = _env.str("MCP_RESOURCE_URL", default=f"{OAUTH_ISSUER}/mcp")
# How many proxies in front of us append to X-Forwarded-For. 0: the header is ignored.
TRUSTED_PROXIES = _env.int("TRUSTED_PROXIES", default=0)

# -- scopes: grant, tier (product.md, Scopes) -----------------------------------------------------
MCP_SCOPES: dict[str, dict[str, str]] = {
    "mcp.inventory.read": {"tier": "discover", "title": "See numbers, trunks and assignments"},
    "mcp.pricing.read": {"tier": "discover", "title": "See prices, coverage and products"},
    "mcp.docs.read": {"tier": "discover", "title": "Search docs, guides and requirements"},
    "mcp.callflows.read": {"tier": "discover", "title": "See call flows and routing"},
    "mcp.callflows.draft": {"tier": "automate", "title": "Propose call flow changes"},
    "mcp.orders.draft": {"tier": "automate", "title": "Draft number orders, hold numbers"},
    "mcp.numbers.purchase": {
        "tier": "automate",
        "title": "Buy, assign and release numbers after approval",
    },
    "mcp.routing.write": {"tier": "automate", "title": "Publish approved routing changes"},
    "mcp.messaging.send": {
        "tier": "automate",
        "title": "Send SMS and WhatsApp, with approval beyond your limit",
    },
}

# -- tiers: None is unlimited ---------------------------------------------------------------------
# month: tool calls per calendar month (UTC); hard: refuse beyond it; burst: tool calls a minute and
# token; connections: AI hosts attached to the tenant.
MCP_TIERS: dict[str, dict[str, Any]] = {
    "discover": {"title": "Discover", "month": 10_000, "hard": True, "burst": 60, "connections": 1},
    "automate": {
        "title": "Automate",
        "month": 100_000,
        "hard": False,
        "overage_eur": "0.0005",  # each call beyond the month; at most six decimals
        "burst": 300,
        "connections": 5,
    },
    "embed": {
        "title": "Embed / OEM",
        "month": None,
        "hard": False,
        "burst": 1_000,  # a start; staff set each partner's own on the tenant
        "connections": None,
    },
}
# A month's statement is closed this many seconds after its end: no call is written later than that.
MCP_MONTH_CLOSES_AFTER = 15 * 60
# Everything but tools/call (lists, discovery, pings) shares a ceiling this many times the burst.
MCP_OTHER_METHODS_FACTOR = 10
# While Valkey is away each process limits by itself; with several, a fraction keeps the sum honest.
MCP_LOCAL_BURST_DIVISOR = 4

# -- tokens ---------------------------------------------------------------------------------------
STATIC_TOKEN_DEFAULT_DAYS = 90
STATIC_TOKEN_MAX_DAYS = 365
STATIC_TOKEN_MAX_OVERLAP_HOURS = 7 * 24
STATIC_TOKEN_MAX_CIDRS = 20
TOKEN_TOUCH_SECONDS = 300  # last_used_at moves at most this often
TOKEN_MAIL_ATTEMPTS = 5  # a warning's mail is tried so often, once an hour
TOKEN_UNUSED_DAYS = 90  # a live token that nobody used for so long is pointed out
APP_UNUSED_DAYS = 60  # apps that nobody used for so long are listed by themselves
TOKEN_TRIM_AFTER_DAYS = 14  # from this age on, scopes that were never needed are pointed out
TOKEN_RETENTION_DAYS = 400  # dead tokens stay this long: the audit log names them

# -- the endpoint ---------------------------------------------------------------------------------
MCP_MAX_BODY_BYTES = 1024 * 1024
MCP_MAX_JSON_DEPTH = 32
MCP_MAX_RESULT_CHARS = 80_000  # about 20,000 tokens: hosts cut at 25,000
# A key of a call stands for its outcome this long.
MCP_IDEMPOTENCY_SECONDS = 24 * 3600
# A host may come back this long after it was asked to open an approval.
MCP_REQUEST_STATE_SECONDS = 3600
MCP_THREADS = _env.int(
    "MCP_THREADS", default=16
)  # threads for tools in a process; = its DB connections
MCP_POOL_MAX = _env.int(
    "MCP_POOL_MAX", default=8
)  # async connections for auth and audit in a process
# Host headers of /mcp beside the resource's own; browsers' origins that may call it.
MCP_EXTRA_HOSTS = _env.list("MCP_EXTRA_HOSTS", default=[])
MCP_ALLOWED_ORIGINS = _env.list("MCP_ALLOWED_ORIGINS", default=[])

# -- approvals: defaults where a tenant has no policy of its own -----------------------------------
APPROVAL_EXPIRES_SECONDS = 24 * 3600
APPROVAL_DECIDER_ROLE = "approver"  # and every role above it
# In the tenant's currency. From here on another person than the requester decides.
APPROVAL_FOUR_EYES_FROM = "500.00"
# Whatever the amount and the tenant's policy.
APPROVAL_ALWAYS_FOUR_EYES = frozenset({"release_number"})
# How many must agree from which amount on: ({"from": "5000.00", "deciders": 2},). Below all: one.
APPROVAL_LAYERS: tuple[dict[str, Any], ...] = ()
# An approved one that nobody has begun after this was lost on its way to a worker.
APPROVAL_LOST_SECONDS = 30
# A claim that brought no outcome in this time is taken over, if its worker has let go of the lock.
APPROVAL_CLAIM_SECONDS = 60
APPROVAL_RETRY_SECONDS = 15  # the first; doubled each time
APPROVAL_RETRY_MAX_SECONDS = 900
APPROVAL_MAX_ATTEMPTS = 8  # then it has failed, with the last reason
# Wrong passwords of one person, where a decision or a secret asks for it.
RATE_LIMIT_CONFIRM_FAILURES = "5/5m"
# SIP passwords that one person may have shown in an hour: enough to set up a site, not to take all.
TRUNK_REVEALS_PER_HOUR = 10

# Of one call flow: a host that drafts in a circle must not bury the inbox.
CALLFLOWS_MAX_PENDING_CHANGES = 20

# -- audit ----------------------------------------------------------------------------------------
AUDIT_MAX_ARGUMENT_BYTES = 8 * 1024
AUDIT_INTERRUPTED_AFTER = 600  # a row still `running` then was cut off
# Days. A month of the log whose last call is older is dropped as a whole: product.md, Audit.
AUDIT_RETENTION_DAYS = _env.int("AUDIT_RETENTION_DAYS", default=400)
# Absolute directory, on the workers, that gets each month as a file before it is dropped. Empty:
# dropped months are gone; what an archive is kept for, and where, is the operator's to know.
AUDIT_ARCHIVE_DIR = _env.str("AUDIT_ARCHIVE_DIR", default="")
# Milliseconds: a person who filters for what hardly occurs is asked for a shorter time.
AUDIT_PAGE_TIMEOUT_MS = 5_000
# Seconds before a row may be sealed: what clocks of two processes differ by, and more.
AUDIT_SEAL_GRACE = 60
# Seconds that a `running` row holds the chain up. More than AUDIT_INTERRUPTED_AFTER: what is then
# still running is odd, and is sealed late when it closes.
AUDIT_SEAL_WAIT = 900
AUDIT_SEAL_MAX_ROWS = 10_000  # in one seal; 24 bytes each in its row
# Seconds back in which each run looks for rows that came after their range was sealed. The daily
# anchor looks through all.
AUDIT_SEAL_LATE_WINDOW = 3600
AUDIT_VERIFY_DAYS = 2  # of the log are verified each night; all of it by `manage.py verify_audit`
# Where the chain's head is written down outside of the database, which it then can't be cut short
# without. Empty: nowhere. It must outlive the container, on a disk that the database can't write.
AUDIT_ANCHOR_FILE = _env.str("AUDIT_ANCHOR_FILE", default="")

# -- alerts: what the log is watched for (audit/anomalies.py) --------------------------------------
# Every rule looks back this long, each time that beat runs it.
ALERT_WINDOW_SECONDS = 300
# Calls by one token that scope or role refused. A host that lacks a scope tries once or twice.
ALERT_SCOPE_MISUSE_CALLS = 15
# Errors of a tenant, and how many times its usual number for so long a time that must be.
ALERT_ERRORS_MIN = 20
ALERT_ERRORS_FACTOR = 5
ALERT_BASELINE_DAYS = 7
# In its first hour a tenant has nothing usual: then more errors, and at least this share of calls.
ALERT_FIRST_HOUR_SECONDS = 3600
ALERT_FIRST_HOUR_ERRORS_MIN = 30
ALERT_FIRST_HOUR_ERROR_SHARE = 0.5
# A network (/24, IPv6 /48) that a token has not come from for so long is new to it. Of one that
# comes from so many, as hosts in a cloud do, another one tells nothing.
ALERT_NETWORK_DAYS = 30
ALERT_ROAMING_NETWORKS = 8
# Drafts by one token: each waits for a person.
ALERT_DRAFTS = 25
# Different things that one token asked for and that are not there: somebody guesses ids.
ALERT_GUESSES = 20
# An open alert that nothing has added to for so long is over; the next one is news again.
ALERT_QUIET_SECONDS = 3600
# A severe alert takes all but reading from its token, until an admin lifts that. Off: a false alarm
# would stop a customer's work.
MCP_AUTO_SUSPEND = _env.bool("MCP_AUTO_SUSPEND", default=False)
# An incoming webhook of the operator's, for the alerts of all tenants; empty: none.
SLACK_WEBHOOK_URL = _env.str("SLACK_WEBHOOK_URL", default="")
SLACK_TIMEOUT_SECONDS = 10
# A worker waits for a Retry-After up to this; a longer one is kept in the outbox.
SLACK_WAIT_SECONDS = 5
SLACK_CLAIM_SECONDS = 90  # a sender that brought no outcome in this time has died
SLACK_RETRY_SECONDS = 15  # the first; doubled each time
SLACK_RETRY_MAX_SECONDS = 900
SLACK_MAX_ATTEMPTS = 8  # over about half an hour; then the message has failed
SLACK_MESSAGE_DAYS = 30  # sent and failed ones are kept so long

# -- exports of the log ----------------------------------------------------------------------------
# Exports up to this many rows are sent at once; beyond, and as XLSX, a worker writes a file.
EXPORT_STREAM_ROWS = 50_000
EXPORT_COUNT_MS = 2_000  # milliseconds; counting that takes longer means: too many for a stream
EXPORT_PAGE_ROWS = 1_000  # read at a time; what a process holds in memory
# One file is written at a time, so that exports never take all workers from approvals. This long:
EXPORT_TIME_LIMIT = 3600
EXPORT_STATEMENT_MS = 600_000  # milliseconds; of a worker's page, where few rows match among many
EXPORT_MAX_ATTEMPTS = 3
EXPORT_MAX_WAITING = 3  # of one person
EXPORT_FILE_HOURS = 24
EXPORT_LINK_SECONDS = 900  # each view of the list makes new links

# -- the unauthenticated doors (django-ratelimit) -------------------------------------------------
RATELIMIT_USE_CACHE = "default"
RATE_LIMIT_LOGIN_FAILURES = _env("RATE_LIMIT_LOGIN_FAILURES", cast=rate, default="10/5m")
RATE_LIMIT_LOGIN = _env("RATE_LIMIT_LOGIN", cast=rate, default="120/m")
RATE_LIMIT_INVITATIONS = _env(
    "RATE_LIMIT_INVITATIONS", cast=rate, default="60/h"
)  # mails of an account
RATE_LIMIT_INVITED_MAILBOX = _env("RATE_LIMIT_INVITED_MAILBOX", cast=rate, default="5/h")
RATE_LIMIT_REGISTER = _env("RATE_LIMIT_REGISTER", cast=rate, default="60/m")
RATE_LIMIT_REGISTER_TOTAL = _env("RATE_LIMIT_REGISTER_TOTAL", cast=rate, default="1000/h")
RATE_LIMIT_AUTHORIZE = _env("RATE_LIMIT_AUTHORIZE", cast=rate, default="120/m")
RATE_LIMIT_TOKEN = _env("RATE_LIMIT_TOKEN", cast=rate, default="300/m")

# -- OAuth -----------------------------------------------------------------------------------------
OAUTH_CODE_SECONDS = 120  # an authorization code; hosts redeem it at once
OAUTH_SESSION_SECONDS = 30 * 24 * 3600  # from consent, however often it is renewed
# A used refresh token that comes again within this is refused without ending the sessions.
REFRESH_REUSE_GRACE_SECONDS = _env.int("REFRESH_REUSE_GRACE_SECONDS", default=0)
# Custom schemes of desktop apps that may be redirected to.
OAUTH_APP_SCHEMES = frozenset({"cursor", "vscode", "vscode-insiders"})
# Clients that go by the address of their own description (CIMD). Off where nothing may be fetched.
OAUTH_CLIENT_DOCUMENTS = _env.bool("OAUTH_CLIENT_DOCUMENTS", default=True)
OAUTH_UNUSED_CLIENT_HOURS = 72  # a client that never got a token is forgotten
OAUTH_ATTEMPT_DAYS = 30  # what the connection doctor looks back on
DOCTOR_WATCH_SECONDS = 15 * 60  # an admin sees what comes from their own address for so long
SELF_TEST_SECONDS = 20  # all steps of the self-test together
RATE_LIMIT_SELF_TEST = _env("RATE_LIMIT_SELF_TEST", cast=rate, default="6/m")  # per tenant

# -- django-oauth-toolkit -------------------------------------------------------------------------
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth2_provider.Application"
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "oauth2_provider.IDToken"  # noqa: S105 - a model's name
OAUTH2_PROVIDER_DEVICE_GRANT_MODEL = "oauth2_provider.DeviceGrant"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "mcp_access.AccessToken"  # noqa: S105
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "mcp_access.RefreshToken"  # noqa: S105
OAUTH2_PROVIDER_GRANT_MODEL = "mcp_access.Grant"
OAUTH2_PROVIDER = {
    "SCOPES": {name: str(scope["title"]) for name, scope in MCP_SCOPES.items()},
    "DEFAULT_SCOPES": [
        "mcp.inventory.read",
        "mcp.pricing.read",
        "mcp.docs.read",
        "mcp.callflows.read",
    ],
    "PKCE_REQUIRED": True,
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 30 * 24 * 3600,
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    # http is for loopback only (RFC 8252); mcp_access.oauth.redirects holds that at registration.
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https", "http", *sorted(OAUTH_APP_SCHEMES)],
    "ALLOW_LOCALHOST_LOOPBACK": True,
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": OAUTH_CODE_SECONDS,
    "ACCESS_TOKEN_GENERATOR": "mcp_access.oauth.validator.new_access_token",
    "REFRESH_TOKEN_GENERATOR": "mcp_access.oauth.validator.new_refresh_token",
    "OAUTH2_VALIDATOR_CLASS": "mcp_access.oauth.validator.McpValidator",
    "OAUTH2_BACKEND_CLASS": "mcp_access.oauth.backend.McpOAuthCore",
    "CIMD_ENABLED": OAUTH_CLIENT_DOCUMENTS,
    "CIMD_METADATA_FETCHER": "mcp_access.oauth.cimd.DocumentFetcher",
    "CIMD_REGISTRATION_PERMISSION_CLASSES": ["mcp_access.oauth.cimd.DocumentPolicy"],
    "SCOPES_BACKEND_CLASS": "mcp_access.oauth.scopes_backend.McpScopes",
    "APPLICATION_ADMIN_CLASS": "mcp_access.oauth.admin.ApplicationAdmin",
    "ACCESS_TOKEN_ADMIN_CLASS": "mcp_access.admin.AccessTokenAdmin",
    "REFRESH_TOKEN_ADMIN_CLASS": "mcp_access.admin.RefreshTokenAdmin",
    "GRANT_ADMIN_CLASS": "mcp_access.admin.GrantAdmin",
    "ID_TOKEN_ADMIN_CLASS": "mcp_access.admin.IDTokenAdmin",
}
