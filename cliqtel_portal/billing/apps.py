from __future__ import annotations

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "cliqtel_portal.billing"
    label = "billing"
