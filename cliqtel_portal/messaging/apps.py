from __future__ import annotations

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "cliqtel_portal.messaging"
    label = "messaging"

    def ready(self) -> None:
        from cliqtel_portal.carriers import outcomes, reports
        from cliqtel_portal.carriers.models import CarrierOperation
        from cliqtel_portal.messaging.incoming import take_delivery_report, take_inbound_message
        from cliqtel_portal.messaging.outcomes import MessageOutcomes

        outcomes.register(CarrierOperation.Kind.SEND_MESSAGE, MessageOutcomes())
        reports.register(reports.DeliveryReport, take_delivery_report)
        reports.register(reports.InboundMessage, take_inbound_message)
