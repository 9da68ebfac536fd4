"""Scripts of pages on networks that come and go: clock, sockets and answers are in the tests' hand.

In a browser, where all goes well: tests/browser.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

from django.conf import settings

from tests.clients import node

_SCRIPTS = settings.BASE_DIR / "static" / "js"
_CONNECTION = """
const timers = new Map(), sockets = [], requests = [], states = [];
let count = 0;
globalThis.setTimeout = globalThis.setInterval = (work) => (timers.set(++count, work), count);
globalThis.clearTimeout = globalThis.clearInterval = (id) => timers.delete(id);
globalThis.addEventListener = () => {};
globalThis.document = { addEventListener: () => {} };
globalThis.location = new URL("https://portal.example/");
globalThis.WebSocket = class { constructor() { sockets.push(this); } close() {} send() {} };
globalThis.fetch = () => new Promise((answer, fail) => requests.push({ answer, fail }));
const { Connection } = await import(`${process.argv[1]}/chat-connection.js`);
const made = () => new Connection({ event() {}, reset() {}, state: (name) => states.push(name) });
const drop = () => sockets.at(-1).onclose({ code: 1006 });
const hear = (message) => sockets.at(-1).onmessage({ data: JSON.stringify(message) });
const tick = () => [...timers].forEach(([id, work]) => (timers.delete(id), work()));
const settle = () => new Promise((done) => setImmediate(done));
const answered = (page) => ({ ok: true, status: 200, json: async () => page });
"""


_DRAWER = """
let click;
const requests = [], shown = [];
const dialog = { replaceChildren: (bar, content) => shown.push(content), showModal() {} };
globalThis.DOMParser = class { parseFromString(text) { return { querySelector: () => text }; } };
globalThis.document = {
  addEventListener: (kind, listener) => (click = listener),
  getElementById: () => dialog,
  createElement: () => ({ dataset: {}, append() {} }),
  adoptNode: (content) => content,
};
globalThis.fetch = () => new Promise((answer) => requests.push(answer));
await import(`${process.argv[1]}/drawer.js`);
const open = (href) => {
  const link = { href, dataset: { drawer: "call" } };
  click({ target: { closest: () => link }, preventDefault() {} });
};
const settle = () => new Promise((done) => setImmediate(done));
"""


def run(program: str) -> Any:
    """What the program prints, as JSON."""
    done = subprocess.run(
        [node.require(), "--input-type=module", "--eval", program, _SCRIPTS.as_uri()],
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_who_comes_back_to_a_page_without_sockets_is_polled_for_again() -> None:
    polls = run(
        _CONNECTION
        + """
        const connection = made();
        connection.start(0);
        drop();
        connection.stop();
        connection.start(0);
        drop();
        tick();
        console.log(requests.length);
    """
    )
    assert polls == 1


def test_two_starts_are_one_socket() -> None:
    opened = run(
        _CONNECTION
        + """
        const connection = made();
        connection.start(0);
        connection.start(0);
        console.log(sockets.length);
    """
    )
    assert opened == 1


def test_a_slow_poll_takes_nothing_back_from_a_socket_that_came_meanwhile() -> None:
    place, last_state = run(
        _CONNECTION
        + """
        const connection = made();
        connection.start(5);
        drop();
        tick();
        hear({ type: "hello", last: 9 });
        hear({ type: "event", id: 9, kind: "approval.created" });
        requests[0].answer(answered({ results: [], last: 5, reset: false }));
        await settle();
        console.log(JSON.stringify([connection.last, states.at(-1)]));
    """
    )
    assert (place, last_state) == (9, "live")


def test_a_poll_that_fails_beside_a_living_socket_is_no_outage() -> None:
    last_state = run(
        _CONNECTION
        + """
        const connection = made();
        connection.start(5);
        drop();
        tick();
        hear({ type: "hello", last: 5 });
        requests[0].fail(new TypeError("gone"));
        await settle();
        console.log(JSON.stringify(states.at(-1)));
    """
    )
    assert last_state == "live"


def test_the_drawer_shows_what_was_clicked_last_not_what_came_last() -> None:
    shown = run(
        _DRAWER
        + """
        open("/slow/");
        open("/fast/");
        requests[1]({ ok: true, text: async () => "fast" });
        await settle();
        requests[0]({ ok: true, text: async () => "slow" });
        await settle();
        console.log(JSON.stringify(shown));
    """
    )
    assert shown == ["fast"]
