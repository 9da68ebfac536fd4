"""The loopback address and the free ports on it."""

from __future__ import annotations

import socket

ADDRESS = "127.0.0.1"
# Between our look and the server's start another program may take the port: then the next one.
ATTEMPTS = 5


def free_port(preferred: int | None = None) -> int:
    """`preferred` if nobody listens there, else any that is free."""
    for port in (preferred or 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ADDRESS, port))
                probe.listen()
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")
