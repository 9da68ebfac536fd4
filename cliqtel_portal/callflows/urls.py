from __future__ import annotations

from django.urls import path

from cliqtel_portal.callflows import views, views_flow

app_name = "callflows"
urlpatterns = [
    path("", views.flow_list, name="list"),
    path("<uuid:call_flow_id>/", views_flow.flow_detail, name="detail"),
]
