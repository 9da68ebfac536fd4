"""My Numbers → AI Access."""

from __future__ import annotations

from django.urls import path

from mcp_access.views import (
    activity,
    activity_export,
    alerts,
    apps,
    doctor,
    first_calls,
    new_token,
    notices,
    overview,
    token_trim,
    tokens,
    usage,
)

app_name = "mcp_access"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("tokens/", tokens.token_list, name="token-list"),
    path("tokens/new/", new_token.token_new, name="token-new"),
    path("tokens/new/create/", new_token.token_create, name="token-create"),
    path(
        "tokens/new/disconnect/<uuid:token_id>/",
        new_token.token_disconnect,
        name="token-disconnect",
    ),
    path(
        "tokens/new/disconnect-app/<uuid:consent_id>/",
        new_token.app_disconnect,
        name="app-disconnect",
    ),
    path("tokens/<uuid:token_id>/", tokens.token_detail, name="token-detail"),
    path(
        "tokens/<uuid:token_id>/first-call/",
        first_calls.token_first_call,
        name="token-first-call",
    ),
    path("tokens/<uuid:token_id>/revoke/", tokens.token_revoke, name="token-revoke"),
    path("tokens/<uuid:token_id>/lift/", alerts.restriction_lift, name="restriction-lift"),
    path("tokens/<uuid:token_id>/rotate/", tokens.token_rotate, name="token-rotate"),
    path("tokens/<uuid:token_id>/trim/", token_trim.token_trim, name="token-trim"),
    path("tokens/<uuid:token_id>/limit/", tokens.token_set_limit, name="token-set-limit"),
    path("apps/", apps.app_list, name="app-list"),
    path("apps/revoke-all/", apps.app_revoke_all, name="app-revoke-all"),
    path("apps/<uuid:consent_id>/", apps.app_detail, name="app-detail"),
    path("apps/<uuid:consent_id>/first-call/", first_calls.app_first_call, name="app-first-call"),
    path("apps/<uuid:consent_id>/revoke/", apps.app_revoke, name="app-revoke"),
    path("usage/", usage.usage, name="usage"),
    path("usage/days.csv", usage.usage_days, name="usage-days"),
    path("usage/statements.csv", usage.usage_statements, name="usage-statements"),
    path("activity/", activity.activity, name="activity"),
    path("activity/export/", activity_export.activity_export, name="activity-export"),
    path("activity/<uuid:call_id>/", activity.call_detail, name="call-detail"),
    path("alerts/", alerts.alert_list, name="alert-list"),
    path("alerts/<uuid:alert_id>/", alerts.alert_detail, name="alert-detail"),
    path("alerts/<uuid:alert_id>/acknowledge/", alerts.alert_acknowledge, name="alert-acknowledge"),
    path("doctor/", doctor.doctor, name="doctor"),
    path("doctor/watch/", doctor.doctor_watch, name="doctor-watch"),
    path("doctor/self-test/", doctor.doctor_selftest_run, name="doctor-selftest"),
    path("notices/<uuid:notice_id>/dismiss/", notices.notice_dismiss, name="notice-dismiss"),
]
