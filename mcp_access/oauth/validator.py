"""django-oauth-toolkit's validator with what oauth.md demands beyond its settings.

Codes and tokens are stored as SHA-256 only; a code or refresh token is judged under a row lock, so
of N requests at once exactly one wins; using one again ends what it had issued. `arrived(request)`
is when the request came in: one that was already under way when the winner finished is refused
without that penalty.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from oauth2_provider.models import set_token_value
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc6749 import errors

from cliqtel_portal.accounts.models import Membership
from mcp_access import tokens
from mcp_access.models import AccessToken, ConsumedCode, Grant, RefreshToken
from mcp_access.oauth import resource, sessions
from mcp_access.oauth.scopes_backend import OFFLINE_ACCESS

# Where the view says when the request came in: oauthlib hands headers through to the validator.
ARRIVED_HEADER = "cliqtel.arrived"
_GRANT_TYPES = frozenset({"authorization_code", "refresh_token"})


def arrived(request: Any) -> datetime:
    moment: datetime = request.headers[ARRIVED_HEADER]
    return moment


def new_access_token(request: Any) -> str:
    return tokens.generate()


def new_refresh_token(request: Any) -> str:
    return tokens.generate_refresh()


class McpValidator(OAuth2Validator):  # type: ignore[misc]
    # -- clients -----------------------------------------------------------------------------------
    def _load_application(self, client_id: Any, request: Any) -> Any:
        if not isinstance(client_id, str) or not client_id or "\x00" in client_id:
            return None
        if len(client_id) > 255 or not client_id.isprintable():
            return None
        return super()._load_application(client_id, request)

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        return grant_type in _GRANT_TYPES

    def is_origin_allowed(
        self, client_id: str, origin: str, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """CORS is answered for all by its middleware."""
        return False

    # -- authorization codes -----------------------------------------------------------------------
    def _create_authorization_code(
        self, request: Any, code: dict[str, Any], expires: datetime | None = None
    ) -> Grant:
        """Keep the code's digest, the tenant that was consented for, and the audience."""
        lifetime = timedelta(seconds=settings.OAUTH_CODE_SECONDS)
        grant: Grant = Grant.objects.create(
            application=request.client,
            user=request.user,
            tenant=request.tenant,
            code=tokens.digest(code["code"]),
            expires=expires or timezone.now() + lifetime,
            redirect_uri=request.redirect_uri,
            scope=" ".join(request.scopes),
            code_challenge=request.code_challenge,
            code_challenge_method=request.code_challenge_method,
            resource=[settings.MCP_RESOURCE_URL],
        )
        return grant

    def validate_code(
        self, client_id: str, code: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        mine = Grant.objects.filter(code=code, application=client)
        # Seen here and gone under the lock: another request is just spending it. No replay.
        is_unspent = mine.exists()
        locked = mine.select_for_update(of=("self",))
        grant = locked.select_related("user", "tenant").first() if is_unspent else None
        if grant is None:
            if not is_unspent:
                self._punish_replayed_code(code, client, request)
            return False
        if grant.is_expired() or not _may_still(grant.user_id, grant.tenant_id):
            return False
        request.user, request.tenant = grant.user, grant.tenant
        request.scopes = grant.scope.split()
        return True

    def _punish_replayed_code(self, code: str, client: Any, request: Any) -> None:
        """RFC 6749 section 4.1.2: what a code had issued ends when the code comes again."""
        used = ConsumedCode.objects.filter(pk=code, application=client).first()
        if used is not None and arrived(request) > used.consumed_at:
            sessions.end_family(used.token_family, reason="code_replay")

    def get_default_redirect_uri(
        self, client_id: str, request: Any, *args: Any, **kwargs: Any
    ) -> None:
        """None: every code was asked for with a redirect URI, so it must be named again."""

    def confirm_redirect_uri(
        self,
        client_id: str,
        code: str,
        redirect_uri: str,
        client: Any,
        request: Any,
        *args: Any,
        **kwargs: Any,
    ) -> bool:
        """RFC 6749 section 5.2 calls a mismatch invalid_grant; oauthlib says invalid_request."""
        if not super().confirm_redirect_uri(client_id, code, redirect_uri, client):
            raise errors.InvalidGrantError(request=request)
        return True

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any
    ) -> None:
        super().invalidate_authorization_code(client_id, code, request, *args, **kwargs)
        ConsumedCode.objects.create(
            pk=code, application=request.client, token_family=request.token_family
        )

    # -- audience ----------------------------------------------------------------------------------
    def _check_and_set_request_resource(self, request: Any) -> None:
        """Ours is the only resource, asked for or not (RFC 8707)."""
        named = [value for key, value in request.decoded_body or [] if key == "resource"]
        if any(not resource.is_ours(value) for value in named):
            raise errors.CustomOAuth2Error(
                error="invalid_target",
                description=f"The only resource here is {settings.MCP_RESOURCE_URL}.",
                request=request,
            )
        request.resource = [settings.MCP_RESOURCE_URL]

    # -- tokens ------------------------------------------------------------------------------------
    def _save_bearer_token(
        self, token: dict[str, Any], request: Any, *args: Any, **kwargs: Any
    ) -> None:
        """Store the new pair; a used refresh token is spent, its access token lives out."""
        self._check_and_set_request_resource(request)
        now = timezone.now()
        spent: RefreshToken | None = getattr(request, "refresh_token_instance", None)
        if spent is not None:
            RefreshToken.objects.filter(pk=spent.pk).update(revoked=now, updated=now)
            request.tenant = spent.tenant
        # The end of the session is absolute: neither token outlives it.
        session = timedelta(seconds=settings.OAUTH_SESSION_SECONDS)
        ends = spent.expires_at if spent else now + session
        expires = min(now + timedelta(seconds=token["expires_in"]), ends)
        token["expires_in"] = int((expires - now).total_seconds())
        access = AccessToken(
            kind=AccessToken.Kind.OAUTH,
            tenant=request.tenant,
            user=request.user,
            application=request.client,
            scope=token["scope"],
            resource=request.resource,
            expires=expires,
            source_refresh_token=spent,
            # Renewing does not shake off what an alert has put on the session.
            restricted_at=spent.access_token.restricted_at
            if spent and spent.access_token
            else None,
        )
        access.remember(token["access_token"])
        access.save(force_insert=True)
        renewal = RefreshToken(
            tenant=request.tenant,
            user=request.user,
            application=request.client,
            access_token=access,
            token_family=spent.token_family if spent else uuid.uuid4(),
            resource=request.resource,
            # The session's scopes and end: a refresh may narrow an access token, never these.
            scope=spent.scope if spent else token["scope"],
            expires_at=ends,
        )
        set_token_value(renewal, token["refresh_token"])
        renewal.save(force_insert=True)
        request.token_family = renewal.token_family

    def validate_refresh_token(
        self, refresh_token: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Exactly one of N wins. The client is judged first: a stranger's replay sweeps nothing."""
        mine = RefreshToken.objects.filter(
            token_checksum=tokens.digest(refresh_token), application=client
        )
        seen = mine.first()
        if seen is None:
            return False
        sessions.lock_sessions([seen.user_id], [client.pk])
        locked = mine.select_for_update(of=("self",))
        held = locked.select_related("user", "tenant").first()
        if held is None:
            return False
        if held.revoked is not None:
            # Unspent before the lock: another request was just spending it. No replay.
            if seen.revoked is not None:
                self._punish_replayed_refresh_token(held, request)
            return False
        if held.expires_at <= timezone.now() or not _may_still(held.user_id, held.tenant_id):
            return False
        request.user, request.tenant = held.user, held.tenant
        request.refresh_token = refresh_token
        request.refresh_token_instance = held
        return True

    def _punish_replayed_refresh_token(self, held: RefreshToken, request: Any) -> None:
        """Only one that was renewed is proof of a copy.

        A host whose session was ended by revoking can't know, and tries its last token once more.
        """
        was_renewed = AccessToken.objects.filter(source_refresh_token=held).exists()
        grace = timedelta(seconds=settings.REFRESH_REUSE_GRACE_SECONDS)
        if was_renewed and arrived(request) > held.revoked + grace:
            sessions.sweep(held, reason="refresh_replay")

    def get_original_scopes(
        self, refresh_token: str, request: Any, *args: Any, **kwargs: Any
    ) -> list[str]:
        return list(request.refresh_token_instance.scope.split())

    def is_within_original_scope(
        self, request_scopes: list[str], refresh_token: str, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Asked only where something is not of the session: `offline_access` is forgiven.

        Hosts that ask for it at consent send the same list again here.
        """
        original = self.get_original_scopes(refresh_token, request)
        kept = [scope for scope in request_scopes if scope != OFFLINE_ACCESS] or original
        request.scopes = kept
        return set(kept) <= set(original)

    def revoke_token(
        self, token: str, token_type_hint: str, request: Any, *args: Any, **kwargs: Any
    ) -> None:
        """RFC 7009: either token of a session ends it; a foreign or unknown one ends nothing."""
        if request.client is not None:
            sessions.end_by_token(token, application=request.client)


def _may_still(user_id: uuid.UUID, tenant_id: uuid.UUID) -> bool:
    """The person is active and a member of the live tenant, with a role that may use AI access."""
    return (
        Membership.objects.live()
        .filter(user_id=user_id, tenant_id=tenant_id, user__is_active=True)
        .exclude(role=Membership.Role.VIEWER)
        .exists()
    )
