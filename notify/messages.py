"""What is written to citizens: a short template for each kind and channel, in the languages of the site.

The templates are those in ``config/messages``, ``<kind>.<channel>.txt``, for mail also ``.html``; of a mail
or push the first line is the subject. Their wording goes through the catalogues ``messages``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import Any

import jinja2
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton
from jinja2 import meta
from markupsafe import Markup

from notify import replies
from notify.sms_text import Encoding, count, transliterate
from server.domain.house import House, Service
from server.domain.messages import CHANNELS, Languages
from server.domain.schedule import to_datetime
from server.settings import shipped
from server.words import LANGUAGES, READY, SOURCE, words

CATALOGUE = "messages"
PLAIN, COST = "plain", "cost"
WORDINGS = (PLAIN, COST)
"""How a reminder may be put: as it is, or with what a missed appointment costs."""


class Kind(StrEnum):
    """What a message is for."""

    REMINDER = "reminder"
    ALMOST = "almost"
    GO = "go"
    DELAYED = "delayed"
    CLOSING = "closing"
    # Answers to what a citizen sent.
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    LATE = "late"
    CALL_BACK = "call-back"
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    OVER = "over"


ANSWERS = (
    Kind.CONFIRMED,
    Kind.CANCELLED,
    Kind.LATE,
    Kind.CALL_BACK,
    Kind.STOPPED,
    Kind.UNKNOWN,
    Kind.OVER,
)
"""What goes back to somebody who answered by SMS, and only so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What a message is about. Instants are microseconds UTC; None is what there is not.

    ``service`` is the id of a service, ``at`` its slot, ``step`` the rung of the ladder as it is written.
    ``later`` is the instant to come at in place of the slot, ``minutes`` how long something takes or how
    late somebody is. ``link`` is the citizen's own page. Words to reply with are offered only where
    ``replies`` says that the sender of an SMS can receive them.
    """

    service: str | None = None
    at: int | None = None
    step: str | None = None
    ticket: str | None = None
    counter: str | None = None
    ahead: int | None = None
    minutes: int | None = None
    later: int | None = None
    link: str = ""
    replies: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A message as it goes out: ``subject`` is one line, ``html`` is for mail alone.

    ``language`` is the first one that it is in.
    """

    subject: str
    plain: str
    html: str
    language: str


class BadTemplate(Exception):
    """A template or its translation cannot be used: ``file`` says which, ``variable`` which name is wrong.

    ``variable`` is empty where the template is missing or cannot be read at all.
    """

    def __init__(self, file: str, variable: str, why: str) -> None:
        super().__init__(f"{file}: {why}")
        self.file = file
        self.variable = variable


def render(
    house: House,
    kind: Kind,
    channel: str,
    values: Values,
    *,
    language: str | None,
    safe: bool = False,
    wording: str = PLAIN,
) -> Text:
    """A message to somebody who wants to read ``language``, in the language or two that the site may use.

    ``safe`` leaves out the service and what it needs, and puts nothing on a locked screen that a channel
    can keep off it; it is always so for a discreet service, and for one that the house no longer has.
    Raises :class:`BadTemplate`, ``ValueError`` for a wording that there is not.
    """
    if wording not in WORDINGS:
        raise ValueError(f"there is no wording {wording!r}")
    service = house.services.get(values.service or "")
    safe = safe or (values.service is not None and (service is None or service.discreet))
    tongues = languages(house, language)
    sections: list[_Section] = []
    for tongue in tongues:
        # One link in an SMS, at its end: it leads to the same page in each language.
        linked = channel != "sms" or tongue == tongues[-1]
        about = _about(house, None if safe else service, values, tongue, linked=linked)
        if wording == COST and kind is Kind.REMINDER and service is not None and not safe:
            about["empty_min"] = max(1, round(service.target_s / 60))
        about |= {"safe": safe}
        section = _section(kind, channel, about, tongue)
        if section.plain not in [other.plain for other in sections]:
            sections.append(section)
    subject = " / ".join(dict.fromkeys(section.subject for section in sections if section.subject))
    if channel == "sms":
        plain = _sms([section.plain for section in sections], house, tongues)
    else:
        plain = ("\n\n---\n\n" if channel == "mail" else "\n").join(
            section.plain for section in sections if section.plain
        )
    html = ""
    if channel == "mail":
        first = sections[0]
        whole = {"subject": subject, "sections": sections, "language": first.language}
        html = _filled("layout.mail.html", whole | {"direction": first.direction}) + "\n"
    return Text(subject, plain, html, tongues[0])


def channels(kind: Kind) -> tuple[str, ...]:
    """The channels that a kind goes through."""
    return ("sms",) if kind in ANSWERS else CHANNELS


def offered(house: House) -> tuple[str, ...]:
    """The languages that a house may write in: those it lists, as far as every message is translated.

    Where none of them is, it writes English.
    """
    bases = dict.fromkeys(_base(tag) for tag in house.languages)
    return tuple(base for base in bases if translated(base)) or (SOURCE,)


def translated(language: str) -> bool:
    """Whether every message is there in a language: a text that is half English is never sent."""
    language = _base(language)
    said = words(CATALOGUE, language)
    return said.language == language and not said.missing


def languages(house: House, wanted: str | None) -> tuple[str, ...]:
    """The languages to write in to somebody who wants to read one, in their order; one or two."""
    may = offered(house)
    official = may[0]
    own = _base(wanted) if wanted and _base(wanted) in may else official
    match house.messages.languages:
        case Languages.OFFICIAL:
            return (official,)
        case Languages.OFFICIAL_FIRST:
            return (official,) if own == official else (official, own)
        case Languages.CITIZEN:
            return (own,)


def prepare() -> None:
    """Read all templates, words and catalogues, which takes a moment, so that no message has to.

    Raises :class:`BadTemplate` for the first one that cannot be used.
    """
    for kind in Kind:
        for channel in channels(kind):
            for name in _names(kind, channel):
                _template(_folder(), name)
    _template(_folder(), "layout.mail.html")
    for language in (*LANGUAGES, *READY):
        words(CATALOGUE, language)
    replies.vocabulary()


# --- one language -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Section:
    """A message in one language."""

    subject: str
    plain: str
    html: Markup
    language: str
    direction: str


NAMES = frozenset(
    {"_", "ngettext", "language", "direction", "city", "place", "link", "replies", "safe", "word", "soon"}
    | {"service", "bring", "day", "short_day", "time", "later", "ticket", "counter", "ahead", "minutes"}
    | {"empty_min", "subject", "sections"}
)
"""All that a template may name. Of the second and third line there is what the message is about."""


def _about(
    house: House, service: Service | None, values: Values, tongue: str, *, linked: bool
) -> dict[str, Any]:
    """What a template works with, in one language."""
    said = words(CATALOGUE, tongue)
    locale = locale_of(tongue, house.region)
    zone = house.calendar.zone
    about: dict[str, Any] = {
        "_": partial(_say, said.gettext, tongue),
        "ngettext": partial(_say, said.ngettext, tongue),
        "language": tongue,
        "direction": said.direction,
        "city": house.messages.city or house.name,
        "place": house.messages.place or house.name,
        "link": values.link if linked else "",
        "replies": values.replies,
        "word": replies.offered(tongue),
        # Hours before, it is late to find another, and time to say that one is late.
        "soon": values.step is not None and not values.step.endswith("d"),
        "ticket": values.ticket,
        "counter": values.counter,
        "ahead": values.ahead,
        "minutes": values.minutes,
    }
    if service is not None:
        about |= {"service": service.name, "bring": _bring(service, house, tongue)}
    if values.at is not None:
        slot = to_datetime(values.at, zone)
        about |= {"time": _clock(slot, locale), "day": format_date(slot, "full", locale=locale)}
        about["short_day"] = format_skeleton("MMMEd", slot, tzinfo=zone, locale=locale)
    if values.later is not None:
        about["later"] = _clock(to_datetime(values.later, zone), locale)
    return {
        name: _one_line(value) if isinstance(value, str) else value
        for name, value in about.items()
        if value is not None
    }


def _section(kind: Kind, channel: str, about: dict[str, Any], tongue: str) -> _Section:
    filled = [_filled(name, about) for name in _names(kind, channel)]
    subject, plain = "", filled[0].strip()
    if channel == "sms":
        plain = _one_line(plain)
    else:
        subject, _, plain = plain.partition("\n")
        plain = re.sub(r"\n{3,}", "\n\n", plain.strip())
    html = Markup(filled[1].strip()) if len(filled) > 1 else Markup()
    return _Section(_one_line(subject), plain, html, tongue, about["direction"])


def _sms(texts: list[str], house: House, tongues: tuple[str, ...]) -> str:
    """The text of an SMS. Transliterated by language, and only if the whole fits the alphabet then."""
    plainer = {_base(tag) for tag in house.messages.transliterate}
    tried = " ".join(
        transliterate(text) if tongue in plainer else text
        for text, tongue in zip(texts, tongues, strict=False)
    )
    return tried if count(tried).encoding is Encoding.GSM7 else " ".join(texts)


def _bring(service: Service, house: House, tongue: str) -> str | None:
    """What to bring, in a language, else in the house's own."""
    by_base = {_base(tag): text for tag, text in service.bring.items()}
    found = by_base.get(tongue) or by_base.get(_base(house.languages[0]))
    return found.strip().rstrip(".") or None if found else None


@cache
def locale_of(tongue: str, region: str) -> Locale:
    """How days and times are written in a language, in a country."""
    # English without a country would put the month before the day.
    for name in (f"{tongue}_{region}", f"{tongue}_GB", tongue):
        try:
            return Locale.parse(name)
        except UnknownLocaleError:
            continue
    raise AssertionError(f"{tongue} is a language that messages are in")


def _clock(moment: datetime, locale: Locale) -> str:
    return format_skeleton("Hm", moment, tzinfo=moment.tzinfo, locale=locale)


def _one_line(text: str) -> str:
    """A text on one line, without control characters, so that no name breaks a header or a message."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    return " ".join(unicodedata.normalize("NFC", text).split())


def _base(tag: str) -> str:
    return tag.partition("-")[0].lower()


# --- templates ----------------------------------------------------------------------------------


def _folder() -> Path:
    return shipped("config") / "messages"


def _names(kind: Kind, channel: str) -> tuple[str, ...]:
    names = (f"{kind}.{channel}.txt",)
    return (*names, f"{kind}.{channel}.html") if channel == "mail" else names


def _filled(name: str, about: dict[str, Any]) -> str:
    template = _template(_folder(), name)
    try:
        return template.render(about)
    except jinja2.UndefinedError as error:
        missing = re.search(r"'(\w+)'", error.message or "")
        variable = missing[1] if missing else ""
        raise BadTemplate(name, variable, f'"{variable}" has no value in this message') from error
    except _BadWords as error:
        raise BadTemplate(name, error.variable, str(error)) from error


class _BadWords(Exception):
    def __init__(self, variable: str, why: str) -> None:
        super().__init__(why)
        self.variable = variable


def _say(fill: Callable[..., str], tongue: str, *text: object, **values: object) -> str:
    """A message of the catalogue with all of its placeholders filled in."""
    for value in (*text, *values.values()):
        if isinstance(value, jinja2.Undefined):
            str(value)  # Raises, with its name.
    try:
        # Never without any value: a placeholder would then stay in the text as it is.
        return fill(*text, **(values or {"nothing": ""}))
    except KeyError as error:
        name = str(error.args[0])
        raise _BadWords(name, f'"{name}" has no value in {text[0]!r} ({tongue})') from None
    except (TypeError, ValueError) as error:
        raise _BadWords("", f"{text[0]!r} cannot be filled in ({tongue}): {error}") from None


@cache
def _template(folder: Path, name: str) -> jinja2.Template:
    environment = _environment(folder)
    try:
        source = (folder / name).read_text("utf-8")
        unknown = meta.find_undeclared_variables(environment.parse(source)) - NAMES
        if unknown:
            variable = min(unknown)
            raise BadTemplate(
                name, variable, f'there is no "{variable}" (there is {", ".join(sorted(NAMES))})'
            )
        return environment.get_template(name)
    except (OSError, UnicodeDecodeError) as error:
        raise BadTemplate(name, "", f"cannot be read: {error}") from None
    except jinja2.TemplateSyntaxError as error:
        raise BadTemplate(name, "", f"line {error.lineno}: {error.message}") from None


@cache
def _environment(folder: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
