"""Eight at once with one code or one refresh token: one wins, the rest leave nothing behind."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.db import connection, transaction

from cliqtel_portal.notices.models import Notice
from mcp_access.connections import lock_connections
from mcp_access.ending import revoke_access_tokens_as_staff, revoke_refresh_tokens_as_staff
from mcp_access.models import AccessToken, Consent, ConsumedCode, Grant, RefreshToken
from tests.factories.accounts import UserFactory
from tests.mcp_access.oauth.host import Host

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

EIGHT = 8


def send_at_once(origin: str, path: str, forms: list[dict[str, str]]) -> list[tuple[int, Any]]:
    """Post all forms in the same moment: all bytes but the last of each lie at the server first."""
    address = urlsplit(origin)
    opened = []
    for form in forms:
        body = urlencode(form)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        connected = socket.create_connection((str(address.hostname), int(address.port or 80)), 30)
        connected.sendall((head + body[:-1]).encode())
        opened.append((connected, body[-1:].encode()))
    for connected, last in opened:
        connected.sendall(last)
    answers = []
    for connected, _ in opened:
        with connected, connected.makefile("rb") as stream:
            head, _, content = stream.read().partition(b"\r\n\r\n")
        answers.append((int(head.split()[1]), json.loads(content)))
    return answers


def split(answers: list[tuple[int, Any]]) -> dict[str, Any]:
    """The winner's tokens, after seeing that there is one, and how the others were refused."""
    assert sorted(status for status, _ in answers) == [200] + [400] * (EIGHT - 1)
    assert {body["error"] for status, body in answers if status == 400} == {"invalid_grant"}
    return next(body for status, body in answers if status == 200)


def redemption(host: Host, code: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "client_id": host.client_id,
        "code": code,
        "redirect_uri": host.redirect_uri,
        "code_verifier": host.verifier,
    }


def renewal(host: Host, refresh_token: str) -> dict[str, str]:
    return {
        "grant_type": "refresh_token",
        "client_id": host.client_id,
        "refresh_token": refresh_token,
    }


@pytest.mark.parametrize("attempt", range(3))
def test_one_code_is_redeemed_once_by_eight(web, post, client, alice, attempt):
    host = Host(client)
    host.register()
    client.force_login(alice.user)
    code = host.code()

    winner = split(send_at_once(web.origin, "/oauth/token", [redemption(host, code)] * EIGHT))

    assert AccessToken.objects.count() == RefreshToken.objects.count() == 1
    assert ConsumedCode.objects.count() == 1
    assert not Grant.objects.exists()
    assert post(winner["access_token"], "ping").status_code == 200
    assert host.refresh(winner["refresh_token"]).status_code == 200


@pytest.mark.parametrize("attempt", range(3))
def test_one_refresh_token_is_used_once_by_eight(web, post, client, alice, attempt):
    host = Host(client).connect(alice)
    form = renewal(host, host.tokens["refresh_token"])

    winner = split(send_at_once(web.origin, "/oauth/token", [form] * EIGHT))

    assert AccessToken.objects.count() == RefreshToken.objects.count() == 2
    assert not Notice.objects.exists()
    assert post(host.tokens["access_token"], "ping").status_code == 200
    assert post(winner["access_token"], "ping").status_code == 200
    assert host.refresh(winner["refresh_token"]).status_code == 200


def test_who_comes_while_the_winner_has_not_committed_is_refused_without_a_penalty(
    web, post, client, alice
):
    """Later than the winner's clock says, sooner than anybody could have had its answer."""
    host = Host(client)
    host.register()
    client.force_login(alice.user)
    code = host.code()
    for form in (redemption(host, code), None):
        late, other = in_background(web, form or renewal(host, host.tokens["refresh_token"]))
        with transaction.atomic():
            won = host.redeem(code) if form else host.refresh(host.tokens["refresh_token"])
            other.start()
            until_somebody_waits_for_a_lock()
        other.join(timeout=30)
        host.tokens = won.json()
        assert [(status, body["error"]) for status, body in late] == [(400, "invalid_grant")]
        assert post(host.tokens["access_token"], "ping").status_code == 200
    assert RefreshToken.objects.filter(revoked__isnull=True).count() == 1
    assert not Notice.objects.exists()


def test_a_replay_over_the_wire_is_no_race(web, post, client, alice):
    host = Host(client).connect(alice)
    form = renewal(host, host.tokens["refresh_token"])
    ((_, renewed),) = send_at_once(web.origin, "/oauth/token", [form])
    ((status, body),) = send_at_once(web.origin, "/oauth/token", [form])
    assert (status, body["error"]) == (400, "invalid_grant")
    assert post(renewed["access_token"], "ping").status_code == 401
    assert Notice.objects.count() == 1


def test_replays_in_two_sessions_at_once_never_deadlock(web, client, alice):
    """Four replays of each session's old token: all are refused, nothing fails."""
    first, second = Host(client).connect(alice), Host(client)
    second.client_id = first.client_id
    second.tokens = second.redeem(second.code()).json()
    for host in (first, second):
        assert host.refresh(host.tokens["refresh_token"]).status_code == 200
    forms = [renewal(host, host.tokens["refresh_token"]) for host in (first, second) * 4]

    answers = send_at_once(web.origin, "/oauth/token", forms)

    assert {status for status, _ in answers} == {400}
    assert not RefreshToken.objects.filter(revoked__isnull=True).exists()
    assert not AccessToken.objects.filter(revoked_at__isnull=True).exists()
    assert Notice.objects.count() == 1


@pytest.mark.parametrize("ending", ["revoke", "replay"])
def test_a_session_that_ends_while_it_is_renewed_is_over(web, post, client, alice, ending):
    """The renewal's new tokens appear only when it commits: whoever ends it must not miss them."""
    host = Host(client).connect(alice)
    old = host.tokens["refresh_token"]
    current = host.refresh(old).json()
    if ending == "revoke":
        path, form = "/oauth/revoke", {"client_id": host.client_id, "token": old}
    else:
        path, form = "/oauth/token", renewal(host, old)
    answers: list[tuple[int, Any]] = []
    other = threading.Thread(target=lambda: answers.extend(send_at_once(web.origin, path, [form])))

    with transaction.atomic():
        renewed = host.refresh(current["refresh_token"]).json()
        other.start()
        until_somebody_waits_for_a_lock()
    other.join(timeout=30)

    assert [status for status, _ in answers] == [200 if ending == "revoke" else 400]
    assert not RefreshToken.objects.filter(revoked__isnull=True).exists()
    for one in (current, renewed):
        assert post(one["access_token"], "ping").status_code == 401


@pytest.mark.parametrize(
    ("end", "model"),
    [
        (revoke_access_tokens_as_staff, AccessToken),
        (revoke_refresh_tokens_as_staff, RefreshToken),
    ],
)
def test_a_session_that_staff_end_while_it_is_renewed_is_over(client, alice, end, model):
    staff = UserFactory(is_staff=True)
    host = Host(client).connect(alice)
    first = model.objects.get().pk

    def by_staff() -> None:
        try:
            end(staff, [first])
        finally:
            connection.close()

    other = threading.Thread(target=by_staff)
    with transaction.atomic():
        assert host.refresh(host.tokens["refresh_token"]).status_code == 200
        other.start()
        until_somebody_waits_for_a_lock()
    other.join(timeout=30)

    assert not RefreshToken.objects.filter(revoked__isnull=True).exists()
    assert not AccessToken.objects.filter(revoked_at__isnull=True).exists()


def test_a_renewal_waits_for_a_consent_of_the_same_app_and_person(web, client, alice):
    host = Host(client).connect(alice)
    renewed, other = in_background(web, renewal(host, host.tokens["refresh_token"]))

    with transaction.atomic():
        code = host.code()
        other.start()
        until_somebody_waits_for_a_lock()
    other.join(timeout=30)

    assert [status for status, _ in renewed] == [200]
    assert host.redeem(code).status_code == 200


def test_a_renewal_and_a_consent_never_wait_for_each_other(web, client, alice):
    """A consent locks the tenant first and itself then; a renewal holds it and points at both."""
    host = Host(client).connect(alice)
    renewed, other = in_background(web, renewal(host, host.tokens["refresh_token"]))

    with transaction.atomic():
        lock_connections(alice.tenant)
        other.start()
        other.join(timeout=20)
        assert [status for status, _ in renewed] == [200]
        assert Consent.objects.select_for_update().get().application.client_id == host.client_id


def in_background(web, form: dict[str, str]) -> tuple[list[tuple[int, Any]], threading.Thread]:
    """A token request in a thread that is yet to be started, and where its answer will be."""
    answers: list[tuple[int, Any]] = []

    def send() -> None:
        answers.extend(send_at_once(web.origin, "/oauth/token", [form]))

    return answers, threading.Thread(target=send)


def until_somebody_waits_for_a_lock() -> None:
    deadline = time.monotonic() + 10
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    pytest.fail("nobody waited: the race was not run")
