"""The one error of the embedded servers."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class EmbeddedError(Exception):
    """The servers can't be had. The text is a sentence that says what to do next."""


@contextmanager
def explained(data_dir: Path) -> Iterator[None]:
    """Turn what the operating system refuses into an `EmbeddedError` that names the way out."""
    try:
        yield
    except OSError as error:
        what = error.filename or data_dir
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            hint = "Free some space, or set CLIQTEL_DATA_DIR to a directory on another disk."
        elif error.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR}:
            hint = (
                "Set CLIQTEL_DATA_DIR to a directory of your own, or DATABASE_URL and VALKEY_URL"
                " to servers that are already there."
            )
        else:
            hint = "DATABASE_URL and VALKEY_URL may name servers that are already there."
        raise EmbeddedError(
            f"The embedded servers do not work: {what}: {error.strerror or error}. {hint}"
        ) from error
