"""Reads of the log. Everything a tenant sees starts with `for_tenant`."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

from cliqtel_portal.ids import first_uuid7_at

if TYPE_CHECKING:
    from audit.models import ToolCall  # noqa: F401 - the queryset's row type


class ToolCallQuerySet(models.QuerySet["ToolCall"]):
    def for_tenant(self, tenant_id: uuid.UUID) -> Self:
        return self.filter(tenant_id=tenant_id)

    def since(self, moment: datetime) -> Self:
        """Started at or after, by id: PostgreSQL then reads only the partitions concerned."""
        return self.filter(id__gte=first_uuid7_at(moment))

    def until(self, moment: datetime) -> Self:
        return self.filter(id__lt=first_uuid7_at(moment))
