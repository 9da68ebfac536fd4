from __future__ import annotations

from cliqtel_portal.pricing import demo, services
from cliqtel_portal.pricing.models import Price


def test_seeding_twice_leaves_one_price_for_each_country_and_type(acme):
    demo.seed({"acme": acme})
    demo.seed({"acme": acme})
    assert Price.objects.count() == len(demo.PRICES)
    assert len(services.coverage(acme, limit=100).countries) == 9


def test_seeding_again_keeps_what_staff_changed(acme):
    demo.seed({"acme": acme})
    Price.objects.filter(country="NL", number_type="local").update(monthly="7.00")
    demo.seed({"acme": acme})
    price = services.current_price(acme, country="NL", number_type="local")
    assert price.monthly.plain == "7.00"
