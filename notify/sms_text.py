"""How a text goes out as SMS: in which alphabet, in how many parts, and what makes it dearer than it looks.

The alphabet is that of GSM 03.38 (3GPP TS 23.038); whatever it does not have turns the whole text into
UCS-2, which holds fewer than half as many characters a part.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import gsm0338  # type: ignore[import-untyped]  # noqa: F401 - registers the codec
from anyascii import anyascii


class Encoding(StrEnum):
    """How a text is put into octets."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"


ROOM = {Encoding.GSM7: (160, 153), Encoding.UCS2: (70, 67)}
"""Units in a text of one part, and in each part of a longer one, which says where it belongs."""

_ESCAPE = "\x1b"
"""In the table, but no character: alone it would swallow the one after it."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a text takes: ``units`` are septets of GSM 03.38 or code units of UTF-16."""

    encoding: Encoding
    units: int
    parts: int


def count(text: str) -> Size:
    """What a text takes as SMS. No text at all is one part.

    Parts are found by filling: neither a character of the extension table, which takes two septets, nor
    a surrogate pair is divided, so that a part may have one unit to spare.
    """
    widths = [_septets(character) for character in text]
    encoding = Encoding.GSM7
    if not all(widths):
        encoding = Encoding.UCS2
        widths = [2 if ord(character) > 0xFFFF else 1 for character in text]
    units = sum(widths)
    single, room = ROOM[encoding]
    return Size(encoding, units, 1 if units <= single else _filled(widths, room))


def transliterate(text: str) -> str:
    """The same text in the alphabet of GSM 03.38, where that is possible; else as it was.

    Letters lose the marks that the alphabet does not have (``ê`` is ``e``, but ``é`` stays), typographic
    signs become plain ones. In another script than Latin, or with an emoji, it would still be UCS-2:
    such a text is not touched, for nothing would be gained.
    """
    text = unicodedata.normalize("NFC", text)
    plain = "".join(character if _septets(character) else _plain(character) for character in text)
    return plain if count(plain).encoding is Encoding.GSM7 else text


@lru_cache(maxsize=4096)  # a house writes few characters, again and again
def _septets(character: str) -> int:
    """One or two; 0 for what the alphabet does not have."""
    if character == _ESCAPE:
        return 0
    return len(character.encode("gsm03.38", "ignore"))


def _filled(widths: Iterable[int], room: int) -> int:
    parts, left = 1, room
    for width in widths:
        if width > left:
            parts, left = parts + 1, room
        left -= width
    return parts


_PUNCTUATION = {"«": '"', "»": '"', "„": '"', "`": "'", "\t": " "}
"""Where the library's choice is not what is wanted in a message, or outside the alphabet."""


def _plain(character: str) -> str:
    """What stands for a character; itself for one of another script than Latin, and for emoji."""
    if character in _PUNCTUATION:
        return _PUNCTUATION[character]
    kind = unicodedata.category(character)
    if kind[0] in "PZM" or kind == "Cf" or unicodedata.name(character, "").startswith("LATIN "):
        return anyascii(character)
    return character
