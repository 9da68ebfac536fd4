from __future__ import annotations

from django.urls import path

from cliqtel_portal.deeds import views_flows

app_name = "flow_deeds"
urlpatterns = [
    path(
        "<uuid:call_flow_id>/revisions/<int:number>/publish/",
        views_flows.publish_revision,
        name="publish",
    ),
    path("changes/<uuid:change_id>/", views_flows.change_detail, name="change"),
]
