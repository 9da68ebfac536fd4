"""Proposing a new state of a flow. Nothing changes for a call until a person has published it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cliqtel_portal.accounts.models import Tenant
from cliqtel_portal.callflows.diff import GraphDiff, describe, diff
from cliqtel_portal.callflows.errors import (
    CallFlowNotFound,
    ChangeNotFound,
    FlowArchived,
    FlowUnsound,
    NothingChanges,
    StaleBase,
    TooManyChanges,
)
from cliqtel_portal.callflows.graph import Graph, etag
from cliqtel_portal.callflows.lint import LintFinding, lint
from cliqtel_portal.callflows.models import Author, CallFlow, Change, Revision
from cliqtel_portal.callflows.operations import apply_operations
from cliqtel_portal.callflows.services import numbers_of, revision_of
from cliqtel_portal.callflows.stored import current_revision, graph_of
from cliqtel_portal.errors import Problem
from cliqtel_portal.trunks.models import Trunk

_MAX_SINCE = 20


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A change with what it means now. On a dry run the change is not stored.

    `findings` are warnings while it can be published. `numbers`: calls to them follow the flow.
    """

    change: Change
    flow: CallFlow
    base: Revision
    changes: GraphDiff
    findings: tuple[LintFinding, ...]
    numbers: tuple[str, ...]


@transaction.atomic
def draft_change(
    tenant: Tenant,
    *,
    call_flow_id: uuid.UUID,
    base_etag: str,
    operations: Sequence[object],
    author_label: str,
    author_kind: Author,
    dry_run: bool = False,
) -> Draft:
    """The flow has a pending change with these operations; with `dry_run` all is only checked.

    Raises:
        CallFlowNotFound, FlowArchived: no flow of the tenant that could change.
        StaleBase: the flow's etag is another one by now; tells what changed since.
        GraphError: operations that can't be applied, all at once, at `operations.<index>`.
        FlowUnsound: the result would lose calls.
        NothingChanges, TooManyChanges: there is nothing to wait for, or too much waits.
    """
    flow = _locked_flow(tenant, call_flow_id)
    base = current_revision(flow)
    if base_etag != base.etag:
        raise _stale(flow, base, base_etag)
    old = graph_of(base)
    new = apply_operations(old, operations)
    return _save(
        Change(
            tenant=tenant,
            call_flow=flow,
            base_revision=base,
            operations=[_given(operation) for operation in operations],
            graph=new.to_dict(),
            etag=etag(new),
            author_label=author_label,
            author_kind=author_kind,
        ),
        changes=diff(old, new),
        dry_run=dry_run,
    )


@transaction.atomic
def draft_publication(
    tenant: Tenant,
    *,
    call_flow_id: uuid.UUID,
    revision: int,
    author_label: str,
    author_kind: Author,
    dry_run: bool = False,
) -> Draft:
    """The flow has a pending change that makes calls follow the state of that revision again, or
    for the first time. One that waits for the same already is returned: a second click, or a
    second host, adds nothing.

    Raises:
        RevisionNotFound: the flow has no such revision.
        CallFlowNotFound, FlowArchived, FlowUnsound, NothingChanges, TooManyChanges: as for
            `draft_change`.
    """
    flow = _locked_flow(tenant, call_flow_id)
    base = current_revision(flow)
    wanted = revision_of(tenant, flow, revision)
    waiting = flow.changes.filter(
        restores=wanted, base_revision=base, status=Change.Status.PENDING
    ).first()
    if waiting is not None and not dry_run:
        return draft_of(tenant, change_id=waiting.pk)
    return _save(
        Change(
            tenant=tenant,
            call_flow=flow,
            base_revision=base,
            restores=wanted,
            graph=wanted.graph,
            etag=wanted.etag,
            author_label=author_label,
            author_kind=author_kind,
        ),
        changes=diff(graph_of(base), graph_of(wanted)),
        dry_run=dry_run,
    )


@transaction.atomic
def reject_change(tenant: Tenant, *, change_id: uuid.UUID) -> None:
    """The change, if it waits, will not be published; a decided one stays as it is.

    Raises:
        ChangeNotFound: no such change in this tenant.
    """
    changes = Change.objects.for_tenant(tenant).filter(pk=change_id)
    waiting = changes.filter(status__in=[Change.Status.PENDING, Change.Status.APPROVED])
    is_rejected = waiting.update(status=Change.Status.REJECTED, updated_at=timezone.now())
    if not is_rejected and not changes.exists():
        raise _no_change()


def draft_of(tenant: Tenant, *, change_id: uuid.UUID) -> Draft:
    """Return the change of any status, with what it changes and which numbers lead there now.

    Raises:
        ChangeNotFound: no such change in this tenant.
        GraphUnreadableError: what was stored does not parse any more.
    """
    change = (
        Change.objects.for_tenant(tenant)
        .select_related("call_flow__active_revision", "base_revision", "restores", "revision")
        .filter(pk=change_id)
        .first()
    )
    if change is None:
        raise _no_change()
    changes = diff(graph_of(change.base_revision), graph_of(change))
    return _draft(change, changes, _findings(tenant, changes.new))


def check_publishable(draft: Draft) -> None:
    """It can be published as things stand.

    Raises:
        StaleBase: the flow has changed since it was drafted.
        FlowUnsound: it would lose calls by now: a trunk is gone.
        FlowArchived: the flow changes no more.
    """
    if draft.flow.status == CallFlow.Status.ARCHIVED:
        raise _archived(draft.flow)
    since = changes_since(draft)
    if since is not None:
        raise since
    _refuse_errors(draft.findings)


def changes_since(draft: Draft) -> StaleBase | None:
    """The reason why it can't be published: the flow left the state it was drafted on."""
    current = current_revision(draft.flow)
    if current.etag == draft.base.etag:
        return None
    return _stale(draft.flow, current, draft.base.etag)


def _locked_flow(tenant: Tenant, call_flow_id: uuid.UUID) -> CallFlow:
    """Locked, as pending changes are counted, and the base must still be the base at the end."""
    # Its revision is read afterwards: who waited for the lock would get the row as it is now, but
    # joined to the revision that was active before.
    rows = CallFlow.objects.for_tenant(tenant).select_for_update()
    flow = rows.filter(pk=call_flow_id).first()
    if flow is None:
        raise CallFlowNotFound(
            "There is no such call flow in this account. List the call flows to find its id."
        )
    if flow.status == CallFlow.Status.ARCHIVED:
        raise _archived(flow)
    return flow


def _given(operation: Any) -> dict[str, Any]:
    """As it was applied: what is null counts as absent."""
    return {key: value for key, value in operation.items() if value is not None}


def _save(change: Change, *, changes: GraphDiff, dry_run: bool) -> Draft:
    flow = change.call_flow
    # The first publication of a draft flow changes what calls meet, and nothing in the graph.
    if not changes and (change.restores is None or flow.active_revision is not None):
        raise NothingChanges(f"{flow.name} is like that already. Nothing would change.")
    findings = _findings(change.tenant, changes.new)
    _refuse_errors(findings)
    pending = Change.objects.filter(call_flow=flow, status=Change.Status.PENDING).count()
    if pending >= settings.CALLFLOWS_MAX_PENDING_CHANGES:
        raise TooManyChanges(
            f"{pending} changes of {flow.name} wait for a person already. "
            "Have some decided before you draft another."
        )
    if not dry_run:
        change.save(force_insert=True)
    return _draft(change, changes, findings)


def _draft(change: Change, changes: GraphDiff, findings: tuple[LintFinding, ...]) -> Draft:
    flow = change.call_flow
    return Draft(
        change=change,
        flow=flow,
        base=change.base_revision,
        changes=changes,
        findings=findings,
        numbers=tuple(numbers_of(change.tenant, flow).values_list("e164", flat=True)),
    )


def _findings(tenant: Tenant, graph: Graph) -> tuple[LintFinding, ...]:
    return (*_unknown_trunks(tenant, graph), *lint(graph))


def _unknown_trunks(tenant: Tenant, graph: Graph) -> Iterator[LintFinding]:
    """A graph knows nothing of the database: whether a trunk is there, and ours, is asked here."""
    named = {node.id: str(node.config["trunk_id"]) for node in graph.nodes if node.type == "trunk"}
    if not named:
        return
    known = Trunk.objects.for_tenant(tenant).filter(pk__in=set(named.values()))
    missing = set(named.values()) - {str(pk) for pk in known.values_list("pk", flat=True)}
    for node_id, trunk_id in sorted(named.items()):
        if trunk_id in missing:
            yield LintFinding(
                code="unknown_trunk",
                severity="error",
                node_id=node_id,
                message=(
                    f"“{graph.by_id[node_id].title}” leads to a trunk that this account does not "
                    "have. List the inventory for the ids of its trunks."
                ),
            )


def _refuse_errors(findings: Sequence[LintFinding]) -> None:
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise FlowUnsound(
            f"The flow would lose calls. {errors[0].message}{more}",
            problems=[Problem(field="operations", message=error.message) for error in errors],
        )


def _stale(flow: CallFlow, current: Revision, base_etag: str) -> StaleBase:
    """Tells the difference where the flow was in that state once."""
    base = (
        Revision.objects.filter(call_flow=flow, etag=base_etag).order_by("-number").first()
        if base_etag
        else None
    )
    told: list[str] = []
    if base is None:
        message = f"{flow.name} was never in the state that base_etag names."
    else:
        message = (
            f"{flow.name} has changed since: it was at revision {base.number} "
            f"and is at revision {current.number}."
        )
        sentences = describe(diff(graph_of(base), graph_of(current)))
        told = sentences[:_MAX_SINCE]
        if len(sentences) > _MAX_SINCE:
            told.append(f"and {len(sentences) - _MAX_SINCE} more changes")
    return StaleBase(
        f"{message} Get the call flow again and draft on its etag.",
        problems=[Problem(field="base_etag", message=sentence) for sentence in told],
        current_etag=current.etag,
        current_revision=current.number,
    )


def _archived(flow: CallFlow) -> FlowArchived:
    return FlowArchived(f"{flow.name} is archived and changes no more. Use another call flow.")


def _no_change() -> ChangeNotFound:
    return ChangeNotFound("There is no such call flow change in this account. Draft it again.")
