"""The shape of the tree, read with `ast`: who may import whom, how large a file may be."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("approvals", "audit", "cliqtel_portal", "mcp_access")
MAX_LINES = 400
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "manager"}

# A name may import what stands on a later line, or itself. Top: the composition root.
LAYERS: list[tuple[str, ...]] = [
    (
        "cliqtel_portal.urls",
        "cliqtel_portal.asgi",
        "cliqtel_portal.celery",
        "cliqtel_portal.routing",
        "cliqtel_portal.management",
        "cliqtel_portal.home",
        "cliqtel_portal.number_page",
        "cliqtel_portal.metrics",
    ),
    ("mcp_access",),
    # What an approval releases, for pages and tools alike.
    ("cliqtel_portal.deeds",),
    ("approvals",),
    ("audit",),
    ("cliqtel_portal.callflows", "cliqtel_portal.messaging", "cliqtel_portal.docs"),
    ("cliqtel_portal.numbers", "cliqtel_portal.trunks"),
    (
        "cliqtel_portal.pricing",
        "cliqtel_portal.regulatory",
        "cliqtel_portal.carriers",
        "cliqtel_portal.billing",
    ),
    ("cliqtel_portal.notices",),
    ("cliqtel_portal.accounts",),
    # The ground: small modules without a domain.
    ("cliqtel_portal",),
]
SDK_FILES = {
    "mcp_access/asgi.py",
    "mcp_access/server.py",
    "mcp_access/results.py",
    "mcp_access/authentication.py",
    "mcp_access/client.py",
    # For its JSON-RPC and metadata constants only.
    "mcp_access/gate.py",
}
SDK_FOLDERS = ("mcp_access/resources/", "mcp_access/prompts/")
ASYNC_FILES = {
    "mcp_access/asgi.py",
    "mcp_access/gate.py",
    "mcp_access/replies.py",
    "mcp_access/server.py",
    "mcp_access/bridge.py",
    "mcp_access/authentication.py",
    "mcp_access/pipeline.py",
    "mcp_access/limits.py",
    "mcp_access/client.py",
    "audit/export.py",
    "audit/services.py",
    "cliqtel_portal/pool.py",
    "cliqtel_portal/asgi.py",
    "cliqtel_portal/backpressure.py",
    "cliqtel_portal/routing.py",
}
OAUTH_FILES = {"mcp_access/models.py"}
# Where any exception may be caught: the boundaries of a call and of a request.
BROAD_EXCEPT_FILES = {"mcp_access/pipeline.py", "mcp_access/asgi.py"}


@cache
def sources() -> dict[str, ast.Module]:
    files = [ROOT / "manage.py"]
    for name in OURS:
        files += [path for path in (ROOT / name).rglob("*.py") if "migrations" not in path.parts]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in sorted(files)}


def module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import module` may name a module, or a name in the package.
            for alias in node.names:
                child = f"{node.module}.{alias.name}"
                yield child if (ROOT / (child.replace(".", "/") + ".py")).exists() else node.module


def layer(name: str) -> tuple[int, str]:
    """The layer's number, 0 at the top, and the entry that the module belongs to."""
    found = [
        (number, entry)
        for number, entries in enumerate(LAYERS)
        for entry in entries
        if name == entry or name.startswith(f"{entry}.")
    ]
    return max(found, key=lambda pair: len(pair[1]))


def test_imports_point_downwards():
    wrong = []
    for path, tree in sources().items():
        if path == "manage.py":
            continue
        number, entry = layer(module_name(path))
        for imported in imports(tree):
            if imported.split(".")[0] not in OURS:
                continue
            target_number, target_entry = layer(imported)
            is_up = target_number < number
            is_sibling = target_number == number and target_entry != entry
            if (is_up or is_sibling) and number != 0:
                wrong.append(f"{path} imports {imported}")
    assert wrong == []


def test_there_are_no_import_circles():
    modules = {module_name(path) for path in sources()}
    graph = {
        module_name(path): {name for name in _runtime_imports(tree) if name in modules}
        for path, tree in sources().items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"circle: {' -> '.join([*trail[trail.index(name) :], name])}"
        if name in done:
            return
        for target in sorted(graph[name]):
            if target != name:
                visit(target, (*trail, name))
        done.add(name)

    for module in sorted(graph):
        visit(module, ())


def _runtime_imports(tree: ast.Module) -> Iterator[str]:
    """Without those under `if TYPE_CHECKING`, which never run."""
    body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"))
    ]
    yield from imports(ast.Module(body=body, type_ignores=[]))


def test_no_file_is_over_the_limit():
    tests = list((ROOT / "tests").rglob("*.py"))
    paths = [*(ROOT / path for path in sources()), *tests]
    long = {str(path): len(path.read_text().splitlines()) for path in paths}
    assert {path: lines for path, lines in long.items() if lines > MAX_LINES} == {}


def test_every_room_has_a_name():
    assert [path for path in sources() if Path(path).stem in FORBIDDEN_NAMES] == []


def test_imports_stand_at_the_top():
    wrong = []
    for path, tree in sources().items():
        for node in ast.walk(tree):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            if node.name == "ready" and path.endswith("apps.py"):
                continue
            if any(isinstance(inner, (ast.Import, ast.ImportFrom)) for inner in ast.walk(node)):
                wrong.append(f"{path}:{node.lineno} {node.name}")
    assert wrong == []


@pytest.mark.parametrize(
    ("packages", "allowed", "folders"),
    [
        (("mcp", "mcp_types"), SDK_FILES, SDK_FOLDERS),
        (("oauth2_provider", "oauthlib"), OAUTH_FILES, ("mcp_access/oauth/",)),
    ],
)
def test_a_library_stays_in_its_rooms(packages, allowed, folders):
    users = {
        path
        for path, tree in sources().items()
        for name in imports(tree)
        if name.split(".")[0] in packages
    }
    assert {path for path in users - allowed if not path.startswith(folders)} == set()
    assert allowed - users == set(), "listed, and does not need it any more"


def test_asynchronous_code_stays_in_its_rooms():
    kinds = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    users = {
        path
        for path, tree in sources().items()
        if any(isinstance(node, kinds) for node in ast.walk(tree))
    }
    assert {path for path in users - ASYNC_FILES if not path.endswith("consumers.py")} == set()
    assert ASYNC_FILES - users == set(), "listed, and does not need it any more"


def test_any_exception_is_caught_only_at_the_boundary():
    users = set()
    for path, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler):
                names = ast.unparse(node.type) if node.type else "Exception"
                # Also as one of several: `except (KeyError, Exception)`.
                if {"Exception", "BaseException"} & set(re.findall(r"\w+", names)):
                    users.add(path)
    assert {path for path in users if "/embedded/" not in path} == BROAD_EXCEPT_FILES


def test_domain_services_know_nothing_of_http():
    wrong = []
    for path, tree in sources().items():
        if Path(path).stem != "services" and "/services/" not in path:
            continue
        wrong += [f"{path}: {name}" for name in imports(tree) if name.startswith("django.http")]
    assert wrong == []
