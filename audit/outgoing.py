"""Addresses that a tenant gives us to post to: only what is public, checked again at each post."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPSHandler,
    OpenerDirector,
    Request,
)

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# All of IPv6 that was ever given out. Python calls more of it global: what was for one site, v4
# written as v6, the NAT64 of one network.
_GIVEN_OUT = ipaddress.ip_network("2000::/3")


class NotPublic(OSError):
    """The host is, or leads to, an address that is not for everybody."""


def problem_of(url: str) -> str:
    """Why we don't post there, "" if we do. Asks no resolver: see `public_addresses`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "This is no address."
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or len(url) > 500:
        return "Give an address of at most 500 plain characters."
    if parts.scheme != "https":
        return "It must start with https://."
    if not parts.hostname or parts.username is not None or parts.password is not None:
        return "It must name a host, without a user or password."
    if port not in {None, 443}:
        return "Only https's own port is allowed."
    if parts.fragment or len(parts.path) < 2:
        return "This is not a whole webhook address: copy it from Slack again."
    return ""


def public_addresses(host: str, port: int = 443) -> list[str]:
    """What the host resolves to.

    Raises:
        NotPublic: one of them is private, loopback, link-local or reserved. Not one good address is
            picked from among bad ones: the next answer may be ordered otherwise.
        OSError: the host does not resolve.
    """
    found = socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)
    addresses = [str(info[4][0]) for info in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise NotPublic(f"{host} is not public")
    return addresses


def is_public(address: str) -> bool:
    """Whether everybody on the internet means the same by it; v4 inside v6 is judged as v4."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.teredo is not None:
            return False
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
        if found not in _GIVEN_OUT:
            return False
    return found.is_global and not found.is_multicast


class _PinnedConnection(http.client.HTTPSConnection):
    """Connects to the address that was judged: asked twice, a resolver may answer otherwise."""

    def connect(self) -> None:
        address = public_addresses(self.host, self.port)[0]
        plain = socket.create_connection((address, self.port), self.timeout)
        try:
            self.sock = _CONTEXT.wrap_socket(plain, server_hostname=self.host)
        except OSError:
            plain.close()
            raise


class _PinnedHandler(HTTPSHandler):
    def https_open(self, req: Request) -> Any:
        return self.do_open(_PinnedConnection, req)


_CONTEXT = ssl.create_default_context()


def guarded_opener() -> OpenerDirector:
    """Opens https at public addresses only. No handler for proxies, redirects or other schemes: a
    redirect is an error like any other, as it would lead where nobody has looked.
    """
    opener = OpenerDirector()
    for handler in (_PinnedHandler(), HTTPErrorProcessor(), HTTPDefaultErrorHandler()):
        opener.add_handler(handler)
    return opener
