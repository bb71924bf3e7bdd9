"""Texts to citizens: every template in every language, what each says and what it keeps to itself."""

from __future__ import annotations

import dataclasses
import html.parser
import itertools
import re
import shutil
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po, write_po

from notify import messages
from notify.messages import BadTemplate, Kind, Text, Values, render
from notify.sms_text import Encoding, count
from server import words
from server.domain.house import House
from server.domain.messages import Languages
from server.domain.schedule import to_instant
from server.settings import default_config, load, load_text, shipped

BRUSSELS = ZoneInfo("Europe/Brussels")
LINK = "https://wachten.mechelen.be/t/" + "x" * 35
"""As long as a citizen's link of that house."""
LANGUAGES = ("nl", "fr", "en", "de")
MECHELEN = load(default_config())["mechelen"]


def instant(*when: int) -> int:
    return to_instant(datetime(*when, tzinfo=BRUSSELS))  # type: ignore[misc, arg-type]


AT = instant(2026, 11, 23, 9, 15)
VALUES = Values(
    service="bouwen",
    at=AT,
    step="3d",
    ticket="A012",
    counter="4",
    ahead=2,
    minutes=15,
    later=instant(2026, 11, 23, 10, 42),
    link=LINK,
)


def house(**changes: object) -> House:
    """The Mechelen house, writing otherwise."""
    return dataclasses.replace(MECHELEN, messages=dataclasses.replace(MECHELEN.messages, **changes))  # type: ignore[arg-type]


def sms(values: Values, kind: Kind = Kind.REMINDER, language: str = "nl", **options: object) -> str:
    return render(MECHELEN, kind, "sms", values, language=language, **options).plain  # type: ignore[arg-type]


EVERY = [
    (kind, channel, language, safe, wording, replies)
    for kind in Kind
    for channel in messages.channels(kind)
    for language, safe, wording, replies in itertools.product(
        LANGUAGES, (False, True), messages.WORDINGS, (False, True)
    )
]


@pytest.mark.parametrize("kind", list(Kind))
def test_every_template_renders_in_every_language(kind: Kind) -> None:
    for each, channel, language, safe, wording, replies in EVERY:
        if each is not kind:
            continue
        values = dataclasses.replace(VALUES, replies=replies)
        text = render(MECHELEN, kind, channel, values, language=language, safe=safe, wording=wording)
        assert text.language == language
        whole = "\n".join((text.subject, text.plain, text.html))
        assert not re.search(r"%\(|\{[{%]|None|Undefined", whole)
        assert bool(text.html) == (channel == "mail")
        assert bool(text.subject) == (channel != "sms")
        assert "\n" not in text.subject
        if channel == "sms":
            assert text.plain.startswith("Mechelen")
            assert "\n" not in text.plain
            assert count(text.plain).encoding is Encoding.GSM7
            assert text.plain.count("https://") <= 1
        if language != "en":
            # A sentence that two languages share would be one that nobody has translated.
            english = render(MECHELEN, kind, channel, values, language="en", safe=safe, wording=wording)
            assert text.plain != english.plain or text.subject != english.subject


# --- what a reminder says, and what it takes ----------------------------------------------------


def test_a_reminder_names_day_time_place_service_and_what_to_bring() -> None:
    assert sms(VALUES) == (
        "Mechelen: afspraak Bouwen en verbouwen ma 23 nov 09:15, Huis van de Mechelaar, Reuzenstraat 1. "
        f"Breng mee: plannen en foto's. Verhinderd of te laat? {LINK}"
    )
    mail = render(MECHELEN, Kind.REMINDER, "mail", VALUES, language="fr")
    assert mail.subject == "Votre rendez-vous du lundi 23 novembre 2026 à 09:15"
    for said in (
        "lundi 23 novembre 2026, 09:15",
        "Huis van de Mechelaar, Reuzenstraat 1",
        "plans et photos",
        LINK,
    ):
        assert said in mail.plain
        assert said in mail.html
    push = render(MECHELEN, Kind.REMINDER, "push", VALUES, language="de")
    assert push.subject == "Mechelen: Termin am Mo., 23. Nov., 09:15"
    assert "Bouwen en verbouwen" in push.plain


def test_a_time_is_that_of_the_house_on_both_sides_of_the_clock_change() -> None:
    for at in (instant(2026, 10, 24, 9, 15), instant(2026, 10, 25, 9, 15), instant(2026, 10, 26, 9, 15)):
        assert "09:15" in sms(dataclasses.replace(VALUES, at=at))
    assert "wo 24 jun 23:30" in sms(dataclasses.replace(VALUES, at=instant(2026, 6, 24, 23, 30)))


@pytest.mark.parametrize(
    "service", [s.id for s in MECHELEN.services.values() if s.appointments and not s.bring]
)
def test_a_dutch_reminder_is_one_part(service: str) -> None:
    values = dataclasses.replace(VALUES, service=service)
    for month in range(1, 13):
        size = count(sms(dataclasses.replace(values, at=instant(2026, month, 28, 10, 15))))
        assert (size.encoding, size.parts) == (Encoding.GSM7, 1), size


@pytest.mark.parametrize("service", [s.id for s in MECHELEN.services.values() if s.appointments])
def test_no_reminder_takes_more_than_two_parts(service: str) -> None:
    for language, wording, replies, step in itertools.product(
        LANGUAGES, messages.WORDINGS, (False, True), ("3d", "2h")
    ):
        values = dataclasses.replace(VALUES, service=service, replies=replies, step=step)
        for month in (2, 9, 12):
            at = instant(2026, month, 23, 10, 15)
            text = sms(dataclasses.replace(values, at=at), language=language, wording=wording)
            assert count(text).parts <= 2, (count(text), text)


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        (Kind.ALMOST, 1),
        (Kind.GO, 1),
        (Kind.DELAYED, 1),
        (Kind.CLOSING, 2),
        (Kind.CONFIRMED, 1),
        (Kind.CANCELLED, 1),
        (Kind.LATE, 1),
        (Kind.CALL_BACK, 1),
        (Kind.STOPPED, 1),
        (Kind.UNKNOWN, 2),
        (Kind.OVER, 1),
    ],
)
def test_other_sms_are_as_short_as_can_be(kind: Kind, parts: int) -> None:
    for language in LANGUAGES:
        assert count(sms(VALUES, kind, language)).parts <= parts


def test_words_to_reply_with_are_offered_where_replies_arrive() -> None:
    can = dataclasses.replace(VALUES, replies=True)
    assert "Antwoord JA, NEE of STOP." in sms(can)
    assert "Antwoord NEE, 10 (minuten te laat) of STOP." in sms(dataclasses.replace(can, step="2h"))
    assert "STOP" not in sms(VALUES)
    assert "Répondez OUI, NON ou STOP." in sms(can, language="fr")


def test_the_other_wording_names_what_a_missed_appointment_costs() -> None:
    said = "dan gaan ongeveer 15 minuten voor iemand anders verloren"
    for channel in messages.CHANNELS:
        cost = render(MECHELEN, Kind.REMINDER, channel, VALUES, language="nl", wording="cost")
        plain = render(MECHELEN, Kind.REMINDER, channel, VALUES, language="nl")
        assert said in cost.plain
        assert said not in plain.plain
        # It is the sentence alone that differs, or the experiment would compare more than that.
        assert cost.plain.replace(f"Komt u niet, {said}.", "").split() == plain.plain.split()
        assert cost.subject == plain.subject
    assert said not in sms(VALUES, Kind.CONFIRMED, wording="cost")
    with pytest.raises(ValueError, match="no wording 'loud'"):
        sms(VALUES, wording="loud")


def test_live_notices() -> None:
    assert sms(VALUES, Kind.GO).startswith("Mechelen: Nummer A012, ga nu naar loket 4.")
    assert "Er zijn nog 2 personen voor u." in sms(VALUES, Kind.ALMOST)
    assert "Er is nog 1 persoon voor u." in sms(dataclasses.replace(VALUES, ahead=1), Kind.ALMOST)
    assert "U bent de volgende." in sms(dataclasses.replace(VALUES, ahead=0), Kind.ALMOST)
    assert "ongeveer 15 minuten." in sms(dataclasses.replace(VALUES, ahead=None), Kind.ALMOST)
    late = "Wij lopen ongeveer 15 minuten achter. Kom om 10:42 in plaats van om 09:15."
    assert late in sms(VALUES, Kind.DELAYED)
    assert "Kom een andere dag terug of maak een nieuwe afspraak." in sms(VALUES, Kind.CLOSING)
    assert "BEL (wij bellen u)" in sms(VALUES, Kind.UNKNOWN)


# --- safe ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_safe_message_says_neither_service_nor_what_it_needs(language: str) -> None:
    for kind in Kind:
        for channel in messages.channels(kind):
            for wording in messages.WORDINGS:
                text = render(MECHELEN, kind, channel, VALUES, language=language, safe=True, wording=wording)
                whole = "\n".join((text.subject, text.plain, text.html)).lower()
                for told in ("bouwen", "photo", "foto", "plan", " lost ", "verloren", "perdues"):
                    assert told not in whole, text
                if kind not in messages.ANSWERS and channel != "sms":
                    # What a locked screen shows of a push or a mail.
                    assert not re.search(r"mechel|\d", text.subject, re.IGNORECASE), text
                if channel == "push":
                    assert text.plain == ""


def test_a_safe_reminder_still_says_when_and_where() -> None:
    said = "Mechelen: u hebt een afspraak op ma 23 nov 09:15, Huis van de Mechelaar, Reuzenstraat 1."
    assert sms(VALUES, safe=True) == f"{said} {LINK}"
    mail = render(MECHELEN, Kind.REMINDER, "mail", VALUES, language="nl", safe=True)
    assert mail.subject == "U hebt een bericht."
    assert "maandag 23 november 2026, 09:15" in mail.plain


def test_a_discreet_service_and_one_that_is_gone_are_always_safe() -> None:
    safe = sms(VALUES, safe=True)
    for service in ("gesprek", "no-longer-there"):
        values = dataclasses.replace(VALUES, service=service)
        assert sms(values, wording="cost") == safe
        push = render(MECHELEN, Kind.REMINDER, "push", values, language="nl")
        assert (push.subject, push.plain) == ("U hebt een bericht.", "")


# --- languages ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "wanted", "written"),
    [
        (Languages.OFFICIAL, "fr", ("nl",)),
        (Languages.OFFICIAL_FIRST, "fr", ("nl", "fr")),
        (Languages.OFFICIAL_FIRST, "nl-BE", ("nl",)),
        (Languages.OFFICIAL_FIRST, "tr", ("nl",)),
        (Languages.CITIZEN, "fr", ("fr",)),
        (Languages.CITIZEN, "de-AT", ("de",)),
        (Languages.CITIZEN, "FR", ("fr",)),
        (Languages.CITIZEN, None, ("nl",)),
        (Languages.CITIZEN, "es", ("nl",)),
        (Languages.CITIZEN, "../fr", ("nl",)),
    ],
)
def test_the_languages_that_a_site_may_write_in(
    policy: Languages, wanted: str | None, written: tuple[str, ...]
) -> None:
    assert messages.languages(house(languages=policy), wanted) == written


def test_a_language_that_the_house_does_not_list_is_not_written() -> None:
    flemish = dataclasses.replace(MECHELEN, languages=("nl",))
    assert messages.languages(flemish, "fr") == ("nl",)
    # Nobody has translated these: the house reads Dutch and writes it.
    many = dataclasses.replace(MECHELEN, languages=("nl", "tr", "ar", "uk"))
    assert messages.offered(many) == ("nl",)
    assert messages.offered(dataclasses.replace(MECHELEN, languages=("es",))) == ("en",)


def test_the_official_language_first() -> None:
    both = house(languages=Languages.OFFICIAL_FIRST)
    text = render(both, Kind.REMINDER, "sms", VALUES, language="fr").plain
    assert text.startswith("Mechelen: afspraak Bouwen")
    assert text.index("Breng mee") < text.index("Mechelen: rendez-vous") < text.index("Apportez")
    assert text.count(LINK) == 1
    assert text.endswith(LINK)
    mail = render(both, Kind.REMINDER, "mail", VALUES, language="fr")
    assert mail.language == "nl"
    assert mail.subject.split(" / ") == [
        "Uw afspraak op maandag 23 november 2026 om 09:15",
        "Votre rendez-vous du lundi 23 novembre 2026 à 09:15",
    ]
    assert re.findall(r'<(?:html|div) lang="(\w+)"', mail.html) == ["nl", "nl", "fr"]
    assert mail.plain.index("Wanneer:") < mail.plain.index("Quand :")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what ships, to change."""
    folder = tmp_path / "config"
    shutil.copytree(shipped("config"), folder)
    for module in (messages, words):
        monkeypatch.setattr(module, "shipped", lambda name: tmp_path / name)
    words.words.cache_clear()
    yield folder  # type: ignore[misc]
    words.words.cache_clear()


def translate(config: Path, language: str, leave: int = 0) -> None:
    """Fill in a catalogue but for so many messages: each is its source between marks."""
    path = config / "locales" / language / "messages.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    said = [message for message in catalogue if message.id]
    for message in said[leave:]:
        source = message.id if isinstance(message.id, str) else message.id[1]
        many = f"‹{source}›"
        message.string = many if isinstance(message.id, str) else (many,) * catalogue.num_plurals
    with path.open("wb") as file:
        write_po(file, catalogue)
    words.words.cache_clear()


@pytest.mark.parametrize("language", words.READY)
def test_a_language_is_offered_once_every_message_is_translated(config: Path, language: str) -> None:
    many = dataclasses.replace(MECHELEN, languages=("nl", language))
    translate(config, language, leave=1)
    assert messages.languages(many, language) == ("nl",)
    translate(config, language)
    assert messages.languages(many, language) == (language,)
    for kind in Kind:
        for channel in messages.channels(kind):
            text = render(many, kind, channel, VALUES, language=language)
            assert "‹" in text.plain + text.subject
            if channel == "mail":
                assert f'dir="{"rtl" if language == "ar" else "ltr"}"' in text.html
            if channel == "sms":
                assert count(text.plain).encoding is Encoding.UCS2


def test_accents_cost_nothing_where_that_is_configured() -> None:
    values = dataclasses.replace(VALUES, service="financien")
    plainer = house(transliterate=("nl",))
    assert count(render(plainer, Kind.REMINDER, "sms", values, language="nl").plain).parts == 1
    as_it_is = render(house(transliterate=()), Kind.REMINDER, "sms", values, language="nl").plain
    assert "Financiën" in as_it_is
    assert count(as_it_is).encoding is Encoding.UCS2
    # Another language than those configured keeps its signs, and the mail of all.
    assert "Financiën" in render(plainer, Kind.REMINDER, "sms", values, language="fr").plain
    assert "Financiën" in render(plainer, Kind.REMINDER, "mail", values, language="nl").plain


def test_no_accent_is_lost_where_the_whole_stays_ucs_2(config: Path) -> None:
    translate(config, "tr")
    both = dataclasses.replace(
        house(languages=Languages.OFFICIAL_FIRST, transliterate=("nl",)), languages=("nl", "tr")
    )
    values = dataclasses.replace(VALUES, service="financien")
    assert render(both, Kind.REMINDER, "sms", values, language="tr").plain.count("Financiën") == 2


# --- templates and names that are wrong ---------------------------------------------------------


def refused(config: Path, name: str, text: str | None) -> BadTemplate:
    path = config / "messages" / name
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    with pytest.raises(BadTemplate) as caught:
        messages.prepare()
    return caught.value


def test_a_template_with_a_name_that_there_is_not(config: Path) -> None:
    # Also where no message of the day would come by it.
    error = refused(config, "go.sms.txt", "{{ city }}{% if safe %}{{ conuter }}{% endif %}")
    assert (error.file, error.variable) == ("go.sms.txt", "conuter")
    assert str(error).startswith('go.sms.txt: there is no "conuter"')


@pytest.mark.parametrize(("text", "said"), [(None, "cannot be read"), ("{{ city", "line 1")])
def test_a_template_that_is_missing_or_is_none(config: Path, text: str | None, said: str) -> None:
    error = refused(config, "almost.mail.html", text)
    assert (error.file, error.variable) == ("almost.mail.html", "")
    assert said in str(error)


def test_a_message_without_what_its_template_needs() -> None:
    for values, variable in (
        (dataclasses.replace(VALUES, counter=None), "counter"),
        (dataclasses.replace(VALUES, ticket=None), "ticket"),
    ):
        with pytest.raises(BadTemplate) as caught:
            sms(values, Kind.GO)
        assert (caught.value.file, caught.value.variable) == ("go.sms.txt", variable)
    with pytest.raises(BadTemplate) as caught:
        sms(dataclasses.replace(VALUES, minutes=None), Kind.DELAYED)
    assert caught.value.variable == "minutes"
    with pytest.raises(BadTemplate, match=r"over\.mail\.txt"):
        render(MECHELEN, Kind.OVER, "mail", VALUES, language="nl")


@pytest.mark.parametrize(
    ("said", "variable"), [("Nummer %(tikcet)s", "tikcet"), ("Nummer %(ticket)", ""), ("100 %", "")]
)
def test_a_translation_with_another_placeholder(config: Path, said: str, variable: str) -> None:
    path = config / "locales" / "nl" / "messages.po"
    text = path.read_text()
    whole = "Nummer %(ticket)s, ga nu naar loket %(counter)s."
    assert whole in text
    path.write_text(text.replace(whole, said))
    words.words.cache_clear()
    with pytest.raises(BadTemplate) as caught:
        sms(VALUES, Kind.GO)
    assert (caught.value.file, caught.value.variable) == ("go.sms.txt", variable)


def test_no_name_breaks_a_line_or_becomes_markup() -> None:
    evil = "Bouwen\r\nBcc: all@example.be\u2028\x00<script>alert(1)</script> %(x)s {{ city }}"
    service = dataclasses.replace(MECHELEN.services["bouwen"], name=evil, bring={"nl": evil})
    evil_house = dataclasses.replace(
        house(city=evil, place=evil), services={**MECHELEN.services, "bouwen": service}
    )
    for kind in Kind:
        for channel in messages.channels(kind):
            text = render(evil_house, kind, channel, VALUES, language="nl")
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u2028]", text.subject + text.plain + text.html)
            assert "\n" not in text.subject
            assert not any(line.startswith("Bcc:") for line in text.plain.splitlines())
            assert "<script" not in text.html
            if channel == "sms":
                assert "%(x)s {{ city }}" in text.plain


class Page(html.parser.HTMLParser):
    """What a mail's HTML is made of."""

    def __init__(self, text: Text) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(text.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_mail_is_plain_and_fetches_nothing() -> None:
    for kind in Kind:
        if kind in messages.ANSWERS:
            continue
        text = render(MECHELEN, kind, "mail", VALUES, language="nl")
        page = Page(text)
        assert set(page.tags) <= {
            "html",
            "head",
            "meta",
            "title",
            "body",
            "div",
            "h1",
            "p",
            "strong",
            "a",
            "br",
        }
        assert page.attributes <= {"lang", "dir", "charset", "name", "content", "href"}
        assert set(page.links) == {LINK}
        assert page.tags.count("h1") == 1
        # Each has all that the other has.
        body = set(re.findall(r"\w+", page.text))
        assert set(re.findall(r"\w+", text.plain)) <= body


def test_a_house_without_a_place_or_a_city_is_called_by_its_name() -> None:
    small = load_text((shipped("config") / "onthaal.toml").read_text(), "x")["town-hall"]
    text = render(
        small, Kind.REMINDER, "sms", dataclasses.replace(VALUES, service="population"), language=None
    )
    assert text.plain.startswith("Town hall: afspraak Bevolking ma 23 nov 09:15, Town hall.")


def test_the_documentation_has_every_kind() -> None:
    text = (shipped("config").parent / "docs" / "messages.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert re.findall(r"`([\w-]+)`", "".join(row.split("|")[1] for row in rows)) == list(Kind)
