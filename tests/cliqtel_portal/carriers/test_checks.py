from __future__ import annotations

import pytest

from cliqtel_portal.carriers.checks import check_carriers

BACKEND = "cliqtel_portal.carriers.backends.sandbox.SandboxCarrier"
WEBHOOK = "cliqtel_portal.carriers.webhooks.sandbox.SandboxWebhook"


def ids():
    return [message.id for message in check_carriers(None)]


def test_what_we_ship_is_in_order():
    assert ids() == []


@pytest.mark.parametrize(
    ("wrong", "entry"),
    [
        ("carriers.E003", {"backend": BACKEND, "webhok": WEBHOOK}),
        ("carriers.E004", {"backend": "cliqtel_portal.carriers.backends.nobody.Nobody"}),
        ("carriers.E004", {}),
        ("carriers.E005", {"backend": WEBHOOK}),
        ("carriers.E005", {"backend": BACKEND, "webhook": BACKEND}),
        ("carriers.E006", {"backend": BACKEND, "options": {"key": "s3cret"}}),
        ("carriers.E006", {"backend": "cliqtel_portal.carriers.base.CarrierBackend"}),
    ],
)
def test_a_wrong_entry_is_told_by_its_name(settings, wrong, entry):
    settings.CARRIERS = {"sandbox": entry}
    messages = check_carriers(None)
    assert [message.id for message in messages] == [wrong]
    assert "sandbox" in messages[0].msg
    assert "s3cret" not in str(messages[0])


def test_a_slug_fits_in_a_url(settings):
    settings.CARRIERS = {"A carrier": {"backend": BACKEND}, **settings.CARRIERS}
    assert ids() == ["carriers.E002"]


def test_the_default_is_one_of_them(settings):
    settings.CARRIER_DEFAULT = "nobody"
    assert ids() == ["carriers.E001"]


@pytest.mark.parametrize("attempts", [0, 8])
def test_an_operation_ends_before_its_approval_gives_up(settings, attempts):
    settings.CARRIER_MAX_ATTEMPTS = attempts
    assert ids() == ["carriers.E007"]
