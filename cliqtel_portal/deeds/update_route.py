"""Changing what calls meet: a drafted change of a call flow, or the return to a revision."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from approvals.models import Approval, Decision
from approvals.presentation import Presentation
from approvals.quotes import Quote
from approvals.services import request_approval
from approvals.states import FINAL
from cliqtel_portal.callflows import drafts
from cliqtel_portal.callflows.comparison import Comparison
from cliqtel_portal.callflows.drafts import Draft, draft_of
from cliqtel_portal.callflows.errors import ChangeClosed, GraphUnreadableError
from cliqtel_portal.callflows.models import Author
from cliqtel_portal.callflows.publishing import OPEN, publish_change
from cliqtel_portal.callflows.services import names_in
from cliqtel_portal.deeds.requester import Requester
from cliqtel_portal.phone import display

ACTION = "update_route"

_MAX_LABEL = 120
_MAX_NUMBERS = 20


@dataclass(frozen=True, kw_only=True)
class FlowDraft:
    draft: Draft
    approval: Approval


@transaction.atomic
def draft_change(
    requester: Requester,
    *,
    call_flow_id: uuid.UUID,
    base_etag: str,
    operations: Sequence[object],
    reason_text: str = "",
) -> FlowDraft:
    """A person is asked to publish the flow as the operations leave it.

    Raises: what `callflows.drafts.draft_change` and `approvals.services.request_approval` raise.
    """
    draft = drafts.draft_change(
        requester.tenant,
        call_flow_id=call_flow_id,
        base_etag=base_etag,
        operations=operations,
        author_label=_author_label(requester),
        author_kind=_author_kind(requester),
    )
    return _ask(requester, draft, f"Change call flow {draft.flow.name}", reason_text)


@transaction.atomic
def draft_publication(
    requester: Requester, *, call_flow_id: uuid.UUID, revision: int, reason_text: str = ""
) -> FlowDraft:
    """A person is asked to publish that revision, or to roll back to it; once, while it waits.

    Raises: what `callflows.drafts.draft_publication` and
        `approvals.services.request_approval` raise.
    """
    draft = drafts.draft_publication(
        requester.tenant,
        call_flow_id=call_flow_id,
        revision=revision,
        author_label=_author_label(requester),
        author_kind=_author_kind(requester),
    )
    asked = Approval.objects.for_tenant(requester.tenant).filter(artifact_id=draft.change.pk)
    waiting = asked.first()
    if waiting is not None:
        return FlowDraft(draft=draft, approval=waiting)
    if draft.flow.active_revision is None:
        title = f"Publish call flow {draft.flow.name} at revision {revision}"
    else:
        title = f"Roll back call flow {draft.flow.name} to revision {revision}"
    return _ask(requester, draft, title, reason_text)


def plan_publication(requester: Requester, *, call_flow_id: uuid.UUID, revision: int) -> Draft:
    """Return what `draft_publication` would ask for; nothing is stored, its change neither."""
    return drafts.draft_publication(
        requester.tenant,
        call_flow_id=call_flow_id,
        revision=revision,
        author_label=_author_label(requester),
        author_kind=_author_kind(requester),
        dry_run=True,
    )


class UpdateRoute:
    """The executor. A change is published once, so its id is key enough."""

    def recheck(self, approval: Approval) -> Quote | None:
        draft = _draft(approval)
        if draft.change.status not in OPEN:
            raise ChangeClosed("The change is decided already. Draft it again to have it done.")
        drafts.check_publishable(draft)
        return None

    def execute(self, approval: Approval, idempotency_key: str) -> Mapping[str, Any]:
        _draft(approval)
        published = publish_change(
            approval.tenant,
            change_id=_change_id(approval),
            approved_by_label=_approvers(approval),
        )
        return {
            "status": "published",
            "call_flow_id": str(published.flow.pk),
            "change_id": str(published.change.pk),
            "revision": published.revision.number,
            "previous_revision": published.previous.number if published.previous else None,
            "etag": published.revision.etag,
            "numbers": list(published.numbers[:_MAX_NUMBERS]),
            "number_count": len(published.numbers),
        }

    def withdraw(self, approval: Approval) -> None:
        drafts.reject_change(approval.tenant, change_id=_change_id(approval))

    def present(self, approval: Approval) -> Presentation:
        try:
            draft = draft_of(approval.tenant, change_id=_change_id(approval))
        except GraphUnreadableError as error:
            return Presentation(consequences=(error.message,))
        # Published and not yet executed: a moment in which its base is gone, and all is well.
        is_open = approval.status not in FINAL and draft.change.status in OPEN
        since = drafts.changes_since(draft) if is_open else None
        told = [display(number) for number in draft.numbers[:_MAX_NUMBERS]]
        return Presentation(
            consequences=tuple(_consequences(draft)) if is_open and since is None else (),
            template="deeds/_flow_change.html",
            is_wide=True,
            context={
                "approval_id": approval.pk,
                "draft": draft,
                "comparison": Comparison(
                    draft.changes,
                    name=draft.flow.name,
                    old_label=f"revision {draft.base.number}",
                    new_label="proposed",
                    names=names_in(approval.tenant, draft.changes.old, draft.changes.new),
                ),
                "since": [problem.message for problem in since.problems] if since else [],
                "is_stale": since is not None,
                "numbers": told,
                "more_numbers": len(draft.numbers) - len(told),
            },
        )


deed = UpdateRoute()


def _ask(requester: Requester, draft: Draft, title: str, reason_text: str) -> FlowDraft:
    change = draft.change
    approval = request_approval(
        requester.tenant,
        requester=requester.user,
        action=ACTION,
        title=title,
        summary=_summary(draft),
        arguments={
            "call_flow_id": str(draft.flow.pk),
            "change_id": str(change.pk),
            "base_etag": draft.base.etag,
            # The graph in one word: another one than the shown has another.
            "etag": change.etag,
            **({"revision": change.restores.number} if change.restores else {}),
        },
        artifact_id=change.pk,
        reason_text=reason_text,
        token_id=requester.token_id,
        token_label=requester.token_label,
        client_label=requester.client_label,
        call_id=requester.call_id,
    )
    return FlowDraft(draft=draft, approval=approval)


def _summary(draft: Draft) -> str:
    """Counts only: titles and prompts are the author's words, and this is read as ours.

    A way out that leads elsewhere is one path that changed, as in the list of changes.
    """
    changes = draft.changes
    gone = {(edge.source, edge.on) for edge in changes.removed_edges}
    moved = sum((edge.source, edge.on) in gone for edge in changes.added_edges)
    counted = (
        (len(changes.added_nodes), "step", "added"),
        (len(changes.changed_nodes), "step", "changed"),
        (len(changes.removed_nodes), "step", "removed"),
        (len(changes.added_edges) - moved, "path", "added"),
        (moved, "path", "changed"),
        (len(changes.removed_edges) - moved, "path", "removed"),
    )
    parts = [f"{n} {noun}{'' if n == 1 else 's'} {verb}" for n, noun, verb in counted if n]
    if changes.is_entry_changed:
        parts.append("calls start at another step")
    return f"{', '.join(parts)}." if parts else "Calls begin to follow the flow as it is."


def _consequences(draft: Draft) -> list[str]:
    count = len(draft.numbers)
    if not count:
        calls = "No number leads to this flow, so no call changes now."
    elif count == 1:
        calls = f"Calls to {display(draft.numbers[0])} follow it at once."
    else:
        calls = f"Calls to {count} numbers follow it at once."
    if draft.flow.active_revision is None:
        return [calls, "The flow becomes active."]
    return [
        calls,
        f"Revision {draft.flow.active_revision.number} is kept: you can roll back to it.",
    ]


def _draft(approval: Approval) -> Draft:
    """What was shown is what is stored: the database keeps it, and this asks whether it did."""
    draft = draft_of(approval.tenant, change_id=_change_id(approval))
    if draft.change.etag != approval.arguments["etag"]:
        raise ChangeClosed("The change is not the one that was shown. Draft it again.")
    return draft


def _change_id(approval: Approval) -> uuid.UUID:
    return uuid.UUID(approval.arguments["change_id"])


def _author_kind(requester: Requester) -> Author:
    return Author.AI_HOST if requester.is_ai_host else Author.HUMAN


def _author_label(requester: Requester) -> str:
    if not requester.is_ai_host:
        return requester.user.display_name[:_MAX_LABEL]
    host = requester.client_label or "AI host"
    token = f" (token {requester.token_label})" if requester.token_label else ""
    return f"{host[: _MAX_LABEL - len(token)]}{token}"[:_MAX_LABEL]


def _approvers(approval: Approval) -> str:
    agreed = approval.decisions.in_order().filter(
        round=approval.round, verdict=Decision.Verdict.APPROVE
    )
    return ", ".join(dict.fromkeys(decision.user.display_name for decision in agreed))
