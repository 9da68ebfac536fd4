"""The self-test: an AI host that plays the whole flow against the running server, and leaves.

It is given nothing but MCP_RESOURCE_URL and goes over the network, so that DNS, TLS and proxies are
in the test. The admin's session cookie is sent to the authorize page alone, and only after the
server there has shown that it writes to this very database.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.conf import settings
from django.db import IntegrityError
from django.db.models import ProtectedError

from cliqtel_portal.accounts.models import Membership
from mcp_access.oauth import doctor_cleanup
from mcp_access.oauth.diagnosis import diagnosis_of
from mcp_access.oauth.doctor_answers import must_equal, refused, unexpected
from mcp_access.oauth.doctor_http import Answer, StepFailed, Wire, origin_of
from mcp_access.oauth.doctor_page import ConsentForm

logger = logging.getLogger(__name__)

_AUTHORIZE = "/oauth/authorize"
_PROTOCOL = "2025-11-25"
_METADATA = re.compile(r'resource_metadata="([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class Step:
    """`state`: ok, failed, skipped. `note` is what was found, `cause` and `remedy` what failed."""

    title: str
    state: str
    milliseconds: int = 0
    note: str = ""
    cause: str = ""
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """The admin in whose name it runs. `origin` is the one that their browser shows."""

    membership: Membership
    origin: str
    session_cookie: str = field(repr=False)


def run(visitor: Visitor) -> list[Step]:
    """Every step with how it went. The client and its tokens are gone, whatever happened."""
    doctor_cleanup.remove_leftovers()
    with Wire(seconds=settings.SELF_TEST_SECONDS) as wire:
        flow = _Flow(visitor, wire)
        try:
            steps = _play(flow.plan())
        finally:
            last = _timed("Everything is removed", flow.clean_up)
    return [*steps, last]


def _play(plan: list[tuple[str, Callable[[], str]]]) -> list[Step]:
    steps: list[Step] = []
    for title, play in plan:
        if steps and steps[-1].state != "ok":
            steps.append(Step(title=title, state="skipped"))
        else:
            steps.append(_timed(title, play))
    return steps


def _timed(title: str, play: Callable[[], str]) -> Step:
    started = time.perf_counter()

    def spent() -> int:
        return round((time.perf_counter() - started) * 1000)

    try:
        note = play()
    except StepFailed as failed:
        logger.warning("self-test: %s: %s", title, failed.cause)
        return Step(
            title=title,
            state="failed",
            milliseconds=spent(),
            cause=failed.cause,
            remedy=failed.remedy,
        )
    return Step(title=title, state="ok", milliseconds=spent(), note=note)


class _Flow:
    """One host. Its secrets live as long as this object and are in no step."""

    def __init__(self, visitor: Visitor, wire: Wire) -> None:
        self._visitor = visitor
        self._wire = wire
        self._redirect_uri = doctor_cleanup.new_redirect_uri()
        self._verifier = secrets.token_urlsafe(48)
        self._state = secrets.token_urlsafe(16)
        self._client_id = ""
        self._metadata_url = ""
        self._server: dict[str, Any] = {}
        self._consent: ConsentForm | None = None
        self._csrf = ""
        self._code = ""
        self._tokens: dict[str, Any] = {}

    def plan(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("The endpoint asks for sign-in", self._challenge),
            ("It names its sign-in server", self._resource),
            ("The sign-in server describes itself", self._discover),
            ("An app registers", self._register),
            ("The page that asks opens", self._ask),
            ("You allow it", self._allow),
            ("The code becomes a token", self._redeem),
            ("The token lists the tools", self._list_tools),
            ("The session is renewed", self._refresh),
            ("The session is revoked", self._revoke),
        ]

    def _challenge(self) -> str:
        answer = self._call("tools/list", token="")
        if answer.status != 401:
            raise unexpected(answer, 401)
        found = _METADATA.search(answer.headers.get("www-authenticate", ""))
        if found is None:
            raise StepFailed(
                "The answer 401 came without the header WWW-Authenticate that leads hosts on.",
                "A proxy removes it. Let it pass response headers unchanged.",
            )
        self._metadata_url = found[1]
        return "401, as it must be without a token"

    def _resource(self) -> str:
        answer = self._wire.send("GET", self._metadata_url)
        if answer.status != 200:
            raise unexpected(answer, 200)
        content = answer.json()
        must_equal("resource", content.get("resource"), settings.MCP_RESOURCE_URL)
        servers = content.get("authorization_servers")
        must_equal("authorization_servers", servers, [settings.OAUTH_ISSUER])
        return f"It is {settings.OAUTH_ISSUER}"

    def _discover(self) -> str:
        url = f"{settings.OAUTH_ISSUER}/.well-known/oauth-authorization-server"
        answer = self._wire.send("GET", url)
        if answer.status != 200:
            raise unexpected(answer, 200)
        self._server = answer.json()
        must_equal("issuer", self._server.get("issuer"), settings.OAUTH_ISSUER)
        methods = self._server.get("code_challenge_methods_supported")
        must_equal("code_challenge_methods_supported", methods, ["S256"])
        must_equal(
            "authorization_endpoint",
            self._server.get("authorization_endpoint"),
            f"{settings.OAUTH_ISSUER}{_AUTHORIZE}",
        )
        return "PKCE with S256"

    def _register(self) -> str:
        metadata = {
            "client_name": doctor_cleanup.CLIENT_NAME,
            "redirect_uris": [self._redirect_uri],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        }
        answer = self._wire.send("POST", self._endpoint("registration_endpoint"), json=metadata)
        if answer.status != 201:
            raise refused("register", answer)
        client_id = answer.json().get("client_id")
        if not doctor_cleanup.claim(client_id, self._redirect_uri):
            raise StepFailed(
                f"OAUTH_ISSUER says {settings.OAUTH_ISSUER}, but another installation answers "
                "there: what registered is not in this portal's database.",
                "Correct OAUTH_ISSUER, or the DNS name and proxy that it leads to.",
            )
        self._client_id = str(client_id)
        return "A public client"

    def _ask(self) -> str:
        self._check_origin()
        answer = self._visit("GET")
        if answer.status in {301, 302, 303, 307, 308}:
            target = answer.headers.get("location", "")
            if target.startswith(self._redirect_uri):
                self._read_redirect(target)
            raise StepFailed(
                "The page did not know your session, though your browser shows it.",
                "The proxy must pass the Cookie header and the host name unchanged.",
            )
        if answer.status != 200:
            raise unexpected(answer, 200)
        self._consent = ConsentForm.read(answer.text)
        self._csrf = answer.cookies.get(settings.CSRF_COOKIE_NAME, "")
        if self._consent is None or not self._consent.scopes:
            raise StepFailed(
                "The page that asks for consent has nothing to allow.",
                "Your role or tier gives none of the read permissions. Look at the page yourself: "
                "connect an app.",
            )
        return f"{len(self._consent.scopes)} read permissions offered"

    def _allow(self) -> str:
        if self._consent is None:
            raise StepFailed("There was no form to answer.", "Run the self-test again.")
        form = {
            "csrfmiddlewaretoken": self._consent.csrf,
            "tenant": self._visitor.membership.tenant.slug,
            "scope": self._consent.scopes,
            "decision": "allow",
        }
        answer = self._visit("POST", data=form)
        if answer.status == 409:
            full = diagnosis_of("consent", "connection_limit")
            raise StepFailed(f"{full.cause} The self-test needs a free one.", full.remedy)
        if answer.status == 403:
            raise StepFailed(
                "The portal took its own form for a forged one.",
                "The proxy must pass Host, Origin and Referer unchanged and say by "
                "X-Forwarded-Proto that the browser came over https.",
            )
        if answer.status != 302:
            raise unexpected(answer, 302)
        self._code = self._read_redirect(answer.headers.get("location", ""))
        return "For a second: the permissions go with the test"

    def _redeem(self) -> str:
        self._tokens = self._fetch_tokens(
            "token",
            grant_type="authorization_code",
            code=self._code,
            redirect_uri=self._redirect_uri,
            code_verifier=self._verifier,
        )
        return f"Valid for {int(self._tokens.get('expires_in') or 0) // 60} minutes"

    def _list_tools(self) -> str:
        token = self._tokens["access_token"]
        answer = self._call("tools/list", token=token)
        if answer.status == 401:
            raise StepFailed(
                "The endpoint does not accept a token that was issued a moment ago.",
                "MCP_RESOURCE_URL must be the same in every process. A proxy must pass the header "
                "Authorization.",
            )
        if answer.status != 200:
            raise unexpected(answer, 200)
        result = answer.json().get("result")
        tools = result.get("tools") if isinstance(result, dict) else None
        if not isinstance(tools, list) or not tools:
            raise StepFailed("The list of tools is empty.", "Send Cliqtel the time of this test.")
        return f"{len(tools)} tools"

    def _refresh(self) -> str:
        before = self._tokens["access_token"]
        self._tokens = self._fetch_tokens(
            "refresh", grant_type="refresh_token", refresh_token=self._tokens["refresh_token"]
        )
        if self._tokens["access_token"] == before:
            raise StepFailed("The token stayed the same.", "Send Cliqtel the time of this test.")
        return "A new token and a new refresh token"

    def _revoke(self) -> str:
        form = {"token": self._tokens["refresh_token"], "client_id": self._client_id}
        answer = self._wire.send("POST", self._endpoint("revocation_endpoint"), data=form)
        if answer.status != 200:
            raise refused("revoke", answer)
        if self._call("tools/list", token=self._tokens["access_token"]).status != 401:
            raise StepFailed(
                "The token still works after its session was revoked.",
                "Tell Cliqtel at once. Until then revoke apps under Connected apps.",
            )
        return "The token is refused from now on"

    def clean_up(self) -> str:
        try:
            doctor_cleanup.remove(self._redirect_uri)
        except (IntegrityError, ProtectedError) as error:
            raise StepFailed(
                "A request of the test was still being worked on.",
                "Nothing: what is left is removed within minutes.",
            ) from error
        return "Client, tokens and permissions are gone"

    # -- the ways there ----------------------------------------------------------------------------
    def _check_origin(self) -> None:
        """A session goes to where the browser itself would take it, and nowhere else."""
        if origin_of(self._visitor.origin) != origin_of(settings.OAUTH_ISSUER):
            raise StepFailed(
                f"OAUTH_ISSUER says {settings.OAUTH_ISSUER}, but you are signed in at "
                f"{self._visitor.origin}. There you have no session.",
                "Open the portal at OAUTH_ISSUER and run the test again. If it is the same "
                "address, the proxy must pass the host name and X-Forwarded-Proto.",
            )

    def _visit(self, method: str, **options: Any) -> Answer:
        """The authorize page, as the admin's browser would ask for it."""
        issuer = settings.OAUTH_ISSUER
        digest = hashlib.sha256(self._verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "state": self._state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            "resource": settings.MCP_RESOURCE_URL,
            "tenant": self._visitor.membership.tenant.slug,
        }
        url = f"{issuer}{_AUTHORIZE}?{urlencode(query)}"
        cookies = {settings.SESSION_COOKIE_NAME: self._visitor.session_cookie}
        if self._csrf:
            cookies[settings.CSRF_COOKIE_NAME] = self._csrf
        headers = {
            "cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            "referer": url,
        }
        if method == "POST":
            parts = urlsplit(issuer)
            headers["origin"] = f"{parts.scheme}://{parts.netloc}"
        return self._wire.send(method, url, headers=headers, **options)

    def _read_redirect(self, location: str) -> str:
        query = parse_qs(urlsplit(location).query)
        if not location.startswith(f"{self._redirect_uri}?"):
            raise StepFailed(
                "The answer did not lead back to the app.", "A proxy changes the header Location."
            )
        if "error" in query:
            found = diagnosis_of("authorize", query["error"][0])
            raise StepFailed(found.cause, found.remedy)
        if query.get("state") != [self._state] or query.get("iss") != [settings.OAUTH_ISSUER]:
            raise StepFailed(
                "The answer came back with another state or issuer.",
                "OAUTH_ISSUER must be the same in every process.",
            )
        return query["code"][0]

    def _fetch_tokens(self, step: str, **form: str) -> dict[str, Any]:
        data = {**form, "client_id": self._client_id, "resource": settings.MCP_RESOURCE_URL}
        answer = self._wire.send("POST", self._endpoint("token_endpoint"), data=data)
        if answer.status != 200:
            raise refused(step, answer)
        content = answer.json()
        if not content.get("access_token") or not content.get("refresh_token"):
            raise StepFailed("The answer has no tokens.", "Check what answers there.")
        return content

    def _call(self, method: str, *, token: str) -> Answer:
        headers = {
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": _PROTOCOL,
        }
        if token:
            headers["authorization"] = f"Bearer {token}"
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}
        return self._wire.send("POST", settings.MCP_RESOURCE_URL, headers=headers, json=message)

    def _endpoint(self, name: str) -> str:
        return str(self._server.get(name, ""))
