"""The pages of Settings that are about people and the account itself."""

from __future__ import annotations

from django.urls import path

from cliqtel_portal.accounts import settings_views

urlpatterns = [
    path("account/", settings_views.account, name="settings-account"),
]
