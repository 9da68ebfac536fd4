from __future__ import annotations

from django.urls import path

from cliqtel_portal.number_page import emergency, views

app_name = "number_page"
urlpatterns = [
    path("<uuid:number_id>/routing/", views.routing, name="routing"),
    path("<uuid:number_id>/messaging/", views.messaging, name="messaging"),
    path("<uuid:number_id>/emergency/", emergency.emergency, name="emergency"),
    path("<uuid:number_id>/activity/", views.activity, name="activity"),
]
