"""Django's sessions in the database, asked only for keys that it could have made."""

from __future__ import annotations

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """Of the same name as Django's, which is part of the salt: its rows are read alike."""

    def __init__(self, session_key: str | None = None) -> None:
        """Another key is none. A quoted cookie holds any byte, and PostgreSQL refuses to look for
        NUL: a stranger could have every page fail, and somebody woken.
        """
        super().__init__(session_key if session_key and is_key(session_key) else None)


def is_key(text: str) -> bool:
    """Whether it is spelled as session keys are: letters and digits, at most 40."""
    return text.isascii() and text.isalnum() and len(text) <= 40
