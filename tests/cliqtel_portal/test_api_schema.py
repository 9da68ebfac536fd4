"""The OpenAPI document: complete, and only for who is signed in."""

from __future__ import annotations

import json

from django.core.management import call_command


def test_the_document_is_complete_and_valid(tmp_path):
    path = tmp_path / "schema.json"
    call_command(
        "spectacular", file=str(path), format="openapi-json", validate=True, fail_on_warn=True
    )
    document = json.loads(path.read_text())
    assert document["openapi"] == "3.1.0"
    assert {"/api/v1/events/", "/api/v1/approvals/{approval_id}/approve"} <= set(document["paths"])
    for path_item in document["paths"].values():
        for operation in path_item.values():
            assert operation["summary"]
            assert operation["security"] == [{"session": []}]
            assert {"401", "403"} <= set(operation["responses"])


def test_the_document_is_for_people_who_are_signed_in(client, alice):
    assert client.get("/api/v1/schema/").status_code == 401
    client.force_login(alice.user)
    assert client.get("/api/v1/schema/").json()["openapi"] == "3.1.0"
