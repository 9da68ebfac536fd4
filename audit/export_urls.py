from __future__ import annotations

from django.urls import path

from audit import export_views

app_name = "exports"
urlpatterns = [
    path("", export_views.export_list, name="list"),
    path("<uuid:export_id>/file/", export_views.export_file, name="file"),
]
