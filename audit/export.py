"""Taking calls out of the log. For every page that offers it:

    return export_response(calls, file_format=chosen, actor=request.user, tenant=request.tenant)

`calls` is the page's own queryset of tool calls, filtered and not sliced; `tenant` None is for
staff only, whose exports span tenants. The answer is a download, or, for XLSX and for many rows, a
redirect to the list of exports (`exports:list`, for staff the admin's), where a worker's progress
and then the link are seen. Each export leaves a row of `Export` that nobody can take back.

Bytes are made a page of rows at a time, or read from the file, as the client takes them: a slow one
costs no memory (cliqtel_portal.backpressure), and no connection to the database between two pages.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.admin.models import ADDITION, LogEntry
from django.core import signing
from django.db import DatabaseError, connection, transaction
from django.db.utils import OperationalError
from django.http import HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from audit import export_jobs, tasks
from audit.criteria import criteria_of
from audit.export_formats import CONTENT_TYPES, csv_header, csv_text, ndjson_text
from audit.export_rows import allow_statements, chosen_calls, read_page
from audit.models import Export
from audit.querysets import ToolCallQuerySet
from cliqtel_portal.accounts.models import Tenant, User
from cliqtel_portal.errors import InvalidArguments, PortalError, Problem
from cliqtel_portal.ids import first_uuid7_at

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 64 * 1024
_LINK_SALT = "audit.export.link"
_BROKE_OFF = "This export broke off here, it is not whole. Export again."


class TooManyExports(PortalError):
    """The person has as many exports under way as one may have."""

    code = "too_many_exports"
    retryable = True


def export_response(
    calls: ToolCallQuerySet, *, file_format: str, actor: User, tenant: Tenant | None
) -> HttpResponseBase:
    """The file as a download, or a redirect to where it will be. Logged either way.

    Raises:
        InvalidArguments: there is no such format.
        TooManyExports: a file is needed, and too many of this person's wait already.
    """
    export = request_export(calls, file_format=file_format, actor=actor, tenant=tenant)
    if export.is_open:
        return HttpResponseRedirect(list_url(export))
    return _attachment(export, _stream(export))


@transaction.atomic
def request_export(
    calls: ToolCallQuerySet, *, file_format: str, actor: User, tenant: Tenant | None
) -> Export:
    """It is written down who exports what; as `sent`, or `waiting` for a worker. See the module."""
    if file_format not in Export.Format.values:
        raise InvalidArguments(
            "There is no such format.",
            problems=[Problem(field="format", message="Choose csv, ndjson or xlsx.")],
        )
    export = prepare(calls, file_format=file_format, tenant=tenant)
    export.actor_id, export.actor_label = actor.pk, actor.email
    rows = None if file_format == Export.Format.XLSX else _count_if_few(chosen_calls(export))
    if rows is None:
        # The person's row is the lock: two clicks at once are counted one after the other.
        User.objects.select_for_update().get(pk=actor.pk)
        waiting = Export.objects.unfinished().filter(actor_id=actor.pk).count()
        if waiting >= settings.EXPORT_MAX_WAITING:
            raise TooManyExports(
                f"You have {waiting} exports under way. Wait until one is ready, then export again."
            )
        export.state = Export.State.WAITING
        export.expected_rows = chosen_calls(export).planned()
        transaction.on_commit(tasks.start_exports.delay, robust=True)
    else:
        export.state, export.rows, export.expected_rows = Export.State.SENT, rows, rows
    export.save(force_insert=True)
    if tenant is None:
        LogEntry.objects.log_actions(
            actor.pk, [export], ADDITION, change_message="Exported tool calls.", single_object=True
        )
    return export


def prepare(calls: ToolCallQuerySet, *, file_format: str, tenant: Tenant | None) -> Export:
    """An export of these calls as they are now, not saved, and of nobody yet."""
    return Export(
        tenant_id=tenant.pk if tenant else None,
        tenant_label=tenant.name if tenant else "",
        criteria=criteria_of(calls),
        before=first_uuid7_at(timezone.now() + timedelta(milliseconds=1)),
        format=file_format,
    )


def list_url(export: Export) -> str:
    """Where the export is seen with its progress."""
    return reverse("admin:audit_export_changelist" if export.tenant_id is None else "exports:list")


def link_of(export: Export, user: User) -> str:
    """Where this person, and nobody else, gets the file for the next EXPORT_LINK_SECONDS."""
    link = signing.dumps([str(export.pk), str(user.pk)], salt=_LINK_SALT)
    return f"{reverse('exports:file', args=[export.pk])}?link={link}"


def link_opens(link: str, *, export_id: uuid.UUID, user: User) -> bool:
    """Whether the link is this person's to this export.

    Raises:
        signing.SignatureExpired: it was.
    """
    try:
        bound = signing.loads(link, salt=_LINK_SALT, max_age=settings.EXPORT_LINK_SECONDS)
    except signing.SignatureExpired:
        raise
    except signing.BadSignature:
        return False
    return bool(bound == [str(export_id), str(user.pk)])


def file_response(export: Export) -> HttpResponseBase:
    """The file that a worker wrote.

    Raises:
        FileNotFoundError: it was deleted.
    """
    path = export_jobs.file_of(export)
    size = path.stat().st_size
    response = _attachment(export, _chunks(path))
    response.headers["Content-Length"] = str(size)
    return response


def _count_if_few(calls: ToolCallQuerySet) -> int | None:
    """How many; None: more than are sent at once, or so hidden that counting takes long."""
    limit = settings.EXPORT_STREAM_ROWS
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            allow_statements(cursor, milliseconds=settings.EXPORT_COUNT_MS)
            rows = calls.order_by()[: limit + 1].count()
    except OperationalError:
        return None
    return rows if rows <= limit else None


def _attachment(export: Export, content: AsyncIterator[bytes]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(content, content_type=CONTENT_TYPES[export.format])
    name = f"tool-calls-{export.created_at:%Y-%m-%d-%H%M%S}.{export.format}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


async def _stream(export: Export) -> AsyncIterator[bytes]:
    """Asynchronous, as Django under ASGI would collect a plain iterator before the first byte."""
    is_csv = export.format == Export.Format.CSV
    if is_csv:
        yield csv_header().encode()
    after: uuid.UUID | None = None
    while True:
        try:
            text, after = await sync_to_async(_page_text)(export, after)
        except DatabaseError:
            # The server can't take back the 200, and ending well would pass for the whole.
            logger.exception("export %s broke off", export.pk)
            yield (f"{_BROKE_OFF}\r\n" if is_csv else f'{{"error":"{_BROKE_OFF}"}}\n').encode()
            return
        if text:
            yield text.encode()
        if after is None:
            return


def _page_text(export: Export, after: uuid.UUID | None) -> tuple[str, uuid.UUID | None]:
    """The next page, and after which row to go on; None: nowhere."""
    try:
        rows = read_page(chosen_calls(export), after=after)
    finally:
        # A slow reader must not keep a connection of the pool.
        if not connection.in_atomic_block:
            connection.close()
    text = csv_text(rows) if export.format == Export.Format.CSV else ndjson_text(rows)
    return text, rows[-1][0] if len(rows) == settings.EXPORT_PAGE_ROWS else None


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
            yield chunk
