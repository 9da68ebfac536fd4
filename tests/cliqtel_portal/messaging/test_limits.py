from __future__ import annotations

from decimal import Decimal

import pytest

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotPermitted
from cliqtel_portal.messaging.models import MessagingLimit, MessagingLimitChange
from cliqtel_portal.messaging.services import daily_allowance, set_limit
from tests.factories.accounts import MembershipFactory

pytestmark = pytest.mark.django_db


def test_the_limit_holds_at_once_and_who_set_it_is_on_record(alice: Membership) -> None:
    set_limit(alice, messages_per_day=20, amount_per_day=Decimal("2.50"))
    set_limit(alice, messages_per_day=10, amount_per_day=Decimal("2.50"))
    assert daily_allowance(alice.tenant).messages_left == 10
    changes = MessagingLimitChange.objects.for_tenant(alice.tenant).order_by("at")
    assert [(one.set_by, one.messages_per_day) for one in changes] == [
        (alice.user, 20),
        (alice.user, 10),
    ]


def test_setting_what_is_set_records_nothing(alice: Membership) -> None:
    for _ in range(2):
        set_limit(alice, messages_per_day=20, amount_per_day=Decimal("2.50"))
    assert MessagingLimitChange.objects.count() == 1


@pytest.mark.parametrize("role", ["viewer", "member", "approver"])
def test_below_an_admin_nobody_sets_it(alice: Membership, role: str) -> None:
    other = MembershipFactory(tenant=alice.tenant, role=role)
    with pytest.raises(NotPermitted):
        set_limit(other, messages_per_day=1000, amount_per_day=Decimal(1000))
    assert not MessagingLimit.objects.exists()


def test_a_page_from_before_a_demotion_sets_nothing(alice: Membership) -> None:
    Membership.objects.filter(pk=alice.pk).update(role="member")
    with pytest.raises(NotPermitted):
        set_limit(alice, messages_per_day=1000, amount_per_day=Decimal(1000))


def test_another_tenants_limit_stays(alice: Membership, mallory: Membership) -> None:
    set_limit(mallory, messages_per_day=7, amount_per_day=Decimal(1))
    assert daily_allowance(alice.tenant).messages_left == 0


def test_limits_that_make_no_sense_are_all_told(alice: Membership) -> None:
    for messages, amount in ((-1, "-1"), (100_001, "100001"), (-1, "NaN"), (-1, "0.001")):
        with pytest.raises(InvalidArguments) as error:
            set_limit(alice, messages_per_day=messages, amount_per_day=Decimal(amount))
        assert [one.field for one in error.value.problems] == ["messages_per_day", "amount_per_day"]
    assert not MessagingLimit.objects.exists()
