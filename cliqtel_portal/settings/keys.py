"""Keys that the environment names."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import ImproperlyConfigured


def keys_by_id(name: str, pairs: Iterable[str]) -> dict[str, str]:
    """Of "id:key" each; keys may hold any character but a comma. `name` is the variable's.

    Raises:
        ImproperlyConfigured: one is something else. What it is stays unsaid: it is a secret.
    """
    keys = {}
    for pair in pairs:
        key_id, _, key = pair.strip().partition(":")
        if not (key_id and key):
            raise ImproperlyConfigured(f"{name} must be pairs of id:key, with commas between them.")
        keys[key_id] = key
    return keys
