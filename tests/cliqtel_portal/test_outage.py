"""The database is away: one wait, 503, and when to come again."""

from __future__ import annotations

import psycopg
import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from psycopg_pool import PoolTimeout
from pytest_django import Settings

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.pool import is_database_away


def _away(request: HttpRequest, *, cause: psycopg.Error | None = None) -> HttpResponse:
    words = "couldn't get a connection to db.internal after 10.00 sec"
    raise OperationalError(words) from (cause or PoolTimeout(words))


def _slow(request: HttpRequest) -> HttpResponse:
    return _away(request, cause=psycopg.errors.QueryCanceled("statement timeout"))


urlpatterns = [
    path("away/", _away),
    path("slow/", _slow),
    path("api/v1/away/", _away),
    path("oauth/token", _away),
    path("oauth/revoke", _slow),
]
handler500 = "cliqtel_portal.error_pages.server_error"


@pytest.fixture
def visitor(client: Client, settings: Settings) -> Client:
    settings.ROOT_URLCONF = __name__
    client.raise_request_exception = False
    return client


def test_a_page_says_when_to_come_again(visitor: Client) -> None:
    response = visitor.get("/away/")
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert "try again in 10 seconds" in response.content.decode()
    assert "db.internal" not in response.content.decode()


def test_programs_are_told_in_their_own_form(visitor: Client) -> None:
    api = visitor.get("/api/v1/away/")
    assert (api.status_code, api["Retry-After"]) == (503, "10")
    assert (api.json()["error"]["code"], api.json()["error"]["retryable"]) == ("unavailable", True)

    token = visitor.post("/oauth/token")
    assert (token.status_code, token["Retry-After"]) == (503, "10")
    assert (token.json()["error"], token["Cache-Control"]) == (
        "temporarily_unavailable",
        "no-store",
    )

    crash = visitor.post("/oauth/revoke")
    assert (crash.status_code, crash.json()["error"]) == (500, "server_error")


def test_a_statement_that_took_too_long_is_our_mistake(visitor: Client) -> None:
    response = visitor.get("/slow/")
    assert response.status_code == 500
    assert "Retry-After" not in response


@pytest.mark.parametrize(
    ("error", "is_away"),
    [
        (psycopg.OperationalError("consuming input failed"), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.DeadlockDetected(), False),
        (psycopg.errors.UniqueViolation(), False),
        (RuntimeError(), False),
        (None, False),
    ],
)
def test_only_what_passes_by_itself_counts(error: BaseException | None, is_away: bool) -> None:
    assert is_database_away(error) is is_away


def test_who_signed_in_waits_once(
    client: Client, alice: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look at the session would be one more wait for a connection."""
    client.force_login(alice.user)
    client.raise_request_exception = False
    waits = []

    def load(session: SessionStore) -> None:
        waits.append(session.session_key)
        raise OperationalError from PoolTimeout()

    monkeypatch.setattr(SessionStore, "load", load)
    assert client.get("/numbers/").status_code == 503
    assert len(waits) == 1
    assert client.get("/healthz").status_code == 200, "the process is up"
    assert len(waits) == 1
