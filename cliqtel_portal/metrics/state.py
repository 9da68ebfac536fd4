"""What stands in the database and in Valkey: the same from every process, read when asked.

Everything here is a gauge of all tenants together, so of several web processes take the maximum.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import REGISTRY, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError

from approvals.models import Approval
from approvals.states import Status
from audit import seals
from audit.models import ToolCall
from cliqtel_portal.carriers.models import CarrierOperation
from cliqtel_portal.celery import app
from cliqtel_portal.health import WORKER_KEY
from cliqtel_portal.notices.consumers import count_open_sockets

logger = logging.getLogger(__name__)

# Of the outbox: what is done grows for ever and asks for nobody.
_UNDONE = tuple(state for state in CarrierOperation.State if state != CarrierOperation.State.DONE)
_WAITING = (CarrierOperation.State.PENDING, CarrierOperation.State.ACCEPTED)


class StateCollector(Collector):
    """Sockets are counted at once; what costs a query is kept for a few seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, list[GaugeMetricFamily]] = {}
        self._keep_until: dict[str, float] = {}

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: the registry would ask the database when it is only being set up."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        up = _gauge("cliqtel_up", "Whether it answered this process.", "source")
        with self._lock:
            for source, read in (("database", _database), ("valkey", _valkey)):
                found = self._read(source, read)
                up.add_metric([source], float(bool(found)))
                yield from found
        yield up
        sockets = _gauge("cliqtel_open_sockets", "Open pages with a socket, in this process.")
        sockets.add_metric([], count_open_sockets())
        yield sockets

    def forget(self) -> None:
        """The next answer is read anew."""
        with self._lock:
            self._keep_until.clear()

    def _read(
        self, source: str, read: Callable[[], list[GaugeMetricFamily]]
    ) -> list[GaugeMetricFamily]:
        if time.monotonic() < self._keep_until.get(source, 0.0):
            return self._kept[source]
        try:
            found, seconds = read(), settings.METRICS_CACHE_SECONDS
        except (DatabaseError, RedisError, OSError):
            # Each try may wait for a time-out: the counters of the process are not to go with it.
            logger.warning("no metrics from the %s", source, exc_info=True)
            found, seconds = [], settings.METRICS_RETRY_SECONDS
        self._kept[source] = found
        self._keep_until[source] = time.monotonic() + seconds
        return found


collector = StateCollector()


@functools.cache
def register() -> None:
    """The collector's numbers are part of every answer of this process."""
    # The moment at which each series began would be a second one for each.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    REGISTRY.register(collector)


def _database() -> list[GaugeMetricFamily]:
    return [*_approvals(), *_outbox(), *_audit()]


def _approvals() -> Iterator[GaugeMetricFamily]:
    rows = Approval.objects.values_list("status").annotate(count=Count("*")).order_by()
    counts = dict.fromkeys(Status.values, 0) | dict(rows)
    by_state = _gauge("cliqtel_approvals", "Approvals, by state.", "state")
    for status, count in counts.items():
        by_state.add_metric([status], count)
    yield by_state


def _outbox() -> Iterator[GaugeMetricFamily]:
    rows = (
        CarrierOperation.objects.exclude(state=CarrierOperation.State.DONE)
        .values_list("state")
        .annotate(count=Count("*"), oldest=Min("created_at"))
        .order_by()
    )
    found = {state: (count, oldest) for state, count, oldest in rows}
    depth = _gauge("cliqtel_outbox", "Orders to carriers that are not done, by state.", "state")
    age = _gauge("cliqtel_outbox_oldest_seconds", "Age of the oldest that waits, or 0.", "state")
    for state in _UNDONE:
        count, oldest = found.get(state, (0, None))
        depth.add_metric([state], count)
        if state in _WAITING:
            age.add_metric([state], _seconds_since(oldest))
    yield depth
    yield age


def _audit() -> Iterator[GaugeMetricFamily]:
    running = ToolCall.objects.filter(status=ToolCall.Status.RUNNING).aggregate(
        count=Count("*"), oldest=Min("started_at")
    )
    depth = _gauge("cliqtel_audit_running", "Rows of the log that wait for their outcome.")
    depth.add_metric([], running["count"])
    lag = _gauge("cliqtel_audit_lag_seconds", "Age of the log's oldest such row, or 0.", "what")
    lag.add_metric(["running"], _seconds_since(running["oldest"]))
    lag.add_metric(["unsealed"], seals.lag().total_seconds())
    yield depth
    yield lag


def _valkey() -> list[GaugeMetricFamily]:
    prefix = app.conf.broker_transport_options["global_keyprefix"]
    queue = app.conf.task_default_queue
    client = _client(settings.VALKEY_URL)
    waiting = _gauge("cliqtel_celery_queue", "Tasks that no worker has taken.", "queue")
    waiting.add_metric([queue], client.llen(f"{prefix}{queue}"))
    taken = _gauge("cliqtel_celery_unacknowledged", "Tasks that workers have taken and not ended.")
    taken.add_metric([], client.hlen(f"{prefix}unacked"))
    seen = _gauge("cliqtel_worker_seen", "Whether beat and a worker did something this minute.")
    seen.add_metric([], float(bool(cache.get(WORKER_KEY))))
    return [waiting, taken, seen]


@functools.cache
def _client(url: str) -> Redis:
    return Redis.from_url(url, socket_connect_timeout=1, socket_timeout=2)


def _gauge(name: str, words: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, labels=labels)


def _seconds_since(moment: datetime | None) -> float:
    return max(0.0, (timezone.now() - moment).total_seconds()) if moment else 0.0
