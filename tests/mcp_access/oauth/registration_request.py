"""Requests of the registration endpoint, and what is true of its answers."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client
from oauth2_provider.models import Application

from tests.mcp_access.oauth.host import REDIRECT_URI

PATH = "/oauth/register"
GOOD = {"redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none"}


def send(client: Client, body: bytes, content_type: str = "application/json", **more: Any) -> Any:
    return client.generic("POST", PATH, body, content_type=content_type, **more)


def register(client: Client, **changes: Any) -> Any:
    return send(client, json.dumps({**GOOD, **changes}).encode())


def check_form(answer: Any) -> None:
    """What is true of every answer."""
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"
    assert answer["Pragma"] == "no-cache"
    assert not answer.cookies


def check_refused(answer: Any, error: str = "invalid_client_metadata", status: int = 400) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.content
    assert answer.json()["error_description"]
    check_form(answer)
    assert not Application.objects.exists()
