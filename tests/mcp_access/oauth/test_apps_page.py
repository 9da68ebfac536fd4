"""Connected apps: what each person sees of them, and ending their access."""

from __future__ import annotations

from typing import Any

import pytest

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.notices.models import Notice
from mcp_access.models import AccessToken, Consent, RefreshToken
from tests.mcp_access.oauth.host import Host

pytestmark = pytest.mark.django_db


def replay(host: Host) -> None:
    """Somebody uses the first refresh token of the session once more."""
    used = host.tokens["refresh_token"]
    host.refresh(used)
    assert host.refresh(used).status_code == 400


class LongName(Host):
    def register(self, **metadata: Any) -> dict[str, Any]:
        return super().register(client_name="x" * 120, **metadata)


def test_no_name_is_too_long_for_the_sweep(client: Any, alice: Membership) -> None:
    replay(LongName(client).connect(alice))

    assert not RefreshToken.objects.filter(revoked__isnull=True).exists()
    assert not AccessToken.objects.filter(revoked_at__isnull=True).exists()
    assert "x" * 80 in Notice.objects.get().title


def test_a_second_replay_does_not_move_the_time_of_the_sweep(
    client: Any, alice: Membership
) -> None:
    host = Host(client).connect(alice)
    replay(host)
    swept_at = Consent.objects.get().swept_at

    assert host.refresh(host.tokens["refresh_token"]).status_code == 400

    assert Consent.objects.get().swept_at == swept_at
    assert Notice.objects.count() == 1
