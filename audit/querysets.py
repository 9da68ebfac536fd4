"""Reads of the log. Everything a tenant sees starts with `for_tenant`."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models

from cliqtel_portal.accounts import permissions
from cliqtel_portal.accounts.models import Membership, Tenant
from cliqtel_portal.ids import first_uuid7_at

if TYPE_CHECKING:
    from audit.models import Export, ToolCall  # noqa: F401 - the querysets' row types


class ToolCallQuerySet(models.QuerySet["ToolCall"]):
    def for_tenant(self, tenant_id: uuid.UUID) -> Self:
        return self.filter(tenant_id=tenant_id)

    def visible_to(self, actor: Membership) -> Self:
        """The tenant's calls for its admins, for others their own."""
        calls = self.for_tenant(actor.tenant_id)
        if permissions.may_manage_all_tokens(actor.role):
            return calls
        return calls.filter(user_id=actor.user_id)

    def since(self, moment: datetime) -> Self:
        """Started at or after, by id: PostgreSQL then reads only the partitions concerned."""
        return self.filter(id__gte=first_uuid7_at(moment))

    def until(self, moment: datetime) -> Self:
        return self.filter(id__lt=first_uuid7_at(moment))

    def frequent(self, *columns: str, among: int = 5_000, limit: int = 30) -> list[tuple[Any, ...]]:
        """What occurs most in the newest rows, most frequent first. Never reads more than those."""
        newest = self.order_by("-id").values_list(*columns)[:among]
        return [values for values, _ in Counter(newest).most_common(limit)]

    def planned(self) -> int:
        """How many rows the planner expects; it reads none of them."""
        text = self.order_by().explain(format="json")
        if not text:  # Django asks for nothing where nothing can be found
            return 0
        (plan,) = json.loads(text)
        return int(plan["Plan"]["Plan Rows"])


class ExportQuerySet(models.QuerySet["Export"]):
    def for_tenant(self, tenant: Tenant) -> Self:
        return self.filter(tenant_id=tenant.pk)

    def unfinished(self) -> Self:
        return self.filter(state__in=["waiting", "running"])


def as_uuid(text: str) -> uuid.UUID | None:
    """The id that a person has typed or pasted, else None."""
    try:
        return uuid.UUID(text.strip())
    except ValueError:
        return None
