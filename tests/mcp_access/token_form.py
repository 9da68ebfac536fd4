"""The form of a new token as a browser posts it."""

from __future__ import annotations

import html
import re
from typing import Any

from django.http import HttpResponse
from django.test import Client

from cliqtel_portal.accounts.models import Membership

NEW = "/numbers/ai-access/tokens/new/"
CREATE = "/numbers/ai-access/tokens/new/create/"
TOKEN = re.compile(r"ct_mcp_[0-9A-Za-z]{49}")
_INPUT = re.compile(r"<input type=\"hidden\" name=\"(\w+)\" value=\"([^\"]*)\"")


def signed_in(membership: Membership, **options: bool) -> Client:
    client = Client(**options)
    client.force_login(membership.user)
    return client


def text_of(response: HttpResponse) -> str:
    return html.unescape(response.content.decode())


def filled_in(client: Client, **values: Any) -> dict[str, Any]:
    """What a browser would post: the form's hidden values, the default expiry, and `values`."""
    hidden = dict(_INPUT.findall(client.get(NEW).content.decode()))
    del hidden["csrfmiddlewaretoken"]
    return hidden | {
        "name": "Ops agent",
        "scopes": ["mcp.docs.read"],
        "lifetime": "90",
        **values,
    }


def carried(response: HttpResponse) -> dict[str, Any]:
    """The hidden values of a review, as its form posts them."""
    found: dict[str, Any] = {}
    for name, value in _INPUT.findall(response.content.decode()):
        found.setdefault(name, []).append(html.unescape(value))
    # Django's client checks none, unless told to.
    found.pop("csrfmiddlewaretoken")
    return found


def make(client: Client, **values: Any) -> tuple[dict[str, Any], HttpResponse]:
    """Through form and review. What was posted last, and its answer."""
    posted = carried(client.post(NEW, filled_in(client, **values)))
    return posted, client.post(CREATE, posted)
