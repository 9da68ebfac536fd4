"""`manage.py mcp_token`: static tokens from the command line, by the same rules as the page."""

from __future__ import annotations

import uuid
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.errors import PortalError
from mcp_access.models import AccessToken
from mcp_access.services import issue_token, revoke_as_system, rotate_token


class Command(BaseCommand):
    help = "Create, list, revoke and rotate static AI access tokens."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="print a new token, alone on stdout")
        create.add_argument("--tenant", required=True, metavar="SLUG")
        create.add_argument("--user", required=True, metavar="EMAIL")
        create.add_argument("--name", required=True)
        create.add_argument("--scopes", required=True, help="with commas between")
        create.add_argument("--expires-days", type=int, default=None)
        create.add_argument("--cidr", action="append", default=[], help="allowed network")
        listing = actions.add_parser("list", help="the tenant's tokens")
        listing.add_argument("--tenant", required=True, metavar="SLUG")
        revoke = actions.add_parser("revoke", help="end a token now")
        revoke.add_argument("id", type=uuid.UUID)
        rotate = actions.add_parser("rotate", help="print the token that takes over")
        rotate.add_argument("id", type=uuid.UUID)
        rotate.add_argument(
            "--overlap-hours", type=int, default=24, help="how long the old one works on"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        actions = {
            "create": self._create,
            "list": self._list,
            "revoke": self._revoke,
            "rotate": self._rotate,
        }
        try:
            actions[options["action"]](options)
        except PortalError as error:
            details = "".join(f"\n  {one.field}: {one.message}" for one in error.problems)
            raise CommandError(f"{error.message}{details}") from error
        except OverflowError as error:
            raise CommandError("That is longer than any calendar. Give fewer.") from error

    def _create(self, options: dict[str, Any]) -> None:
        membership = _membership(options["user"], tenant_slug=options["tenant"])
        days = options["expires_days"]
        issued = issue_token(
            membership,
            name=options["name"],
            scopes=[scope.strip() for scope in options["scopes"].split(",") if scope.strip()],
            expires_at=None if days is None else timezone.now() + timedelta(days=days),
            allowed_cidrs=options["cidr"],
        )
        self.stdout.write(issued.plaintext)
        self.stderr.write(f"id {issued.token.pk}, expires {issued.token.expires:%Y-%m-%d}")

    def _list(self, options: dict[str, Any]) -> None:
        tenant = Tenant.objects.filter(slug=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        tokens = AccessToken.objects.for_tenant(tenant).static().select_related("user")
        for token in tokens.order_by("created"):
            self.stdout.write(
                f"{token.pk}  {token.state:<8}  {token.masked}  {token.user.email}  "
                f"expires {token.expires:%Y-%m-%d}  {token.name}"
            )

    def _revoke(self, options: dict[str, Any]) -> None:
        if not AccessToken.objects.static().filter(pk=options["id"]).exists():
            raise CommandError("There is no such token. See: mcp_token list --tenant SLUG")
        ended = revoke_as_system(options["id"])
        self.stderr.write("revoked" if ended else "was revoked already")

    def _rotate(self, options: dict[str, Any]) -> None:
        token = AccessToken.objects.static().filter(pk=options["id"]).first()
        if token is None:
            raise CommandError("There is no such token. See: mcp_token list --tenant SLUG")
        membership = _membership(token.user.email, tenant_id=token.tenant_id)
        overlap = timedelta(hours=options["overlap_hours"])
        issued = rotate_token(membership, token.pk, overlap=overlap)
        self.stdout.write(issued.plaintext)
        self.stderr.write(f"id {issued.token.pk}, expires {issued.token.expires:%Y-%m-%d}")


def _membership(
    email: str, *, tenant_slug: str = "", tenant_id: uuid.UUID | None = None
) -> Membership:
    found = (
        Membership.objects.live()
        .select_related("user", "tenant")
        .filter(user__email__iexact=email, user__is_active=True)
    )
    found = (
        found.filter(tenant_id=tenant_id) if tenant_id else found.filter(tenant__slug=tenant_slug)
    )
    membership = found.first()
    if membership is None:
        raise CommandError(f"{email} is no active member of that tenant.")
    return membership
