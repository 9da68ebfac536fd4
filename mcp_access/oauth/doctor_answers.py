"""What an answer in the self-test means where it is not the right one."""

from __future__ import annotations

from urllib.parse import urlsplit

from mcp_access.oauth.diagnosis import diagnosis_of
from mcp_access.oauth.doctor_http import Answer, StepFailed, setting_of


def must_equal(name: str, found: object, expected: object) -> None:
    """Raises StepFailed where discovery says something other than the settings."""
    if found != expected:
        raise StepFailed(
            f"{name} is {_short(found)}, not {_short(expected)}.",
            "The settings OAUTH_ISSUER and MCP_RESOURCE_URL must be the same in every process, and "
            "no proxy may send this path elsewhere.",
        )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 120 else f"{text[:120]}…"


def unexpected(answer: Answer, expected: int) -> StepFailed:
    """The status alone tells: mostly a proxy, or a setting that leads elsewhere."""
    path = urlsplit(answer.url).path
    setting = setting_of(answer.url)
    remedy = f"Check {setting} and that the proxy sends this path to the portal."
    if answer.status in {301, 302, 307, 308}:
        target = _short(answer.headers.get("location", "").partition("?")[0])
        remedy = f"It redirects to {target}: {setting} must be the final address itself."
    elif answer.status == 421:
        remedy = "The proxy must pass the host name unchanged, or MCP_EXTRA_HOSTS must name it."
    elif answer.status == 429:
        remedy = "Too many requests came from the server's own address. Try again in a minute."
    elif answer.status >= 500:
        remedy = "Look at the logs of portal and proxy at this time."
    return StepFailed(f"{path} answered {answer.status} instead of {expected}.", remedy)


def refused(step: str, answer: Answer) -> StepFailed:
    """An endpoint's own error, by the same table as a host's."""
    reason = answer.json().get("error") if answer.status in {400, 401, 429, 503} else None
    if not isinstance(reason, str):
        return unexpected(answer, 201 if step == "register" else 200)
    found = diagnosis_of(step, reason)
    return StepFailed(f"{reason}: {found.cause}", found.remedy)
