"""Two hosts of one tenant at the same moment, each on a connection of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.messaging.errors import OverLimit
from cliqtel_portal.messaging.models import Message
from cliqtel_portal.messaging.services import Origin, Prepared, send_now
from tests.races import at_once

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]


@pytest.mark.usefixtures("limit")
def test_two_sends_do_not_pass_the_limit_together(
    message: Callable[..., Prepared], origin: Origin, acme: Tenant
) -> None:
    """Three of five each; and both hosts try with the same key twice."""
    jobs = []
    for key, first in (("k1", 0), ("k2", 3)):
        prepared = message(to=[f"+44770090{n:04d}" for n in range(first, first + 3)])
        jobs += [lambda p=prepared, k=key: send_now(p, origin=origin, key=k)] * 2
    won, lost = at_once(*jobs)
    assert {type(error) for error in lost} == {OverLimit}
    assert (len({batch.pk for batch in won}), len(won), len(lost)) == (1, 2, 2)
    assert Message.objects.count() == 3
