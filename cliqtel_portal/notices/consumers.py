"""`/ws/events/`: a signed-in person's open page is told what happens in their tenant.

One socket streams the rows of `Event` from its own place on, so order and completeness come from
the table. What wakes it (a hint over Valkey, a clock) and what ends it (a sign-out, a lost role)
is watched once for all sockets of the process, by their `Hub`.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import uuid
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError, connections
from redis.asyncio import Redis
from redis.exceptions import RedisError

from cliqtel_portal.accounts.sessions import Seat, seats_of
from cliqtel_portal.notices import hints, stream

logger = logging.getLogger(__name__)

_Params = ParamSpec("_Params")
_Returned = TypeVar("_Returned")

BAD_MESSAGE = 4400
SIGNED_OUT = 4401
# Another tenant or another role than the page was made for: it reloads.
SEAT_CHANGED = 4409
TOO_MANY = 4429
_FAILED = 1011

_MAX_MESSAGE = 256  # characters; a ping has 15
_MAX_ID = 2**63 - 1
# Seconds: between two looks of a listener that Valkey is still there, and before it tries again.
_LISTEN_SECONDS = 15.0
_LISTEN_AGAIN_SECONDS = 2.0


@functools.cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="events")


async def _in_thread(
    function: Callable[_Params, _Returned], /, *args: _Params.args, **kwargs: _Params.kwargs
) -> _Returned:
    """Channels' own way would share one thread with every other socket and view of the process."""
    work = functools.partial(_with_connection, functools.partial(function, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_executor(), work)


def _with_connection(work: Callable[[], _Returned]) -> _Returned:
    try:
        return work()
    finally:
        connections.close_all()  # with the pool: gives it back


class Hub:
    """The open sockets of one process. Its two tasks run while there are any."""

    def __init__(self) -> None:
        self._sockets: set[EventsConsumer] = set()
        self._tasks: list[asyncio.Task[None]] = []
        # The newest event of each tenant at the last look.
        self._newest: dict[uuid.UUID, int] = {}

    def add(self, socket: EventsConsumer) -> None:
        self._sockets.add(socket)
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]
            for task in self._tasks:
                task.add_done_callback(self._task_ended)

    def discard(self, socket: EventsConsumer) -> None:
        self._sockets.discard(socket)
        if not self._sockets:
            for task in self._tasks:
                task.cancel()
            self._tasks = []

    def count(self) -> int:
        return len(self._sockets)

    def count_of(self, user_id: uuid.UUID) -> int:
        return sum(socket.seat.user.pk == user_id for socket in self._sockets)

    def _wake(self, tenant_id: uuid.UUID | None = None) -> None:
        for socket in self._sockets:
            if tenant_id is None or socket.tenant_id == tenant_id:
                socket.wake()

    async def _listen(self) -> None:
        """Hints wake the sockets of their tenant; whatever was said while nobody listened, all."""
        while True:
            client = Redis.from_url(settings.VALKEY_URL, socket_connect_timeout=2)
            try:
                async with client, client.pubsub() as subscription:
                    await subscription.subscribe(hints.channel())
                    while True:
                        message = await subscription.get_message(timeout=_LISTEN_SECONDS)
                        if message is None:
                            await asyncio.wait_for(subscription.ping(), timeout=_LISTEN_SECONDS)
                        elif message["type"] == "subscribe":
                            self._wake()
                        elif message["type"] == "message":
                            # What is no hint of ours is nobody's news.
                            with suppress(ValueError):
                                self._wake(uuid.UUID(message["data"].decode()))
            except (RedisError, OSError, TimeoutError):
                logger.warning("Valkey gives no hints; sockets look by themselves", exc_info=True)
            await asyncio.sleep(_LISTEN_AGAIN_SECONDS)

    async def _watch(self) -> None:
        """Sockets whose person left or lost their seat close; news without a hint is found."""
        while True:
            await asyncio.sleep(settings.SOCKET_CHECK_SECONDS)
            try:
                await self._check_seats()
                await self._look_for_news()
            except DatabaseError:
                logger.warning("open sockets could not be checked", exc_info=True)

    async def _check_seats(self) -> None:
        sockets = list(self._sockets)
        seats = await _in_thread(seats_of, {socket.session_key for socket in sockets})
        for socket in sockets:
            seat = seats.get(socket.session_key)
            if socket not in self._sockets:
                continue
            if seat is None:
                socket.end_soon(SIGNED_OUT)
            elif not seat.is_same_as(socket.seat):
                socket.end_soon(SEAT_CHANGED)

    async def _look_for_news(self) -> None:
        tenant_ids = {socket.tenant_id for socket in self._sockets}
        newest = await _in_thread(stream.newest_by_tenant, tenant_ids)
        for tenant_id, last in newest.items():
            if last != self._newest.get(tenant_id):
                self._wake(tenant_id)
        self._newest = newest

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        """Unwatched sockets don't stay open: pages connect again, to new tasks."""
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("the watch over sockets broke", exc_info=error)
            for socket in list(self._sockets):
                socket.end_soon(_FAILED)


# Tests may have more than one event loop; a web process has one.
_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()


def count_open_sockets() -> int:
    """Of this process; may be asked from any thread."""
    return sum(open_hub.count() for open_hub in list(_hubs.values()))


def hub() -> Hub:
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())


class EventsConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One socket. Expects `scope["cookies"]`; who may knock at all is `routing.py`'s to say."""

    # None is configured: hints come over the hub's own subscription.
    channel_layer_alias = "none"

    session_key: str
    seat: Seat

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()
        self._streaming: asyncio.Task[None] | None = None
        # Kept, or the event loop could forget it half-way.
        self._ending: asyncio.Task[None] | None = None

    @property
    def tenant_id(self) -> uuid.UUID:
        return self.seat.membership.tenant_id

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()

    async def connect(self) -> None:
        """Open, and closed again with a code where it can't stay: a page sees no other reason."""
        self.session_key = self.scope["cookies"].get(settings.SESSION_COOKIE_NAME, "")
        seat = (await _in_thread(seats_of, {self.session_key})).get(self.session_key)
        await self.accept()
        try:
            after = _after(self.scope["query_string"])
        except ValueError:
            await self.close(BAD_MESSAGE)
            return
        if seat is None:
            await self.close(SIGNED_OUT)
        elif hub().count_of(seat.user.pk) >= settings.SOCKETS_PER_USER:
            await self.close(TOO_MANY)
        else:
            self.seat = seat
            # Before the first look at the table: a hint that comes meanwhile asks for another.
            hub().add(self)
            self._streaming = asyncio.create_task(self._stream(after))
            self._streaming.add_done_callback(self._stream_ended)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Pages say nothing but a ping."""
        if _is_ping(text_data):
            await self._say({"type": "pong"})
        else:
            await self.end(BAD_MESSAGE)

    def wake(self) -> None:
        """There may be news."""
        self._news.set()

    async def end(self, code: int) -> None:
        """Nothing more is sent, not even what is being read."""
        self._leave()
        # The far end may be gone already.
        with suppress(OSError, RuntimeError):
            await self.close(code)

    def end_soon(self, code: int) -> None:
        """The same in a task of its own: the hub's own tasks end with the last socket that leaves,
        and wait for no slow one.
        """
        self._leave()
        self._ending = asyncio.create_task(self.end(code))

    def _leave(self) -> None:
        hub().discard(self)
        if self._streaming is not None:
            self._streaming.cancel()

    async def _stream(self, after: int | None) -> None:
        tenant, user = self.seat.membership.tenant, self.seat.user
        newest = await _in_thread(stream.newest_id, tenant, user)
        await self._say({"type": "hello", "last": newest})
        place = newest if after is None else after
        read = stream.resume_after
        while True:
            self._news.clear()
            try:
                batch = await _in_thread(read, tenant, user, place)
            except DatabaseError:
                logger.warning("a socket could not read its events", exc_info=True)
            else:
                read = stream.read_after
                place = batch.last
                if batch.is_reset:
                    await self._say({"type": "reset", "last": batch.last})
                for event in batch.events:
                    await self._say({"type": "event", **stream.as_json(event)})
            await self._news.wait()

    def _stream_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a socket's stream broke", exc_info=error)
            self.end_soon(_FAILED)

    async def _say(self, message: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(message, separators=(",", ":")))


def _after(query: bytes) -> int | None:
    """The place to go on from.

    Raises:
        ValueError: it is no place.
    """
    values = parse_qs(query.decode("latin-1")).get("after")
    if values is None:
        return None
    text = values[-1]
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= _MAX_ID):
        raise ValueError(text)
    return int(text)


def _is_ping(text: str | None) -> bool:
    if text is None or len(text) > _MAX_MESSAGE:
        return False
    try:
        return bool(json.loads(text) == {"type": "ping"})
    except ValueError:
        return False
