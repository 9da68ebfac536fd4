from __future__ import annotations

from django.test import RequestFactory

from cliqtel_portal.request_log import RequestLogMiddleware


def logged(path: str) -> str:
    return RequestLogMiddleware.format_request(RequestFactory().get(path))


def test_reset_keys_are_not_logged():
    line = logged("/account/password/reset/key/3x-c9k1ab-0123456789abcdef/")
    assert line == "GET /account/password/reset/key/…/"


def test_query_strings_are_not_logged():
    assert logged("/oauth/authorize?state=s3cret&code=abc") == "GET /oauth/authorize"


def test_secrets_of_links_in_mails_are_not_logged():
    assert logged("/account/invitation/4fSecret_x-1/") == "GET /account/invitation/…/"
    assert logged("/account/email/eyJh:1x:Zz/") == "GET /account/email/…/"
