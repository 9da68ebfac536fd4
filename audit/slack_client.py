"""One post to a Slack webhook, by Slack's own client, within bounds of ours."""

from __future__ import annotations

import logging
import re
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from slack_sdk.errors import SlackRequestError
from slack_sdk.http_retry import (
    HttpRequest,
    HttpResponse,
    RateLimitErrorRetryHandler,
    RetryHandler,
    RetryState,
)
from slack_sdk.http_retry.builtin_handlers import ServerErrorRetryHandler
from slack_sdk.webhook import WebhookClient, WebhookResponse

from audit import outgoing

# The client logs the webhook's address, which is a secret, below this and on errors.
_sdk_logger = logging.getLogger(f"{__name__}.sdk")
_sdk_logger.setLevel(logging.CRITICAL + 1)
_LONGEST_ANSWER = 64 * 1024
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a post. `error` is "" or words of ours; never Slack's, nor the address."""

    error: str = ""
    may_retry: bool = False
    wait_seconds: int = 0


class _BoundedRateLimit(RateLimitErrorRetryHandler):
    """Waits out a short Retry-After here; a long one, or one that is no number, is the outbox's."""

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if response is None or response.status_code != 429:
            return False
        wait = _retry_after(response.headers)
        return wait is not None and wait <= settings.SLACK_WAIT_SECONDS


class _Client(WebhookClient):
    """Opens the address with an opener of ours: a tenant's is judged, none follows redirects."""

    def __init__(self, url: str, *, guarded: bool) -> None:
        # They count together: two tries after the first, whatever the reasons.
        handlers: list[RetryHandler] = [
            _BoundedRateLimit(max_retry_count=2),
            ServerErrorRetryHandler(max_retry_count=2),
        ]
        super().__init__(
            url,
            timeout=settings.SLACK_TIMEOUT_SECONDS,
            logger=_sdk_logger,
            retry_handlers=handlers,
        )
        self._opener = outgoing.guarded_opener() if guarded else _operators_opener(url)

    def _perform_http_request_internal(
        self, url: str, req: urllib.request.Request
    ) -> WebhookResponse:
        with self._opener.open(req, timeout=self.timeout) as answer:
            body = answer.read(_LONGEST_ANSWER).decode("utf-8", "replace")
            return WebhookResponse(
                url=url, status_code=answer.status, body=body, headers=dict(answer.headers)
            )


def post(url: str, *, text: str, blocks: list[dict[str, Any]], guarded: bool) -> Answer:
    """Say it at the webhook; `guarded`: the address is a tenant's, and must be a public one.

    Waits for a short Retry-After and tries again after a 500, twice at most; what is left to try,
    the answer says.
    """
    if guarded and outgoing.problem_of(url):
        return Answer(error="The address is not one that we post to.")
    body = {"text": text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
    if blocks:
        body["blocks"] = blocks
    try:
        response = _Client(url, guarded=guarded).send_dict(body)
    except (OSError, HTTPException, SlackRequestError, ValueError) as error:
        if isinstance(getattr(error, "reason", error), outgoing.NotPublic):
            return Answer(error="The host leads to an address that is not public.")
        return Answer(error="The host could not be reached.", may_retry=True)
    return _judged(response)


def _judged(response: WebhookResponse) -> Answer:
    status = response.status_code
    if 200 <= status < 300:
        return Answer()
    if status == 429:
        wait = _retry_after(response.headers)
        return Answer(
            error="Slack takes no more messages for now (429).",
            may_retry=True,
            wait_seconds=wait or 0,
        )
    if status >= 500:
        return Answer(error=f"Slack answered {status}.", may_retry=True)
    if status in {403, 404, 410}:
        return Answer(error=f"Slack does not know this webhook, or it was removed ({status}).")
    return Answer(error=f"The host answered {status} and did not take the message.")


def _retry_after(headers: Mapping[str, str | list[str]]) -> int | None:
    for name, values in headers.items():
        value = values if isinstance(values, str) else values[0]
        if name.lower() == "retry-after" and re.fullmatch(r"[0-9]{1,6}", value.strip()):
            return int(value)
    return None


def _operators_opener(url: str) -> urllib.request.OpenerDirector:
    """The operator's address is trusted, and may lie behind the proxy of the environment."""
    handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
    if urlsplit(url).hostname in _LOOPBACK:
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A post that is redirected becomes a GET elsewhere: better an error that is seen."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None
