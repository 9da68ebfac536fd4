"""What a tag is, and who writes which on how many numbers."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotFound, NotPermitted
from cliqtel_portal.numbers.change_models import NumberChange
from cliqtel_portal.numbers.models import PhoneNumber
from cliqtel_portal.numbers.services.release import restore_number
from cliqtel_portal.numbers.services.tagging import change_tags
from cliqtel_portal.numbers.tags import NotATag, parse_tags
from tests.factories.accounts import MembershipFactory
from tests.factories.numbers import NumberChangeFactory, PhoneNumberFactory

pytestmark = pytest.mark.django_db


def tags_of(number: PhoneNumber) -> list[str]:
    return PhoneNumber.objects.get(pk=number.pk).tags


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("main", ("main",)),
        (" main ,, front \u00a0 desk,main,", ("main", "front desk")),
        ("cafe\u0301", ("café",)),
        (" , ", ()),
        ("x" * 40, ("x" * 40,)),
    ],
)
def test_tags_are_what_stands_between_commas(text, tags):
    assert parse_tags(text) == tags


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x" * 41, "longer than 40"),
        ("a\u202eb", "can't be seen"),
        (",".join(f"t{n}" for n in range(21)), "20 tags at most"),
    ],
)
def test_what_is_no_tag_is_told(text, complaint):
    with pytest.raises(NotATag, match=complaint):
        parse_tags(text)


@pytest.mark.parametrize(
    "tags", [[""], [" a"], ["a "], ["a,b"], ["a\nb"], ["a", "a"], [f"t{n}" for n in range(21)]]
)
def test_the_database_holds_the_form_of_tags(acme, tags):
    number = PhoneNumberFactory(tenant=acme)
    with pytest.raises(IntegrityError, match="numbers_number_tags_valid"), transaction.atomic():
        PhoneNumber.objects.filter(pk=number.pk).update(tags=tags)


def test_several_numbers_get_and_lose_tags_with_a_record_of_each(acme, bob):
    plain = PhoneNumberFactory(tenant=acme)
    tagged = PhoneNumberFactory(tenant=acme, tags=["old", "main"])
    other = PhoneNumberFactory(tenant=acme, tags=["old"])
    changed = change_tags(bob, number_ids=[plain.pk, tagged.pk], add=["main"], remove=["old"])
    assert changed == 2
    assert tags_of(plain) == ["main"]
    assert tags_of(tagged) == ["main"]
    assert tags_of(other) == ["old"]
    record = NumberChange.objects.get(number=tagged)
    assert (record.kind, record.by_label) == ("tagged", bob.user.display_name)
    assert (record.before, record.after) == ({"tags": ["old", "main"]}, {"tags": ["main"]})
    assert change_tags(bob, number_ids=[plain.pk, tagged.pk], add=["main"], remove=["old"]) == 0
    assert NumberChange.objects.count() == 2, "the second click leaves no record"


def test_one_wrong_number_keeps_all_as_they_were(acme, bob, settings):
    settings.NUMBER_BULK_LIMIT = 3
    good = PhoneNumberFactory(tenant=acme)
    full = PhoneNumberFactory(tenant=acme, tags=[f"t{n}" for n in range(20)])
    gone = PhoneNumberFactory(tenant=acme, status="released")
    with pytest.raises(InvalidArguments) as refused:
        change_tags(bob, number_ids=[good.pk, full.pk, gone.pk], add=["main"])
    assert [problem.field for problem in refused.value.problems] == ["numbers", "tags"]
    with pytest.raises(NotFound):
        change_tags(bob, number_ids=[good.pk, PhoneNumberFactory().pk], add=["main"])
    more = PhoneNumberFactory.create_batch(4, tenant=acme)
    with pytest.raises(InvalidArguments, match="At most 3"):
        change_tags(bob, number_ids=[number.pk for number in more], add=["main"])
    assert tags_of(good) == []
    assert not NumberChange.objects.exists()


def test_a_viewer_tags_nothing_nor_who_has_become_one(acme, bob):
    number = PhoneNumberFactory(tenant=acme)
    Membership.objects.filter(pk=bob.pk).update(role="viewer")
    with pytest.raises(NotPermitted):
        change_tags(bob, number_ids=[number.pk], add=["main"])
    assert tags_of(number) == []


def test_a_number_in_quarantine_comes_back_whatever_was_written_on_it(acme):
    admin = MembershipFactory(tenant=acme, role="admin")
    number = PhoneNumberFactory(tenant=acme, status="quarantine")
    NumberChangeFactory(
        number=number,
        kind="given_up",
        before={"status": "disabled"},
        after={"status": "quarantine"},
    )
    change_tags(admin, number_ids=[number.pk], add=["main"])
    assert restore_number(admin, number_id=number.pk).status == "disabled"
