"""What follows when a carrier takes a number back."""

from __future__ import annotations

import logging
import uuid

from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.carriers.types import NumberRelease, Receipt
from cliqtel_portal.errors import PortalError
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.numbers.services.release import finish_release

logger = logging.getLogger(__name__)


class ReleaseOutcome:
    """Of `CarrierOperation.Kind.RELEASE_NUMBER`; the payload has our number's id."""

    def request(self, operation: CarrierOperation) -> NumberRelease:
        number = PhoneNumber.objects.get(pk=_number_id(operation))
        return NumberRelease(number=number.e164)

    def accepted(self, operation: CarrierOperation, receipt: Receipt) -> None:
        """It stays in quarantine until the carrier says that it is done."""

    def done(self, operation: CarrierOperation, receipt: Receipt) -> None:
        finish_release(_number_id(operation), now=operation.finished_at)

    def failed(self, operation: CarrierOperation, error: PortalError) -> None:
        # It works for nobody and costs its tenant nothing: staff settle it with the carrier, then
        # empty the number's release_operation to have it tried again.
        logger.error("number %s was not handed back: %s", _number_id(operation), error.code)


def _number_id(operation: CarrierOperation) -> uuid.UUID:
    return uuid.UUID(operation.payload["number_id"])
