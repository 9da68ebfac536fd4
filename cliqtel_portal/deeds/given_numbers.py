"""A number as a person or an AI host wrote it."""

from __future__ import annotations

from cliqtel_portal.errors import InvalidArguments, Problem
from cliqtel_portal.phone import NotANumber, normalise


def e164_of(text: str, *, field: str = "number") -> str:
    """Return its E.164 form.

    Raises:
        InvalidArguments: it is no number in international form.
    """
    try:
        return normalise(text)
    except NotANumber as error:
        raise InvalidArguments(
            "The number is not clear. Correct it.",
            problems=[Problem(field=field, message=str(error))],
        ) from error
