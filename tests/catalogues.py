"""Which messages a page has: read from its template and from its script, with what that imports.

What is written to citizens is one page more, `messages`: all templates of config/messages; to supervisors
another, `alerts`: those of config/messages/staff.

python tests/catalogues.py     (`make words`) brings config/locales/*/*.po up to date with the pages:
                               new messages come in empty, those that nobody says any more go
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_javascript
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from notify import alert_text
from notify.messages import CATALOGUE
from server.words import READY

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "displays" / "pages"
WRITTEN = ROOT / "config" / "messages"
SCRIPTS = ROOT / "static" / "js"
LOCALES = ROOT / "config" / "locales"
TRANSLATED = ("nl", "fr", "de")
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}


def scripts(page: str) -> list[Path]:
    """The script that has the page's name, with all that it imports."""
    found: list[Path] = []
    left = [path for path in [SCRIPTS / f"{page}.js"] if path.exists()]
    while left:
        path = left.pop()
        if path not in found:
            found.append(path)
            left += [SCRIPTS / name for name in re.findall(r'from "\./([\w-]+\.js)"', path.read_text())]
    return sorted(found)


def messages(page: str) -> Catalog:
    """All messages of a page, with where they are said."""
    catalogue = Catalog(project="Onthaal", charset="utf-8")
    for path, line, function, message, comments in _said(page):
        said = tuple(m for m in message if m) if isinstance(message, tuple) else message
        if said and said != ("",):
            one = said[:2] if function == "ngettext" else said[0] if isinstance(said, tuple) else said
            catalogue.add(one, locations=[(str(path.relative_to(ROOT)), line)], user_comments=comments)
    return catalogue


def templates(page: str) -> list[Path]:
    """The templates that have a page's words in them."""
    if page == CATALOGUE:
        return sorted(path for path in WRITTEN.iterdir() if path.suffix in (".txt", ".html"))
    if page == alert_text.CATALOGUE:
        return sorted((WRITTEN / "staff").iterdir())
    own = PAGES / f"{page}.html"
    return [
        own,
        *(PAGES / name for name in re.findall(r'(?:include|from) "(parts/[\w-]+\.html)"', own.read_text())),
    ]


def _said(page: str) -> Iterator[tuple[Path, int, str, object, list[str]]]:
    for template in templates(page):
        with template.open("rb") as file:
            for line, function, message, comments in babel_extract(file, list(KEYWORDS), [], {}):
                yield template, line, function or "_", message, comments
    for path in scripts(page):
        with path.open("rb") as file:
            for line, function, message, comments in extract_javascript(file, list(KEYWORDS), [], {}):
                yield path, line, function, message, comments


def pages() -> list[str]:
    """The pages that say anything through gettext, the messages to citizens, the alerts to supervisors."""
    said = (path.stem for path in sorted(PAGES.glob("*.html")) if len(messages(path.stem)))
    return [*said, CATALOGUE, alert_text.CATALOGUE]


def languages(page: str) -> tuple[str, ...]:
    """The languages that a page has a catalogue in."""
    return (*TRANSLATED, *READY) if page == CATALOGUE else TRANSLATED


def path_of(page: str, language: str) -> Path:
    return LOCALES / language / f"{page}.po"


def load(page: str, language: str) -> Catalog:
    with path_of(page, language).open("rb") as file:
        return read_po(file, locale=language)


def update() -> int:
    """Bring every catalogue up to date; how many messages wait for a translation that has to be there."""
    waiting = 0
    for page in pages():
        template = messages(page)
        for language in languages(page):
            path = path_of(page, language)
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = Catalog(
                language,
                project="Onthaal",
                version="1",
                header_comment=f"# Onthaal, the words of the page {page}: {language}.",
                msgid_bugs_address="none",
                last_translator="Onthaal",
                language_team=language,
                charset="utf-8",
                fuzzy=False,
            )
            known = load(page, language) if path.exists() else fresh
            for message in template:
                if message.id:
                    old = known.get(message.id)
                    fresh.add(message.id, old.string if old else "", user_comments=message.user_comments)
            fresh.creation_date = fresh.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
            with path.open("wb") as file:
                write_po(file, fresh, width=100, no_location=True)
            missing = [m.id for m in fresh if m.id and not (any(m.string) if m.pluralizable else m.string)]
            if language in READY:
                print(f"{path.relative_to(ROOT)}: {len(missing)} of {len(fresh)} wait")
                continue
            waiting += len(missing)
            for name in missing:
                print(f"{path.relative_to(ROOT)}: {name!r}")
    return waiting


if __name__ == "__main__":
    sys.exit(1 if update() else 0)
