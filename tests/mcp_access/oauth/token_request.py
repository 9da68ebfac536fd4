"""Requests of the token endpoint, field by field, and what is true of its answers."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from tests.mcp_access.oauth.host import Host

FORM = "application/x-www-form-urlencoded"


def redemption(host: Host, code: str, **changes: Any) -> dict[str, Any]:
    fields = {
        "grant_type": "authorization_code",
        "client_id": host.client_id,
        "code": code,
        "redirect_uri": host.redirect_uri,
        "code_verifier": host.verifier,
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def basic(client_id: str, secret: str, scheme: str = "Basic") -> str:
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return f"{scheme} {base64.b64encode(pair.encode()).decode()}"


def check_refused(answer: Any, status: int, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    check_form(answer)


def check_form(answer: Any) -> None:
    """What is true of every answer of this endpoint."""
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"
    assert answer["Pragma"] == "no-cache"
