"""What is written to supervisors: what is wrong, what to do next, since when. Nothing of a person.

The templates are those in ``config/messages/staff``, their wording that of the catalogue ``alerts``, in the
house's own language. A discreet service is not named: a telephone shows this on its lock screen.
"""

from __future__ import annotations

from functools import cache

import jinja2
from babel.dates import format_skeleton
from babel.lists import format_list

from notify.ledger import About
from notify.messages import Text, locale_of
from server.domain.house import House
from server.domain.schedule import to_datetime
from server.settings import shipped
from server.words import LANGUAGES, SOURCE, words

CATALOGUE = "alerts"
CHANNELS = {"sms": "SMS", "mail": "e-mail", "push": "push"}


def render(house: House, about: About, channel: str, link: str, *, over: bool) -> Text:
    """An alert, or that it is over, for ``channel`` (mail or push); ``link`` leads to the overview."""
    language = house.languages[0].partition("-")[0]
    said = words(CATALOGUE, language if language in LANGUAGES else SOURCE)
    locale = locale_of(said.language, house.region)
    service = house.services.get(about.name or "")
    screen = house.screens.get(about.name or "")
    since = to_datetime(about.since or 0, house.calendar.zone)
    counters = [plan.id for plan in house.home_counters(about.name or "")]
    values = {
        "_": said.gettext,
        "language": said.language,
        "direction": said.direction,
        "over": over,
        "wrong": about.wrong,
        "name": about.name if screen is None else screen.name,
        "service": None if service is None or service.discreet else service.name,
        "counters": format_list(counters, style="or", locale=locale) if counters else "",
        "channel": CHANNELS.get(about.name or "", about.name),
        "since": format_skeleton("Hm", since, tzinfo=since.tzinfo, locale=locale),
        "count": about.count,
        "of": about.of,
        "place": house.messages.place or house.name,
        "link": link,
    }
    plain = _environment().get_template("alert.txt").render(values)
    subject, *lines = (" ".join(line.split()) for line in plain.strip().splitlines())
    if channel != "mail":
        return Text(subject, "\n".join(lines), "", said.language)
    html = _environment().get_template("alert.html").render(values, subject=subject, lines=lines)
    return Text(subject, "\n\n".join([*lines, link]), html + "\n", said.language)


def prepare() -> None:
    """Read the templates and words, so that no alert has to. Raises what jinja does for a broken one."""
    for name in ("alert.txt", "alert.html"):
        _environment().get_template(name)
    for language in LANGUAGES:
        words(CATALOGUE, language)


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(shipped("config") / "messages" / "staff"),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
