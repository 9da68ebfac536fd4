from __future__ import annotations

from django.urls import URLPattern, path

from approvals import api

app_name = "approvals_api"

_DECISIONS = {"approve": api.ApproveView, "reject": api.RejectView, "cancel": api.CancelView}

urlpatterns: list[URLPattern] = [
    path("", api.ApprovalListView.as_view(), name="list"),
    path("<uuid:approval_id>/", api.ApprovalDetailView.as_view(), name="detail"),
]
for _name, _view in _DECISIONS.items():
    urlpatterns += [
        path(f"<uuid:approval_id>/{_name}", _view.as_view(), name=_name),
        # A redirect would lose the body.
        path(f"<uuid:approval_id>/{_name}/", _view.as_view(schema=None)),
    ]
