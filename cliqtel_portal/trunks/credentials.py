"""SIP passwords at rest. Nothing but provisioning and a person's own reveal may read one.

A digest needs the password itself, so it can't be hashed; it is encrypted (Fernet: AES-128-CBC and
HMAC-SHA256) under a key of its own that HKDF derives from SECRET_KEY.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cliqtel_portal.trunks.errors import CredentialError
from cliqtel_portal.trunks.models import Trunk, TrunkCredential

# Names the use and the version: another use of SECRET_KEY derives another key.
_INFO = b"cliqtel trunks.TrunkCredential 1"


@transaction.atomic
def set_password(trunk: Trunk, *, password: str) -> None:
    """The trunk has this SIP password, encrypted; the one before is gone."""
    TrunkCredential.objects.update_or_create(
        trunk=trunk,
        defaults={"ciphertext": _cipher().encrypt(password.encode()), "changed_at": timezone.now()},
    )


def read_password(trunk: Trunk) -> str:
    """The SIP password in plain text. Never log it or put it in a result.

    Raises:
        TrunkCredential.DoesNotExist: the trunk has none.
        CredentialError: SECRET_KEY is not the one it was stored with.
    """
    stored = TrunkCredential.objects.get(trunk=trunk)
    try:
        return _cipher().decrypt(bytes(stored.ciphertext)).decode()
    except InvalidToken as error:
        raise CredentialError(
            "The trunk's stored password can't be read any more. Set a new one."
        ) from error


def _cipher() -> MultiFernet:
    """Encrypts under SECRET_KEY, decrypts under SECRET_KEY_FALLBACKS too."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_key(secret)) for secret in secrets])


def _key(secret: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(secret.encode())
    return base64.urlsafe_b64encode(derived)
