"""The words of pages and messages in the languages they are translated into: gettext catalogues, read once.

The source text of every message is English. A page has a catalogue of its own for each language,
``config/locales/<language>/<page>.po``; a page's script gets the same catalogue from its page, so that
server and browser say the same. English needs none. What is written to citizens (``messages``) has a
catalogue in more languages than the pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from gettext import c2py
from typing import Any

from babel import Locale, negotiate_locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from server.settings import shipped

SOURCE = "en"
LANGUAGES = ("nl", "fr", "en", "de")
"""The languages that every page is translated into."""
READY = ("tr", "ar", "uk")
"""Languages that have a catalogue of messages, for somebody to translate."""


class Words:
    """One page's messages in one language. What is not translated is said in English."""

    def __init__(self, language: str, catalogue: Catalog | None) -> None:
        self.language = language
        self._messages: dict[str, str | tuple[str, ...]] = {}
        self.missing = 0
        """How many messages would be said in English."""
        self._plural = None if catalogue is None else c2py(catalogue.plural_expr)
        for message in catalogue or ():
            if not message.id:
                continue
            name = message.id if isinstance(message.id, str) else message.id[0]
            said = message.string
            if not said or message.fuzzy or not (isinstance(said, str) or all(said)):
                self.missing += 1
            else:
                self._messages[name] = said if isinstance(said, str) else tuple(said)

    @cached_property
    def direction(self) -> str:
        """``ltr`` or ``rtl``, as HTML's ``dir`` has it."""
        return Locale.parse(self.language, sep="-").text_direction

    def gettext(self, text: str, **values: object) -> str:
        """A message with its ``%(name)s`` filled in."""
        said = self._messages.get(text, text)
        return _filled(said if isinstance(said, str) else said[0], values)

    def ngettext(self, one: str, many: str, number: int, **values: object) -> str:
        """A message in the form for a number, which is also its ``%(number)s``."""
        said = self._messages.get(one)
        if isinstance(said, tuple) and self._plural is not None:
            text = said[min(self._plural(number), len(said) - 1)]
        else:
            text = one if number == 1 else many
        return _filled(text, {"number": number, **values})

    def for_script(self) -> dict[str, str | tuple[str, ...]]:
        """The whole catalogue, for the page's script."""
        return self._messages

    def context(self) -> dict[str, Any]:
        """What a template works with: ``_``, ``ngettext``, ``language``, ``direction``, ``catalogue``."""
        return {
            "_": self.gettext,
            "ngettext": self.ngettext,
            "language": self.language,
            "direction": self.direction,
            "catalogue": self.for_script(),
        }


def _filled(text: str, values: dict[str, object]) -> str:
    return text % values if values else text.replace("%%", "%")


@cache
def words(page: str, language: str) -> Words:
    """A page's words in a language that it has (``nl-BE`` is ``nl``); in another they are English."""
    language = _base(language)
    path = shipped("config") / "locales" / language / f"{page}.po"
    if language not in (*LANGUAGES, *READY) or language == SOURCE or not path.is_file():
        return Words(language if language in LANGUAGES else SOURCE, None)
    with path.open("rb") as file:
        return Words(language, read_po(file, locale=language, abort_invalid=True))


def offered(allowed: Sequence[str]) -> dict[str, str]:
    """The allowed languages that pages are translated into, each with its name for itself."""
    bases = dict.fromkeys(_base(tag) for tag in allowed if _base(tag) in LANGUAGES)
    names = {base: Locale(base).get_language_name(base) or base for base in bases}
    return {base: name[:1].upper() + name[1:] for base, name in names.items()}


def choose(wanted: Iterable[str], allowed: Sequence[str]) -> str:
    """The first wanted language that is allowed and translated, else the first allowed that is translated.

    Tags as in ``Accept-Language`` (``nl-BE``); where nothing allowed is translated it is English.
    """
    offered = [tag for tag in allowed if _base(tag) in LANGUAGES]
    found = negotiate_locale([tag for tag in wanted if tag], offered, sep="-")
    return _base(found or next(iter(offered), SOURCE))


def accepted(header: str) -> list[str]:
    """The tags of an ``Accept-Language`` header, best first; what is malformed is left out."""
    ranked = []
    for place, part in enumerate(header.split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        if tag and tag != "*" and weight > 0:
            ranked.append((-weight, place, tag))
    return [tag for _weight, _place, tag in sorted(ranked)]


def _base(tag: str) -> str:
    return tag.partition("-")[0]
