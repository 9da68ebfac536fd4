"""No column of the log ever holds the text of a message, or a secret."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection

from approvals.models import Approval
from approvals.services import approve
from audit.models import ToolCall
from cliqtel_portal import celery  # noqa: F401 - so that tasks are run here
from cliqtel_portal.errors import PortalError
from cliqtel_portal.messaging.models import Message
from mcp_access.pipeline import execute_tool_call_sync
from tests.factories.billing import LedgerEntryFactory
from tests.factories.mcp_access import EVERY_SCOPE, make_token, principal_of
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.pricing import PriceFactory

pytestmark = pytest.mark.django_db

SENDER, ANNA = "+447700900100", "+447700900201"
TEXT = "Zebra says your code is 4711"


def _whole_log() -> str:
    """Every column of every row, as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(row_to_json(c)::text, ' ') FROM mcp_tool_calls AS c")
        (text,) = cursor.fetchone()
    return str(text)


def test_a_message_is_drafted_approved_and_sent_and_refused_without_its_text(
    acme, alice, django_capture_on_commit_callbacks
):
    PriceFactory(country="GB", number_type="mobile", sms_out=Decimal("0.05"))
    LedgerEntryFactory(tenant=acme, amount=Decimal("10.00"))
    PhoneNumberFactory(
        tenant=acme, e164=SENDER, country="GB", number_type="mobile", capabilities=["sms"]
    )
    principal = principal_of(alice, scopes=EVERY_SCOPE)
    sent = {"from_number": SENDER, "to": [ANNA], "text": TEXT, "idempotency_key": "key-12345"}
    execute_tool_call_sync(principal, "send_message", sent)
    approval = Approval.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        approve(alice, approval_id=approval.pk, seen_digest=approval.digest)
    assert Message.objects.get().batch.body == TEXT
    for wrong in (
        {"from_number": "+15005550006"},
        {"to": []},
        {"text": [TEXT]},
        {"message": TEXT, "template": {"body": TEXT}},
    ):
        with pytest.raises(PortalError):
            execute_tool_call_sync(principal, "send_message", sent | wrong)
    assert ToolCall.objects.count() == 6  # the draft, its execution, four refusals
    log = _whole_log()
    assert "send_message" in log
    assert "[text, 28]" in log
    for word in ("Zebra", "4711"):
        assert word not in log


def test_secrets_in_arguments_are_not_kept(alice):
    _, plaintext = make_token(alice)
    principal = principal_of(alice, scopes=EVERY_SCOPE)
    sent = {
        "query": f"why is {plaintext} refused? Bearer abcdef123456",
        "password": "hunter2hunter2",
        "api_key": "sk-4711",
        "Authorization": f"Bearer {plaintext}",
        "nested": {"client_secret": "s3cr3t-value"},
    }
    with pytest.raises(PortalError):
        execute_tool_call_sync(principal, "search_docs", sent)
    log = _whole_log()
    assert "search_docs" in log
    for secret in (plaintext, plaintext[14:], "abcdef123456", "hunter2", "sk-4711", "s3cr3t"):
        assert secret not in log
