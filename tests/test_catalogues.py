"""The catalogues of the pages: every message is there in every language, with the same placeholders."""

from __future__ import annotations

import re

import catalogues
import pytest

from notify.messages import CATALOGUE
from server.words import LANGUAGES, READY, accepted, choose, words

PLACEHOLDER = re.compile(r"%\(\w+\)s|%[^%(]")
WHAT_IS_TRANSLATED = [(page, language) for page in catalogues.pages() for language in catalogues.TRANSLATED]
WHAT_WAITS = [(CATALOGUE, language) for language in READY]


@pytest.mark.parametrize(("page", "language"), WHAT_IS_TRANSLATED)
def test_every_message_is_translated(page: str, language: str) -> None:
    said = {message.id for message in catalogues.messages(page) if message.id}
    translated = {message.id: message for message in catalogues.load(page, language) if message.id}
    assert set(translated) == said
    for message in translated.values():
        assert not message.fuzzy
        sources = [message.id] if isinstance(message.id, str) else list(message.id)
        forms = [message.string] if isinstance(message.string, str) else list(message.string)
        wanted = {found for source in sources for found in PLACEHOLDER.findall(source)}
        for form in forms:
            assert form, message.id
            # "one person" may say its number in words.
            assert set(PLACEHOLDER.findall(form)) in (wanted, wanted - {"%(number)s"}), message.id


@pytest.mark.parametrize(("language", "forms"), [("tr", 1), ("ar", 6), ("uk", 3)])
def test_messages_wait_for_translators(language: str, forms: int) -> None:
    """All of them are there, with as many plural forms as the language has, and none is half translated."""
    waiting = catalogues.load(CATALOGUE, language)
    assert waiting.num_plurals == forms
    assert {message.id for message in waiting} == {message.id for message in catalogues.messages(CATALOGUE)}
    for message in waiting:
        if message.id and message.pluralizable:
            assert len(message.string) == forms
    assert words(CATALOGUE, language).missing == len(waiting)
    assert words(CATALOGUE, "nl").missing == 0


def test_no_message_hides_in_a_template_string() -> None:
    """Where the extractor would not find it, and it would stay English."""
    for script in catalogues.SCRIPTS.glob("*.js"):
        assert not re.search(r"\$\{[^}]*\b(_|ngettext)\(", script.read_text()), script


def test_no_catalogue_is_left_over() -> None:
    files = {(path.stem, path.parent.name) for path in catalogues.LOCALES.glob("*/*.po")}
    assert files == {*WHAT_IS_TRANSLATED, *WHAT_WAITS}


def test_words_are_those_of_the_catalogue() -> None:
    dutch = words("problem", "nl")
    assert dutch.gettext("Check the address.") == "Kijk het adres na."
    assert dutch.direction == "ltr"
    assert words("problem", "en").gettext("Check the address.") == "Check the address."
    assert words("problem", "xx").language == "en"
    assert words("problem", "nl-BE").gettext("Check the address.") == "Kijk het adres na."
    assert words("problem", "nl").ngettext("%(number)s cat", "%(number)s cats", 2) == "2 cats"


@pytest.mark.parametrize(
    ("wanted", "allowed", "chosen"),
    [
        ("fr-BE,nl;q=0.8", ("nl", "fr"), "fr"),
        ("en-US,en;q=0.9", ("nl", "fr"), "nl"),
        ("nl;q=0.1,de;q=0.5", ("nl", "fr", "de"), "de"),
        ("de;q=0", ("nl", "de"), "nl"),
        (";;,,q=x", ("nl",), "nl"),
        ("tr", ("tr", "nl"), "nl"),
        ("tr", ("tr",), "en"),
    ],
)
def test_a_language_is_chosen_among_those_allowed(wanted: str, allowed: tuple[str, ...], chosen: str) -> None:
    assert choose(accepted(wanted), allowed) == chosen
    assert chosen in LANGUAGES
