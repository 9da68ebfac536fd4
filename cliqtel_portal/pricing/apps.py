from __future__ import annotations

from django.apps import AppConfig


class PricingConfig(AppConfig):
    name = "cliqtel_portal.pricing"
    label = "pricing"
