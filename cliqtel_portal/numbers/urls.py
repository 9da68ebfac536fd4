"""My Numbers. `/numbers/ai-access/` is mounted before it, by the composition root."""

from __future__ import annotations

from django.urls import path

from cliqtel_portal.numbers import views

app_name = "numbers"
urlpatterns = [
    path("", views.number_list, name="list"),
    path("<uuid:number_id>/", views.number_detail, name="detail"),
]
