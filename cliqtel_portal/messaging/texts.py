"""What may stand in a message, and how the gaps of a template are filled."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from django.conf import settings

from cliqtel_portal.errors import Problem
from cliqtel_portal.messaging.models.formats import Channel
from cliqtel_portal.messaging.segments import (
    WHATSAPP_MAX_CHARACTERS,
    Encoding,
    Shape,
    shape_of_sms,
    shape_of_whatsapp,
)

_GAP = re.compile(r"\{\{\s*([a-z][a-z0-9_]{0,39})\s*\}\}")
_MAX_VALUE = 1000
# A line's end and a tab are writing; other controls are not, and NUL can't be stored.
_WRITING_CONTROLS = frozenset("\n\r\t")


def gaps_of(body: str) -> tuple[str, ...]:
    """The names of the gaps, each once, in the order of the text."""
    return tuple(dict.fromkeys(_GAP.findall(body)))


def fill(body: str, variables: Mapping[str, str]) -> tuple[str, list[Problem]]:
    """Return the text and what is wrong with the variables. What stands in a value stays as it is,
    even where it looks like a gap.
    """
    gaps = gaps_of(body)
    problems = [
        Problem(field=f"variables.{name}", message="The template needs it: give it a value.")
        for name in gaps
        if not variables.get(name, "").strip()
    ]
    problems += [
        Problem(
            field=f"variables.{name}",
            message=f"The template has no such gap. It has: {', '.join(gaps) or 'none'}.",
        )
        for name in variables
        if name not in gaps
    ]
    problems += [
        Problem(field=f"variables.{name}", message=f"At most {_MAX_VALUE} characters.")
        for name, value in variables.items()
        if len(value) > _MAX_VALUE
    ]
    return _GAP.sub(lambda gap: variables.get(gap[1], ""), body), problems


def shape_of(text: str, channel: str) -> Shape:
    return shape_of_sms(text) if channel == Channel.SMS else shape_of_whatsapp(text)


def problems_of(text: str, channel: str) -> list[Problem]:
    """What keeps the text from being sent."""
    if not text.strip():
        return [Problem(field="text", message="There is nothing to send: write a text.")]
    if any(_is_unwritable(one) for one in text):
        return [
            Problem(
                field="text",
                message="It holds control characters or half a character. Leave them out.",
            )
        ]
    shape = shape_of(text, channel)
    if channel == Channel.WHATSAPP and shape.units > WHATSAPP_MAX_CHARACTERS:
        most = WHATSAPP_MAX_CHARACTERS
        return [
            Problem(field="text", message=f"{shape.units} characters: WhatsApp takes up to {most}.")
        ]
    if shape.segments > settings.MESSAGING_MAX_SEGMENTS:
        return [Problem(field="text", message=_too_long(shape))]
    return []


def _too_long(shape: Shape) -> str:
    words = f"{shape.segments} segments; at most {settings.MESSAGING_MAX_SEGMENTS} are sent."
    if shape.encoding is Encoding.UCS2:
        named = " ".join(shape.ucs2_characters[:5])
        return f"{words} Without characters like {named} more would fit."
    return f"{words} Make it shorter."


def _is_unwritable(character: str) -> bool:
    category = unicodedata.category(character)
    return category == "Cs" or (category == "Cc" and character not in _WRITING_CONTROLS)
