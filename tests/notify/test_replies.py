"""What people answer to an SMS, and what is made of it."""

from __future__ import annotations

import tomllib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify import replies
from notify.messages import LANGUAGES, READY
from notify.replies import UNKNOWN, Meaning, Reply, understand
from server.settings import shipped

WORDS = tomllib.loads((shipped("config") / "messages" / "replies.toml").read_text("utf-8"))

CONFIRM, CANCEL, CALL_BACK, STOP = (
    Reply(meaning) for meaning in (Meaning.CONFIRM, Meaning.CANCEL, Meaning.CALL_BACK, Meaning.STOP)
)


def late(minutes: int) -> Reply:
    return Reply(Meaning.LATE, minutes)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("JA", CONFIRM),
        (" ja! 👍\n", CONFIRM),
        ("Ja, tot dan", CONFIRM),
        ("Oké", CONFIRM),
        ("oui merci", CONFIRM),
        ("D’accord", CONFIRM),
        ("Ja bitte.", CONFIRM),
        ("EVET", CONFIRM),
        ("نعم", CONFIRM),
        ("Так", CONFIRM),
        ("Nee", CANCEL),
        ("ik kom niet", CANCEL),
        ("Nee ik ben ziek", CANCEL),
        ("je ne viens pas", CANCEL),
        ("can't come", CANCEL),
        ("Nein danke", CANCEL),
        ("İPTAL", CANCEL),
        ("hayır", CANCEL),
        ("HAYIR", CANCEL),
        ("إلغاء", CANCEL),
        ("не прийду", CANCEL),
        ("bel me terug", CALL_BACK),
        ("Rappelez-moi s'il vous plaît", CALL_BACK),
        ("Rückruf", CALL_BACK),
        ("call me", CALL_BACK),
        ("ja 't is goed", CONFIRM),
        ("5", late(5)),
        ("10 min", late(10)),
        ("10min.", late(10)),
        ("+20", late(20)),
        ("10 minuten te laat", late(10)),
        ("ja maar 10 min te laat", late(10)),
        ("15 min", late(20)),
        ("j'arrive avec 10 min de retard", late(10)),
        ("20 Minuten später", late(20)),
        ("٢٠ دقيقة", late(20)),
    ],
)
def test_words_of_every_language(text: str, meant: Reply) -> None:
    for speaks in ("nl", "fr", "uk", "xx"):
        assert understand(text, [speaks]) == meant
    assert understand(text, []) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "👍",
        "?!",
        "ja nee",
        "oui non",
        "nee 10",
        "not ok",
        "I can't confirm",
        "nee niet annuleren",
        "ja?",
        "is er parking? nee",
        "ja ik kom morgen met mijn dochter en de hond",
        "7",
        "0",
        "25 minuten te laat",
        "te laat",
        "10 20",
        "10:30",
        "10 uur",
        "10 min vroeger",
        "bel nee",
        "99999999999999999999",
    ],
)
def test_what_says_nothing_or_two_things_is_not_understood(text: str) -> None:
    assert understand(text, ["nl"]) == UNKNOWN


@pytest.mark.parametrize("language", sorted(WORDS))
def test_stop_works_in_every_language(language: str) -> None:
    for word in WORDS[language]["stop"]:
        for text in (word, word.upper(), f"  «{word}»!! ", f"{word} aub", f"{word} ja nee 10 misschien?"):
            assert understand(text, ["nl"]) == STOP, text
            assert understand(text, ["tr"]) == STOP, text
    for text in ("STOP", "Stop.", "stop svp", "please stop", "aub stop", "ＳＴＯＰ"):
        assert understand(text, [language]) == STOP, text
    assert understand("we komen niet tot stop", [language]) == UNKNOWN


def test_of_a_word_with_two_meanings_the_own_language_decides() -> None:
    words = replies.read({"nl": {"confirm": ["da"]}, "de": {"cancel": ["da"], "stop": ["halt"]}})
    assert understand("Da!", ["nl"], words) == CONFIRM
    assert understand("da", ["de-AT", "nl"], words) == CANCEL
    assert understand("da", ["fr", "nl"], words) == CONFIRM
    assert understand("da", ["fr"], words) == UNKNOWN
    assert understand("halt", ["nl"], words) == STOP


def test_every_language_has_words_for_everything() -> None:
    assert set(WORDS) == {*LANGUAGES, *READY}
    meanings = {*Meaning} - {Meaning.UNKNOWN}
    for language, lists in WORDS.items():
        assert set(lists) == {*meanings, replies.AROUND, replies.UNCLEAR}, language
        for meaning, phrases in lists.items():
            assert phrases, (language, meaning)
            assert len(set(phrases)) == len(phrases)
            # As they are read: no accent in a word of the Latin alphabet, no capital.
            for phrase in phrases:
                if phrase.isascii():
                    assert phrase == phrase.lower()


@pytest.mark.parametrize("language", sorted(WORDS))
def test_what_messages_offer_is_understood(language: str) -> None:
    offered = replies.offered(language)
    for speaks in sorted(WORDS):
        assert understand(offered["confirm"], [speaks]) == CONFIRM
        assert understand(offered["cancel"], [speaks]) == CANCEL
        assert understand(offered["call_back"], [speaks]) == CALL_BACK
        assert understand(offered["stop"], [speaks]) == STOP
        for minutes in replies.MINUTES:
            assert understand(str(minutes), [speaks]) == late(minutes)


def test_the_documentation_has_the_words_that_messages_offer() -> None:
    text = (shipped("config").parent / "docs" / "messages.md").read_text("utf-8")
    for name, meaning in (("confirm", "confirm"), ("cancel", "cancel"), ("call me", "call_back")):
        row = [replies.offered(language)[meaning] for language in ("nl", "fr", "en", "de")]
        assert f"| {name} | {' | '.join(row)} |" in text


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    reply = understand(text, ["nl"])
    assert (reply.minutes is not None) == (reply.meaning is Meaning.LATE)
    assert understand(unicodedata.normalize("NFD", text), ["nl"]) == reply
