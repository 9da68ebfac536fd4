from __future__ import annotations

import pytest
from django.db import connection
from pytest_django import Settings

from cliqtel_portal.trunks.credentials import read_password, set_password
from cliqtel_portal.trunks.errors import CredentialError
from cliqtel_portal.trunks.models import TrunkCredential
from tests.factories.trunks import TrunkFactory

pytestmark = pytest.mark.django_db

PASSWORD = "s3cret-pâss"


def test_what_was_set_is_read() -> None:
    trunk = TrunkFactory()
    set_password(trunk, password="first")
    set_password(trunk, password=PASSWORD)
    assert read_password(trunk) == PASSWORD
    assert TrunkCredential.objects.count() == 1


def test_the_row_and_its_words_hold_no_password() -> None:
    trunk = TrunkFactory()
    set_password(trunk, password=PASSWORD)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(c)::text FROM trunks_trunkcredential c")
        assert PASSWORD not in str(cursor.fetchone())
    credential = TrunkCredential.objects.get(trunk=trunk)
    stored = bytes(credential.ciphertext)
    assert PASSWORD.encode() not in stored
    assert stored.decode() not in f"{credential} {credential!r} {trunk} {trunk!r}"


def test_one_password_is_never_encrypted_to_the_same_bytes() -> None:
    one, other = TrunkFactory(), TrunkFactory()
    set_password(one, password=PASSWORD)
    set_password(other, password=PASSWORD)
    first, second = TrunkCredential.objects.values_list("ciphertext", flat=True)
    assert bytes(first) != bytes(second)


def test_a_rotated_secret_key_still_reads_through_its_fallback(settings: Settings) -> None:
    trunk = TrunkFactory()
    set_password(trunk, password=PASSWORD)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-" + "1" * 50
    assert read_password(trunk) == PASSWORD


def test_a_lost_secret_key_is_an_error_without_the_stored_bytes(
    settings: Settings,
) -> None:
    trunk = TrunkFactory()
    set_password(trunk, password=PASSWORD)
    stored = bytes(TrunkCredential.objects.get().ciphertext).decode()
    settings.SECRET_KEY = "another-" + "1" * 50
    with pytest.raises(CredentialError) as caught:
        read_password(trunk)
    assert stored not in str(caught.value)


def test_bytes_that_were_changed_are_refused() -> None:
    trunk = TrunkFactory()
    set_password(trunk, password=PASSWORD)
    stored = bytearray(TrunkCredential.objects.get().ciphertext)
    stored[-10] ^= 1
    TrunkCredential.objects.update(ciphertext=bytes(stored))
    with pytest.raises(CredentialError):
        read_password(trunk)
