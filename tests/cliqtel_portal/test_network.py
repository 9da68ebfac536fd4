"""Whose address a request has, whatever it claims."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from cliqtel_portal.network import address_from

PROXY, CLIENT, FORGED = "10.0.0.1", "198.51.100.7", "192.0.2.66"


@pytest.mark.parametrize(
    ("proxies", "forwarded_for", "found"),
    [
        # Nobody is trusted: the header is anybody's words.
        (0, "", PROXY),
        (0, FORGED, PROXY),
        (0, f"{FORGED}, {CLIENT}", PROXY),
        # One proxy: the rightmost entry is its own, all before came with the request.
        (1, CLIENT, CLIENT),
        (1, f"{FORGED}, {CLIENT}", CLIENT),
        (1, f"{FORGED},{FORGED},{CLIENT}", CLIENT),
        (1, f"{FORGED}, , {CLIENT},", CLIENT),
        # Two: the inner one appended the outer one's address.
        (2, f"{CLIENT}, 10.0.0.2", CLIENT),
        (2, f"{FORGED}, {CLIENT}, 10.0.0.2", CLIENT),
        # Fewer entries than proxies: it did not come through all of them.
        (1, "", PROXY),
        (2, FORGED, PROXY),
    ],
)
def test_only_what_trusted_proxies_wrote_counts(
    settings: Settings, proxies: int, forwarded_for: str, found: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    assert address_from(PROXY, forwarded_for) == found


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("2001:DB8::0001", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("unknown", ""),
        ("198.51.100.7:443", ""),
        ("_hidden", ""),
        ("198.51.100.7\x00", ""),
        ("'; DROP TABLE", ""),
    ],
)
def test_an_address_is_in_one_form_or_not_known(settings: Settings, entry: str, found: str) -> None:
    settings.TRUSTED_PROXIES = 1
    assert address_from(PROXY, f"{FORGED}, {entry}") == found


def test_a_peer_without_an_address_is_not_known(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 0
    assert address_from("", FORGED) == ""
    assert address_from("/run/portal.sock", FORGED) == ""
