from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

import pytest

from audit.models import ToolCall
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotFound
from cliqtel_portal.trunks.credentials import set_password
from cliqtel_portal.trunks.models import Trunk
from mcp_access.pipeline import execute_tool_call_sync
from tests.factories.mcp_access import principal_of
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db


def call(membership: Membership, **arguments: Any) -> dict[str, Any]:
    answer = execute_tool_call_sync(principal_of(membership), "generate_pbx_setup", arguments)
    return {**answer.result.model_dump(mode="json", exclude_none=True), "text": answer.text}


@pytest.fixture
def trunk(bob: Membership) -> Trunk:
    trunk = TrunkFactory(tenant=bob.tenant, name="HQ")
    PhoneNumberFactory(tenant=bob.tenant, trunk=trunk, e164="+31201230900")
    return trunk


@pytest.mark.parametrize(
    ("platform", "names"),
    [
        ("3cx", ["3cx-trunk.txt"]),
        ("asterisk", ["pjsip.conf", "extensions.conf", "rtp.conf"]),
        ("teams", ["cliqtel-teams.ps1", "sbc-settings.txt"]),
    ],
)
def test_it_gives_files_steps_and_checks(
    bob: Membership, trunk: Trunk, platform: str, names: list[str]
) -> None:
    more = {"sbc_fqdn": "sbc1.example.com"} if platform == "teams" else {}
    found = call(bob, trunk_id=str(trunk.pk), platform=platform, **more)
    assert found["status"] == "ok"
    assert [file["name"] for file in found["files"]] == names
    for file in found["files"]:
        assert file["sha256"] == hashlib.sha256(file["text"].encode()).hexdigest()
    assert found["steps"]
    assert found["verify_commands"]
    assert {rule["direction"] for rule in found["firewall"]} == {"in", "out"}
    assert found["portal_url"].endswith(f"/trunks/{trunk.pk}/")
    assert found["text"].startswith(", ".join(names))
    assert f" {len(found['warnings'])} warning" in found["text"]
    assert ToolCall.objects.get().status == "ok"


def test_the_password_never_comes(bob: Membership, trunk: Trunk) -> None:
    set_password(trunk, password="never-shown-42")
    text = json.dumps(call(bob, trunk_id=str(trunk.pk), platform="asterisk"))
    assert "never-shown-42" not in text
    assert "${CLIQTEL_SIP_PASSWORD}" in text


def test_all_problems_come_at_once_under_the_arguments_names(bob: Membership, trunk: Trunk) -> None:
    with pytest.raises(InvalidArguments) as caught:
        call(
            bob,
            trunk_id=str(trunk.pk),
            platform="teams",
            transport="tcp",
            authentication="ip",
            srtp=True,
            sbc_fqdn="sbc.contoso.onmicrosoft.com",
            numbers=["+31209999999"],
        )
    assert {problem.field for problem in caught.value.problems} == {
        "transport",
        "srtp",
        "pbx_public_ip",
        "sbc_fqdn",
        "numbers.0",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"platform": "freepbx"},
        {"transport": "sctp"},
        {"numbers": ["+31201230900"] * 101},
        {"numbers": ["1" * 33]},
        {"password": "x"},
    ],
)
def test_what_the_schema_does_not_know_is_refused(
    bob: Membership, trunk: Trunk, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InvalidArguments):
        call(bob, **{"trunk_id": str(trunk.pk), "platform": "asterisk", **wrong})


def test_mallory_does_not_find_the_trunk(mallory: Membership, trunk: Trunk) -> None:
    for trunk_id in (trunk.pk, uuid.uuid4()):
        with pytest.raises(NotFound):
            call(mallory, trunk_id=str(trunk_id), platform="asterisk")


def test_mallory_gets_nothing_by_naming_acmes_number(mallory: Membership, trunk: Trunk) -> None:
    own = TrunkFactory(tenant=mallory.tenant)
    with pytest.raises(InvalidArguments) as caught:
        call(mallory, trunk_id=str(own.pk), platform="asterisk", numbers=["+31201230900"])
    assert [problem.field for problem in caught.value.problems] == ["numbers.0"]
