"""Arguments and result parts that several tools share, spelled once."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from cliqtel_portal.countries import is_country
from cliqtel_portal.errors import InvalidArguments, Problem
from cliqtel_portal.money import Money
from mcp_access.tools.tool import Part


def _country(value: str) -> str:
    if not is_country(value):
        raise ValueError("Not an ISO 3166-1 country code; write two letters, for example NL.")
    return value


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


Country = Annotated[
    str,
    BeforeValidator(_upper),
    # Of the schema only: pydantic's own check would speak of items, before ours says what to write.
    Field(
        description="ISO 3166-1, such as NL.",
        json_schema_extra={"minLength": 2, "maxLength": 2},
    ),
    AfterValidator(_country),
]
NumberType = Literal["local", "mobile", "national", "toll_free"]
Capability = Literal["voice", "sms", "mms", "whatsapp", "fax"]
Limit = Annotated[int, Field(ge=1, le=100, description="Rows a page.")]
Cursor = Annotated[str, Field(max_length=400, description="next_cursor of the page before.")]

IdempotencyKey = Annotated[
    str,
    Field(
        min_length=8,
        max_length=100,
        description="New for each deed: repeats in 24 h do it once.",
    ),
]
Reason = Annotated[str, Field(max_length=1000, description="Why; the person sees it quoted.")]
DryRun = Annotated[bool, Field(description="Only check.")]


class MoneyPart(Part):
    amount: str = Field(description="Decimal number as a string.")
    currency: str = Field(description="ISO 4217 code.")

    @classmethod
    def of(cls, money: Money) -> MoneyPart:
        return cls(amount=money.plain, currency=money.currency)


def timestamp(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the second; None stays None."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def encode_cursor(*values: str) -> str:
    """An opaque cursor out of the last row's sort key."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _is_storable(text: str) -> bool:
    """Without NUL and half surrogate pairs, which base64 hides from the gate."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def decode_cursor(cursor: str, length: int) -> list[str]:
    """The sort key that `encode_cursor` was given, `length` strings.

    Raises:
        InvalidArguments: not a cursor of ours.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        values = None
    if (
        not isinstance(values, list)
        or len(values) != length
        or not all(isinstance(value, str) and _is_storable(value) for value in values)
    ):
        raise InvalidArguments(
            "The cursor is not one of ours. Leave it out to start at the first page.",
            problems=[Problem(field="cursor", message="Use next_cursor of the page before.")],
        )
    return values


def another_list() -> InvalidArguments:
    """The error for a cursor that is ours, but not of the list that was asked for."""
    return InvalidArguments(
        "The cursor is of another list. Leave it out to start at the first page.",
        problems=[Problem(field="cursor", message="Use next_cursor of the page before.")],
    )
