"""What people write on their numbers to find them again. SQL holds the same rules."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

MAX_TAGS = 20  # on one number
MAX_LENGTH = 40


class NotATag(Exception):
    """The message says what to write instead."""


def parse_tags(text: str) -> tuple[str, ...]:
    """ "main, desk " is main and desk: each once, in the order they were written.

    Raises:
        NotATag: with everything that is wrong.
    """
    # Copied text brings spaces of all kinds, and letters in pieces that look like whole ones.
    words = (" ".join(part.split()) for part in unicodedata.normalize("NFC", text).split(","))
    tags = tuple(dict.fromkeys(word for word in words if word))
    wrong = []
    if any(not tag.isprintable() for tag in tags):
        wrong.append("Leave out characters that can't be seen.")
    wrong += [
        f"“{tag[:MAX_LENGTH]}…” is longer than {MAX_LENGTH} characters."
        for tag in tags
        if len(tag) > MAX_LENGTH and tag.isprintable()
    ]
    if len(tags) > MAX_TAGS:
        wrong.append(f"A number has {MAX_TAGS} tags at most.")
    if wrong:
        raise NotATag(" ".join(wrong))
    return tags


def with_changes(tags: Iterable[str], *, add: Iterable[str], remove: Iterable[str]) -> list[str]:
    """In the order of before, what is new at the end."""
    gone = set(remove)
    return [tag for tag in dict.fromkeys([*tags, *add]) if tag not in gone]
