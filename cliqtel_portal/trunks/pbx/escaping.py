"""Values on their way into a configuration file: none may end its line, its string or its comment.

The requests were checked before; that a writer is handed something else must still not show in a
file that somebody runs.
"""

from __future__ import annotations

import re

_CONTROLS = re.compile(r"[^ -~]")
_DIALPLAN = re.compile(r"[A-Za-z0-9+._~-]+")
_HARMLESS_MARKS = " .,_-/()&+"


def plain(text: str) -> str:
    """The text for a comment or a label: letters, digits and harmless marks of one line."""
    kept = "".join(one if one.isalnum() or one in _HARMLESS_MARKS else " " for one in text)
    return " ".join(kept.split()) or "trunk"


def pjsip_value(text: str) -> str:
    """The value of an option in pjsip.conf, where ";" begins a comment.

    Raises:
        ValueError: a line's end or another character that the file can't hold.
    """
    if _CONTROLS.search(text):
        raise ValueError("not a value of pjsip.conf")
    return text.replace(";", r"\;")


def dialplan_word(text: str) -> str:
    """A number, name or address in extensions.conf, where commas, brackets and $ act.

    Raises:
        ValueError: any of them.
    """
    if not _DIALPLAN.fullmatch(text):
        raise ValueError("not a word of extensions.conf")
    return text


def powershell_string(text: str) -> str:
    """A literal string of PowerShell: in single quotes nothing is expanded.

    Raises:
        ValueError: a line's end, or one of the other quotation marks that PowerShell knows.
    """
    if _CONTROLS.search(text):
        raise ValueError("not a string of one line in ASCII")
    return "'" + text.replace("'", "''") + "'"
