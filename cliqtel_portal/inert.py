"""Text of strangers, shown without the characters that make a line read as another."""

from __future__ import annotations

import re

# What turns the direction of text around it (UAX 9), and tags that no font draws. Marks of a single
# character's direction and joiners stay: Arabic, Hebrew and emoji need them, and they hide nothing.
_DECEIVING = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")


def visible(text: str) -> str:
    """Directional overrides and invisible tags by their names: "[U+202E]"."""
    return _DECEIVING.sub(lambda match: f"[U+{ord(match[0]):04X}]", text)
