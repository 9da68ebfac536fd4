from __future__ import annotations

from cliqtel_portal.pricing.demo import PRICES
from cliqtel_portal.regulatory import demo, services
from cliqtel_portal.regulatory.models import Document, Requirement, RequirementSet


def test_seeding_twice_changes_nothing(acme):
    demo.seed({"acme": acme})
    counts = [model.objects.count() for model in (RequirementSet, Requirement, Document)]
    demo.seed({"acme": acme})
    assert [model.objects.count() for model in (RequirementSet, Requirement, Document)] == counts


def test_everything_sold_has_rules_for_ordering_and_porting(acme):
    demo.seed({})
    sold = {(country, str(number_type)) for country, number_type, *_ in PRICES}
    for action in ("order", "port"):
        sets = RequirementSet.objects.filter(action=action)
        assert set(sets.values_list("country", "number_type")) == sold


def test_acme_has_something_satisfied_and_something_missing(acme):
    demo.seed({"acme": acme})
    german = services.check_requirements(acme, country="DE", number_type="local")
    assert {item.name for item in german.already_satisfied} == {
        "Company register extract",
        "Address in the area of the code",
    }
    assert [item.state for item in german.missing] == ["rejected"]
    dutch = services.check_requirements(acme, country="NL", number_type="local")
    assert dutch.missing == ()
    british = services.check_requirements(acme, country="GB", number_type="local")
    assert british.requirements == ()


def test_acme_can_buy_something_everywhere_but_in_spain(acme):
    demo.seed({"acme": acme})
    open_countries = {
        country
        for country, number_type, *_ in PRICES
        if not services.check_requirements(acme, country=country, number_type=number_type).missing
    }
    assert {country for country, *_ in PRICES} - open_countries == {"ES"}
