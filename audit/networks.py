"""The network that an address belongs to: what stays the same when a host's address changes.

Countries would say more, but need a database of addresses that is not ours to ship.
"""

from __future__ import annotations

import ipaddress


def network_of(address: str) -> str:
    """Return the /24 of an IPv4 address, the /48 of an IPv6 one; "" where the text is neither."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    length = 24 if found.version == 4 else 48
    return str(ipaddress.ip_network((found, length), strict=False))
