"""My Numbers. `/numbers/ai-access/` is mounted before it, by the composition root."""

from __future__ import annotations

from django.urls import path

from cliqtel_portal.numbers import search_views, tag_views, views

app_name = "numbers"
urlpatterns = [
    path("", views.number_list, name="list"),
    path("search/", search_views.search, name="search"),
    path("search/reserve/", search_views.reserve, name="reserve"),
    path("search/release/<uuid:reservation_id>/", search_views.release_hold, name="release-hold"),
    path("tags/", tag_views.tag_many, name="tags"),
    path("<uuid:number_id>/", views.number_detail, name="detail"),
    path("<uuid:number_id>/restore/", views.restore, name="restore"),
    path("<uuid:number_id>/tags/", tag_views.tag_one, name="number-tags"),
]
