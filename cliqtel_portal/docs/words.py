"""How text becomes words: the same way for what is indexed and for what is typed.

PostgreSQL's parser sees a host in `claude.ai`, a file in `pjsip.conf`, and one unit in `T.38`, so
people who write them otherwise would not find them. It gets plain words instead.
"""

from __future__ import annotations

import re
import unicodedata

MAX_WORD_LENGTH = 64

_WORD = re.compile(r"[^\W_]+")
# Words tied together by one sign: gsm-7, t.38, pending_approval, can't.
_CHAIN = re.compile(r"[^\W_]+(?:[-._/'+&:][^\W_]+)*")
_QUERY = re.compile(r"(?P<quote>\")|(?<!\S)(?P<minus>-)(?=[^\W_])|(?P<word>[^\W_]+)")
_MAX_JOINED_PARTS = 3

# English glue that PostgreSQL's stop words know only with the apostrophe.
_CONTRACTIONS = frozenset(
    {"arent", "cant", "couldnt", "didnt", "doesnt", "dont", "hasnt", "havent", "im", "isnt"}
    | {"ive", "shouldnt", "thats", "wasnt", "werent", "whats", "whos", "wont", "wouldnt"}
)


def fold(text: str) -> str:
    """Return the text in lower case, without accents, typographic forms and unsendable characters.

    NUL and lone surrogates, which PostgreSQL refuses, become spaces.
    """
    sendable = text.encode("utf-8", "replace").decode().replace("\x00", " ").replace("\u2019", "'")
    decomposed = unicodedata.normalize("NFKD", sendable.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def plain_words(text: str) -> list[str]:
    """Return the words in order, repeated ones too."""
    return [word for word in _WORD.findall(fold(text)) if len(word) <= MAX_WORD_LENGTH]


def indexed_words(text: str) -> list[str]:
    """As `plain_words`, with `gsm7` after `gsm`, `7` where the text says GSM-7."""
    words: list[str] = []
    for chain in _CHAIN.findall(fold(text)):
        parts = _WORD.findall(chain)
        words += parts
        joined = "".join(parts)
        if 1 < len(parts) <= _MAX_JOINED_PARTS and not joined.isdigit():
            words.append(joined)
    return [word for word in words if len(word) <= MAX_WORD_LENGTH]


def query_words(query: str) -> tuple[list[str], list[str], str]:
    """Return the words wanted, those excluded (`-word`), and a query for websearch_to_tsquery.

    The last has plain words with only the quotes and minus signs kept, so that it means the same
    to PostgreSQL as to the index.
    """
    wanted: list[str] = []
    excluded: list[str] = []
    websearch: list[str] = []
    negative = quoted = False
    for match in _QUERY.finditer(fold(query)):
        if match["quote"]:
            quoted = not quoted
            websearch.append('"')
        elif match["minus"]:
            negative = not quoted
        elif len(match["word"]) <= MAX_WORD_LENGTH:
            word = match["word"]
            if negative:
                excluded.append(word)
                websearch.append(f"-{word}")
            elif word not in _CONTRACTIONS:
                wanted.append(word)
                websearch.append(word)
            negative = False
    return wanted, excluded, " ".join(websearch)
