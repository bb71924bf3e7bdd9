"""What somebody means who answers an SMS: words of every language, read alike whatever their dress.

Which words there are stands in ``config/messages/replies.toml``.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from server.settings import shipped

MINUTES = (5, 10, 20)
"""So much later somebody may say to come."""


class Meaning(StrEnum):
    """What an answer asks for."""

    CONFIRM = "confirm"
    CANCEL = "cancel"
    LATE = "late"
    CALL_BACK = "call-back"
    STOP = "stop"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that was understood; ``minutes`` is one of :data:`MINUTES` where it says late, else None."""

    meaning: Meaning
    minutes: int | None = None


UNKNOWN = Reply(Meaning.UNKNOWN)

AROUND = "around"
UNCLEAR = "unclear"
STRANGE = 3
"""So many unknown words may stand beside a known one; a longer text is for a person to read."""

Phrase = tuple[str, ...]
Vocabulary = Mapping[Phrase, Mapping[str, frozenset[str]]]
"""For each phrase, in each language that has it, what it may mean there."""


def understand(text: str, languages: Iterable[str], words: Vocabulary | None = None) -> Reply:
    """What a text means, to somebody who speaks ``languages``, best first.

    A text that begins with a word for stop is always stop, in whatever language; so is one that has
    nothing else to say. Of a word that means different things in two languages, the person's own decides.
    What says two things, or turns its meaning ("not", "but", "?"), is unknown.
    """
    words = vocabulary() if words is None else words
    speaks = [language.partition("-")[0] for language in languages]
    tokens = _tokens(text)
    if tokens and any(Meaning.STOP in meanings for meanings in words.get((tokens[0],), {}).values()):
        return Reply(Meaning.STOP)
    meanings: set[str] = set()
    numbers: list[int] = []
    strange = 0
    for phrase in _phrases(tokens, words):
        if phrase in words:
            meanings |= _meant(words[phrase], speaks)
        elif phrase[0].isdigit():
            numbers.append(int(phrase[0]))
        else:
            strange += 1
    meanings.discard(AROUND)
    if UNCLEAR in meanings or strange > STRANGE or re.search(r"[?؟]", text):
        return UNKNOWN
    # "Yes, but 10 minutes late" is late; "no, 10 minutes late" says two things.
    if Meaning.LATE in meanings or numbers:
        if meanings <= {Meaning.LATE, Meaning.CONFIRM} and len(numbers) == 1:
            return _late(numbers[0], named=Meaning.LATE in meanings, strange=strange)
        return UNKNOWN
    if len(meanings) != 1:
        return UNKNOWN
    meaning = Meaning(meanings.pop())
    return UNKNOWN if meaning is Meaning.STOP and strange else Reply(meaning)


def _late(number: int, *, named: bool, strange: int) -> Reply:
    """Rounded up, for a place is kept until then. A bare number is one of those that were offered."""
    if named:
        return next((Reply(Meaning.LATE, most) for most in MINUTES if 0 < number <= most), UNKNOWN)
    return Reply(Meaning.LATE, number) if number in MINUTES and not strange else UNKNOWN


def offered(language: str) -> dict[str, str]:
    """The word that messages in a language offer for each meaning, in capitals where it has them."""
    return {name.replace("-", "_"): each[0].upper() for name, each in _file()[language].items() if each}


def _tokens(text: str) -> list[str]:
    """The words and numbers of a text, without case, accents and whatever stands around them."""
    plain = unicodedata.normalize("NFKD", text.casefold()).replace("ı", "i")
    plain = "".join(character for character in plain if not unicodedata.category(character).startswith("M"))
    return [
        str(int(token)) if token.isdecimal() else token
        for token in re.findall(r"\d{1,9}|[^\W\d_]+", plain[:MOST_TEXT])
    ]


MOST_TEXT = 500
"""More characters of an answer are not read."""


def _phrases(tokens: list[str], words: Vocabulary) -> Iterable[Phrase]:
    """A text cut into the longest phrases that are known, and the words between them."""
    longest = max(map(len, words), default=1)
    place = 0
    while place < len(tokens):
        for length in range(min(longest, len(tokens) - place), 0, -1):
            phrase = tuple(tokens[place : place + length])
            if phrase in words or length == 1:
                yield phrase
                place += length
                break


def _meant(by_language: Mapping[str, frozenset[str]], speaks: list[str]) -> frozenset[str]:
    everything = frozenset().union(*by_language.values())
    if len(everything) == 1:
        return everything
    own = next((language for language in speaks if language in by_language), None)
    return everything if own is None else by_language[own]


@cache
def vocabulary() -> Vocabulary:
    """The words of all languages, as they ship."""
    return read(_file())


def read(file: Mapping[str, Mapping[str, list[str]]]) -> Vocabulary:
    """The words of a file such as ``replies.toml``, by phrase."""
    found: dict[Phrase, dict[str, frozenset[str]]] = {}
    for language, lists in file.items():
        for meaning, phrases in lists.items():
            for written in phrases:
                by_language = found.setdefault(tuple(_tokens(written)), {})
                by_language[language] = by_language.get(language, frozenset()) | {meaning}
    return found


@cache
def _file() -> dict[str, dict[str, list[str]]]:
    with (shipped("config") / "messages" / "replies.toml").open("rb") as file:
        read: dict[str, dict[str, list[str]]] = tomllib.load(file)
    return read
