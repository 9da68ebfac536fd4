"""A proxy on loopback that adds a token, for clients that know no authorization."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 60
# Of one connection, not of the message; Server and Date are the sender's own.
OF_THE_HOP = {"authorization", "connection", "transfer-encoding", "content-length"}
OF_THE_ANSWER = OF_THE_HOP | {"date", "server"}


@contextmanager
def bearer_proxy(origin: str, token: str) -> Iterator[str]:
    """The origin of a proxy to `origin`. Only its own name in Host and Origin is replaced."""
    upstream = urlsplit(origin).netloc

    class Handler(BaseHTTPRequestHandler):
        def forward(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            onward = http.client.HTTPConnection(upstream, timeout=TIMEOUT_SECONDS)
            onward.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() in {"host", "origin"}:
                    onward.putheader(name, value.replace(ours, upstream))
                elif name.lower() not in OF_THE_HOP:
                    onward.putheader(name, value)
            onward.putheader("Authorization", f"Bearer {token}")
            onward.putheader("Content-Length", str(length))
            onward.endheaders(body)
            try:
                self._answer(onward.getresponse())
            finally:
                onward.close()

        def _answer(self, answer: http.client.HTTPResponse) -> None:
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in OF_THE_ANSWER:
                    self.send_header(name, value)
            self.end_headers()
            # An event stream goes on by pieces; HTTP/1.0 ends it by closing.
            while piece := answer.read1(65536):
                try:
                    self.wfile.write(piece)
                except ConnectionError:
                    return  # the client has heard enough

        do_GET = do_POST = do_DELETE = do_OPTIONS = forward  # noqa: N815 - the base class's names

        def log_message(self, *args: object) -> None:
            """Nothing: it is not what is tested."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        ours = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{ours}"
        finally:
            server.shutdown()
            thread.join()
