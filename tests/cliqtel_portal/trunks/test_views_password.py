from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.notices.models import Notice
from cliqtel_portal.trunks.credentials import set_password
from cliqtel_portal.trunks.models import CredentialReveal, Trunk
from cliqtel_portal.trunks.reveals import record_reveal
from tests.factories.accounts import MembershipFactory
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db

SECRET = "sip-<b>secret-42"
SHOWN = "sip-&lt;b&gt;secret-42"
OWN = "correct horse battery"  # everybody's, says the factory


@pytest.fixture
def trunk(acme: Tenant) -> Trunk:
    trunk = TrunkFactory(tenant=acme, name="Amsterdam")
    set_password(trunk, password=SECRET)
    return trunk


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def ask(membership: Membership, trunk: Trunk, own: str = OWN) -> HttpResponse:
    url = reverse("trunks:password", args=[trunk.pk])
    return signed_in(membership).post(url, {"password": own})


def test_an_admin_sees_it_once_and_it_is_on_record(
    acme: Tenant, alice: Membership, bob: Membership, trunk: Trunk, caplog
) -> None:
    caplog.set_level(logging.DEBUG)
    admin = MembershipFactory(tenant=acme, role="admin")
    response = ask(admin, trunk)
    assert response.status_code == 200
    assert SHOWN in response.content.decode()
    assert response["Cache-Control"] == "no-store"
    reveal = CredentialReveal.objects.get()
    assert (reveal.tenant, reveal.trunk, reveal.user) == (acme, trunk, admin.user)
    assert (reveal.user_label, reveal.address) == (admin.user.email, "127.0.0.1")
    # The other admin is told, the member is not.
    notice = Notice.objects.get()
    assert notice.user == alice.user
    assert admin.user.email in notice.body
    kept = (
        f"{notice.title}{notice.body}{reveal}{caplog.text}{list(response.client.session.items())}"
    )
    assert SECRET not in kept
    assert OWN not in kept


def test_coming_back_shows_nothing(alice: Membership, trunk: Trunk) -> None:
    client = signed_in(alice)
    url = reverse("trunks:password", args=[trunk.pk])
    assert SHOWN in client.post(url, {"password": OWN}).content.decode()
    response = client.get(url, follow=True)
    assert response.redirect_chain == [(f"/trunks/{trunk.pk}/#password", 302)]
    page = response.content.decode()
    assert SHOWN not in page
    assert alice.user.email in page[page.index("Shown to") :]
    assert CredentialReveal.objects.count() == 1


@pytest.mark.parametrize("own", ["", "wrong", "\x00", "x" * 5000])
def test_without_the_own_password_nothing_is_shown(
    own: str, alice: Membership, trunk: Trunk
) -> None:
    response = ask(alice, trunk, own)
    assert response.status_code == 422
    assert SHOWN not in response.content.decode()
    assert not CredentialReveal.objects.exists()


def test_guessing_ends_after_some_wrong_ones(
    alice: Membership, trunk: Trunk, settings: Settings
) -> None:
    settings.RATE_LIMIT_CONFIRM_FAILURES = "1/5m"
    ask(alice, trunk, "wrong")
    page = ask(alice, trunk).content.decode()
    assert "Too many wrong passwords. No SIP password was shown." in page
    assert SHOWN not in page
    assert not CredentialReveal.objects.exists()


def test_one_person_has_only_some_shown_in_an_hour(
    acme: Tenant, alice: Membership, trunk: Trunk, settings: Settings
) -> None:
    settings.TRUNK_REVEALS_PER_HOUR = 1
    assert ask(alice, trunk).status_code == 200
    refused = ask(alice, trunk)
    assert refused.status_code == 422
    assert "within an hour" in refused.content.decode()
    assert CredentialReveal.objects.count() == 1
    assert ask(MembershipFactory(tenant=acme, role="owner"), trunk).status_code == 200


@pytest.mark.parametrize("role", ["viewer", "member", "approver"])
def test_who_may_not_sees_no_form_and_gets_none(role: str, acme: Tenant, trunk: Trunk) -> None:
    other = MembershipFactory(tenant=acme, role=role)
    refused = ask(other, trunk)
    assert refused.status_code == 403
    page = signed_in(other).get(reverse("trunks:detail", args=[trunk.pk])).content.decode()
    assert reverse("trunks:password", args=[trunk.pk]) not in page
    assert "Admins and owners" in page
    assert SHOWN not in page + refused.content.decode()
    assert not CredentialReveal.objects.exists()


def test_mallory_gets_404(mallory: Membership, trunk: Trunk) -> None:
    assert ask(mallory, trunk).status_code == 404
    assert signed_in(mallory).get(reverse("trunks:password", args=[trunk.pk])).status_code == 404
    assert not CredentialReveal.objects.exists()


def test_a_trunk_by_address_has_none_to_show(acme: Tenant, alice: Membership) -> None:
    by_address = TrunkFactory(tenant=acme, by_ip=True)
    response = ask(alice, by_address)
    assert response.status_code == 422
    assert "calls are accepted by their address" in response.content.decode()
    assert not CredentialReveal.objects.exists()


def test_an_unreadable_one_is_an_error_in_words(
    alice: Membership, trunk: Trunk, settings: Settings
) -> None:
    client = signed_in(alice)
    trunk.credential.ciphertext = b"gAAAAA" + b"x" * 80
    trunk.credential.save()
    response = client.post(reverse("trunks:password", args=[trunk.pk]), {"password": OWN})
    assert response.status_code == 422
    # The attempt is on record: it could have been shown.
    assert CredentialReveal.objects.count() == 1


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_record_stays_as_it_was_written(change: str, alice: Membership, trunk: Trunk) -> None:
    reveal = record_reveal(alice, trunk_id=trunk.pk, address="")
    rows = CredentialReveal.objects.filter(pk=reveal.pk)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        rows.update(user_label="nobody") if change == "update" else rows.delete()


def test_no_tool_and_no_api_reads_a_password() -> None:
    root = Path(django_settings.BASE_DIR)
    readers = {
        str(path.relative_to(root))
        for folder in ("approvals", "audit", "cliqtel_portal", "mcp_access")
        for path in (root / folder).rglob("*.py")
        if re.search(r"\b(read|reveal)_password\b", path.read_text())
    }
    assert readers == {
        "cliqtel_portal/trunks/credentials.py",
        "cliqtel_portal/trunks/reveals.py",
        "cliqtel_portal/trunks/views_password.py",
    }
