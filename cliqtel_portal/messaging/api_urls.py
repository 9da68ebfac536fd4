from __future__ import annotations

from django.urls import path

from cliqtel_portal.messaging import api

app_name = "messaging_api"

urlpatterns = [
    path("messages/", api.MessageListView.as_view(), name="messages"),
    path("limit/", api.LimitView.as_view(), name="limit"),
]
