"""A filter of the log as data, so that an export means the same minutes later in a worker.

Taken from any queryset of tool calls that was built with `filter` and `exclude` on the log's own
columns: who offers a filter needs to know nothing of exports.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db.models import JSONField, Lookup, Q
from django.db.models.expressions import Col
from django.db.models.sql.where import NothingNode, WhereNode

from audit.models import ToolCall
from audit.querysets import ToolCallQuerySet

_LOOKUPS = frozenset(
    {
        "exact",
        "iexact",
        "in",
        "gt",
        "gte",
        "lt",
        "lte",
        "isnull",
        "contains",
        "icontains",
        "startswith",
        "istartswith",
        "endswith",
        "iendswith",
    }
)
_COLUMNS = frozenset(
    field.attname for field in ToolCall._meta.concrete_fields if not isinstance(field, JSONField)
)
Criteria = dict[str, Any]


def criteria_of(calls: ToolCallQuerySet) -> Criteria:
    """What the queryset filters by, as JSON. Its order and deferred columns don't matter.

    Raises:
        TypeError: it is sliced, combined, or filters by what is no column of the log.
    """
    query = calls.query
    if query.is_sliced or query.combinator or query.distinct or query.extra:
        raise TypeError("a slice or a union of tool calls can't be exported")
    return _branch(query.where)


def calls_matching(criteria: Criteria) -> ToolCallQuerySet:
    """The calls that these criteria choose.

    Raises:
        ValueError: they were not made by `criteria_of`.
    """
    return ToolCall.objects.filter(_condition(criteria))


def are_only_of(criteria: Criteria, *, user_id: uuid.UUID) -> bool:
    """Whether nobody else's calls can be among those chosen."""
    if "all" not in criteria:
        return criteria == {"column": "user_id", "lookup": "exact", "value": str(user_id)}
    return any(are_only_of(part, user_id=user_id) for part in criteria["all"])


def _branch(node: WhereNode) -> Criteria:
    if node.connector not in {"AND", "OR"}:
        raise TypeError(f"{node.connector} has no form as data")
    parts = [_part(child) for child in node.children]
    joined: Criteria = {"all" if node.connector == "AND" else "any": parts}
    return {"not": joined} if node.negated else joined


def _part(child: object) -> Criteria:
    if isinstance(child, WhereNode):
        return _branch(child)
    if isinstance(child, NothingNode):
        return {"column": "id", "lookup": "in", "value": []}
    if not isinstance(child, Lookup) or not isinstance(child.lhs, Col):
        raise TypeError(f"{child!r} has no form as data")
    column, lookup = child.lhs.target.attname, child.lookup_name
    if column not in _COLUMNS or lookup not in _LOOKUPS:
        raise TypeError(f"{column}__{lookup} has no form as data")
    return {"column": column, "lookup": lookup, "value": _plain(child.rhs)}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple, set, frozenset)):
        return sorted(_plain(item) for item in value)
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (str, int, bool)) or value is None:
        return value
    raise TypeError(f"a {type(value).__name__} has no form as data")


def _condition(criteria: Criteria) -> Q:
    match criteria:
        case {"all": list(parts)}:
            return Q(*map(_condition, parts))
        case {"any": list(parts)} if parts:
            return Q(*map(_condition, parts), _connector=Q.OR)
        case {"not": dict(part)}:
            return ~_condition(part)
        case {"column": str(column), "lookup": str(lookup), "value": value}:
            if column in _COLUMNS and lookup in _LOOKUPS:
                return Q(**{f"{column}__{lookup}": value})
    raise ValueError("not the criteria of an export")
