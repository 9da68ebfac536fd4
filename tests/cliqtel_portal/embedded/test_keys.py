"""The data directory and its private files."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from cliqtel_portal.embedded import EmbeddedError, secrets
from cliqtel_portal.embedded import data_dir as default_data_dir
from cliqtel_portal.embedded.keys import REPOSITORY, make_data_dir, write_private


def test_data_dir_is_var_in_the_checkout_unless_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CLIQTEL_DATA_DIR", raising=False)
    assert default_data_dir() == REPOSITORY / "var"
    assert (REPOSITORY / "manage.py").exists()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLIQTEL_DATA_DIR", "here")
    assert default_data_dir() == tmp_path / "here"


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    first = secrets(tmp_path / "new")
    assert set(first) == {"SECRET_KEY", "AUDIT_KEY"}
    assert first["SECRET_KEY"] != first["AUDIT_KEY"]
    assert min(len(value) for value in first.values()) >= 50
    assert secrets(tmp_path / "new") == first
    files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "new").iterdir()}
    assert files == {"SECRET_KEY": 0o600, "AUDIT_KEY": 0o600}


def test_those_who_make_the_secrets_at_the_same_time_agree(tmp_path: Path) -> None:
    together = Barrier(8)

    def make() -> dict[str, str]:
        together.wait()
        return secrets(tmp_path)

    with ThreadPoolExecutor(8) as threads:
        made = [future.result() for future in [threads.submit(make) for _ in range(8)]]
    assert made == [made[0]] * 8
    assert sorted(os.listdir(tmp_path)) == ["AUDIT_KEY", "SECRET_KEY"]


def test_a_damaged_key_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "SECRET_KEY").write_text("")
    with pytest.raises(EmbeddedError, match="SECRET_KEY holds no usable key: remove it"):
        secrets(tmp_path)


def test_a_data_dir_that_exists_keeps_its_permissions(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir(mode=0o750)
    make_data_dir(directory)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o750


def test_a_private_file_is_replaced_and_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("untouched")
    (tmp_path / "file").symlink_to(tmp_path / "target")
    write_private(tmp_path / "file", "secret")
    assert (tmp_path / "target").read_text() == "untouched"
    assert not (tmp_path / "file").is_symlink()
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
