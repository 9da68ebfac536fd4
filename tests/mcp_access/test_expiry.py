"""Warnings before a token ends: each once, to whom it concerns, and without the secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from cliqtel_portal.accounts.models import Membership, Tenant, User
from cliqtel_portal.notices.models import Notice
from mcp_access import expiry
from mcp_access.models import AccessToken, ExpiryWarning
from mcp_access.services import rotate_token
from mcp_access.tasks import warn_of_expiries
from tests.factories.accounts import MembershipFactory
from tests.factories.mcp_access import make_token
from tests.factories.oauth import make_application, make_session

pytestmark = pytest.mark.django_db

NOON = datetime(2027, 3, 10, 12, tzinfo=UTC)


def ending(membership: Membership, *, days: float, life: int = 90, **fields: Any) -> AccessToken:
    """A token that ends so many days after NOON."""
    expires = NOON + timedelta(days=days)
    token, _ = make_token(membership, expires=expires, **fields)
    AccessToken.objects.filter(pk=token.pk).update(created=expires - timedelta(days=life))
    token.refresh_from_db()
    return token


def run(now: datetime = NOON) -> int:
    expiry.warn_of_expiries(now=now)
    return expiry.send_mails(now=now)


def told() -> list[tuple[str, int]]:
    return sorted(ExpiryWarning.objects.values_list("token__name", "days"))


@pytest.mark.parametrize(
    ("days", "expected"),
    [(15, None), (14, 14), (13, 14), (4, 14), (3, 3), (1, 3), (0.1, 0), (-0.5, 0), (-1.5, None)],
)
def test_each_distance_is_told_when_it_is_reached(
    days: float, expected: int | None, alice: Membership
) -> None:
    ending(alice, days=days)
    run()

    found = list(ExpiryWarning.objects.values_list("days", flat=True))
    assert found == ([] if expected is None else [expected])


def test_the_day_is_that_of_the_tenants_zone(alice: Membership) -> None:
    Tenant.objects.filter(pk=alice.tenant_id).update(time_zone="Pacific/Auckland")
    token = ending(alice, days=0)
    # It ends at one in the night there: its last day begins at eleven in the morning, UTC.
    token.tenant.refresh_from_db()

    assert expiry.days_to_tell(token, datetime(2027, 3, 10, 11, 30, tzinfo=UTC)) == 0
    assert expiry.days_to_tell(token, datetime(2027, 3, 10, 10, 30, tzinfo=UTC)) == 3
    assert "11 Mar 2027, 01:00 (Pacific/Auckland)" in mail_of(token)


def mail_of(token: AccessToken) -> str:
    warning = ExpiryWarning(token=token, days=3, warned_at=NOON)
    return str(expiry._mail(token, warning, NOON).body)


def test_the_mail_says_which_token_when_and_where_to_go(
    alice: Membership, mailoutbox: list[EmailMessage], settings: Settings
) -> None:
    settings.OAUTH_ISSUER = "https://portal.example.test"
    token = ending(alice, days=3, name="Ops & <agent>")
    AccessToken.objects.filter(pk=token.pk).update(
        last_used_at=NOON - timedelta(days=2), last_used_tool="whoami", last_used_client="curl/8"
    )

    assert run() == 1

    (mail,) = mailoutbox
    assert mail.to == [alice.user.email]
    assert mail.cc == []
    assert mail.subject == "“Ops & <agent>” expires in 3 days"
    body = str(mail.body)
    assert f"“Ops & <agent>” ({token.masked}) of Acme Test expires in 3 days" in body
    assert "13 Mar 2027, 13:00 (Europe/Amsterdam)" in body
    assert f"https://portal.example.test/numbers/ai-access/tokens/{token.pk}/" in body
    assert "Last used 8 Mar 2027, 13:00, whoami, by curl/8." in body
    assert token.token_checksum not in body
    notice = Notice.objects.get()
    assert (notice.user, notice.level) == (alice.user, "warning")
    client = Client()
    client.force_login(alice.user)
    assert "expires in 3 days" in client.get("/numbers/ai-access/tokens/").content.decode()
    assert notice.link == f"/numbers/ai-access/tokens/{token.pk}/"


def test_each_distance_is_told_once_however_often_it_runs(
    alice: Membership, mailoutbox: list[EmailMessage]
) -> None:
    token = ending(alice, days=14.2, name="a")
    for hour in range(0, 16 * 24, 6):
        run(NOON + timedelta(hours=hour))

    assert told() == [("a", 0), ("a", 3), ("a", 14)]
    assert [mail.subject for mail in mailoutbox] == [
        "“a” expires in 14 days",
        "“a” expires in 3 days",
        "“a” expires today",
    ]
    assert Notice.objects.count() == 3
    with pytest.raises(IntegrityError, match="mcp_expiry_warned_once"), transaction.atomic():
        ExpiryWarning.objects.create(token=token, days=3)


def test_after_an_outage_only_the_nearest_distance_is_told(
    alice: Membership, mailoutbox: list[EmailMessage]
) -> None:
    ending(alice, days=2, name="missed two weeks")
    ending(alice, days=-0.5, name="over already")
    run()

    assert told() == [("missed two weeks", 3), ("over already", 0)]
    assert {mail.subject for mail in mailoutbox} == {
        "“missed two weeks” expires in 2 days",
        "“over already” has expired",
    }


def test_what_dies_half_way_goes_on_where_it_was(
    alice: Membership, mailoutbox: list[EmailMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        ending(alice, days=3, name=name)
    really_send = EmailMessage.send

    def dies_at_b(mail: EmailMessage, fail_silently: bool = False) -> int:
        if "“b”" in mail.subject:
            raise KeyboardInterrupt
        return really_send(mail)

    with monkeypatch.context() as patched:
        patched.setattr(EmailMessage, "send", dies_at_b)
        with pytest.raises(KeyboardInterrupt):
            run()
    run()

    assert sorted(mail.subject[1] for mail in mailoutbox) == ["a", "b", "c"]
    assert Notice.objects.count() == 3


def test_a_mail_server_that_refuses_is_asked_again_and_then_given_up(
    alice: Membership, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TOKEN_MAIL_ATTEMPTS = 2
    ending(alice, days=3)
    tries = []

    def refuses(mail: EmailMessage, fail_silently: bool = False) -> int:
        tries.append(mail.extra_headers["Message-ID"])
        raise SMTPServerDisconnected

    monkeypatch.setattr(EmailMessage, "send", refuses)
    for _ in range(4):
        assert run() == 0

    # The same message each time, by its id.
    assert len(tries) == 2
    assert len(set(tries)) == 1
    assert ExpiryWarning.objects.get().mailed_at is None


def test_admins_get_a_copy_on_the_last_day_only(
    alice: Membership, bob: Membership, mallory: Membership, mailoutbox: list[EmailMessage]
) -> None:
    MembershipFactory(tenant=bob.tenant, role="approver")
    left = MembershipFactory(tenant=bob.tenant, role="admin", ended_at=timezone.now())
    ending(bob, days=3, name="soon")
    ending(bob, days=0.1, name="today")
    run()

    copies = {mail.subject: mail.cc for mail in mailoutbox}
    assert copies == {"“soon” expires in 3 days": [], "“today” expires today": [alice.user.email]}
    assert left.user.email not in str(copies)


def test_who_needs_no_word_gets_none(
    alice: Membership, bob: Membership, mailoutbox: list[EmailMessage]
) -> None:
    ending(alice, days=3, name="revoked", revoked_at=timezone.now())
    ending(alice, days=3, name="young", life=3)
    gone = MembershipFactory(tenant=bob.tenant, ended_at=timezone.now())
    viewer = MembershipFactory(tenant=bob.tenant, role="viewer")
    disabled = MembershipFactory(tenant=bob.tenant)
    User.objects.filter(pk=disabled.user_id).update(is_active=False)
    suspended = MembershipFactory(tenant__status="suspended")
    for person in (gone, viewer, disabled, suspended):
        ending(person, days=3)
    session = make_session(alice, make_application("Claude"))
    AccessToken.objects.filter(pk=session.access_token_id).update(expires=NOON + timedelta(days=3))
    run()

    assert told() == []
    assert mailoutbox == []
    assert not Notice.objects.exists()


def test_a_rotated_token_gets_no_word_while_its_successor_lives(
    alice: Membership, mailoutbox: list[EmailMessage]
) -> None:
    token, _ = make_token(alice, expires=timezone.now() + timedelta(days=2))
    AccessToken.objects.filter(pk=token.pk).update(created=timezone.now() - timedelta(days=60))
    expiry.warn_of_expiries()
    rotate_token(alice, token.pk, overlap=timedelta(days=1))

    warn_of_expiries()

    # Warned before the rotation: the notice stands, the mail would be news no more.
    assert [row.mailed_at is not None for row in ExpiryWarning.objects.all()] == [True]
    assert mailoutbox == []
