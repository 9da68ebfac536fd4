"""Six people at once with an app that nobody has seen before."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from oauth2_provider.models import Application

from tests.mcp_access.oauth.client_web import CALLBACK, CLIENT_ID, Web
from tests.mcp_access.oauth.host import Host

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

RUNNERS = 6


def test_a_first_sight_by_many_makes_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    web = Web(monkeypatch)
    everybody = threading.Barrier(RUNNERS)
    answer_as_ever = web.answer

    def answer(*args: Any, **options: Any) -> Any:
        everybody.wait(timeout=20)  # nobody stores the client before all have its document
        return answer_as_ever(*args, **options)

    monkeypatch.setattr(web, "answer", answer)
    found: list[tuple[int, str]] = []

    def run() -> None:
        host = Host(Client(), redirect_uri=CALLBACK)
        host.client_id = CLIENT_ID
        try:
            reply = host.authorize()
            found.append((reply.status_code, reply.get("Location", "")[:15]))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(RUNNERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert found == [(302, "/account/login/")] * RUNNERS
    assert len(web.requests) == RUNNERS
    assert Application.objects.get().client_id == CLIENT_ID
