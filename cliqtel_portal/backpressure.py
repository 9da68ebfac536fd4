"""Large answers at the pace of their readers.

daphne's `send` puts each part of a body into the connection's buffer and returns at once, so a file
of any size would lie in memory while a slow reader takes it. Twisted tells a registered producer
when that buffer is full: here, `send` waits for it to empty. A server whose `send` waits by itself
is left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


class PacedSend:
    """`send` for one request; `close` it when the request is over, however that came."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._protocol = _protocol_of(send)
        self._is_registered = False
        self._may_go_on = asyncio.Event()
        self._may_go_on.set()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            if not message.get("more_body", False):
                self.close()
            elif self._protocol is not None and not self._is_registered:
                self._register()
        await self._send(message)
        await self._may_go_on.wait()

    def close(self) -> None:
        if self._is_registered:
            self._is_registered = False
            if self._protocol.channel is not None:
                self._protocol.unregisterProducer()
        self._may_go_on.set()

    def _register(self) -> None:
        # None: the reader has gone.
        if self._protocol.channel is not None:
            self._protocol.registerProducer(self, True)
            self._is_registered = True

    # Called by Twisted, by these names, in the thread of the event loop.

    def pauseProducing(self) -> None:  # noqa: N802
        self._may_go_on.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        self._may_go_on.set()

    def stopProducing(self) -> None:  # noqa: N802
        # Django hears of it as `http.disconnect`.
        self._may_go_on.set()


def _protocol_of(send: Send) -> Any:
    """The Twisted request that daphne's `send` is bound to; None with another server."""
    bound: tuple[Any, ...] = getattr(send, "args", ())
    return next((one for one in bound if hasattr(one, "registerProducer")), None)
