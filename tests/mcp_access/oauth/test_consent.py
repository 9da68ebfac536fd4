"""The consent page: what it says, and that only what was shown and ticked is given."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import Application

from cliqtel_portal.accounts.models import Membership, Tenant
from mcp_access.models import AccessToken, Consent, Grant, OAuthAttempt, RefreshToken
from tests.factories.accounts import MembershipFactory, TenantFactory
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.django_db

READS = "mcp.inventory.read mcp.docs.read"
MIXED = f"{READS} mcp.orders.draft mcp.numbers.purchase"


@pytest.fixture
def host(client: Client, alice: Membership) -> Host:
    """Registered, in the browser of alice."""
    made = Host(client)
    made.register()
    client.force_login(alice.user)
    return made


@pytest.fixture
def globex(alice: Membership) -> Tenant:
    """The second account of alice, where she is a member, on a lower tier."""
    tenant = TenantFactory(slug="globex-test", name="Globex Test", tier="discover")
    MembershipFactory(tenant=tenant, user=alice.user, role="member")
    return tenant


def text_of(page: Any) -> str:
    """What is read on the page."""
    html = page.content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html[html.index("<body") :]))


def boxes(page: Any) -> dict[str, str]:
    """Each checkbox by its scope: "checked", "disabled" or ""."""
    found = re.findall(r'name="scope" value="([^"]+)"([^>]*)>', page.content.decode())
    return {scope: state.strip() for scope, state in found}


def named(host: Host, name: str) -> Host:
    Application.objects.filter(client_id=host.client_id).update(name=name)
    return host


# -- what it says ---------------------------------------------------------------------------------
def test_it_says_who_asks_whom_for_what(host: Host, alice: Membership) -> None:
    two_minutes = timezone.now() - timedelta(minutes=2, seconds=5)
    Application.objects.filter(client_id=host.client_id).update(created=two_minutes)
    text = text_of(host.authorize(scope=MIXED))
    for words in (
        "Allow Claude to use Acme Test ?",
        "Name is self-declared",
        "registered 2 min ago",
        "claude.ai https://claude.ai/api/mcp/auth_callback",
        "alice@acme.example",
        "Not you?",
        "Owner · Automate",
        "Read Looks, changes nothing.",
        "See numbers, trunks and assignments Discover",
        "Change Proposals wait for a person",
        "Buy, assign and release numbers after approval Automate",
        "It cannot spend without your approval. Orders",
        "Access lasts 1 h, renewed up to 30 days unless revoked",
        "Cancel Allow",
    ):
        assert words in text, words


def test_it_says_that_messages_may_go_out_at_once(host: Host, alice: Membership) -> None:
    text = text_of(host.authorize(scope="mcp.messaging.send"))
    assert "It cannot buy or change anything without your approval." in text
    assert "limit that Acme Test has set for a day are sent, and charged, at once." in text
    assert "cannot spend" not in text


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://127.0.0.1:33418/", "this computer"),
        ("http://localhost:8787/callback", "this computer"),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "the app cursor"),
        ("https://claude.ai.evil.example/cb", "claude.ai.evil.example"),
        ("https://xn--clade-3ya.ai/cb", "xn--clade-3ya.ai"),
    ],
)
def test_it_shows_where_it_returns_to(
    client: Client, alice: Membership, uri: str, shown: str
) -> None:
    host = Host(client, redirect_uri=uri)
    host.register()
    client.force_login(alice.user)
    page = host.authorize()
    assert page.context["redirect_host"] == shown
    assert f"{shown} {uri}" in text_of(page)


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '" autofocus onfocus=alert(1) x="',
        "{{ request.user.password }}",
        "</title><h1>x</h1>",
        "W" * 120,
        "&lt;b&gt;",
        "",
    ],
)
def test_the_name_is_inert(host: Host, name: str) -> None:
    page = named(host, name).authorize()
    html = page.content.decode()
    assert page.status_code == 200
    assert html.count("<script") == 0
    assert html.count("<h1") == 1
    assert "<img src=x" not in html
    assert 'onfocus=alert(1) x="' not in html
    if not name:
        assert "an app without a name" in html


def test_a_name_can_not_turn_the_text_around_it(host: Host) -> None:
    page = named(host, "Claude\u202e\u2066evil\u200b\n\nto use\x07 nothing").authorize()
    html = page.content.decode()
    assert not [letter for letter in html if letter in "\u202e\u2066\u200b\x07"]
    assert "<bdi>Claude evil to use nothing</bdi>" in html


def test_a_verified_host_is_not_called_self_declared(host: Host) -> None:
    address = "https://app.example/oauth/client.json"
    known = Application.objects.filter(client_id=host.client_id)
    known.update(registration_source="cimd", client_id=address)
    host.client_id = address
    text = text_of(host.authorize())
    assert "Verified host app.example" in text
    assert "self-declared" not in text


def test_nothing_on_the_page_is_from_elsewhere(host: Host) -> None:
    host.register(
        logo_uri="https://evil.example/logo.png",
        client_uri="https://evil.example/",
        tos_uri="https://evil.example/tos",
        policy_uri="https://evil.example/privacy",
    )
    html = host.authorize().content.decode()
    assert "evil.example" not in html
    assert all(url.startswith("/static/") for url in re.findall(r'src="([^"]+)"', html))
    assert "<script" not in html


def test_cancel_stands_left_of_allow_and_the_heading_has_the_focus(host: Host) -> None:
    html = host.authorize().content.decode()
    buttons = re.findall(r'<button[^>]*name="decision" value="(\w+)"[^>]*>', html)
    assert buttons == ["switch", "cancel", "allow"]
    assert html.count("autofocus") == 1
    assert '<h1 tabindex="-1" autofocus>' in html


@pytest.mark.parametrize("answer", ["consent", "redirect", "error", "cancel", "sign-in", "untick"])
def test_every_answer_has_its_headers(host: Host, answer: str) -> None:
    made = {
        "consent": host.authorize,
        "redirect": lambda: host.decide("allow"),
        "error": lambda: host.authorize(client_id="nobody"),
        "cancel": lambda: host.decide("cancel"),
        "sign-in": lambda: Client().get(host.url()),
        "untick": lambda: host.decide("allow", scope=[]),
    }[answer]()
    assert made["Cache-Control"] == "no-store"
    assert made["Referrer-Policy"] == "same-origin"
    assert made["Cross-Origin-Opener-Policy"] == "unsafe-none"
    assert made["X-Frame-Options"] == "DENY"
    policy = made["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self'" in policy
    assert "form-action" not in policy


# -- what is given --------------------------------------------------------------------------------
def test_what_is_unticked_is_not_given(host: Host) -> None:
    answer = host.decide("allow", url=host.url(scope=MIXED), scope=["mcp.docs.read"])
    assert answer.status_code == 302
    consent = Consent.objects.get()
    assert (consent.scope, consent.asked_scope) == ("mcp.docs.read", MIXED)
    assert Grant.objects.get().scope == "mcp.docs.read"


@pytest.mark.parametrize(
    "forged",
    ["mcp.messaging.send", "mcp.pricing.read", "offline_access", "*", "openid", "\x00", ""],
)
def test_a_scope_that_was_not_asked_is_ignored(host: Host, forged: str) -> None:
    host.decide("allow", url=host.url(scope=READS), scope=["mcp.docs.read", forged])
    assert Grant.objects.get().scope == "mcp.docs.read"
    assert Consent.objects.get().scope == "mcp.docs.read"


def test_a_scope_that_can_not_be_given_is_ignored(host: Host, bob: Membership) -> None:
    host.client.force_login(bob.user)
    page = host.authorize(scope=MIXED)
    assert boxes(page)["mcp.numbers.purchase"] == "disabled"
    host.decide("allow", url=host.url(scope=MIXED), scope=MIXED.split())
    assert Grant.objects.get().scope == f"{READS} mcp.orders.draft"


def test_a_role_that_was_lowered_while_the_page_was_open_counts(
    host: Host, alice: Membership
) -> None:
    url = host.url(scope="mcp.orders.draft mcp.numbers.purchase")
    assert host.client.get(url).status_code == 200
    Membership.objects.filter(pk=alice.pk).update(role="member")
    form = {"tenant": "acme-test", "decision": "allow"}
    answer = host.client.post(url, form | {"scope": ["mcp.numbers.purchase"]})
    assert answer.status_code == 422
    assert not Grant.objects.exists()


@pytest.mark.parametrize("scope", [[], ["mcp.messaging.send"], [""]])
def test_nothing_ticked_is_asked_again_in_words(host: Host, scope: list[str]) -> None:
    answer = host.decide("allow", url=host.url(scope=READS), scope=scope)
    assert answer.status_code == 422
    assert "Tick at least one permission" in answer.content.decode()
    assert set(boxes(answer).values()) == {""}
    assert not Consent.objects.exists()


@pytest.mark.parametrize("decision", ["cancel", "deny", "", "ALLOW", "allow ", "true"])
def test_anything_but_allow_is_a_refusal(host: Host, decision: str) -> None:
    answer = host.decide(decision)
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert query["error"] == ["access_denied"]
    assert query["state"] == [host.state]
    assert query["iss"] == ["http://127.0.0.1:8000"]
    assert not Consent.objects.exists()
    assert not Grant.objects.exists()
    attempt = OAuthAttempt.objects.latest("id")
    assert (attempt.step, attempt.reason) == ("consent", "access_denied")


def test_an_answer_without_a_decision_is_a_refusal(host: Host) -> None:
    answer = host.client.post(host.url(), {"scope": ["mcp.docs.read"], "tenant": "acme-test"})
    assert "error=access_denied" in answer["Location"]


def test_the_form_has_its_secret(host: Host, alice: Membership) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice.user)
    host.client = client
    form = {"tenant": "acme-test", "decision": "allow", "scope": ["mcp.docs.read"]}
    assert client.post(host.url(), form).status_code == 403
    assert not Grant.objects.exists()
    secret = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', host.authorize().content.decode())
    form["csrfmiddlewaretoken"] = secret[0]
    assert client.post(host.url(), form).status_code == 302
    assert Grant.objects.exists()


def test_the_query_is_the_authority_not_the_form(host: Host) -> None:
    other = Host(host.client)
    other.register(client_name="Other", redirect_uris=["https://other.example/cb"])
    answer = host.decide(
        "allow",
        client_id=other.client_id,
        redirect_uri="https://other.example/cb",
        code_challenge=other.challenge,
        code_challenge_method="plain",
        state="forged",
        resource="https://evil.example/mcp",
        response_type="token",
    )
    assert answer["Location"].startswith(host.redirect_uri)
    grant = Grant.objects.get()
    assert grant.application.client_id == host.client_id
    assert grant.code_challenge == host.challenge
    assert grant.code_challenge_method == "S256"
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert query["state"] == [host.state]
    assert host.redeem(query["code"][0]).status_code == 200


def test_an_answer_under_another_challenge_is_for_that_challenge(host: Host) -> None:
    """The page of one question, answered at the address of another: the address counts."""
    other = "A" * 43
    host.decide("allow", url=host.url(code_challenge=other))
    assert Grant.objects.get().code_challenge == other


# -- which account --------------------------------------------------------------------------------
def test_with_two_accounts_the_lines_follow_the_one_picked(host: Host, globex: Tenant) -> None:
    page = host.authorize(scope=MIXED)
    assert page.context["membership"].tenant.slug == "acme-test"
    assert set(boxes(page).values()) == {"checked"}
    assert "Member · Discover · can give 2 of 4" in text_of(page)
    links = re.findall(r'<a href="(\?[^"]+)"', page.content.decode())
    picked = host.client.get("/oauth/authorize" + links[1].replace("&amp;", "&"))
    assert picked.context["membership"].tenant == globex
    assert boxes(picked)["mcp.orders.draft"] == "disabled"
    answer = host.decide("allow", url=host.url(scope=MIXED, tenant="globex-test"))
    assert answer.status_code == 302
    assert (Grant.objects.get().tenant, Consent.objects.get().tenant) == (globex, globex)
    assert Grant.objects.get().scope == READS


def test_the_account_that_can_give_something_is_shown_first(
    host: Host, alice: Membership, globex: Tenant
) -> None:
    session = host.client.session
    session["tenant_id"] = str(globex.pk)
    session.save()
    assert host.authorize(scope=READS).context["membership"].tenant == globex
    assert host.authorize(scope="mcp.orders.draft").context["membership"] == alice
    page = host.authorize(scope="mcp.orders.draft", tenant="globex-test")
    assert "Globex Test can give none of this" in text_of(page)


def test_mallory_can_not_consent_into_acme(
    host: Host, alice: Membership, mallory: Membership
) -> None:
    host.client.force_login(mallory.user)
    page = host.authorize(tenant="acme-test")
    assert page.context["membership"] == mallory
    assert "Acme" not in text_of(page)
    for decision in ("allow", "disconnect"):
        answer = host.decide(decision, tenant="acme-test")
        assert answer["Location"] == host.url(), "asked again, as it was not what was shown"
    assert not Consent.objects.exists()
    assert not Grant.objects.exists()


def test_an_account_that_was_left_meanwhile_is_not_replaced_by_another(
    host: Host, alice: Membership, globex: Tenant
) -> None:
    form = {"tenant": "acme-test", "decision": "allow", "scope": READS.split()}
    Tenant.objects.filter(pk=alice.tenant_id).update(status="suspended")
    answer = host.client.post(host.url(), form)
    assert answer["Location"] == host.url()
    assert not Grant.objects.exists()
    again = host.client.get(answer["Location"])
    assert "That account can&#x27;t be used any more" in again.content.decode()
    assert again.context["membership"].tenant == globex


# -- again, and more ------------------------------------------------------------------------------
def test_a_new_consent_replaces_the_old_and_older_tokens_live_out(
    host: Host, alice: Membership
) -> None:
    old = host.redeem(host.code(scope=READS)).json()
    first = Consent.objects.get()
    new = host.redeem(host.code(scope="mcp.docs.read")).json()
    consent = Consent.objects.get()
    assert consent.pk == first.pk
    assert (consent.scope, consent.first_at) == ("mcp.docs.read", first.first_at)
    assert consent.last_at > first.last_at
    assert AccessToken.objects.filter(revoked_at__isnull=True).count() == 2
    assert set(host.refresh(old["refresh_token"]).json()["scope"].split()) == set(READS.split())
    assert host.refresh(new["refresh_token"]).json()["scope"] == "mcp.docs.read"
    assert RefreshToken.objects.filter(revoked__isnull=True).count() == 2


def test_a_revoked_consent_lives_again_when_it_is_given_again(host: Host) -> None:
    host.code()
    Consent.objects.update(revoked_at=timezone.now())
    host.code()
    assert Consent.objects.get().revoked_at is None
