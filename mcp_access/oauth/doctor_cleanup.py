"""What a self-test made in the database, and its removal, also long after a crash.

A name proves nothing: anybody may register an app called like the self-test's. So a client is the
self-test's only by its source, which is set here and never by registration.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from oauth2_provider.models import Application

from mcp_access.models import (
    AccessToken,
    Consent,
    ConsumedCode,
    Grant,
    OAuthAttempt,
    RefreshToken,
)

CLIENT_NAME = "Cliqtel self-test"
SOURCE = "self-test"
# Nothing listens there: the test reads the redirect and does not follow it.
_REDIRECT = "http://127.0.0.1/cliqtel-self-test/"


def new_redirect_uri() -> str:
    """One that no other client has: by it a run knows its client even if no answer came."""
    return f"{_REDIRECT}{secrets.token_urlsafe(24)}"


def claim(client_id: object, redirect_uri: str) -> bool:
    """Mark the client as the self-test's. False: it is not in this database."""
    if not isinstance(client_id, str) or "\x00" in client_id:
        return False
    mine = Application.objects.filter(client_id=client_id, redirect_uris=redirect_uri)
    return bool(mine.update(registration_source=SOURCE) == 1)


def remove(redirect_uri: str) -> int:
    """The run's client is gone with all that it was given. Idempotent."""
    return _remove(Application.objects.filter(name=CLIENT_NAME, redirect_uris=redirect_uri))


def remove_leftovers() -> int:
    """What runs left that died half-way is gone; a run that may still go on is left alone."""
    before = timezone.now() - timedelta(seconds=2 * settings.SELF_TEST_SECONDS)
    return _remove(Application.objects.filter(registration_source=SOURCE, created__lt=before))


@transaction.atomic
def _remove(applications: QuerySet[Application]) -> int:
    found = dict(applications.values_list("pk", "client_id"))
    if not found:
        return 0
    made = {"application_id__in": list(found)}
    # Consents first: the order in which every path locks them.
    list(Consent.objects.select_for_update().filter(**made).order_by("pk").values_list("pk"))
    RefreshToken.objects.filter(**made).delete()
    AccessToken.objects.filter(**made).delete()
    for model in (Grant, ConsumedCode, Consent):
        model._default_manager.filter(**made).delete()
    Application.objects.filter(pk__in=list(found)).delete()
    # Steps that went well are noise in the doctor's list; a failed one is worth keeping.
    OAuthAttempt.objects.filter(client_id__in=list(found.values()), ok=True).delete()
    return len(found)
