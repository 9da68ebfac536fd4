"""What a tool is: one decorated function with typed arguments and a typed result.

A tool's module in `catalog/` holds its argument model, its result model and one function whose
docstring is what the model of an AI host reads. See "Add a tool" in README.md.
"""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cliqtel_portal.deeds.requester import Requester
from cliqtel_portal.errors import InvalidArguments, Problem
from mcp_access.limits import Burst
from mcp_access.principal import Principal
from mcp_access.tools.annotations import Hints
from mcp_access.tools.failures import FAILURES
from mcp_access.tools.schema import input_schema, output_schema


class Arguments(BaseModel):
    """Base of every tool's arguments: unknown members are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Part(BaseModel):
    """Base of the objects inside a result."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ErrorProblem(Part):
    field: str
    message: str


class ErrorBody(Part):
    code: str = Field(description="Stable code of the failure.")
    message: str = Field(description="What went wrong and what to do next.")
    problems: list[ErrorProblem] = Field(default_factory=list)
    retryable: bool = False


class Result(BaseModel):
    """Base of every tool's result. Members that are None are left out on the wire."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Members that tools/list leaves out: they are alike in many tools, and room is scarce there.
    unlisted: ClassVar[frozenset[str]] = frozenset({"error"})

    status: Literal["ok", "error"] = "ok"
    error: ErrorBody | None = Field(default=None, description="Only where status is error.")


ArgumentsT = TypeVar("ArgumentsT", bound=Arguments)
ResultT = TypeVar("ResultT", bound=Result)


@dataclass(frozen=True, kw_only=True)
class Context:
    """Who calls. `principal.tenant` bounds everything that the handler may see."""

    principal: Principal
    call_id: str
    # The token's window after this call; None outside `/mcp`.
    burst: Burst | None = None
    # What the AI host calls itself.
    client_label: str = ""

    @property
    def requester(self) -> Requester:
        """Who a draft of this call is from."""
        return Requester(
            tenant=self.principal.tenant,
            user=self.principal.user,
            token_id=self.principal.token_id,
            token_label=self.principal.token_name,
            client_label=self.client_label,
            call_id=uuid.UUID(self.call_id),
        )


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """An invitation to decide. `message` is ours; the person decides at `url`, nowhere else."""

    message: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a handler returns: data for the model, a short text beside it, facts for the audit row.

    `facts` are counts and codes: never a secret, a message's text or a whole telephone number.
    """

    result: Result
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    # What it asked a person for, or told about: goes into the audit row.
    approval_id: uuid.UUID | None = None
    # Waiting for a person at this address, with these words: for hosts that can open it.
    prompt: Prompt | None = None


Handler = Callable[[Context, Any], Answer]


@dataclass(frozen=True, kw_only=True)
class Tool:
    name: str
    title: str
    description: str
    scope: str | None
    hints: Hints
    arguments: type[Arguments]
    result: type[Result]
    handler: Handler
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    # Names in failures.FAILURES: what can go wrong beside what can with every tool.
    failures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if unknown := set(self.failures) - FAILURES.keys():
            raise TypeError(f"{self.name}: failures.py has no {', '.join(sorted(unknown))}")

    def parse(self, arguments: Mapping[str, Any] | None) -> Arguments:
        """Return the typed arguments; missing arguments are no arguments.

        Many hosts send null for whatever their model leaves out: where an argument may be left
        out, null is that.

        Raises:
            InvalidArguments: with every problem, not the first.
        """
        given = {
            name: value
            for name, value in (arguments or {}).items()
            if value is not None or not self._is_optional(name)
        }
        try:
            return self.arguments.model_validate(given)
        except ValidationError as error:
            problems = [_problem(details) for details in error.errors(include_url=False)]
            raise InvalidArguments(
                f"The arguments of {self.name} are wrong. Correct them and call again.",
                problems=problems,
            ) from error

    def _is_optional(self, name: str) -> bool:
        argument = self.arguments.model_fields.get(name)
        return argument is not None and not argument.is_required()


def _problem(details: Any) -> Problem:
    location = ".".join(str(part) for part in details["loc"]) or "arguments"
    if details["type"] == "extra_forbidden":
        message = "There is no such argument."
    elif details["type"] == "missing":
        message = "This argument is required."
    else:
        # Pydantic's messages name the bound or the choices, never the value that was sent.
        message = details["msg"].removeprefix("Value error, ")
        message = message if message.endswith(".") else f"{message}."
    return Problem(field=location, message=message)


def tool(
    *, title: str, scope: str | None, hints: Hints, failures: tuple[str, ...] = ()
) -> Callable[[Callable[[Context, ArgumentsT], Answer]], Tool]:
    """Make a Tool of a function `name(context, arguments: X) -> Answer`.

    The function's module must define `Arguments` and `Result` subclasses and annotate the
    parameter; `result` is found as the module's one subclass of Result.
    """

    def decorate(function: Callable[[Context, ArgumentsT], Answer]) -> Tool:
        description = inspect.getdoc(function) or ""
        parameter = list(inspect.signature(function, eval_str=True).parameters.values())[1]
        arguments = parameter.annotation
        module = inspect.getmodule(function)
        results = [
            value
            for value in vars(module).values()
            if inspect.isclass(value)
            and issubclass(value, Result)
            and value is not Result
            and value.__module__ == function.__module__
        ]
        if len(results) != 1:
            raise TypeError(f"{function.__name__}: its module must define exactly one Result")
        return Tool(
            name=function.__name__,
            title=title,
            description=description,
            scope=scope,
            hints=hints,
            arguments=arguments,
            result=results[0],
            handler=function,
            input_schema=input_schema(arguments),
            output_schema=output_schema(results[0], unlisted=results[0].unlisted),
            failures=failures,
        )

    return decorate
