"""Where carriers report: machines with a signature, no session and no cookie."""

from __future__ import annotations

import logging

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from cliqtel_portal.carriers.registry import has_webhook
from cliqtel_portal.carriers.webhooks.base import BadSignature, MalformedWebhook, UnknownReference
from cliqtel_portal.carriers.webhooks.receiving import receive

logger = logging.getLogger(__name__)


@csrf_exempt  # signed by the carrier, and no cookie is looked at
@require_POST
def webhook(request: HttpRequest, carrier: str) -> HttpResponse:
    """Answers have no body: whoever can't sign learns nothing, and carriers read the status."""
    if not has_webhook(carrier):
        raise Http404
    body = request.read(settings.CARRIER_WEBHOOK_MAX_BYTES + 1)
    if len(body) > settings.CARRIER_WEBHOOK_MAX_BYTES:
        return HttpResponse(status=413)
    try:
        receive(carrier, headers=request.headers, body=body)
    except BadSignature:
        logger.warning("a webhook of %s was not signed by it, or long ago", carrier)
        return HttpResponse(status=403)
    except MalformedWebhook:
        logger.warning("a webhook of %s can't be read", carrier)
        return HttpResponse(status=400)
    except UnknownReference:
        return HttpResponse(status=409)
    return HttpResponse()
