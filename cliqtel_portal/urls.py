"""Composition root of the pages; cliqtel_portal.asgi hands `/mcp` over before Django."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularJSONAPIView

from cliqtel_portal import celery  # noqa: F401 - so that tasks sent from here find their broker
from cliqtel_portal.accounts.views import settings_home
from cliqtel_portal.docs.views import llms_txt
from cliqtel_portal.health import healthz, readyz
from cliqtel_portal.home.views import home
from cliqtel_portal.messaging.views.limit import limit as messaging_limit
from cliqtel_portal.metrics.views import metrics
from cliqtel_portal.notices.api import EventListView

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("mcp_access.oauth.urls")),
    path("", home, name="home"),
    path("llms.txt", llms_txt, name="llms-txt"),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("account/", include("cliqtel_portal.accounts.urls")),
    path("settings/", settings_home, name="settings"),
    path("settings/", include("cliqtel_portal.accounts.settings_urls")),
    path("settings/messaging/", messaging_limit, name="messaging-limit"),
    path("settings/alerts/", include("mcp_access.alert_settings_urls")),
    path("settings/approvals/", include("approvals.settings_urls")),
    path("approvals/", include("approvals.urls")),
    path("callflows/", include("cliqtel_portal.callflows.urls")),
    path("callflows/", include("cliqtel_portal.deeds.urls_flows")),
    path("trunks/", include("cliqtel_portal.trunks.urls")),
    path("messaging/", include("cliqtel_portal.messaging.urls")),
    path("carriers/", include("cliqtel_portal.carriers.urls")),
    path("docs/", include("cliqtel_portal.docs.urls")),
    path("numbers/ai-access/activity/exports/", include("audit.export_urls")),
    path("numbers/ai-access/", include("mcp_access.urls")),
    path("numbers/", include("cliqtel_portal.numbers.urls")),
    path("numbers/", include("cliqtel_portal.deeds.urls_numbers")),
    path("numbers/", include("cliqtel_portal.number_page.urls")),
    path("api/v1/approvals/", include("approvals.api_urls")),
    path("api/v1/approval-policies/", include("approvals.api_policies_urls")),
    path("api/v1/events/", EventListView.as_view(), name="api-events"),
    path("api/v1/numbers/", include("cliqtel_portal.numbers.api_urls")),
    path("api/v1/messaging/", include("cliqtel_portal.messaging.api_urls")),
    path("api/v1/schema/", SpectacularJSONAPIView.as_view(), name="api-schema"),
    path("admin/", admin.site.urls),
]

handler400 = "cliqtel_portal.error_pages.bad_request"
handler403 = "cliqtel_portal.error_pages.permission_denied"
handler404 = "cliqtel_portal.error_pages.page_not_found"
handler500 = "cliqtel_portal.error_pages.server_error"
