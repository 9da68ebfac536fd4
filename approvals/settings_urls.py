"""Settings → Approval policy."""

from __future__ import annotations

from django.urls import path

from approvals.views import policy

app_name = "approval-policy"

urlpatterns = [
    path("", policy.policy_list, name="list"),
    path("<slug:action>/", policy.policy_edit, name="edit"),
]
