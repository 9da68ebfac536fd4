"""Every reason that can be recorded has words; read off the source, so that none can hide."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from oauthlib.oauth2.rfc6749 import errors

from mcp_access.connections import ConnectionLimitReached
from mcp_access.models import OAuthAttempt
from mcp_access.oauth.diagnosis import DIAGNOSES, UNKNOWN, diagnosis_of

FOLDER = Path(__file__).resolve().parents[3] / "mcp_access" / "oauth"
# Whose first argument, or `error`, becomes the reason of an attempt.
REFUSALS = {"RegistrationRefused", "RequestRefused", "Unredirectable", "CustomOAuth2Error"}
RECORDERS = {"record", "_note"}
# Not of this server's flow: OpenID Connect, the client's side of the library, MCP's own 403.
NEVER_RECORDED = {
    "account_selection_required",
    "insecure_transport",
    "insufficient_scope",
    "interaction_required",
    "invalid_token",
    "mismatching_state",
    "missing_code",
    "missing_token",
    "missing_token_type",
    "token_expired",
}


def name_of(node: ast.expr) -> str:
    return ast.unparse(node).rsplit(".", 1)[-1]


def texts(node: ast.AST) -> Iterator[str]:
    """The literals that an expression may come out as."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)
    elif isinstance(node, ast.Call) and name_of(node.func) in {"get", "str"}:
        for argument in node.args if name_of(node.func) == "str" else node.args[1:]:
            yield from texts(argument)


def reasons_in(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = name_of(node.func)
            if name in REFUSALS:
                for given in [
                    *node.args[:1],
                    *(k.value for k in node.keywords if k.arg == "error"),
                ]:
                    yield from texts(given)
            if name in RECORDERS:
                for keyword in node.keywords:
                    if keyword.arg == "reason":
                        yield from texts(keyword.value)
            found = getattr(errors, name, None)
            if inspect.isclass(found) and issubclass(found, errors.OAuth2Error) and found.error:
                yield found.error


def reasons_of_source() -> set[str]:
    # The doctor's own modules describe, they record nothing.
    files = [path for path in FOLDER.glob("*.py") if not path.stem.startswith("d")]
    return {reason for path in files for reason in reasons_in(ast.parse(path.read_text()))} - {""}


def reasons_of_library() -> set[str]:
    """What oauthlib may answer with on its own."""
    classes = [value for value in vars(errors).values() if inspect.isclass(value)]
    found = {c.error for c in classes if issubclass(c, errors.OAuth2Error) and c.error}
    return found - NEVER_RECORDED


def test_the_source_is_read_at_all() -> None:
    assert {
        "invalid_redirect_uri",
        "invalid_client_metadata",
        "invalid_target",
        "access_denied",
        "consent_required",
        "login_required",
        "no_access",
        "unsupported_grant_type",
        "unsupported_response_type",
        "error",
    } <= reasons_of_source()


@pytest.mark.parametrize(
    "reason", sorted(reasons_of_source() | reasons_of_library() | {ConnectionLimitReached.code})
)
def test_every_reason_has_words(reason: str) -> None:
    for step in OAuthAttempt.Step.values:
        if reason in DIAGNOSES or f"{step}/{reason}" in DIAGNOSES:
            break
    else:
        pytest.fail(f"{reason} has no diagnosis")


@pytest.mark.parametrize("key", sorted(DIAGNOSES))
def test_every_entry_is_of_use(key: str) -> None:
    step, _, reason = key.rpartition("/")
    assert step in {"", *OAuthAttempt.Step.values}
    known = reasons_of_source() | reasons_of_library() | {ConnectionLimitReached.code}
    assert reason in known, "nothing records this"
    found = DIAGNOSES[key]
    for words in (found.cause, found.remedy):
        assert words.endswith(".")
        assert words[0].isupper()


def test_a_reason_may_mean_something_else_in_another_step() -> None:
    assert diagnosis_of("consent", "access_denied") != diagnosis_of("authorize", "access_denied")
    assert diagnosis_of("token", "invalid_grant") != diagnosis_of("refresh", "invalid_grant")


def test_an_unknown_reason_still_has_words() -> None:
    assert diagnosis_of("token", "brand_new") is UNKNOWN
