"""Dockerfile, .dockerignore and compose.yaml against the settings that they must satisfy.

There is no container engine where the suite runs, so what can be run without one is run: settings
load with compose's environment, and the image's own health check asks a real daphne.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from tests.wire import free_port

ROOT = Path(__file__).resolve().parent.parent
OURS = ("web", "worker", "beat", "migrate")
# What a `.env` must hold; compose.yaml's first comment asks for exactly these.
DOTENV = {
    "POSTGRES_PASSWORD": "a1b2c3d4e5f6",
    "VALKEY_PASSWORD": "f6e5d4c3b2a1",
    "SECRET_KEY": "0123456789abcdef" * 4,
    "AUDIT_KEY": "fedcba9876543210" * 4,
    "OAUTH_ISSUER": "https://portal.example.test",
    "MCP_RESOURCE_URL": "https://mcp.example.test/mcp",
    "EMAIL_URL": "smtp+tls://user:secret@mail.example.test:587",
}
_VARIABLE = re.compile(r"\$\{(\w+)(?:(:[?-])([^}]*))?\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, continued lines joined, comments gone."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines) if word]


def interpolated(value: str, dotenv: dict[str, str]) -> str:
    """As compose does it: `${A:?why}` must be there and not empty, `${A:-default}` may be absent.

    Raises: KeyError with the name of what is missing.
    """

    def replace(match: re.Match[str]) -> str:
        name, operator, text = match.groups()
        if given := dotenv.get(name):
            return given
        if operator == ":-":
            return text
        raise KeyError(name)

    return _VARIABLE.sub(replace, value).replace("$$", "$")


def environment_of(service: dict[str, Any], dotenv: dict[str, str]) -> dict[str, str]:
    """What the container gets; a key without a value is passed on, or is not set at all."""
    given = {
        name: dotenv.get(name) if value is None else interpolated(str(value), dotenv)
        for name, value in service["environment"].items()
    }
    return {name: value for name, value in given.items() if value is not None}


def production(environment: dict[str, str], code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"from cliqtel_portal.settings import prod\n{code}"],
        env={"PATH": os.environ["PATH"], **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def required_by_production() -> set[str]:
    """Every name that settings/prod.py passes to `_required`, also through a loop over a tuple."""
    tree = ast.parse((ROOT / "cliqtel_portal/settings/prod.py").read_text())
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_required":
            names |= {one.value for one in node.args if isinstance(one, ast.Constant)}
        if isinstance(node, ast.For) and "_required" in ast.dump(node):
            assert isinstance(node.iter, ast.Tuple)
            names |= {one.value for one in node.iter.elts if isinstance(one, ast.Constant)}
    return names


def test_compose_passes_each_variable_that_production_requires(compose: dict[str, Any]) -> None:
    required = required_by_production()
    assert {"DATABASE_URL", "SECRET_KEY", "EMAIL_URL"} <= required
    for name in OURS:
        passed = compose["services"][name]["environment"]
        assert not {one for one in required if not passed.get(one)}, name


def test_production_settings_load_with_what_compose_passes(compose: dict[str, Any]) -> None:
    environment = environment_of(compose["services"]["web"], DOTENV)
    code = "print(prod.DATABASES['default']['HOST'], prod.VALKEY_URL, prod.ALLOWED_HOSTS)"
    done = production(environment, code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "postgres",
        "redis://:f6e5d4c3b2a1@valkey:6379/0",
        "['portal.example.test',",
        "'mcp.example.test']",
    ]


@pytest.mark.parametrize("name", DOTENV)
def test_compose_stops_without_a_secret_and_names_it(compose: dict[str, Any], name: str) -> None:
    short = {key: value for key, value in DOTENV.items() if key != name}
    with pytest.raises(KeyError, match=name):
        environment_of(compose["services"]["web"], short)
    text = (ROOT / "compose.yaml").read_text()
    assert re.search(rf"\$\{{{name}:\?[^}}]*{name}[^}}]*\}}", text), (
        "its message names the variable"
    )
    assert f"#   {name}=" in text, "the comment at the top explains it"


def test_secrets_have_no_default_and_are_not_written_down(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for key, value in service["environment"].items():
            if re.search("PASSWORD|KEY$|_URL$|ISSUER", key):
                assert ":-" not in (value or ""), f"{name}: {key}"
                assert "${" in (value or "${"), f"{name}: {key}"


def test_compose_passes_nothing_that_no_setting_reads(compose: dict[str, Any]) -> None:
    folder = ROOT / "cliqtel_portal/settings"
    read = "\n".join(path.read_text() for path in folder.glob("*.py"))
    passed = compose["services"]["web"]["environment"]
    assert [name for name in passed if not re.search(rf"[\"']{name}[\"']", read)] == []


def test_compose_passes_on_each_setting_that_an_operator_may_change(
    compose: dict[str, Any],
) -> None:
    texts = [
        (ROOT / f"cliqtel_portal/settings/{module}.py").read_text()
        for module in ("base", "mcp", "prod")
    ]
    read = set(re.findall(r"\b_?env\.\w+\(\s*[\"'](\w+)", "\n".join(texts)))
    fixed_in_the_container = {"PORT", "STATIC_ROOT", "VALKEY_PREFIX"}
    passed = set(compose["services"]["web"]["environment"])
    assert len(read) > 20
    assert read - fixed_in_the_container - passed == set()


def test_each_service_has_a_health_check_or_says_why_not(compose: dict[str, Any]) -> None:
    text = (ROOT / "compose.yaml").read_text()
    for name, service in compose["services"].items():
        section = re.search(
            rf"((?:^  #.*\n)*)^  {name}:\n((?:^(?:    .*)?\n)*)", text, re.MULTILINE
        )
        assert section, name
        above, body = section.groups()
        check = service.get("healthcheck")
        if check is None:
            assert name == "web", f"{name} would inherit the image's check of a port"
            assert "health check" in above
        elif check.get("disable"):
            assert re.search(r"^    # .*\n    healthcheck:$", body, re.MULTILINE), name
        else:
            assert check["test"], name


def test_the_portal_waits_for_database_valkey_and_migrations(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name in ("web", "worker", "beat"):
        assert {key: on["condition"] for key, on in services[name]["depends_on"].items()} == {
            "postgres": "service_healthy",
            "valkey": "service_healthy",
            "migrate": "service_completed_successfully",
        }
    assert set(services["migrate"]["depends_on"]) == {"postgres", "valkey"}
    assert services["migrate"]["restart"] == "no"


def test_only_the_web_service_publishes_a_port_and_on_loopback(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert [name for name, one in services.items() if "ports" in one] == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in services["web"]["ports"])
    assert compose["networks"]["inside"]["internal"] is True
    assert services["postgres"]["networks"] == services["valkey"]["networks"] == ["inside"]


def test_what_must_last_lies_on_declared_volumes(compose: dict[str, Any]) -> None:
    mounted = {
        volume.partition(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
    }
    assert mounted == set(compose["volumes"]) == {"beat", "data", "postgres", "valkey"}


def test_workers_write_what_they_write_onto_a_volume_that_web_reads(
    compose: dict[str, Any],
) -> None:
    code = (
        "from pathlib import Path\n"
        "print(prod.EXPORT_DIR, Path(prod.AUDIT_ANCHOR_FILE).parent, Path(prod.AUDIT_ARCHIVE_DIR))"
    )
    (advised,) = re.findall(r"#.* (/\S+) is on `data`", (ROOT / "compose.yaml").read_text())
    for name in ("web", "worker", "migrate"):
        service = compose["services"][name]
        environment = environment_of(service, DOTENV | {"AUDIT_ARCHIVE_DIR": advised})
        (volume,) = service["volumes"]
        mounted = volume.removeprefix("data:")
        written = production(environment, code).stdout.split()
        assert len(written) == 3
        assert all(Path(path).is_relative_to(mounted) for path in written), name


def test_no_service_of_ours_may_write_or_gain_rights(compose: dict[str, Any]) -> None:
    for name in OURS:
        service = compose["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_image_ends_as_an_ordinary_user(instructions: list[tuple[str, str]]) -> None:
    words = [word for word, _ in instructions]
    assert words.count("FROM") == 2
    users = [(index, rest) for index, (word, rest) in enumerate(instructions) if word == "USER"]
    assert [user for _, user in users] == ["cliqtel"]
    assert not {"RUN", "COPY", "FROM"} & set(words[users[0][0] :]), "nothing is built as that user"


def test_the_image_installs_the_locked_requirements_only(
    instructions: list[tuple[str, str]],
) -> None:
    installs = [rest for word, rest in instructions if word == "RUN" and " install " in f" {rest} "]
    pip = [one for one in installs if "pip" in one]
    assert len(pip) == 1
    assert pip[0].endswith("pip install -r /tmp/requirements.txt")
    assert ("COPY", "requirements.txt /tmp/requirements.txt") in instructions


def test_the_image_keeps_no_secret(instructions: list[tuple[str, str]]) -> None:
    kept = " ".join(rest for word, rest in instructions if word in {"ENV", "ARG", "LABEL"})
    assert not re.search("SECRET|PASSWORD|_KEY|_URL|ISSUER", kept)


def test_static_files_are_collected_with_what_the_dockerfile_says(
    instructions: list[tuple[str, str]], tmp_path: Path
) -> None:
    (run,) = [rest for word, rest in instructions if "collectstatic" in rest]
    words = shlex.split(run.partition(" && ")[0])
    given = dict(word.split("=", 1) for word in words if re.match("[A-Z_]+=", word))
    command = [word for word in words if not re.match("[A-Z_]+=", word)]
    assert command[0] == "python"
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "cliqtel_portal.settings.prod",
        "STATIC_ROOT": str(tmp_path),
        **given,
    }
    done = subprocess.run(
        [sys.executable, *command[1:]],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    collected = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    # A name that is not in the manifest would be a 500 in production only.
    named = {
        name
        for path in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r"{% static \"([^\"]+)\"", path.read_text())
    }
    assert named
    assert named - set(collected) == set()


def test_each_local_app_gets_into_the_image() -> None:
    kept = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    local = {app.partition(".")[0] for app in settings.INSTALLED_APPS}
    local = {name for name in local if (ROOT / name).is_dir()}
    assert local <= kept
    assert {"manage.py", "requirements.txt", "static", "templates"} <= kept
    assert all((ROOT / name).exists() for name in kept)
    assert not kept & {".env", ".git", "var", "tests", ".venv"}


@pytest.mark.wire
def test_the_health_check_of_the_image_passes_on_its_own_command(
    instructions: list[tuple[str, str]], compose: dict[str, Any]
) -> None:
    (check,) = [rest for word, rest in instructions if word == "HEALTHCHECK"]
    (serve,) = [rest for word, rest in instructions if word == "CMD"]
    assert ("EXPOSE", "8000") in instructions
    port = str(free_port())
    asked = [word.replace("8000", port) for word in json.loads(check.partition("CMD ")[2])]
    served = [word.replace("8000", port) for word in json.loads(serve)]
    assert served[served.index("-b") + 1] == "0.0.0.0"
    served[served.index("-b") + 1] = "127.0.0.1"  # loopback only while testing
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "cliqtel_portal.settings.prod",
        **environment_of(compose["services"]["web"], DOTENV),
    }
    assert (asked[0], served[0]) == ("python", "daphne")
    server = subprocess.Popen(
        [sys.executable, "-m", *served],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            done = subprocess.run(
                [sys.executable, *asked[1:]],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=30,
            )
            if done.returncode == 0 or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        assert done.returncode == 0, done.stderr
    finally:
        server.terminate()
        server.wait(timeout=15)
