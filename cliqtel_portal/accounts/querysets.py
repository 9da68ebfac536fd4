"""Where reads of tenant-owned rows start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.contrib.auth.base_user import BaseUserManager
from django.db import models

if TYPE_CHECKING:
    from cliqtel_portal.accounts.change_models import (
        AccountChange,  # noqa: F401 - the querysets' row types
        MembershipChange,  # noqa: F401
    )
    from cliqtel_portal.accounts.models import (
        Invitation,  # noqa: F401
        Membership,  # noqa: F401
        Tenant,
        User,
    )

_Model = TypeVar("_Model", bound=models.Model)


class TenantQuerySet(models.QuerySet[_Model]):
    """Base of the queryset of every model with a `tenant` field."""

    def for_tenant(self, tenant: Tenant) -> Self:
        return self.filter(tenant=tenant)


class AccountChangeQuerySet(TenantQuerySet["AccountChange"]):
    pass


class MembershipChangeQuerySet(TenantQuerySet["MembershipChange"]):
    pass


class InvitationQuerySet(TenantQuerySet["Invitation"]):
    def open(self) -> Self:
        """Neither accepted nor withdrawn; time may be over."""
        return self.filter(accepted_at__isnull=True, withdrawn_at__isnull=True)


class MembershipQuerySet(TenantQuerySet["Membership"]):
    def live(self) -> Self:
        """Not ended, in a tenant that is not suspended."""
        return self.filter(ended_at__isnull=True, tenant__status="active")


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)
