from __future__ import annotations

from typing import Literal

from pydantic import Field

from cliqtel_portal.countries import country_name
from cliqtel_portal.regulatory import services
from mcp_access.tools.annotations import READ
from mcp_access.tools.fields import Country, NumberType, timestamp
from mcp_access.tools.tool import Answer, Arguments, Context, Part, Result, tool


class GetNumberRequirementsArguments(Arguments):
    country: Country
    number_type: NumberType = Field(description="Rules differ by type.")
    action: Literal["order", "port"] = Field(
        default="order", description="port: move a number here from another provider."
    )


class RequirementPart(Part):
    id: str
    name: str
    kind: Literal["document", "address", "text", "action"]
    description: str
    example: str
    acceptance_rules: list[str] = Field(description="All of them must hold.")


class SatisfiedPart(Part):
    requirement_id: str
    name: str
    document_id: str
    document: str = Field(description="What the account has handed in.")
    expires_at: str | None = Field(default=None, description="Absent: does not expire.")


class MissingPart(Part):
    requirement_id: str
    name: str
    state: Literal["none", "draft", "pending", "rejected", "expired"] = Field(
        description="Of what was handed in for it; none: nothing."
    )
    next_step: str


class GetNumberRequirementsResult(Result):
    country: str | None = None
    type: NumberType | None = None
    action: Literal["order", "port"] | None = None
    requirements: list[RequirementPart] = Field(default_factory=list)
    already_satisfied: list[SatisfiedPart] = Field(default_factory=list)
    missing: list[MissingPart] = Field(default_factory=list)
    lead_time_working_days: int | None = Field(
        default=None, description="After everything is approved; 0: at once."
    )
    who_may_own: str | None = None
    source_url: str | None = Field(default=None, description="The regulator.")


@tool(title="Get number requirements", scope="mcp.docs.read", hints=READ, failures=("not_found",))
def get_number_requirements(context: Context, arguments: GetNumberRequirementsArguments) -> Answer:
    """Tell what is needed to order or port a type of number in a country, and what is missing.

    requirements: what the regulator asks for, with acceptance rules; already_satisfied and missing
    compare it with the account's documents, which a person hands in in the portal.
    """
    check = services.check_requirements(
        context.principal.tenant,
        country=arguments.country,
        number_type=arguments.number_type,
        action=arguments.action,
    )
    return Answer(
        result=GetNumberRequirementsResult(
            country=check.country,
            type=check.number_type,
            action=check.action,
            requirements=[
                RequirementPart(
                    id=str(item.requirement_id),
                    name=item.name,
                    kind=item.kind,
                    description=item.description,
                    example=item.example,
                    acceptance_rules=list(item.acceptance_rules),
                )
                for item in check.requirements
            ],
            already_satisfied=[
                SatisfiedPart(
                    requirement_id=str(item.requirement_id),
                    name=item.name,
                    document_id=str(item.document_id),
                    document=item.document_name,
                    expires_at=timestamp(item.expires_at),
                )
                for item in check.already_satisfied
            ],
            missing=[
                MissingPart(
                    requirement_id=str(item.requirement_id),
                    name=item.name,
                    state=item.state,
                    next_step=item.next_step,
                )
                for item in check.missing
            ],
            lead_time_working_days=check.lead_time_days,
            who_may_own=check.who_may_own,
            source_url=check.source_url or None,
        ),
        text=_text(check),
        facts={
            "country": check.country,
            "required": len(check.requirements),
            "missing": len(check.missing),
        },
    )


def _text(check: services.RequirementCheck) -> str:
    verb = "order" if check.action == "order" else "port"
    what = f"a {check.number_type.replace('_', '-')} number in {country_name(check.country)}"
    if not check.requirements:
        return f"Nothing has to be shown to {verb} {what}."
    if not check.missing:
        return f"Everything needed to {verb} {what} is approved already."
    return (
        f"{len(check.missing)} of {len(check.requirements)} requirements are missing "
        f"to {verb} {what}."
    )
