"""GET /oauth/authorize with something wrong: shown here, or told to the client, never a crash."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.test import Client
from oauth2_provider.models import Application

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import Consent, Grant, OAuthAttempt
from tests.mcp_access.oauth.host import REDIRECT_URI, Host

pytestmark = pytest.mark.django_db

ISSUER = "http://127.0.0.1:8000"


@pytest.fixture
def host(client: Client) -> Host:
    """Registered; nobody is signed in."""
    made = Host(client)
    made.register()
    return made


def shown_here(answer: Any) -> str:
    """The text of an error page, which leads nowhere but here."""
    assert answer.status_code == 400, (answer.status_code, answer.get("Location"))
    assert answer["Content-Type"].startswith("text/html")
    assert "Location" not in answer
    assert answer["Cache-Control"] == "no-store"
    return str(answer.content.decode())


def sent_back(answer: Any, error: str, *, uri: str = REDIRECT_URI, state: str = "") -> str:
    """The client is told by redirect, with the state and one `iss`. Returns the description."""
    assert answer.status_code == 302, answer.content
    target = urlsplit(answer["Location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == uri
    assert target.fragment == ""
    query = parse_qs(target.query)
    assert query["error"] == [error]
    assert query["iss"] == [ISSUER]
    assert query.get("state", [""]) == [state]
    assert "code" not in query
    assert answer["Cache-Control"] == "no-store"
    return query.get("error_description", [""])[0]


def last_attempt() -> OAuthAttempt:
    return OAuthAttempt.objects.filter(step="authorize").latest("id")


# -- shown here, before login ---------------------------------------------------------------------
@pytest.mark.parametrize(
    "client_id",
    [
        "",
        "nobody",
        "x" * 256,
        "x" * 3000,
        "\x00",
        "a\x00b",
        "ümlaut",
        "\u202enobody",
        "%",
        "' OR 1",
    ],
)
def test_an_unknown_client_gets_a_page_and_no_redirect(host: Host, client_id: str) -> None:
    text = shown_here(host.authorize(client_id=client_id))
    assert "Sign in" not in text
    attempt = last_attempt()
    assert not attempt.ok
    assert attempt.reason in {"invalid_client", "invalid_request"}
    assert attempt.detail


def test_an_absent_client_gets_a_page(host: Host) -> None:
    assert "<code>invalid_client</code>" in shown_here(host.authorize(client_id=None))


def test_a_bare_address_gets_a_page(client: Client) -> None:
    shown_here(client.get("/oauth/authorize"))


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/callback",
        "https://claude.ai/api/mcp/auth_callback/",
        "https://claude.ai/api/mcp/auth_callback?x=1",
        "https://claude.ai/api/mcp/auth_callback?",
        "https://claude.ai/api/mcp/auth_callback#x",
        "https://claude.ai/api/mcp/auth_callback;x=1",
        "https://claude.ai/api/mcp/../mcp/auth_callback",
        "https://claude.ai/API/mcp/auth_callback",
        "https://claude.ai:8443/api/mcp/auth_callback",
        "https://claude.ai:99999/api/mcp/auth_callback",
        "https://claude.ai:x/api/mcp/auth_callback",
        "https://claude.ai.evil.example/api/mcp/auth_callback",
        "https://evil.example@claude.ai/api/mcp/auth_callback",
        "https://claude.ai\\@evil.example/api/mcp/auth_callback",
        "http://claude.ai/api/mcp/auth_callback",
        " https://claude.ai/api/mcp/auth_callback",
        "https://claude.ai/api/mcp/auth_call\nback",
        "https://claude.ai/api/mcp/auth_callback\t",
        "https://claude.ai/api/mcp/auth_callback https://evil.example/",
        "https://[/api/mcp/auth_callback",
        "http://[::1",
        "https://ex\u2100mple.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "//claude.ai/api/mcp/auth_callback",
        "x" * 5000,
        "\u202e",
    ],
)
def test_a_redirect_that_is_not_registered_gets_a_page(host: Host, uri: str) -> None:
    text = shown_here(host.authorize(redirect_uri=uri))
    assert "<code>invalid_redirect_uri</code>" in text
    attempt = last_attempt()
    assert (attempt.ok, attempt.reason) == (False, "invalid_redirect_uri")
    assert attempt.client_name == "Claude"


def test_a_missing_redirect_gets_a_page_even_if_only_one_is_registered(host: Host) -> None:
    for uri in (None, ""):
        assert "<code>invalid_request</code>" in shown_here(host.authorize(redirect_uri=uri))
        assert last_attempt().reason == "invalid_request"


def test_the_page_of_a_mismatch_is_the_same_for_a_signed_in_person(
    host: Host, alice: Membership
) -> None:
    host.client.force_login(alice.user)
    shown_here(host.authorize(redirect_uri="https://evil.example/"))
    assert last_attempt().user == alice.user


def test_an_answer_to_a_bad_question_gets_the_page_too(host: Host, alice: Membership) -> None:
    host.client.force_login(alice.user)
    form = {"decision": "allow", "scope": ["mcp.docs.read"], "redirect_uri": REDIRECT_URI}
    shown_here(host.client.post(host.url(redirect_uri="https://evil.example/"), form))
    shown_here(host.client.post("/oauth/authorize", {**form, "client_id": host.client_id}))
    assert not Grant.objects.exists()


@pytest.mark.parametrize("port", ["99999", "x", "-1"])
def test_a_loopback_port_must_be_one(client: Client, port: str) -> None:
    host = Host(client, redirect_uri="http://127.0.0.1:33418/")
    host.register()
    shown_here(host.authorize(redirect_uri=f"http://127.0.0.1:{port}/"))


@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        ("http://127.0.0.1/cb", "http://localhost/cb"),
        ("http://localhost/cb", "http://127.0.0.1/cb"),
        ("http://localhost/cb", "http://localhost/other"),
        ("http://localhost/cb", "https://localhost/cb"),
        ("http://localhost/cb", "http://localhost.evil.example/cb"),
        ("http://localhost/cb", "http://localhost:80\\.evil.example/cb"),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor://evil/oauth/callback"),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "vscode://anysphere.cursor-mcp/x"),
    ],
)
def test_near_misses_get_a_page(client: Client, registered: str, asked: str) -> None:
    host = Host(client, redirect_uri=registered)
    host.register()
    shown_here(host.authorize(redirect_uri=asked))


@pytest.mark.parametrize(
    "name",
    ["client_id", "redirect_uri", "state", "scope", "resource", "response_type", "prompt", "any"],
)
def test_a_duplicated_parameter_is_refused(host: Host, name: str) -> None:
    url = f"{host.url(prompt='login', any='a')}&{name}=x"
    text = shown_here(host.client.get(url))
    assert "more than once" in text
    assert last_attempt().reason == "invalid_request"


@pytest.mark.parametrize(
    "raw", ["%00", "a%00b", "%ED%A0%80", "%ED%BF%BF", "%FF", "%C3%28", "%F8%A1%A1%A1%A1"]
)
@pytest.mark.parametrize("name", ["state", "scope", "client_id", "redirect_uri", "unknown"])
def test_bytes_that_are_no_text_are_refused(host: Host, name: str, raw: str) -> None:
    url = host.url(**{name: None})
    shown_here(host.client.get(f"{url}&{name}={raw}"))
    shown_here(host.client.get(f"{host.url()}&{raw}=1"))
    assert last_attempt().reason == "invalid_request"


def test_a_query_that_is_too_long_is_refused(host: Host) -> None:
    assert "too long" in shown_here(host.authorize(state="x" * 9000))
    assert last_attempt().reason == "invalid_request"


def test_a_thousand_parameters_are_refused(host: Host) -> None:
    answer = host.client.get(host.url() + "&a" * 1000)
    assert answer.status_code == 400
    assert "Location" not in answer


@pytest.mark.parametrize(
    "tail",
    ["&state=%ZZ", "&x=%", "&&&", "&=", "&=1", "&flag", "&a[]=1", "&x=%u0041", "&x=é", "&x=#"],
)
def test_sloppy_queries_never_crash(host: Host, alice: Membership, tail: str) -> None:
    host.client.force_login(alice.user)
    answer = host.client.get(host.url(state=None) + tail)
    assert answer.status_code == 200, answer.content
    assert answer.context["membership"].tenant == alice.tenant


@pytest.mark.parametrize(
    "name",
    ["client", "user", "scopes", "token", "claims", "nonce", "extra_credentials", "code", "body"],
)
@pytest.mark.parametrize("value", ["x", "{", "[]", "1"])
def test_names_that_the_library_uses_inside_change_nothing(
    host: Host, alice: Membership, name: str, value: str
) -> None:
    host.client.force_login(alice.user)
    url = f"{host.url()}&{name}={quote(value)}"
    assert host.client.get(url).status_code == 200
    answer = host.decide("allow", url=url)
    assert answer.status_code == 302
    grant = Grant.objects.get()
    assert (grant.user, grant.tenant) == (alice.user, alice.tenant)
    assert set(grant.scope.split()) == {"mcp.inventory.read", "mcp.docs.read"}


# -- told to the client ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None},
        {"code_challenge": ""},
        {"code_challenge_method": None},
        {"code_challenge_method": ""},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge_method": "S512"},
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": "x" * 42},
        {"code_challenge": "x" * 44},
        {"code_challenge": "x" * 128},
        {"code_challenge": "x" * 129},
        {"code_challenge": "x" * 4000},
        {"code_challenge": "x" * 42 + "="},
        {"code_challenge": "x" * 42 + "+"},
        {"code_challenge": "x" * 42 + "."},
        {"code_challenge": "x" * 42 + "é"},
        {"code_challenge": "x" * 43 + "\n"},
        {"code_challenge": "\uff58" * 43},
    ],
)
def test_pkce_must_be_s256(host: Host, changes: dict[str, str | None]) -> None:
    description = sent_back(host.authorize(**changes), "invalid_request", state=host.state)
    assert "S256" in description
    assert last_attempt().reason == "invalid_request"


@pytest.mark.parametrize(
    "resource",
    [
        "https://evil.example/mcp",
        "http://127.0.0.1:8000",
        "http://127.0.0.1:8000/",
        "http://127.0.0.1:8000/mcp//",
        "http://127.0.0.1:8000/MCP",
        "http://127.0.0.1:8000/mcp/x",
        "http://127.0.0.1:8000/mcp?x=1",
        "http://127.0.0.1:8000/mcp#x",
        "http://user@127.0.0.1:8000/mcp",
        "http://127.0.0.1:8001/mcp",
        "http://127.0.0.1:x/mcp",
        "http://127.0.0.1/mcp",
        "https://127.0.0.1:8000/mcp",
        "http://[/mcp",
        "mcp",
    ],
)
def test_another_resource_is_an_invalid_target(host: Host, resource: str) -> None:
    sent_back(host.authorize(resource=resource), "invalid_target", state=host.state)
    assert last_attempt().reason == "invalid_target"


@pytest.mark.parametrize(
    "scope",
    [
        "openid",
        "mcp.everything",
        "mcp.docs.read mcp.everything",
        "MCP.DOCS.READ",
        "mcp.docs.read,mcp.inventory.read",
        "mcp.docs.read\tmcp.inventory.read",
        "*",
        "<script>",
        "ü",
        "x" * 4000,
    ],
)
def test_an_unknown_scope_is_an_invalid_scope(host: Host, scope: str) -> None:
    sent_back(host.authorize(scope=scope), "invalid_scope", state=host.state)
    assert last_attempt().reason == "invalid_scope"


@pytest.mark.parametrize(
    "response_type",
    ["token", "id_token", "code token", "code id_token", "none", "xcodex", "Code", "code ", "é"],
)
def test_only_the_response_type_code_is_supported(host: Host, response_type: str) -> None:
    answer = host.authorize(response_type=response_type)
    sent_back(answer, "unsupported_response_type", state=host.state)


def test_the_response_type_is_required(host: Host) -> None:
    for absent in (None, ""):
        sent_back(host.authorize(response_type=absent), "invalid_request", state=host.state)


@pytest.mark.parametrize("mode", ["fragment", "form_post", "web_message", "query.jwt", "x"])
def test_only_the_response_mode_query_is_supported(host: Host, mode: str) -> None:
    """Another would put the code where the metadata does not say (RFC 8414)."""
    sent_back(host.authorize(response_mode=mode), "invalid_request", state=host.state)
    sent_back(
        host.authorize(response_mode=mode, code_challenge=None),
        "invalid_request",
        state=host.state,
    )


def test_prompt_none_can_never_be_answered(host: Host, alice: Membership) -> None:
    for prompt in ("none", "none login", "consent none"):
        sent_back(host.authorize(prompt=prompt), "login_required", state=host.state)
    host.client.force_login(alice.user)
    sent_back(host.authorize(prompt="none"), "consent_required", state=host.state)
    assert last_attempt().reason == "consent_required"
    host.allow()
    sent_back(host.authorize(prompt="none"), "consent_required", state=host.state)


def test_prompt_none_is_not_answered_by_a_post_either(host: Host, alice: Membership) -> None:
    host.client.force_login(alice.user)
    form = {"decision": "allow", "scope": ["mcp.docs.read"]}
    answer = host.client.post(host.url(prompt="none"), form)
    sent_back(answer, "consent_required", state=host.state)
    assert not Consent.objects.exists()


def test_an_error_goes_to_the_redirect_with_its_query_and_one_issuer(client: Client) -> None:
    uri = "https://host.example/cb?x=1&iss=https%3A%2F%2Fevil.example&y=%C3%A9"
    host = Host(client, redirect_uri=uri)
    host.register()
    answer = host.authorize(scope="nope")
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert (query["x"], query["y"], query["iss"]) == (["1"], ["é"], [ISSUER])
    assert query["error"] == ["invalid_scope"]


@pytest.mark.parametrize("state", ["✓ ünï=&%+ 日本", "a\nb\r\nc", "x" * 3000, '<"', "%25"])
def test_the_state_is_echoed_verbatim_in_errors(host: Host, state: str) -> None:
    sent_back(host.authorize(scope="nope", state=state), "invalid_scope", state=state)


def test_without_a_state_none_is_made_up(host: Host) -> None:
    sent_back(host.authorize(scope="nope", state=None), "invalid_scope", state="")


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options", "trace"])
def test_other_methods_are_not_allowed(host: Host, method: str) -> None:
    assert getattr(host.client, method)(host.url()).status_code == 405


def test_the_rate_limit_of_the_door_is_kept(host: Host, settings: Any) -> None:
    settings.RATE_LIMIT_AUTHORIZE = "3/m"
    for _ in range(3):
        assert host.authorize().status_code == 302
    answer = host.authorize()
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert answer["Cache-Control"] == "no-store"
    assert "Location" not in answer


def test_a_lapsed_client_is_unknown(host: Host) -> None:
    Application.objects.filter(client_id=host.client_id).delete()
    text = shown_here(host.authorize())
    assert "add it again" in text
