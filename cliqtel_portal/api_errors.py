"""Every error of the REST API in one shape: `{"error": {code, message, problems, …}}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from cliqtel_portal.errors import PortalError, Problem

# By code; any other refusal is a conflict with how things stand.
_STATUSES = {
    "invalid_arguments": 400,
    "not_permitted": 403,
    "tier_required": 403,
    "password_required": 403,
    "wrong_password": 403,
    "not_found": 404,
    "approval_expired": 410,
    "rate_limited": 429,
}
_CONFLICT = 409
# Our words for what the framework says: they name the next step.
_MESSAGES = {
    401: ("not_signed_in", "Sign in on the portal, then try again."),
    403: ("not_permitted", "You may not do this."),
    404: ("not_found", "There is no such thing. Reload the page."),
    405: ("method_not_allowed", "This address does not take that method."),
    406: ("not_acceptable", "Answers are JSON only."),
    413: ("too_large", "The request is too large."),
    415: ("unsupported_media_type", "Send JSON, as application/json."),
    500: (
        "internal_error",
        "Something broke on our side, and it has been logged. Look whether what you asked for "
        "happened before you try again.",
    ),
    503: (
        "unavailable",
        "Our database does not answer. Look whether what you asked for happened, then try again.",
    ),
}
_MALFORMED = ("invalid_arguments", "The request is not well-formed JSON.")


class ProblemSerializer(serializers.Serializer):  # type: ignore[misc]
    field = serializers.CharField()
    message = serializers.CharField()


class ErrorBodySerializer(serializers.Serializer):  # type: ignore[misc]
    code = serializers.CharField(help_text="Stable: for programs.")
    message = serializers.CharField(help_text="For people: says what to do next.")
    problems = ProblemSerializer(many=True)
    retryable = serializers.BooleanField()
    status = serializers.CharField(required=False, help_text="Of `already_decided`.")
    decided_by = serializers.CharField(required=False, help_text="Of `already_decided`.")
    decided_at = serializers.DateTimeField(required=False, help_text="Of `already_decided`.")
    retry_after = serializers.IntegerField(required=False, help_text="Of `rate_limited`: seconds.")


class ErrorSerializer(serializers.Serializer):  # type: ignore[misc]
    error = ErrorBodySerializer()


class NotPermittedHere(exceptions.PermissionDenied):  # type: ignore[misc]
    """A refusal before any service is asked, with words of its own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.body = _body(code, message)


class TooLarge(exceptions.APIException):  # type: ignore[misc]
    status_code = 413


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST_FRAMEWORK's exception handler. None: not expected, so the server's own error page."""
    match error:
        case PortalError():
            return _of_portal(error)
        case Http404():
            return _of_framework(exceptions.NotFound())
        case PermissionDenied():
            return _of_framework(exceptions.PermissionDenied())
        case exceptions.APIException():
            return _of_framework(error)
    return None


def _of_portal(error: PortalError) -> Response:
    headers = {}
    if "retry_after" in error.details:
        headers["Retry-After"] = str(error.details["retry_after"])
    body = _body(
        error.code,
        error.message,
        problems=error.problems,
        retryable=error.retryable,
        details=error.details,
    )
    return Response(body, status=_STATUSES.get(error.code, _CONFLICT), headers=headers)


def _of_framework(error: Any) -> Response:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if isinstance(error, NotPermittedHere):
        return Response(error.body, status=error.status_code)
    if isinstance(error, exceptions.ValidationError):
        problems = tuple(_problems(error.detail))
        words = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
        return Response(
            _body("invalid_arguments", f"Correct these: {words}", problems=problems), status=400
        )
    return Response(body_of(error.status_code), status=error.status_code, headers=headers)


def body_of(status: int) -> dict[str, Any]:
    """The body of a refusal of which nothing but its HTTP status may be told."""
    code, message = _MESSAGES.get(status, _MALFORMED)
    return _body(code, message, retryable=status == 503)


def _problems(detail: Any, field: str = "") -> Iterator[Problem]:
    """All of them, in the framework's order; nested ones by a dotted name."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _problems(inner, f"{field}.{name}" if field else str(name))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _problems(inner, field)
    else:
        yield Problem(field=field, message=str(detail))


def _body(
    code: str,
    message: str,
    *,
    problems: tuple[Problem, ...] = (),
    retryable: bool = False,
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "error": {
            "code": code,
            "message": message,
            "problems": [{"field": one.field, "message": one.message} for one in problems],
            "retryable": retryable,
            **(details or {}),
        }
    }
