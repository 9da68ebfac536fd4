"""Where calls to a number go: a trunk, a call flow, or nowhere."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Case, QuerySet, Value, When

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.errors import NotFound
from cliqtel_portal.numbers.models import PhoneNumber

PlaceKind = Literal["trunk", "call_flow", "none"]
_WORDS = {"trunk": "trunk", "call_flow": "call flow"}


@dataclass(frozen=True, kw_only=True)
class Place:
    """`name` is what it was called when it was looked at: two places are the same by id."""

    kind: PlaceKind
    place_id: uuid.UUID | None = None
    name: str = ""

    @property
    def words(self) -> str:
        """For sentences of ours: "trunk “Amsterdam HQ”", "nowhere"."""
        return f"{_WORDS[self.kind]} “{self.name}”" if self.place_id else "nowhere"

    @property
    def reference(self) -> str:
        """What a caller names it by: its id, or "none"."""
        return str(self.place_id) if self.place_id else "none"

    def is_same(self, other: Place) -> bool:
        return (self.kind, self.place_id) == (other.kind, other.place_id)

    def as_json(self) -> dict[str, Any]:
        place_id = str(self.place_id) if self.place_id else None
        return {"kind": self.kind, "id": place_id, "name": self.name}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Place:
        place_id = uuid.UUID(value["id"]) if value["id"] else None
        return cls(kind=value["kind"], place_id=place_id, name=value["name"])


NOWHERE = Place(kind="none")


def place_of(number: PhoneNumber) -> Place:
    """Two queries, unless trunk and call flow were selected along."""
    if number.trunk is not None:
        return Place(kind="trunk", place_id=number.trunk.pk, name=number.trunk.name)
    if number.call_flow is not None:
        return Place(kind="call_flow", place_id=number.call_flow.pk, name=number.call_flow.name)
    return NOWHERE


def find_place(tenant: Tenant, kind: PlaceKind, place_id: uuid.UUID) -> tuple[Place, bool] | None:
    """The tenant's trunk or call flow, and whether calls can go there; None: no such."""
    # Through the tenant: the apps of both stand beside or above this one.
    rows: QuerySet[Any] = tenant.trunks.all() if kind == "trunk" else tenant.call_flows.all()
    row = rows.filter(pk=place_id).first()
    if row is None:
        return None
    return Place(kind=kind, place_id=row.pk, name=row.name), row.status == "active"


def number_of(tenant: Tenant, e164: str, *, lock: bool = False) -> PhoneNumber:
    """The tenant's number of any status; where it had the number before, the present one.

    Raises:
        NotFound: the tenant never had it.
    """
    rows = PhoneNumber.objects.for_tenant(tenant).filter(e164=e164)
    # Locked without what it leads to: who waited for the lock gets the row as it is now, but joined
    # to the trunk that it had before.
    rows = rows.select_for_update() if lock else rows.select_related("trunk", "call_flow")
    is_past = Case(When(status=PhoneNumber.Status.RELEASED, then=Value(1)), default=Value(0))
    number = rows.order_by(is_past, "-created_at").first()
    if number is None:
        raise NotFound("There is no such number in this account. list_inventory shows them all.")
    return number
