"""How the tests of these pages come in, and click."""

from __future__ import annotations

from html import unescape

from django.test import Client

from approvals.models import Approval, Decision
from cliqtel_portal.accounts.models import Membership


def signed_in(member: Membership) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def url(approval: Approval, verb: str = "") -> str:
    return f"/approvals/{approval.pk}/{f'{verb}/' if verb else ''}"


def body(member: Membership, approval: Approval) -> str:
    response = signed_in(member).get(url(approval))
    assert response.status_code == 200
    return response.content.decode()


def click(member: Membership, approval: Approval, verb: str, **fields: str) -> str:
    """The page that the person then sees."""
    data = {"digest": approval.digest, **fields}
    response = signed_in(member).post(url(approval, verb), data, follow=True)
    return unescape(response.content.decode())


def stored(approval: Approval) -> tuple[str, int]:
    approval.refresh_from_db()
    return approval.status, Decision.objects.count()
