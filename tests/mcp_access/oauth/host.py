"""An AI host at the authorization server, over Django's test client."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client

from cliqtel_portal.accounts.models import Membership

REDIRECT_URI = "https://claude.ai/api/mcp/auth_callback"


class Host:
    """`client` is the host's HTTP client and the person's browser at once."""

    def __init__(self, client: Client, *, redirect_uri: str = REDIRECT_URI) -> None:
        self.client = client
        self.redirect_uri = redirect_uri
        self.state = secrets.token_urlsafe(8)
        self.verifier = secrets.token_urlsafe(48)
        self.client_id = ""
        self.secret = ""
        self.tokens: dict[str, Any] = {}

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def register(self, **metadata: Any) -> dict[str, Any]:
        body = {
            "client_name": "Claude",
            "redirect_uris": [self.redirect_uri],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            **metadata,
        }
        answer = self.client.post("/oauth/register", body, content_type="application/json")
        assert answer.status_code == 201, answer.content
        self.client_id = answer.json()["client_id"]
        self.secret = answer.json().get("client_secret", "")
        return answer.json()

    def url(self, **changes: str | None) -> str:
        """The authorization URL; a parameter that is None is left out."""
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": self.state,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            "resource": "http://127.0.0.1:8000/mcp",
            "scope": "mcp.inventory.read mcp.docs.read offline_access",
            **changes,
        }
        kept = {name: value for name, value in parameters.items() if value is not None}
        return f"/oauth/authorize?{urlencode(kept)}"

    def authorize(self, **changes: str | None) -> Any:
        return self.client.get(self.url(**changes))

    def decide(self, decision: str, *, url: str | None = None, **form: Any) -> Any:
        """Submit the consent form as shown, with `form` in place of its fields."""
        url = url or self.url()
        page = self.client.get(url)
        assert page.status_code == 200, page.content
        data = {
            "tenant": page.context["membership"].tenant.slug,
            "scope": sorted(page.context["chosen"]),
            "decision": decision,
            **form,
        }
        return self.client.post(url, data)

    def allow(self, **changes: str | None) -> str:
        """Allow what is asked; return where the browser is sent."""
        answer = self.decide("allow", url=self.url(**changes))
        assert answer.status_code == 302, answer.content
        return str(answer["Location"])

    def code(self, **changes: str | None) -> str:
        return parse_qs(urlsplit(self.allow(**changes)).query)["code"][0]

    def redeem(self, code: str, **changes: Any) -> Any:
        return self.post_token(
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.redirect_uri,
            code_verifier=self.verifier,
            **changes,
        )

    def refresh(self, refresh_token: str, **changes: Any) -> Any:
        return self.post_token(grant_type="refresh_token", refresh_token=refresh_token, **changes)

    def revoke(self, token: str, **changes: Any) -> Any:
        return self._post("/oauth/revoke", token=token, **changes)

    def post_token(self, **form: Any) -> Any:
        return self._post("/oauth/token", **form)

    def connect(self, membership: Membership, **changes: str | None) -> Host:
        """Register, be allowed by the person, redeem the code; `tokens` has the pair."""
        self.register()
        self.client.force_login(membership.user)
        answer = self.redeem(self.code(**changes))
        assert answer.status_code == 200, answer.content
        self.tokens = answer.json()
        return self

    def _post(self, path: str, **form: Any) -> Any:
        fields = {"client_id": self.client_id, **form}
        if self.secret:
            fields.setdefault("client_secret", self.secret)
        kept = {name: value for name, value in fields.items() if value is not None}
        return self.client.post(
            path, urlencode(kept, doseq=True), content_type="application/x-www-form-urlencoded"
        )
