"""`manage.py demo`: the demo's tenants, people and data, as contract.md lists them."""

from __future__ import annotations

import os
import secrets
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction

import cliqtel_portal.billing.demo
import cliqtel_portal.callflows.demo
import cliqtel_portal.docs.demo
import cliqtel_portal.messaging.demo
import cliqtel_portal.notices.demo
import cliqtel_portal.numbers.demo
import cliqtel_portal.pricing.demo
import cliqtel_portal.regulatory.demo
import cliqtel_portal.trunks.demo
from cliqtel_portal.accounts.models import Membership, Tenant, User

TENANTS = {
    "acme": ("Acme Logistics", Tenant.Tier.AUTOMATE),
    "globex": ("Globex Retail", Tenant.Tier.DISCOVER),
    "initech": ("Initech Partners", Tenant.Tier.EMBED),
}
PEOPLE = [
    ("owner@acme.test", "Olivia de Vries", "acme", Membership.Role.OWNER),
    ("approver@acme.test", "Arjun Patel", "acme", Membership.Role.APPROVER),
    ("member@acme.test", "Mila Jansen", "acme", Membership.Role.MEMBER),
    ("owner@globex.test", "Gustav Lind", "globex", Membership.Role.OWNER),
    ("owner@initech.test", "Ines Moreau", "initech", Membership.Role.OWNER),
]
STAFF = ("staff@cliqtel.test", "Sam Staff")
PASSWORD_VARIABLE = "CLIQTEL_DEMO_PASSWORD"  # noqa: S105 - a variable's name
# In the order of their foreign keys.
_SEEDERS = (
    cliqtel_portal.docs.demo,
    cliqtel_portal.pricing.demo,
    cliqtel_portal.regulatory.demo,
    cliqtel_portal.trunks.demo,
    cliqtel_portal.callflows.demo,
    cliqtel_portal.numbers.demo,
    cliqtel_portal.messaging.demo,
    cliqtel_portal.billing.demo,
    cliqtel_portal.notices.demo,
)
_LOCK = 7_203_001


class Command(BaseCommand):
    help = "Create or complete the demo data. Safe to run again: what is there stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--reset-password",
            action="store_true",
            help=f"give all demo users a new password (${PASSWORD_VARIABLE}, or a random one)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        password = seed(reset_password=options["reset_password"])
        if password:
            self.stdout.write(f"Password of the demo users: {password}")
        self.stdout.write("The demo data is complete.")


def is_seeded() -> bool:
    return Tenant.objects.filter(slug__in=TENANTS).count() == len(TENANTS)


@transaction.atomic
def seed(*, reset_password: bool = False) -> str:
    """All demo data exists. Returns the password that people were given now, else "".

    $CLIQTEL_DEMO_PASSWORD is given to all demo users whenever it is set; without it new people get
    a random one and those that exist keep theirs.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    tenants = {
        slug: Tenant.objects.get_or_create(slug=slug, defaults={"name": name, "tier": tier})[0]
        for slug, (name, tier) in TENANTS.items()
    }
    chosen = os.environ.get(PASSWORD_VARIABLE, "")
    password = chosen or secrets.token_urlsafe(12)
    was_given = _seed_people(tenants, password, force=bool(chosen) or reset_password)
    for seeder in _SEEDERS:
        seeder.seed(tenants)
    return password if was_given else ""


def _seed_people(tenants: Mapping[str, Tenant], password: str, *, force: bool) -> bool:
    was_given = False
    wanted = [(email, name, False) for email, name, _, _ in PEOPLE] + [(*STAFF, True)]
    users = {}
    for email, name, is_staff in wanted:
        user = User.objects.filter(email=email).first() or User(
            email=email, name=name, is_staff=is_staff, is_superuser=is_staff
        )
        if user._state.adding or (force and not user.check_password(password)):
            user.set_password(password)
            user.save()
            was_given = True
        users[email] = user
    for email, _, slug, role in PEOPLE:
        Membership.objects.get_or_create(
            user=users[email], tenant=tenants[slug], defaults={"role": role}
        )
    return was_given
