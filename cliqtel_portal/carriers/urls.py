from __future__ import annotations

from django.urls import path

from cliqtel_portal.carriers import views

urlpatterns = [path("<slug:carrier>/webhook", views.webhook, name="carrier_webhook")]
