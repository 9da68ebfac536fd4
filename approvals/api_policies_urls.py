from __future__ import annotations

from django.urls import path

from approvals import api_policies

app_name = "approval_policies_api"

urlpatterns = [
    path("", api_policies.PolicyListView.as_view(), name="list"),
    path("<slug:action>/", api_policies.PolicyView.as_view(), name="policy"),
]
