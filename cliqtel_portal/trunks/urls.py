from __future__ import annotations

from django.urls import path

from cliqtel_portal.trunks import views, views_password

app_name = "trunks"
urlpatterns = [
    path("", views.trunk_list, name="list"),
    path("<uuid:trunk_id>/", views.trunk_detail, name="detail"),
    path("<uuid:trunk_id>/password/", views_password.password, name="password"),
    path("<uuid:trunk_id>/setup/", views.trunk_setup, name="setup"),
    path("<uuid:trunk_id>/setup/<str:name>", views.trunk_setup_file, name="setup-file"),
]
