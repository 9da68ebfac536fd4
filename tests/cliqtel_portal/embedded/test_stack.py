"""What a user of the embedded servers gets, and when they start and stop."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cliqtel_portal.embedded import (
    EmbeddedError,
    Servers,
    load_address,
    load_environment,
    running,
    servers,
)
from cliqtel_portal.embedded.errors import explained
from tests.factories.embedded import REPOSITORY, User, server_pids

NewUser = Callable[[Path], User]


def _environment_file(data_dir: Path) -> dict[str, str]:
    lines = (data_dir / "cliqtel.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def _valkey_answers(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        return bool(client.ping())


def test_postgres_is_utf8_in_utc_with_room_for_the_tests(shared: Servers) -> None:
    with psycopg.connect(shared.database_url) as connection:
        settings = ("server_encoding", "timezone", "max_connections", "listen_addresses", "fsync")
        values = [connection.execute(f"SHOW {name}").fetchone() for name in settings]
    assert values == [("UTF8",), ("UTC",), ("200",), ("127.0.0.1",), ("off",)]


def test_letters_beyond_ascii_are_letters_to_search_and_trigrams(shared: Servers) -> None:
    with psycopg.connect(shared.database_url) as connection:
        connection.execute("CREATE EXTENSION pg_trgm")
        connection.execute("CREATE EXTENSION unaccent")
        row = connection.execute(
            "SELECT to_tsvector('simple', 'ZÜRICH') @@ to_tsquery('simple', 'zürich'),"
            " similarity('ΑΘΗΝΑ', 'αθηνα'), unaccent('Málaga')"
        ).fetchone()
    assert row == (True, 1.0, "Malaga")


def test_the_role_can_make_test_databases_and_is_no_superuser(shared: Servers) -> None:
    with psycopg.connect(shared.database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE test_of_role")
        connection.execute("DROP DATABASE test_of_role")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("COPY (SELECT 1) TO PROGRAM 'true'")


@pytest.mark.parametrize("role", ["cliqtel", "postgres"])
def test_postgres_takes_no_connection_without_the_password(shared: Servers, role: str) -> None:
    url = urlsplit(shared.database_url)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host=url.hostname, port=url.port, user=role, dbname="postgres")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            host=url.hostname, port=url.port, user=role, dbname="postgres", password="guess"
        )


def test_valkey_takes_no_command_without_the_password(shared: Servers) -> None:
    url = urlsplit(shared.valkey_url)
    with (
        redis.Redis(
            host=str(url.hostname), port=url.port or 0, retry=Retry(NoBackoff(), 0)
        ) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
    with redis.Redis.from_url(shared.valkey_url) as client:
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_servers_show_no_password_and_keep_no_lock_and_no_terminal(shared: Servers) -> None:
    pids = server_pids(shared.data_dir)
    assert len(pids) > 2
    passwords = [str(urlsplit(url).password) for url in (shared.database_url, shared.valkey_url)]
    for pid in pids:
        process = Path("/proc", str(pid))
        shown = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        assert not any(password.encode() in shown for password in passwords)
        files = [os.readlink(file) for file in (process / "fd").iterdir()]
        assert not [name for name in files if name.endswith(".lock")]
        assert os.getsid(pid) != os.getsid(0)


def test_environment_file_says_where_a_live_stack_is(shared: Servers) -> None:
    file = shared.data_dir / "cliqtel.env"
    assert file.stat().st_mode & 0o777 == 0o600
    lines = _environment_file(shared.data_dir)
    assert set(lines) >= {"DATABASE_URL", "VALKEY_URL", "SECRET_KEY", "AUDIT_KEY", "CLUSTER_DIR"}
    assert (lines["DATABASE_URL"], lines["VALKEY_URL"]) == (shared.database_url, shared.valkey_url)
    assert (Path(lines["CLUSTER_DIR"]) / "PG_VERSION").read_text().strip() == "18"
    assert running(shared.data_dir) == shared


def test_environment_file_tells_the_address_that_tokens_are_bound_to(
    shared: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "8130")
    with servers(shared.data_dir):
        assert "PORT=8130\n" in (shared.data_dir / "cliqtel.env").read_text()


def test_another_terminal_means_the_address_of_the_stack(
    shared: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = shared.data_dir / "cliqtel.env"
    before = file.read_text()
    address = "PORT=8130\nMCP_RESOURCE_URL=http://127.0.0.1:8130/mcp\nOAUTH_ISSUER=http://a.test\n"
    file.write_text(before + address)
    monkeypatch.setattr(os, "environ", {"OAUTH_ISSUER": "http://mine.test"})
    try:
        load_address(shared.data_dir)
    finally:
        file.write_text(before)

    assert os.environ == {
        "PORT": "8130",
        "MCP_RESOURCE_URL": "http://127.0.0.1:8130/mcp",
        "OAUTH_ISSUER": "http://mine.test",
    }


def test_load_environment_fills_only_what_is_not_set(
    shared: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {"SECRET_KEY": "mine"})
    assert load_environment(shared.data_dir)
    assert os.environ["SECRET_KEY"] == "mine"
    assert os.environ["DATABASE_URL"] == shared.database_url
    assert os.environ["VALKEY_URL"] == shared.valkey_url


def test_environment_file_of_dead_servers_is_not_believed(
    shared: Servers, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not load_environment(data_dir)
    data_dir.mkdir()
    url = urlsplit(shared.database_url)
    wrong = f"postgresql://cliqtel:old@127.0.0.1:{url.port}/cliqtel"
    (data_dir / "cliqtel.env").write_text(f"DATABASE_URL={wrong}\nVALKEY_URL=redis://127.0.0.1:1\n")
    before = dict(os.environ)
    assert not load_environment(data_dir)
    assert running(data_dir) is None
    assert dict(os.environ) == before


def test_data_survives_a_stop_and_the_keys_too(data_dir: Path) -> None:
    with servers(data_dir, durable=False) as first:
        with psycopg.connect(first.database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
        lines = _environment_file(data_dir)
    assert not (data_dir / "cliqtel.env").exists()
    assert server_pids(data_dir) == []
    assert running(data_dir) is None
    with servers(data_dir) as second, psycopg.connect(second.database_url) as connection:
        assert connection.execute("TABLE kept").fetchone() == (7,)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert _environment_file(data_dir)["SECRET_KEY"] == lines["SECRET_KEY"]
        assert _environment_file(data_dir)["AUDIT_KEY"] == lines["AUDIT_KEY"]


def test_four_at_once_share_one_cluster_that_the_last_one_stops(
    data_dir: Path, new_user: NewUser
) -> None:
    users = [new_user(data_dir) for _ in range(4)]
    urls = [user.urls() for user in users]
    assert len(urls[0]) == 2
    assert urls == [urls[0]] * 4
    assert [user.leave() for user in users[:3]] == [0, 0, 0]
    psycopg.connect(urls[0][0]).close()
    assert _valkey_answers(urls[0][1])
    assert users[3].leave() == 0
    assert server_pids(data_dir) == []
    assert not (data_dir / "cliqtel.env").exists()


def test_one_process_may_use_them_twice(shared: Servers) -> None:
    with servers(shared.data_dir) as again:
        assert again == shared
    psycopg.connect(shared.database_url).close()


def test_named_servers_are_used_and_nothing_is_started(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.test/portal")
    monkeypatch.setenv("VALKEY_URL", "redis://valkey.test/0")
    with servers(data_dir) as named:
        assert named == Servers(
            database_url="postgresql://db.test/portal",
            valkey_url="redis://valkey.test/0",
            data_dir=data_dir,
        )
        assert not data_dir.exists()


def test_one_named_server_leaves_the_other_embedded(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.test/portal")
    with servers(data_dir) as found:
        assert found.database_url == "postgresql://db.test/portal"
        assert _valkey_answers(found.valkey_url)
        # What another terminal reads is the embedded part: the other is not ours to hand out.
        assert "DATABASE_URL" not in _environment_file(data_dir)
        assert running(data_dir) == found
        assert not (data_dir / "postgres").exists()
    assert server_pids(data_dir) == []


def test_keys_of_the_environment_reach_the_second_terminal(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.test/portal")
    monkeypatch.setenv("SECRET_KEY", "from the environment of the first")
    with servers(data_dir):
        monkeypatch.delenv("SECRET_KEY")
        with servers(data_dir):
            assert _environment_file(data_dir)["SECRET_KEY"] == "from the environment of the first"


def test_a_refusal_of_the_system_says_what_to_do() -> None:
    with (
        pytest.raises(EmbeddedError, match=r"/full: No space left on device. Free some space"),
        explained(Path("/full")),
    ):
        raise OSError(28, "No space left on device")


def test_a_data_dir_that_cannot_be_made_is_explained(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "inside").write_text("a file")
    with (
        pytest.raises(EmbeddedError, match=f"{data_dir}/inside.*Set CLIQTEL_DATA_DIR"),
        servers(data_dir / "inside"),
    ):
        pass


def test_django_is_not_needed() -> None:
    code = (
        "import sys, cliqtel_portal.embedded, cliqtel_portal.processes;"
        "sys.exit('django' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False)
    assert ended.returncode == 0
