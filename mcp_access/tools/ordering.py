"""What the tools that buy numbers take and tell alike."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from cliqtel_portal.deeds.purchase_number import Drafted
from cliqtel_portal.errors import Problem
from cliqtel_portal.money import Money
from cliqtel_portal.numbers.services.order_checks import LinePrice, OrderCheck
from mcp_access.tools.approval import ApprovalResult, CostPart
from mcp_access.tools.fields import timestamp
from mcp_access.tools.tool import Answer, ErrorProblem, Part

Numbers = Annotated[
    list[Annotated[str, Field(max_length=40)]],
    Field(max_length=50, description="E.164; or offer_ids."),
]
OfferIds = Annotated[
    list[uuid.UUID],
    Field(max_length=50, description="Of search_numbers."),
]
TrunkId = Annotated[uuid.UUID, Field(description="trunk_id to connect them to.")]


class OrderedNumberPart(Part):
    number: str
    once: str
    monthly: str

    @classmethod
    def of(cls, e164: str, price: LinePrice) -> OrderedNumberPart:
        return cls(number=e164, once=price.setup.plain, monthly=price.monthly.plain)


class OrderCheckPart(Part):
    name: str
    ok: bool
    detail: str

    @classmethod
    def of(cls, check: OrderCheck) -> OrderCheckPart:
        return cls(name=check.name, ok=check.ok, detail=check.detail)


class OrderResult(ApprovalResult):
    """`problems` keep the order from being approved, not from being drafted."""

    order_id: str | None = None
    numbers: list[OrderedNumberPart] = Field(default_factory=list)
    held_until: str | None = None
    checks: list[OrderCheckPart] = Field(default_factory=list)
    problems: list[ErrorProblem] = Field(default_factory=list)


def fill(result: type[OrderResult], drafted: Drafted) -> OrderResult:
    """The tool's result, with what is known before a person has decided."""
    draft = drafted.draft
    is_dry = draft.order is None
    return result(
        order_id=None if draft.order is None else str(draft.order.pk),
        numbers=[OrderedNumberPart.of(line.e164, line.price) for line in draft.lines],
        held_until=None if is_dry else timestamp(draft.held_until),
        checks=[OrderCheckPart.of(check) for check in draft.checks],
        problems=problem_parts(draft.problems),
        cost=cost_part(draft.price.once_money, draft.price.monthly_money) if is_dry else None,
        dry_run=is_dry or None,
    )


def cost_part(once: Money, monthly: Money) -> CostPart:
    return CostPart(once=once.plain, monthly=monthly.plain, currency=once.currency)


def problem_parts(problems: Iterable[Problem]) -> list[ErrorProblem]:
    return [ErrorProblem(field=problem.field, message=problem.message) for problem in problems]


def with_problems(answer: Answer, problems: Iterable[Problem]) -> Answer:
    """The answer, whose text warns of what has to be mended before the approval."""
    count = len(tuple(problems))
    if not count:
        return answer
    things = "1 thing is" if count == 1 else f"{count} things are"
    return replace(
        answer,
        text=f"{answer.text} {things} missing before it can be approved: see problems.",
        facts={**answer.facts, "problems": count},
    )


def dry_answer(result: OrderResult) -> Answer:
    """Everything was looked at, and nothing kept."""
    found = len(result.problems)
    text = (
        "Checked only: nothing is held, nobody was asked. "
        f"{len(result.numbers)} of the numbers can be had; {found} problems."
    )
    return Answer(result=result, text=text, facts={"dry_run": True, "problems": found})
