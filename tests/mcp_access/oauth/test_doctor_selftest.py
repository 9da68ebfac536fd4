"""The self-test: the whole flow on a real daphne, what it says of a wrong one, and no traces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from django.conf import settings as project
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_application_model
from pytest_django import Settings

from cliqtel_portal.accounts.models import Membership, Tenant
from mcp_access import tasks
from mcp_access.connections import count_connections
from mcp_access.models import (
    AccessToken,
    Consent,
    ConsumedCode,
    Grant,
    OAuthAttempt,
    RefreshToken,
)
from mcp_access.oauth import doctor_cleanup, doctor_selftest
from mcp_access.oauth.doctor_http import StepFailed, Wire
from mcp_access.oauth.doctor_selftest import Step, Visitor
from tests.factories.mcp_access import make_token
from tests.factories.oauth import make_session
from tests.wire import Web, daphne, free_port

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

PAGE = "/numbers/ai-access/doctor/"
Application = get_application_model()
MADE = (AccessToken, RefreshToken, Grant, ConsumedCode, Consent, Application)


@pytest.fixture(scope="module")
def portal(django_db_setup: None, django_db_blocker: Any) -> Iterator[Web]:
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            web = stack.enter_context(
                daphne(
                    port=port,
                    OAUTH_ISSUER=origin,
                    MCP_RESOURCE_URL=f"{origin}/mcp",
                    RATE_LIMIT_SELF_TEST="1000/m",
                )
            )
        yield web


@pytest.fixture
def issuer(portal: Web, settings: Settings) -> str:
    """This process, too, is set up as that portal."""
    settings.OAUTH_ISSUER = portal.origin
    settings.MCP_RESOURCE_URL = portal.mcp
    return portal.origin


def session_of(membership: Membership) -> str:
    client = Client()
    client.force_login(membership.user, backend=project.AUTHENTICATION_BACKENDS[0])
    return str(client.cookies[project.SESSION_COOKIE_NAME].value)


def visitor_of(membership: Membership, origin: str, **changes: str) -> Visitor:
    values = {"origin": origin, "session_cookie": session_of(membership), **changes}
    return Visitor(membership=membership, **values)


def outcome(steps: list[Step]) -> list[str]:
    return [step.state for step in steps]


def failure(steps: list[Step]) -> Step:
    [failed] = [step for step in steps if step.state == "failed"]
    return failed


def nothing_is_left() -> bool:
    return not any(model.objects.exists() for model in MADE)


# -- it works --------------------------------------------------------------------------------------
def test_the_button_plays_every_step_and_leaves_nothing(portal: Web, alice: Membership) -> None:
    with httpx2.Client(base_url=portal.origin, timeout=60) as browser:
        browser.cookies.set(project.SESSION_COOKIE_NAME, session_of(alice))
        assert "Plays an AI host" in browser.get(PAGE).text
        form = {"csrfmiddlewaretoken": browser.cookies[project.CSRF_COOKIE_NAME]}
        answer = browser.post(
            f"{PAGE}self-test/",
            data=form,
            headers={"origin": portal.origin, "referer": f"{portal.origin}{PAGE}"},
        )
        assert (answer.status_code, answer.headers["location"]) == (302, PAGE)
        text = browser.get(PAGE).text
    assert "All is well" in text
    assert text.count('<li class="ok">') == 11
    assert "ct_mcp" not in text
    assert nothing_is_left()
    assert not OAuthAttempt.objects.exists()


def test_each_step_says_what_it_found(issuer: str, alice: Membership) -> None:
    steps = doctor_selftest.run(visitor_of(alice, issuer))
    assert outcome(steps) == ["ok"] * 11, failure(steps)
    assert all(step.note for step in steps)
    assert sum(step.milliseconds for step in steps) > 0


def test_an_admin_of_two_accounts_tests_the_one_they_are_in(
    issuer: str, alice: Membership, mallory: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = Membership.objects.create(tenant=mallory.tenant, user=alice.user, role="admin")
    tenants: list[str] = []
    remove = doctor_cleanup.remove

    def look(redirect_uri: str) -> int:
        tenants.extend(Consent.objects.values_list("tenant__slug", flat=True))
        return remove(redirect_uri)

    monkeypatch.setattr(doctor_cleanup, "remove", look)
    assert set(outcome(doctor_selftest.run(visitor_of(both, issuer)))) == {"ok"}
    assert tenants == [mallory.tenant.slug]


# -- connections -----------------------------------------------------------------------------------
def test_the_last_free_connection_is_given_back(issuer: str, alice: Membership) -> None:
    Tenant.objects.filter(pk=alice.tenant_id).update(connections=1)
    for _ in range(2):
        assert set(outcome(doctor_selftest.run(visitor_of(alice, issuer)))) == {"ok"}
    assert count_connections(alice.tenant) == 0


def test_without_a_free_connection_it_says_so(issuer: str, alice: Membership) -> None:
    Tenant.objects.filter(pk=alice.tenant_id).update(connections=1)
    token, _ = make_token(alice)
    steps = doctor_selftest.run(visitor_of(alice, issuer))
    assert outcome(steps) == [*["ok"] * 5, "failed", *["skipped"] * 4, "ok"]
    assert "needs a free one" in failure(steps).cause
    assert "Disconnect a host" in failure(steps).remedy
    assert AccessToken.objects.get() == token
    assert not Application.objects.exists()


# -- what is wrong ---------------------------------------------------------------------------------
def test_an_address_where_nothing_answers(
    issuer: str, alice: Membership, settings: Settings
) -> None:
    settings.OAUTH_ISSUER = f"http://127.0.0.1:{free_port()}"
    settings.MCP_RESOURCE_URL = f"{settings.OAUTH_ISSUER}/mcp"
    steps = doctor_selftest.run(visitor_of(alice, issuer))
    assert outcome(steps) == ["failed", *["skipped"] * 9, "ok"]
    assert failure(steps).cause == (
        f"OAUTH_ISSUER says {settings.OAUTH_ISSUER}, but nothing answers there."
    )


@pytest.fixture
def two_origins(
    alice: Membership, settings: Settings, request: pytest.FixtureRequest
) -> Iterator[str]:
    """Production's shape; the issuer's port may be one where nothing listens."""
    port = free_port()
    settings.OAUTH_ISSUER = f"http://localhost:{port if request.param else free_port()}"
    settings.MCP_RESOURCE_URL = f"http://127.0.0.1:{port}/mcp"
    with daphne(
        port=port,
        OAUTH_ISSUER=settings.OAUTH_ISSUER,
        MCP_RESOURCE_URL=settings.MCP_RESOURCE_URL,
    ):
        yield settings.OAUTH_ISSUER


@pytest.mark.parametrize("two_origins", [True], indirect=True)
def test_it_works_with_two_origins(two_origins: str, alice: Membership) -> None:
    assert set(outcome(doctor_selftest.run(visitor_of(alice, two_origins)))) == {"ok"}


@pytest.mark.parametrize("two_origins", [False], indirect=True)
def test_an_issuer_where_nothing_answers(two_origins: str, alice: Membership) -> None:
    steps = doctor_selftest.run(visitor_of(alice, two_origins))
    assert outcome(steps) == ["ok", "ok", "failed", *["skipped"] * 7, "ok"]
    assert failure(steps).cause == f"OAUTH_ISSUER says {two_origins}, but nothing answers there."


def test_discovery_that_names_another_issuer(
    issuer: str, alice: Membership, settings: Settings
) -> None:
    settings.OAUTH_ISSUER = "https://portal.example"
    steps = doctor_selftest.run(visitor_of(alice, issuer))
    failed = failure(steps)
    assert failed.title == "It names its sign-in server"
    assert "not ['https://portal.example']" in failed.cause
    assert "OAUTH_ISSUER" in failed.remedy


def test_a_session_goes_nowhere_but_where_the_browser_is(
    issuer: str, alice: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    send = Wire.send

    def look(self: Wire, method: str, url: str, **options: Any) -> Any:
        sent.append({"url": url, **options})
        return send(self, method, url, **options)

    monkeypatch.setattr(Wire, "send", look)
    elsewhere = visitor_of(alice, "http://portal.example")
    steps = doctor_selftest.run(elsewhere)
    assert "you are signed in at http://portal.example" in failure(steps).cause
    assert elsewhere.session_cookie not in str(sent)
    assert elsewhere.session_cookie not in repr(elsewhere)
    sent.clear()
    here = visitor_of(alice, issuer)
    assert set(outcome(doctor_selftest.run(here))) == {"ok"}
    told = {
        request["url"].partition("?")[0] for request in sent if here.session_cookie in str(request)
    }
    assert told == {f"{issuer}/oauth/authorize"}


def test_another_database_behind_the_issuer_gets_no_session(
    issuer: str, alice: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(doctor_cleanup, "claim", lambda *_: False)
    monkeypatch.setattr(doctor_selftest._Flow, "_visit", lambda *_, **__: sent.append("visit"))
    steps = doctor_selftest.run(visitor_of(alice, issuer))
    assert "another installation answers there" in failure(steps).cause
    assert sent == []
    assert nothing_is_left()


def test_a_session_that_ended_meanwhile(issuer: str, alice: Membership) -> None:
    steps = doctor_selftest.run(visitor_of(alice, issuer, session_cookie="gone"))
    assert failure(steps).title == "The page that asks opens"
    assert "did not know your session" in failure(steps).cause
    assert nothing_is_left()


def test_a_role_that_may_no_longer(issuer: str, alice: Membership) -> None:
    visitor = visitor_of(alice, issuer)
    Membership.objects.filter(pk=alice.pk).update(role="viewer")
    steps = doctor_selftest.run(visitor)
    assert failure(steps).title == "The page that asks opens"
    assert nothing_is_left()


def test_what_refuses_at_the_token_endpoint_is_explained(
    issuer: str, alice: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_selftest._Flow, "_read_redirect", lambda *_: "made-up")
    steps = doctor_selftest.run(visitor_of(alice, issuer))
    assert failure(steps).title == "The code becomes a token"
    assert failure(steps).cause.startswith("invalid_grant: The code")
    assert nothing_is_left()
    # The failed step stays on record, the others don't.
    assert [attempt.reason for attempt in OAuthAttempt.objects.all()] == ["invalid_grant"]


def test_all_steps_together_have_one_time(
    issuer: str, alice: Membership, settings: Settings
) -> None:
    settings.SELF_TEST_SECONDS = 0
    steps = doctor_selftest.run(visitor_of(alice, issuer))
    assert "did not answer in time" in failure(steps).cause
    assert "single thread" in failure(steps).remedy


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "http://127.0.0.1/x", "file:///etc/passwd", "//x", ""]
)
def test_it_goes_to_our_own_origins_only(issuer: str, url: str) -> None:
    with Wire(seconds=5) as wire, pytest.raises(StepFailed, match="not this portal"):
        wire.send("GET", url)


def test_it_follows_no_redirect_and_keeps_no_cookie(issuer: str, alice: Membership) -> None:
    with Wire(seconds=10) as wire:
        answer = wire.send("GET", f"{issuer}/numbers/")
        assert (answer.status, answer.url) == (302, f"{issuer}/numbers/")
        page = wire.send("GET", f"{issuer}/account/login/")
        assert project.CSRF_COOKIE_NAME in page.cookies
        assert not wire._http.cookies


# -- traces ----------------------------------------------------------------------------------------
class Crash(BaseException):
    """What no step expects: as if the thread were killed."""


def test_a_crash_in_the_middle_leaves_nothing(
    issuer: str, alice: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_: object) -> str:
        raise Crash

    monkeypatch.setattr(doctor_selftest._Flow, "_list_tools", crash)
    with pytest.raises(Crash):
        doctor_selftest.run(visitor_of(alice, issuer))
    assert nothing_is_left()


def leftover(membership: Membership, *, minutes: int) -> Any:
    """What a process that was killed leaves."""
    made = Application.objects.create(
        name=doctor_cleanup.CLIENT_NAME,
        client_type="public",
        authorization_grant_type="authorization-code",
        redirect_uris=doctor_cleanup.new_redirect_uri(),
        registration_source=doctor_cleanup.SOURCE,
    )
    Application.objects.filter(pk=made.pk).update(
        created=timezone.now() - timedelta(minutes=minutes)
    )
    Consent.objects.create(tenant=membership.tenant, user=membership.user, application=made)
    make_session(membership, made)
    return made


def test_what_a_killed_run_left_is_removed_by_the_next(issuer: str, alice: Membership) -> None:
    Tenant.objects.filter(pk=alice.tenant_id).update(connections=1)
    leftover(alice, minutes=5)
    assert count_connections(alice.tenant) == 1
    assert set(outcome(doctor_selftest.run(visitor_of(alice, issuer)))) == {"ok"}
    assert nothing_is_left()


def test_what_a_killed_run_left_is_removed_by_the_beat(alice: Membership) -> None:
    leftover(alice, minutes=5)
    running = leftover(alice, minutes=0)
    tasks.remove_self_test_leftovers()
    assert Application.objects.get() == running
    assert RefreshToken.objects.get().application == running


def test_an_app_that_calls_itself_the_self_test_is_left_alone(alice: Membership) -> None:
    other = leftover(alice, minutes=5)
    Application.objects.filter(pk=other.pk).update(registration_source="dcr")
    assert doctor_cleanup.remove_leftovers() == 0
    assert doctor_cleanup.remove(doctor_cleanup.new_redirect_uri()) == 0
    assert RefreshToken.objects.count() == 1


def test_it_can_not_be_run_without_end(alice: Membership, settings: Settings) -> None:
    settings.RATE_LIMIT_SELF_TEST = "0/m"
    client = Client()
    client.force_login(alice.user)
    assert "it was run often" in client.post(f"{PAGE}self-test/", follow=True).content.decode()
    assert not OAuthAttempt.objects.exists()
