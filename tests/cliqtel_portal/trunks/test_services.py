from __future__ import annotations

import ipaddress
import uuid

import pytest

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.trunks import network, services
from cliqtel_portal.trunks.errors import TrunkNotFound
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db


def test_trunks_are_listed_by_name_within_the_tenant(acme: Tenant) -> None:
    TrunkFactory(tenant=acme, name="B")
    TrunkFactory(tenant=acme, name="A")
    TrunkFactory(name="Foreign")
    assert [trunk.name for trunk in services.trunks_of(acme)] == ["A", "B"]


def test_the_config_names_each_port_in_the_order_of_the_transports(acme: Tenant) -> None:
    trunk = TrunkFactory(tenant=acme, transports=["tls", "udp", "tcp"])
    config = services.sip_config(acme, trunk.pk)
    assert [(each.transport, each.port) for each in config.endpoints] == [
        ("tls", 5061),
        ("udp", 5060),
        ("tcp", 5060),
    ]
    assert config.last_error is None


def test_the_last_error_comes_with_its_explanation(acme: Tenant) -> None:
    trunk = TrunkFactory(tenant=acme, refused=True)
    error = services.sip_config(acme, trunk.pk).last_error
    assert error is not None
    assert error.explanation.code == 403
    assert error.at == trunk.last_sip_at


def test_the_trunk_of_another_tenant_is_not_found(mallory: Membership) -> None:
    trunk = TrunkFactory()
    for trunk_id in (trunk.pk, uuid.uuid4()):
        with pytest.raises(TrunkNotFound) as caught:
            services.sip_config(mallory.tenant, trunk_id)
        assert caught.value.code == "not_found"


def test_our_networks_are_ranges_reserved_for_documentation() -> None:
    reserved = [
        ipaddress.ip_network(cidr) for cidr in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
    ]
    for cidr in (*network.SIGNALLING_CIDRS, *network.MEDIA_CIDRS):
        ours = ipaddress.ip_network(cidr)
        assert isinstance(ours, ipaddress.IPv4Network)
        assert any(ours.subnet_of(block) for block in reserved)
