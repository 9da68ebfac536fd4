"""Who may read `/metrics`."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from cliqtel_portal.checks import check_metrics_token

pytestmark = pytest.mark.django_db

TOKEN = "m" * 40
ELSEWHERE = "192.0.2.44"


def read(client: Client, *, peer: str = "127.0.0.1", **headers: str):
    return client.get("/metrics", REMOTE_ADDR=peer, headers=headers)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_reads_without_a_token(client: Client, peer: str) -> None:
    answer = read(client, peer=peer)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    assert answer["Cache-Control"] == "no-store"
    assert not client.cookies


@pytest.mark.parametrize("peer", [ELSEWHERE, "10.0.0.1", "::ffff:192.0.2.44", "", "unix:"])
def test_nobody_else_does_where_no_token_is_set(client: Client, peer: str) -> None:
    answer = read(client, peer=peer)
    assert answer.status_code == 403
    assert b"cliqtel_" not in answer.content


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "Forwarded",
        "Via",
        "X-Real-IP",
        "CF-Connecting-IP",
    ],
)
@pytest.mark.parametrize("value", ["127.0.0.1", ""])
def test_who_comes_through_a_proxy_of_this_machine_is_not_this_machine(
    client: Client, header: str, value: str
) -> None:
    assert read(client, **{header: value}).status_code == 403


def test_the_token_reads_from_anywhere_and_through_a_proxy(
    client: Client, settings: Settings
) -> None:
    settings.METRICS_TOKEN = TOKEN
    for scheme in ("Bearer", "bearer"):
        answer = read(
            client,
            peer=ELSEWHERE,
            **{"Authorization": f"{scheme} {TOKEN}", "X-Forwarded-For": "192.0.2.9"},
        )
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "sent",
    [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer \xe9"],
)
def test_without_it_the_answer_is_401(client: Client, settings: Settings, sent: str | None) -> None:
    settings.METRICS_TOKEN = TOKEN
    headers = {} if sent is None else {"Authorization": sent}
    answer = read(client, peer=ELSEWHERE, **headers)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert b"cliqtel_" not in answer.content


def test_a_wrong_token_is_refused_on_this_machine_too(client: Client, settings: Settings) -> None:
    assert read(client, Authorization="Bearer x").status_code == 403
    settings.METRICS_TOKEN = TOKEN
    assert read(client, Authorization="Bearer x").status_code == 401


def test_a_session_gives_no_access(client: Client, mallory, settings: Settings) -> None:
    mallory.user.is_staff = mallory.user.is_superuser = True
    mallory.user.save()
    client.force_login(mallory.user)
    assert read(client, peer=ELSEWHERE).status_code == 403


def test_reading_is_all_there_is(client: Client) -> None:
    assert client.post("/metrics").status_code == 405


@pytest.mark.parametrize("token", ["short", "m" * 31, "m" * 31 + "é", "m" * 31 + "\n"])
def test_a_token_that_could_be_guessed_or_not_be_sent_is_an_error(
    settings: Settings, token: str
) -> None:
    settings.METRICS_TOKEN = token
    assert [error.id for error in check_metrics_token(None)] == ["cliqtel_portal.E001"]


@pytest.mark.parametrize("token", ["", TOKEN])
def test_no_token_and_a_long_one_are_fine(settings: Settings, token: str) -> None:
    settings.METRICS_TOKEN = token
    assert check_metrics_token(None) == []
