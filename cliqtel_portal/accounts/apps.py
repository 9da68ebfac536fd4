from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "cliqtel_portal.accounts"
    label = "accounts"
