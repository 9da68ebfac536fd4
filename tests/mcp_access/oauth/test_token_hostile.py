"""No bytes get anything from the token and revocation endpoints but a refusal in JSON."""

from __future__ import annotations

import base64
import io
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cliqtel_portal.accounts.models import Membership
from mcp_access.models import AccessToken, OAuthAttempt
from mcp_access.oauth import views
from tests.mcp_access.oauth.host import Host
from tests.mcp_access.oauth.token_request import FORM, check_form, check_refused, redemption

pytestmark = pytest.mark.django_db

PATHS = ["/oauth/token", "/oauth/revoke"]
START = b"grant_type=authorization_code&client_id="
# Names that the OAuth library keeps for itself on its request, and those that we set there.
INTERNAL = [
    "encoding",
    "refresh_token_instance",
    "tenant",
    "user",
    "client",
    "scopes",
    "token_family",
    "extra_credentials",
    "resource_list",
    "decoded_body",
    "headers",
    "uri",
    "claims",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "access_token",
    "response_type",
    "using_default_redirect_uri",
    "oauth2_error",
]
BODIES = {
    "nothing": b"",
    "a NUL": START + b"%00",
    "a raw NUL": START + b"\x00",
    "a NUL in a name": b"%00=1&grant_type=refresh_token",
    "raw latin-1": START + b"\xe9\xff\xfe",
    "encoded latin-1": START + b"%e9%ff",
    "a lone surrogate": START + b"%ED%A0%80&code=%ED%BF%BF&code_verifier=%ED%A0%80",
    "an overlong encoding": START + b"%C0%80",
    "half a percent": START + b"%&code=%2&redirect_uri=%zz&code_verifier=%u0041",
    "deep brackets": START + b"[" * 12_000,
    "deep JSON": b'{"grant_type":' * 1_000,
    "only ampersands": b"&" * 16_000,
    "only equals": b"=" * 16_000,
    "501 fields": b"&".join(b"f%d=1" % number for number in range(501)),
    "2,000 fields": b"&".join(b"f%d=1" % number for number in range(2_000)),
    "a huge field": START + b"x&code=" + b"A" * 15_000,
    "16 kB and a byte": b"grant_type=" + b"A" * (16 * 1024 - 10),
    "a megabyte": b"grant_type=" + b"A" * 1_100_000,
    "semicolons": b"grant_type=authorization_code;client_id=x;code=y",
    "a name of brackets": b"grant_type[]=authorization_code&grant_type[0]=x",
    "line breaks": START + b"a%0d%0aSet-Cookie:%20x=1&code=%0a",
    "a right-to-left mark": START + "\u202e".encode(),
    "an emoji": START + "😀".encode() + b"&code=%F0%9F%98%80&refresh_token=%F0%9F%98%80",
    "null bytes of UTF-16": "grant_type=refresh_token".encode("utf-16"),
    "a format string": START + b"%25s%25n{0.__class__}",
}
HEADERS = {
    "another scheme": "Bearer ct_mcp_x",
    "a scheme alone": "Basic",
    "a scheme and a space": "Basic ",
    "two spaces": "Basic  eDp5",
    "no base64": "Basic !!!",
    "base64 cut short": "Basic YWJ",
    "no colon": "Basic " + base64.b64encode(b"abc").decode(),
    "a NUL": "Basic " + base64.b64encode(b"a\x00b:c").decode(),
    "an encoded NUL": "Basic " + base64.b64encode(b"a%00b:c%00").decode(),
    "latin-1": "Basic " + base64.b64encode(b"\xe9:\xff").decode(),
    "a surrogate": "Basic " + base64.b64encode(b"\xed\xa0\x80:x").decode(),
    "an encoded surrogate": "Basic " + base64.b64encode(b"%ED%A0%80:%ED%A0%80").decode(),
    "characters outside ASCII": "Basic é",
    "an empty pair": "Basic " + base64.b64encode(b":").decode(),
    "two headers joined": "Basic eDp5,Basic eDp5",
    "a digest": 'Digest username="x"',
    "huge": "Basic " + base64.b64encode(b"x" * 50_000 + b":" + b"y" * 50_000).decode(),
}


@pytest.fixture
def host(client: Client, alice: Membership) -> Host:
    host = Host(client)
    host.register()
    client.force_login(alice.user)
    return host


def send(client: Client, path: str, body: bytes, content_type: str = FORM, **headers: Any) -> Any:
    client.raise_request_exception = False
    return client.generic("POST", path, body, content_type=content_type, headers=headers)


def check_client_error(answer: Any) -> None:
    assert 400 <= answer.status_code < 500, answer.content
    assert answer.json()["error"]
    check_form(answer)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_refused(client, db, name, path):
    check_client_error(send(client, path, BODIES[name]))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", HEADERS)
def test_a_hostile_authorization_header_is_refused(client, db, name, path):
    body = b"grant_type=refresh_token&refresh_token=x&token=x"
    answer = send(client, path, body, authorization=HEADERS[name])
    check_refused(answer, 401, "invalid_client")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "utf-7", "rot13", "none-such", "é"])
def test_another_charset_is_refused(client, db, charset, path):
    answer = send(client, path, b"grant_type=x&token=x", f"{FORM}; charset={charset}")
    check_client_error(answer)


@pytest.mark.parametrize("name", INTERNAL)
def test_a_field_named_like_an_internal_one_is_ignored(host, name):
    """Each field became an attribute of the library's request, where it was taken for its own."""
    host.client.raise_request_exception = False
    issued = host.redeem(host.code(), **{name: "hex"})
    assert issued.status_code == 200, issued.content
    renewed = host.refresh(issued.json()["refresh_token"], **{name: "hex"})
    assert renewed.status_code == 200, renewed.content
    assert set(renewed.json()["scope"].split()) == {"mcp.inventory.read", "mcp.docs.read"}
    assert host.revoke(renewed.json()["access_token"], **{name: "hex"}).status_code == 200
    token = AccessToken.objects.order_by("created").last()
    assert token.user.email == "alice@acme.example"


def test_internal_names_trouble_no_header_either(client, alice):
    host = Host(client)
    host.register(token_endpoint_auth_method="client_secret_basic")
    client.force_login(alice.user)
    pair = base64.b64encode(f"{host.client_id}:{host.secret}".encode()).decode()
    fields = redemption(host, host.code(), client_id=None, encoding="hex", client="x")
    body = urlencode(fields).encode()
    answer = send(client, "/oauth/token", body, authorization=f"Basic {pair}")
    assert answer.status_code == 200, answer.content


@pytest.mark.parametrize(
    "header", ["HTTP_USER_AGENT", "HTTP_X_FORWARDED_FOR", "HTTP_ACCEPT", "HTTP_COOKIE"]
)
def test_hostile_headers_trouble_no_record(host, header):
    host.client.raise_request_exception = False
    for value in ("\x00", "é\xff" * 300, "' OR 1=1", "x" * 9_000):
        answer = host.client.post(
            "/oauth/token", "grant_type=x", content_type=FORM, **{header: value}
        )
        check_client_error(answer)
    assert OAuthAttempt.objects.filter(step="token").count() == 4


def test_a_body_that_breaks_off_is_refused(db, rf):
    class Broken(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise OSError("gone")

    request = rf.post("/oauth/token", "grant_type=x", content_type=FORM)
    request._stream = Broken()
    answer = views.token(request)
    assert answer.status_code == 400
    check_form(answer)


def test_a_length_that_is_no_number_is_refused(client, db):
    client.raise_request_exception = False
    answer = client.post("/oauth/token", "grant_type=x", content_type=FORM, CONTENT_LENGTH="many")
    check_client_error(answer)


# -- generated -------------------------------------------------------------------------------------
_FIELDS = (
    "grant_type client_id client_secret code code_verifier redirect_uri scope refresh_token "
    "resource token token_type_hint"
)
_known = st.sampled_from([*_FIELDS.split(), *INTERNAL])
_value = st.one_of(
    st.sampled_from(["authorization_code", "refresh_token", "access_token", "http://[", "\x00"]),
    st.text(max_size=60),
)
_fields = st.lists(st.tuples(st.one_of(_known, st.text(max_size=10)), _value), max_size=10)
_grant = st.sampled_from([b"", b"grant_type=authorization_code&", b"grant_type=refresh_token&"])
_quick = settings(
    max_examples=50,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("path", PATHS)
@_quick
@given(start=_grant, body=st.binary(max_size=200))
def test_any_bytes_get_a_refusal(host, path, start, body):
    client_id = f"client_id={host.client_id}&".encode()
    check_client_error(send(host.client, path, start + client_id + body + b"&token="))


@pytest.mark.parametrize("path", PATHS)
@_quick
@given(fields=_fields)
def test_any_fields_get_a_refusal(host, path, fields):
    given_fields = [("client_id", host.client_id), ("code", "x"), *fields]
    body = urlencode(given_fields, errors="surrogatepass").encode()
    answer = send(host.client, path, body)
    assert answer.status_code < 500
    assert answer.status_code != 200 or path == "/oauth/revoke"
    check_form(answer)


@pytest.mark.parametrize("path", PATHS)
@_quick
@given(pair=st.binary(max_size=80), scheme=st.sampled_from(["Basic ", "basic ", "Bearer ", ""]))
def test_any_authorization_gets_a_refusal(host, path, pair, scheme):
    body = b"grant_type=refresh_token&refresh_token=x&token=x"
    raw = pair.decode("latin-1")
    encoded = base64.b64encode(pair).decode()
    for value in (scheme + encoded, scheme + raw):
        answer = send(host.client, path, body, authorization=value)
        check_client_error(answer)
