from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotFound
from cliqtel_portal.trunks.credentials import set_password
from mcp_access.catalog.get_sip_config import get_sip_config
from mcp_access.tools.tool import Context
from tests.factories.mcp_access import principal_of
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db


def call(membership: Membership, **arguments: Any) -> dict[str, Any]:
    answer = get_sip_config.handler(
        Context(principal=principal_of(membership), call_id=str(uuid.uuid4())),
        get_sip_config.parse(arguments),
    )
    return {**answer.result.model_dump(mode="json", exclude_none=True), "text": answer.text}


def test_it_gives_all_that_a_pbx_needs(bob: Membership, settings: Settings) -> None:
    settings.OAUTH_ISSUER = "https://portal.example"
    trunk = TrunkFactory(
        tenant=bob.tenant, name="HQ", username="hq-1", registered=True, srtp="required"
    )
    found = call(bob, trunk_id=str(trunk.pk))
    assert found["status"] == "ok"
    assert found["registrar"] == "sip.cliqtel.example"
    assert found["port"] == 5061
    assert found["transports"] == [
        {"transport": "tls", "port": 5061},
        {"transport": "udp", "port": 5060},
    ]
    assert found["username"] == "hq-1"
    assert found["codecs"] == ["PCMA", "PCMU"]
    assert found["srtp"] == {"mode": "required", "suite": "AES_CM_128_HMAC_SHA1_80"}
    assert found["signalling_cidrs"] == ["192.0.2.0/26", "198.51.100.0/26"]
    assert found["media"] == {
        "cidrs": ["203.0.113.0/24"],
        "udp_port_from": 10000,
        "udp_port_to": 59999,
    }
    assert found["registration"]["state"] == "registered"
    assert found["registration"]["registered_at"] == "2026-11-01T09:00:00Z"
    assert found["portal_url"] == f"https://portal.example/trunks/{trunk.pk}/"
    assert "last_error" not in found
    assert found["text"] == "Trunk HQ: registered."


def test_the_last_error_is_explained(bob: Membership) -> None:
    trunk = TrunkFactory(tenant=bob.tenant, name="London", refused=True)
    found = call(bob, trunk_id=str(trunk.pk))
    assert found["last_error"]["code"] == 403
    assert found["last_error"]["at"] == "2026-11-01T11:00:00Z"
    assert "refused" in found["last_error"]["meaning"]
    assert found["last_error"]["what_to_do"]
    assert found["text"] == "Trunk London: not registered. Last error 403 Forbidden."


def test_a_trunk_by_address_has_addresses_instead_of_a_user_name(bob: Membership) -> None:
    trunk = TrunkFactory(tenant=bob.tenant, by_ip=True)
    found = call(bob, trunk_id=str(trunk.pk))
    assert found["allowed_ips"] == ["198.51.100.140"]
    assert found["registration"] == {"state": "not_used"}
    assert "username" not in found


def test_no_credential_is_in_the_result_whatever_the_trunk(
    bob: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    trunk = TrunkFactory(tenant=bob.tenant, refused=True)
    set_password(trunk, password="never-shown-42")
    context = Context(principal=principal_of(bob), call_id="1")
    arguments = get_sip_config.parse({"trunk_id": str(trunk.pk)})
    with django_assert_num_queries(1) as queries:
        answer = get_sip_config.handler(context, arguments)
    assert "trunkcredential" not in queries.captured_queries[0]["sql"]
    text = json.dumps([answer.result.model_dump(mode="json"), answer.text]).lower()
    assert "never-shown-42" not in text
    assert "gaaaa" not in text


def test_mallory_does_not_find_the_trunk(mallory: Membership) -> None:
    for trunk_id in (TrunkFactory().pk, uuid.uuid4()):
        with pytest.raises(NotFound):
            call(mallory, trunk_id=str(trunk_id))


@pytest.mark.parametrize("arguments", [{}, {"trunk_id": "HQ"}, {"trunk_id": None}])
def test_anything_but_an_id_is_refused(bob: Membership, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArguments) as caught:
        call(bob, **arguments)
    assert [problem.field for problem in caught.value.problems] == ["trunk_id"]
