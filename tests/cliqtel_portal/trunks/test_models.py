from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from cliqtel_portal.trunks.models import Trunk, TrunkCredential
from tests.factories.trunks import SEEN, TrunkFactory

pytestmark = pytest.mark.django_db


def refused_by(constraint: str, **fields: Any) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        TrunkFactory(**fields)


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("trunks_trunk_status_valid", {"status": "gone"}),
        ("trunks_trunk_authentication_complete", {"authentication": "magic"}),
        ("trunks_trunk_authentication_complete", {"username": ""}),
        ("trunks_trunk_authentication_complete", {"by_ip": True, "allowed_ips": []}),
        ("trunks_trunk_authentication_complete", {"by_ip": True, "registered": True}),
        ("trunks_trunk_transports_valid", {"transports": []}),
        ("trunks_trunk_transports_valid", {"transports": ["udp", "ws"]}),
        ("trunks_trunk_codecs_valid", {"codecs": []}),
        ("trunks_trunk_codecs_valid", {"codecs": ["PCMA", "MP3"]}),
        ("trunks_trunk_dtmf_valid", {"dtmf_mode": "loud"}),
        ("trunks_trunk_srtp_needs_tls", {"srtp": "required", "transports": ["udp"]}),
        ("trunks_trunk_srtp_needs_tls", {"srtp": "maybe"}),
        ("trunks_trunk_channels_positive", {"channel_limit": 0}),
        ("trunks_trunk_registration_dated", {"registration_state": "registered"}),
        ("trunks_trunk_registration_dated", {"registered": True, "registration_state": "never"}),
        ("trunks_trunk_registration_dated", {"registered": True, "registered_at": None}),
        ("trunks_trunk_registration_dated", {"registered": True, "registration_expires_at": None}),
        (
            "trunks_trunk_registration_dated",
            {"registered": True, "registration_expires_at": SEEN - timedelta(seconds=1)},
        ),
        ("trunks_trunk_last_error_dated", {"last_sip_code": 403}),
        ("trunks_trunk_last_error_dated", {"last_sip_at": SEEN}),
        ("trunks_trunk_last_error_dated", {"last_sip_code": 200, "last_sip_at": SEEN}),
    ],
)
def test_the_database_refuses_a_trunk_that_cannot_be(
    constraint: str, fields: dict[str, Any]
) -> None:
    refused_by(constraint, **fields)
    assert not Trunk.objects.exists()


def test_a_name_is_free_in_another_tenant_only() -> None:
    trunk = TrunkFactory(name="Office")
    refused_by("trunks_trunk_name_unique", tenant=trunk.tenant, name="Office")
    assert TrunkFactory(name="Office").tenant != trunk.tenant


def test_a_user_name_belongs_to_one_trunk_of_all_tenants() -> None:
    TrunkFactory(username="pbx-1")
    refused_by("trunks_trunk_username_unique", username="pbx-1")


def test_trunks_by_address_need_no_user_name() -> None:
    TrunkFactory(by_ip=True)
    TrunkFactory(by_ip=True)
    assert Trunk.objects.filter(username="").count() == 2


def test_a_password_in_plain_text_is_refused_by_the_database() -> None:
    with (
        pytest.raises(IntegrityError, match="trunks_credential_encrypted"),
        transaction.atomic(),
    ):
        TrunkCredential.objects.create(trunk=TrunkFactory(), ciphertext=b"hunter2")
