"""Settings → Alerts on Slack."""

from __future__ import annotations

from django.urls import path

from mcp_access.views import alert_settings

app_name = "alert-settings"

urlpatterns = [
    path("", alert_settings.webhook, name="webhook"),
    path("test/", alert_settings.webhook_test, name="test"),
    path("remove/", alert_settings.webhook_remove, name="remove"),
]
