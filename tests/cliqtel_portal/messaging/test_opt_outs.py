from __future__ import annotations

import pytest

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted
from cliqtel_portal.messaging.models import OptOut
from cliqtel_portal.messaging.models.formats import Channel
from cliqtel_portal.messaging.services import add_opt_out, end_opt_out
from cliqtel_portal.numbers.models import PhoneNumber
from tests.cliqtel_portal.messaging.conftest import ANNA, SENDER
from tests.factories.messaging import OptOutFactory

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("sender")
def test_a_person_enters_and_ends_it(alice: Membership) -> None:
    for _ in range(2):
        made = add_opt_out(
            alice, our_number=SENDER, peer_number="+44 7700 900201", channel=Channel.SMS
        )
    assert OptOut.objects.get() == made
    assert (made.peer_number, made.source, made.added_by) == (ANNA, "portal", alice.user)
    for _ in range(2):
        ended = end_opt_out(alice, opt_out_id=made.pk)
    assert ended.ended_by == alice.user
    assert not OptOut.objects.live().exists()


def test_numbers_that_are_not_ours_or_none_are_told(
    mallory: Membership, sender: PhoneNumber
) -> None:
    with pytest.raises(InvalidArguments) as error:
        add_opt_out(mallory, our_number=sender.e164, peer_number="x", channel=Channel.SMS)
    assert [one.field for one in error.value.problems] == ["our_number", "peer_number"]
    assert not OptOut.objects.exists()


def test_another_tenants_opt_out_is_not_found(mallory: Membership) -> None:
    opt_out = OptOutFactory()
    with pytest.raises(NotFound):
        end_opt_out(mallory, opt_out_id=opt_out.pk)
    assert OptOut.objects.live().exists()


@pytest.mark.usefixtures("sender")
def test_a_member_changes_none(bob: Membership) -> None:
    opt_out = OptOutFactory(tenant=bob.tenant)
    with pytest.raises(NotPermitted):
        end_opt_out(bob, opt_out_id=opt_out.pk)
    with pytest.raises(NotPermitted):
        add_opt_out(bob, our_number=SENDER, peer_number=ANNA, channel=Channel.SMS)
    assert OptOut.objects.live().get() == opt_out
