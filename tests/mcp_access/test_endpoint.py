"""What `/mcp` answers before anybody's token counts, over a real socket."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import httpx2
import pytest

from audit.models import ToolCall
from tests.factories.mcp_access import make_token
from tests.wire import eventually

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def token(alice) -> str:
    return make_token(alice)[1]


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH"])
def test_other_methods_get_405(method, web):
    answer = httpx2.request(method, web.mcp)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST, OPTIONS"


def test_preflight_is_answered_without_a_token(web):
    answer = httpx2.options(
        web.mcp,
        headers={
            "origin": "https://app.example.test",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization, mcp-protocol-version",
        },
    )
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in answer.headers


def test_both_spellings_of_the_path_work_without_redirect(web, post, token):
    for path in ("/mcp", "/mcp/"):
        answer = post(token, "ping", url=f"{web.origin}{path}")
        assert answer.status_code == 200
        assert answer.json()["result"] == {}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:9999", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("evil.example:80@127.0.0.1", 421),
    ],
)
def test_foreign_host_names_are_refused(host, status, post, token):
    assert post(token, "ping", headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:6274", 200),
        ("http://127.0.0.1:8000", 200),
        ("https://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("null", 403),
    ],
)
def test_foreign_origins_are_refused(origin, status, post, token):
    assert post(token, "ping", headers={"origin": origin}).status_code == status


def test_wrong_content_type_is_refused(post, token):
    answer = post(token, "ping", headers={"content-type": "text/plain"})
    assert answer.status_code == 400
    assert "application/json" in answer.json()["error"]["message"]


def test_a_body_over_the_limit_is_refused_with_and_without_its_length(web, post, token):
    big = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"x": "y" * 2**20}})
    assert post(token, "ping", content=big).status_code == 413

    def pieces():
        for start in range(0, len(big), 65536):
            yield big[start : start + 65536].encode()

    assert post(token, "ping", content=pieces()).status_code == 413


HOSTILE_BODIES = [
    b"",
    b"{",
    b"null",
    b"42",
    b'"text"',
    b"[]",
    b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]',
    b"\xff\xfe\x00",
    '{"jsonrpc":"2.0","id":1,"method":"ping"}'.encode("utf-16"),
    b'{"jsonrpc":"2.0","id":1}',
    b'{"jsonrpc":"1.0","id":1,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":{},"method":"ping"}',
    b'{"jsonrpc":"2.0","id":[1],"method":"tools/call"}',
    b'{"jsonrpc":"2.0","id":1.5,"method":"tools/call","params":{"name":"whoami"}}',
    b'{"jsonrpc":"2.0","id":true,"method":"tools/call","params":{"name":"whoami"}}',
    b'{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"whoami"}}',
    b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}',
    b'{"jsonrpc":"2.0","id":"a\\u0000b","method":"ping"}',
    b'{"jsonrpc":"2.0","id":1,"method":"\\u0000"}',
    b'{"jsonrpc":"2.0","id":1,"method":42}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call"}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"x"}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\\u0000"}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","arguments":[]}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","arguments":"x"}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","_meta":7}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami",'
    b'"_meta":{"progressToken":{"a":[]}}}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":9}}',
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"clientInfo":7}}',
    b'{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{}}',
    b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":NaN}}',
    b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":1e999}}',
    b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":' + b"9" * 5000 + b"}}",
    b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b'{"a":' * 40 + b"1" + b"}" * 41,
    b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b"[" * 100_000,
    b'{"jsonrpc":"2.0","result":{},"id":1}',
    b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}',
    b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"whoami"}}',
]


@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28", "", "nonsense", "2030-01-01"])
def test_no_bytes_give_a_5xx(version, post, token):
    for body in HOSTILE_BODIES:
        headers = {"mcp-protocol-version": version or None}
        answer = post(token, "", content=body, headers=headers)
        assert answer.status_code < 500, body
        assert "Traceback" not in answer.text
    assert eventually(lambda: not ToolCall.objects.filter(status="running").exists())


@pytest.mark.parametrize("length", [b"-1", b"abc", b"99999999999999999999999"])
def test_a_nonsense_content_length_gets_an_answer_below_500(length, web, token):
    target = urlsplit(web.origin)
    request = (
        b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer " + token.encode() + b"\r\nContent-Length: " + length + b"\r\n\r\n"
    )
    with socket.create_connection((target.hostname, target.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(4096)
    assert not answer or int(answer.split()[1]) < 500


def test_nul_in_arguments_is_a_problem_of_the_call(post, token):
    answer = post(
        token, "tools/call", {"name": "whoami", "arguments": {"a": ["x\x00y", {"b": "\x00"}]}}
    )
    assert answer.status_code == 200
    result = answer.json()["result"]
    assert result["isError"] is True
    error = result["structuredContent"]["error"]
    assert error["code"] == "invalid_arguments"
    assert [problem["field"] for problem in error["problems"]] == ["a.0", "a.1.b"]
    assert ToolCall.objects.get().error_code == "invalid_arguments"


def test_missing_arguments_are_no_arguments(post, token):
    for params in ({"name": "whoami"}, {"name": "whoami", "arguments": {}}):
        result = post(token, "tools/call", params).json()["result"]
        assert result["structuredContent"]["status"] == "ok"


def test_an_unknown_tool_is_a_json_rpc_error_and_in_the_log(post, token):
    answer = post(token, "tools/call", {"name": "no_such_tool\u202e", "arguments": {"a": 1}})
    assert answer.json()["error"]["code"] == -32602
    row = ToolCall.objects.get()
    assert (row.status, row.error_code) == ("error", "unknown_tool")
    assert row.tool == "no_such_tool\ufffd"


def test_a_call_that_the_sdk_refuses_is_closed_in_the_log(post, token):
    answer = post(token, "tools/call", {"name": "whoami"}, headers={"mcp-protocol-version": "9"})
    assert answer.status_code == 400
    assert eventually(lambda: not ToolCall.objects.filter(status="running").exists())
    row = ToolCall.objects.get()
    assert (row.status, row.error_code) == ("error", "invalid_request")


def test_progress_token_gets_an_answer_too(post, token):
    params = {"name": "whoami", "_meta": {"progressToken": 7}}
    answer = post(token, "tools/call", params)
    assert answer.status_code == 200
    assert '"status":"ok"' in answer.text.replace(" ", "")


def test_old_revisions_initialize(post, token):
    for version in ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"):
        params = {
            "protocolVersion": version,
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        }
        result = post(token, "initialize", params, headers={"mcp-protocol-version": None}).json()
        assert result["result"]["protocolVersion"] == version
        assert result["result"]["serverInfo"]["name"] == "cliqtel"
        assert "whoami" in result["result"]["instructions"]
