"""Alerts as the rules raise them, calls by the dozen, and a stub that stands for Slack."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.utils import timezone

from audit.models import Alert, ToolCall
from audit.record import prepare_arguments
from cliqtel_portal.accounts.models import Tenant
from tests.factories.audit import failed, make_call, ok


def make_alert(tenant: Tenant, **fields: Any) -> Alert:
    values: dict[str, Any] = {
        "rule": Alert.Rule.SCOPE_MISUSE,
        "severity": Alert.Severity.SEVERE,
        "subject": str(uuid.uuid4()),
        "token_label": "Ops agent",
        "user_label": "alice@acme.example",
        "count": 20,
        "details": {"scopes": ["mcp.messaging.send"]},
    }
    return Alert.objects.create(tenant=tenant, **(values | fields))


def calls(
    tenant: Tenant, number: int, code: str = "", *, at: datetime | None = None, **fields: Any
) -> list[ToolCall]:
    """That many calls of one token, a second apart, the last just before `at` (now)."""
    end = at or timezone.now()
    rows = []
    for n in range(number):
        _, digest = prepare_arguments({"number_id": n})
        values: dict[str, Any] = {
            "tenant_id": tenant.pk,
            "tenant_label": tenant.name,
            "at": end - timedelta(seconds=number - n),
            "outcome": failed(code) if code else ok(),
            "argument_digest": digest,
            "token_id": uuid.uuid5(tenant.pk, "token"),
            "user_id": uuid.uuid5(tenant.pk, "user"),
        }
        rows.append(make_call(**(values | fields)))
    return rows


class SlackStub:
    """Answers what `answers` holds, in order, then 200; keeps what it was sent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.received: list[dict[str, Any]] = []

    @property
    def accepted(self) -> list[dict[str, Any]]:
        return [one["body"] for one in self.received if one["status"] == 200]


@contextmanager
def slack_stub() -> Iterator[SlackStub]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers = stub.answers.pop(0) if stub.answers else (200, {})
            stub.received.append({"path": self.path, "body": body, "status": status})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub = SlackStub(f"http://127.0.0.1:{server.server_port}/services/T0/B0/secret-part")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
