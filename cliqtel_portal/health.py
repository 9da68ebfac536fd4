"""`/healthz`: the process is up. `/readyz`: all that it needs is there."""

from __future__ import annotations

import logging

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

WORKER_KEY = "worker-seen"
WORKER_SEEN_SECONDS = 60

_is_migrated = False


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return _answer({"process": True})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 or 503, with which part is missing. The worker counts as there for a minute."""
    valkey = _valkey()
    return _answer(
        {
            "database": _database(),
            "valkey": valkey,
            "migrations": _migrations(),
            # Asked in Valkey: no need to wait for a time-out twice.
            "worker": valkey and _worker(),
        }
    )


def mark_worker_seen() -> None:
    """Called by a worker: it is alive, and so is what gives it work."""
    cache.set(WORKER_KEY, True, WORKER_SEEN_SECONDS)


def _answer(checks: dict[str, bool]) -> JsonResponse:
    ready = all(checks.values())
    body = {
        "status": "ok" if ready else "unavailable",
        "checks": {name: "ok" if good else "failed" for name, good in checks.items()},
    }
    return JsonResponse(body, status=200 if ready else 503, headers={"Cache-Control": "no-store"})


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        logger.exception("the database does not answer")
        return False
    return True


def _valkey() -> bool:
    try:
        cache.get(WORKER_KEY)
    except (RedisError, OSError):
        logger.exception("Valkey does not answer")
        return False
    return True


def _worker() -> bool:
    try:
        return bool(cache.get(WORKER_KEY))
    except (RedisError, OSError):
        return False


def _migrations() -> bool:
    """All applied; once true it stays true for this process, whose code knows no more of them."""
    global _is_migrated  # noqa: PLW0603
    if not _is_migrated:
        try:
            executor = MigrationExecutor(connection)
            _is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        except DatabaseError:
            return False
    return _is_migrated
