from __future__ import annotations

from django.urls import path

from approvals.views import bulk, detail, inbox

app_name = "approvals"

urlpatterns = [
    path("", inbox.approval_inbox, name="inbox"),
    path("together/", bulk.approval_bulk, name="bulk"),
    path("<uuid:approval_id>/", detail.approval_detail, name="detail"),
    path("<uuid:approval_id>/approve/", detail.approval_approve, name="approve"),
    path("<uuid:approval_id>/reject/", detail.approval_reject, name="reject"),
    path("<uuid:approval_id>/cancel/", detail.approval_cancel, name="cancel"),
    path("<uuid:approval_id>/progress/", detail.approval_progress, name="progress"),
]
