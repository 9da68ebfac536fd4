"""The data directory and the small private files in it."""

from __future__ import annotations

import os
import secrets as random
from pathlib import Path

from cliqtel_portal.embedded.errors import EmbeddedError

REPOSITORY = Path(__file__).resolve().parents[2]
SECRET_NAMES = ("SECRET_KEY", "AUDIT_KEY")
_LEAST_CHARACTERS = 32


def data_dir() -> Path:
    """`$CLIQTEL_DATA_DIR`, or `var/` in the checkout; absolute, not necessarily there yet."""
    return Path(os.environ.get("CLIQTEL_DATA_DIR") or REPOSITORY / "var").resolve()


def make_data_dir(directory: Path) -> None:
    """Make the directory if it is missing; one that exists keeps the permissions it has."""
    if not directory.is_dir():
        directory.parent.mkdir(parents=True, exist_ok=True)
        # PostgreSQL refuses to run as root and then has to pass through to its own subdirectory.
        # Every file in here is 0600, so the x for others shows them nothing.
        mode = 0o711 if os.geteuid() == 0 else 0o700
        directory.mkdir(mode=mode, exist_ok=True)


def secrets(data_dir: Path) -> dict[str, str]:
    """The installation's own keys, made at first use and the same ever after.

    Processes that make them at the same time agree on one value.
    """
    directory = data_dir.resolve()
    make_data_dir(directory)
    return {name: _made_once(directory / name) for name in SECRET_NAMES}


def _made_once(path: Path) -> str:
    if not path.exists():
        draft = _draft(path, random.token_urlsafe(48))
        try:
            # link() fails if another process was first, where rename() would replace its key.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    value = path.read_text().strip()
    if len(value) < _LEAST_CHARACTERS:
        raise EmbeddedError(f"{path} holds no usable key: remove it and start again.")
    return value


def write_private(path: Path, text: str) -> None:
    """Replace `path` as a whole by a file that only its owner reads."""
    _draft(path, text).replace(path)


def _draft(path: Path, text: str) -> Path:
    draft = path.with_name(f"{path.name}.{os.getpid()}.{random.token_hex(4)}")
    # O_EXCL: the file is new and ours, its mode is right before there is anything in it.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return draft
