"""Making calls follow what a person has approved."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.callflows.diff import describe
from cliqtel_portal.callflows.drafts import Draft, check_publishable, draft_of
from cliqtel_portal.callflows.errors import ChangeClosed
from cliqtel_portal.callflows.models import CallFlow, Change, Revision

_MAX_NOTE = 200
OPEN = frozenset({Change.Status.PENDING, Change.Status.APPROVED})


@dataclass(frozen=True, kw_only=True)
class Publication:
    """Calls follow `revision` since; publish `previous` again to undo it, if there was one."""

    change: Change
    flow: CallFlow
    revision: Revision
    previous: Revision | None
    numbers: tuple[str, ...]


@transaction.atomic
def publish_change(tenant: Tenant, *, change_id: uuid.UUID, approved_by_label: str) -> Publication:
    """Calls follow the state that the change proposes. A change is published once: asked again,
    it is the same publication, whatever happened to the flow since.

    Other changes of the flow that wait stay, and are stale from now on.

    Raises:
        ChangeNotFound: no such change in this tenant.
        ChangeClosed: it was rejected.
        StaleBase, FlowUnsound, FlowArchived: it can't be published any more.
    """
    # The flow is locked first and everything is read after that: of two changes on one base, the
    # second sees what the first one left.
    list(CallFlow.objects.for_tenant(tenant).filter(changes=change_id).select_for_update())
    draft = draft_of(tenant, change_id=change_id)
    change = draft.change
    if change.status == Change.Status.PUBLISHED:
        return _publication(draft)
    if change.status not in OPEN:
        raise ChangeClosed("The change was rejected. Draft it again to have it published.")
    check_publishable(draft)
    now = timezone.now()
    change.previous_revision = draft.flow.active_revision
    change.revision = _saved_already(draft) or _save_revision(draft, approved_by_label)
    CallFlow.objects.filter(pk=draft.flow.pk).update(
        status=CallFlow.Status.ACTIVE, active_revision=change.revision, updated_at=now
    )
    # A rejection does not wait for the flow's lock: whoever comes second finds it decided.
    moved = Change.objects.filter(pk=change.pk, status__in=OPEN).update(
        status=Change.Status.PUBLISHED,
        revision=change.revision,
        previous_revision=change.previous_revision,
        updated_at=now,
    )
    if not moved:
        raise ChangeClosed("The change was rejected meanwhile. Nothing was published.")
    return _publication(draft_of(tenant, change_id=change_id))


def _saved_already(draft: Draft) -> Revision | None:
    """The newest revision of a flow that no call has followed yet needs no copy of itself."""
    if draft.flow.active_revision is None and draft.change.restores_id == draft.base.pk:
        return draft.base
    return None


def _save_revision(draft: Draft, approved_by_label: str) -> Revision:
    change = draft.change
    newest = Revision.objects.filter(call_flow=draft.flow).aggregate(newest=Max("number"))["newest"]
    return Revision.objects.create(
        call_flow=draft.flow,
        number=newest + 1,
        graph=change.graph,
        etag=change.etag,
        note=_note(draft),
        author_label=change.author_label,
        author_kind=change.author_kind,
        approved_by_label=approved_by_label[:120],
    )


def _note(draft: Draft) -> str:
    if draft.change.restores is not None:
        return f"As revision {draft.change.restores.number} was"
    sentences = describe(draft.changes)
    more = f" (and {len(sentences) - 1} more)" if len(sentences) > 1 else ""
    room = _MAX_NOTE - len(more)
    first = sentences[0] if len(sentences[0]) <= room else f"{sentences[0][: room - 1]}…"
    return f"{first}{more}"


def _publication(draft: Draft) -> Publication:
    change = draft.change
    if change.revision is None:
        raise ChangeClosed("The change is not published.")
    return Publication(
        change=change,
        flow=draft.flow,
        revision=change.revision,
        previous=change.previous_revision,
        numbers=draft.numbers,
    )
