"""A file of any size goes out through a real daphne at its reader's pace."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from audit.export import link_of
from audit.export_jobs import file_of
from audit.models import Export
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.ids import uuid7
from tests.wire import Web

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

SIZE = 48 * 1024 * 1024


@pytest.fixture
def export(alice: Membership) -> Iterator[Export]:
    export = Export.objects.create(
        actor_id=alice.user_id,
        actor_label=alice.user.email,
        tenant_id=alice.tenant_id,
        criteria={"all": []},
        before=uuid7(),
        format="csv",
        state="done",
        size_bytes=SIZE,
        finished_at=timezone.now(),
        expires_at=timezone.now() + timedelta(hours=1),
    )
    path = file_of(export)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"0123456789abcdef" * (SIZE // 16))
    yield export
    path.unlink()


def _memory(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"^VmRSS:\s*(\d+) kB", status, re.MULTILINE)[0]) * 1024


def test_a_slow_reader_costs_the_web_process_no_memory(
    web: Web, alice: Membership, export: Export
) -> None:
    client = Client()
    client.force_login(alice.user, backend=settings.AUTHENTICATION_BACKENDS[0])
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    where = urlsplit(web.origin)
    request = (
        f"GET {link_of(export, alice.user)} HTTP/1.1\r\nHost: {where.netloc}\r\n"
        f"Cookie: {cookie}\r\nConnection: close\r\n\r\n"
    )
    # The first request of a process loads much.
    httpx2.get(f"{web.origin}/numbers/ai-access/activity/exports/", headers={"cookie": cookie})
    before = _memory(web.pid)
    with socket.create_connection((where.hostname, where.port), timeout=20) as reader:
        reader.sendall(request.encode())
        head = reader.recv(4096)
        assert head.startswith(b"HTTP/1.1 200")
        time.sleep(0.5)
        grown = _memory(web.pid) - before
        assert grown < SIZE // 4, f"{grown:,} bytes of {SIZE:,} wait in memory"
        received = len(head.partition(b"\r\n\r\n")[2])
        while part := reader.recv(1 << 20):
            received += len(part)
    assert received == SIZE, "nothing is lost on the way"
