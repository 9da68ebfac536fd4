"""Arguments with which each tool finds something in acme's demo data."""

from __future__ import annotations

from typing import Any

from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.trunks.models import Trunk

# "?": an object of acme's, looked up by `real_arguments`.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "get_call_flow": {"number": "?"},
    "get_document": {"document_id": "trunk-3cx"},
    "get_number_requirements": {"country": "NL", "number_type": "local"},
    "get_pricing": {},
    "get_sip_config": {"trunk_id": "?"},
    "list_call_flows": {},
    "list_inventory": {},
    "search_docs": {"query": "one way audio"},
    "search_numbers": {"country": "NL"},
    "whoami": {},
}


def real_arguments(name: str) -> dict[str, Any]:
    arguments = dict(ARGUMENTS[name])
    if name == "get_sip_config":
        arguments["trunk_id"] = str(Trunk.objects.filter(tenant__slug="acme")[0].pk)
    if name == "get_call_flow":
        numbers = PhoneNumber.objects.filter(tenant__slug="acme", call_flow__isnull=False)
        arguments["number"] = numbers[0].e164
    return arguments
