"""The form below the list, and the tags of one number."""

from __future__ import annotations

import pytest
from django.test import Client

from approvals.models import Approval
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.numbers.models import PhoneNumber
from tests.factories.numbers import PhoneNumberFactory
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db


def signed_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def post(membership: Membership, path: str, **data: object) -> str:
    response = signed_in(membership).post(path, data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def tagged(tag: str) -> set[str]:
    return set(PhoneNumber.objects.filter(tags__contains=[tag]).values_list("e164", flat=True))


@pytest.fixture
def numbers(acme) -> list[PhoneNumber]:
    return [
        PhoneNumberFactory(tenant=acme, e164="+31205550001"),
        PhoneNumberFactory(tenant=acme, e164="+31205550002", status="disabled"),
        PhoneNumberFactory(tenant=acme, e164="+31205550003"),
    ]


def test_the_ticked_numbers_are_tagged_and_untagged(bob, numbers):
    ticked = [numbers[0].pk, numbers[1].pk]
    data = {"which": "ticked", "number": ticked, "tags": "main, desk", "query": "status=active"}
    page = post(bob, "/numbers/tags/", deed="add", **data)
    assert "“main”, “desk” added to 2 numbers." in page
    assert "1 number" not in page.partition("match")[0], "the list is filtered as before"
    assert tagged("main") == {"+31205550001", "+31205550002"}
    assert "Nothing to change" in post(bob, "/numbers/tags/", deed="add", **data)
    page = post(bob, "/numbers/tags/", deed="remove", **{**data, "tags": "desk"})
    assert "“desk” removed from 2 numbers." in page
    assert tagged("desk") == set()


def test_all_that_match_are_those_of_the_filter_and_no_strangers(bob, numbers):
    PhoneNumberFactory(status="active")
    data = {"which": "found", "query": "status=active&after=x", "tags": "main"}
    assert "added to 2 numbers" in post(bob, "/numbers/tags/", deed="add", **data)
    assert tagged("main") == {"+31205550001", "+31205550003"}


def test_the_page_is_those_that_were_shown(bob, numbers):
    shown = f"{numbers[2].pk},{numbers[1].pk},rubbish"
    post(bob, "/numbers/tags/", which="shown", shown=shown, tags="main")
    assert tagged("main") == {"+31205550002", "+31205550003"}


def test_a_filter_without_sense_means_nothing(bob, numbers):
    post(bob, "/numbers/tags/", which="found", query="status=lost", tags="main")
    assert tagged("main") == set()


def test_everything_that_is_wrong_is_told_and_nothing_typed_anew(bob, numbers):
    page = post(bob, "/numbers/tags/", which="ticked", tags="x" * 41)
    assert "Tick the numbers first." in page
    assert "is longer than 40 characters." in page
    page = post(bob, "/numbers/tags/", which="ticked", tags=" , ", number=[numbers[0].pk])
    assert "Write a tag." in page
    assert f'value="{numbers[0].pk}" checked' in page
    assert f'value="{numbers[1].pk}" checked' not in page
    assert " checked" not in signed_in(bob).get("/numbers/").content.decode()


def test_mallory_tags_nothing_of_acme(mallory, numbers):
    page = post(mallory, "/numbers/tags/", which="ticked", number=[numbers[0].pk], tags="main")
    assert "not in this account" in page
    response = signed_in(mallory).post(f"/numbers/{numbers[0].pk}/tags/", {"tags": "main"})
    assert response.status_code == 404
    assert tagged("main") == set()


def test_a_viewer_sees_no_box_and_is_refused(bob, numbers):
    Membership.objects.filter(pk=bob.pk).update(role="viewer")
    client = signed_in(bob)
    for path in ("/numbers/", f"/numbers/{numbers[0].pk}/"):
        page = client.get(path).content.decode()
        assert "checkbox" not in page
        assert "/tags/" not in page
    data = {"which": "ticked", "number": [numbers[0].pk], "tags": "main"}
    for path in ("/numbers/tags/", f"/numbers/{numbers[0].pk}/tags/", "/numbers/connect/"):
        assert client.post(path, data).status_code == 403
    assert tagged("main") == set()


def test_the_tags_of_one_number_are_edited_and_others_edits_kept(bob, numbers):
    number = numbers[0]
    PhoneNumber.objects.filter(pk=number.pk).update(tags=["a", "b", "meanwhile"])
    page = post(bob, f"/numbers/{number.pk}/tags/", tags="b, c", was=["a", "b"])
    number.refresh_from_db()
    assert number.tags == ["b", "meanwhile", "c"]
    assert "Tagged “c”. Tags removed: “a”" in page
    page = post(bob, f"/numbers/{number.pk}/tags/", tags="a\u202eb", was=["b"])
    assert "can&#x27;t be seen" in page
    assert 'value="a\u202eb"' in page, "to be corrected"
    number.refresh_from_db()
    assert number.tags == ["b", "meanwhile", "c"]
    post(bob, f"/numbers/{number.pk}/tags/", tags="", was=["b", "meanwhile", "c"])
    number.refresh_from_db()
    assert number.tags == []


def test_several_are_connected_by_a_request_for_each(bob, numbers, acme):
    trunk = TrunkFactory(tenant=acme, name="Amsterdam")
    PhoneNumber.objects.filter(pk=numbers[2].pk).update(trunk=trunk)
    data = {"which": "ticked", "number": [n.pk for n in numbers], "target": f"trunk:{trunk.pk}"}
    assert "<h1>Approvals</h1>" in post(bob, "/numbers/connect/", **data)
    asked = Approval.objects.for_tenant(acme)
    assert {approval.artifact_id for approval in asked} == {numbers[0].pk, numbers[1].pk}
    assert PhoneNumber.objects.filter(trunk=trunk).count() == 1, "nothing moves before"


def test_one_that_can_not_be_connected_keeps_the_others_back(bob, numbers, acme):
    porting = PhoneNumberFactory(tenant=acme, e164="+31205550004", status="porting")
    trunk = TrunkFactory(tenant=acme)
    ids = [numbers[0].pk, porting.pk]
    page = post(bob, "/numbers/connect/", which="ticked", number=ids, target=f"trunk:{trunk.pk}")
    assert "+31 20 555 0004: It is being ported" in page
    assert f'value="trunk:{trunk.pk}" selected' in page
    page = post(bob, "/numbers/connect/", which="ticked", number=ids, tags="spare")
    assert "Choose where calls are to go." in page
    assert 'value="spare"' in page
    many = [number.pk for number in PhoneNumberFactory.create_batch(26, tenant=acme)]
    page = post(bob, "/numbers/connect/", which="ticked", number=many, target=f"trunk:{trunk.pk}")
    assert "At most 25 numbers" in page
    assert not Approval.objects.exists()


def test_numbers_of_acme_are_not_connected_for_mallory(mallory, numbers):
    trunk = TrunkFactory(tenant=mallory.tenant)
    data = {"which": "ticked", "number": [numbers[0].pk], "target": f"trunk:{trunk.pk}"}
    assert "not in this account" in post(mallory, "/numbers/connect/", **data)
    assert not Approval.objects.exists()
