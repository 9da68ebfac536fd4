from __future__ import annotations

from django.urls import path

from cliqtel_portal.trunks import views

app_name = "trunks"
urlpatterns = [
    path("", views.trunk_list, name="list"),
    path("<uuid:trunk_id>/", views.trunk_detail, name="detail"),
]
