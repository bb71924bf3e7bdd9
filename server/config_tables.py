"""The shape of the configuration: which keys there are, of what kind and with which defaults.

The structs are the whole list of settings; ``docs/configuration.md`` is tested against them. What
the values mean to each other (a counter's unknown service, say) is for ``server.settings``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from server.domain.experiment import WHOLE, Wording
from server.domain.house import Kind
from server.domain.messages import Languages

Duration = Annotated[int, Meta(ge=0, le=86_400)]
"""Seconds, from none to a day: more is a slip of the unit."""
Target = Annotated[int, Meta(ge=1, le=86_400)]
Count = Annotated[int, Meta(ge=0, le=1000)]
Every = Annotated[int, Meta(ge=1, le=1000)]
Percent = Annotated[int, Meta(ge=1, le=100)]
Label = Annotated[
    str, Meta(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*\Z")
]
Notice = Annotated[str, Meta(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
ServiceId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,30}\Z")]
"""Capitals too, for traces and booking systems have codes such as ``PS``."""
CounterId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,8}\Z")]
Zone = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,30}\Z")]
Metres = Annotated[float, Meta(ge=0.5, le=60)]
Millimetres = Annotated[int, Meta(ge=100, le=20_000)]
Colour = Annotated[str, Meta(pattern=r"^#[0-9A-Fa-f]{6}\Z")]
Version = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,30}\Z")]
Font = Annotated[str, Meta(max_length=60, pattern=r"^([A-Za-z0-9][A-Za-z0-9 -]*)?\Z")]
Letter = Annotated[str, Meta(pattern=r"^[A-Z]\Z")]
Region = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]
Quiet = Annotated[str, Meta(pattern=r"^(\d\d:\d\d-\d\d:\d\d)?\Z")]
Language = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")]

_SLUG = "must be 1 to 31 {}letters, digits and hyphens, and begin with a letter or digit"
SITE_ID = _SLUG.format("lower-case ")
_PATTERNS = {
    "name": "must be text on one line, not blank",
    "notice": "must be text on one line",
    "id": _SLUG.format(""),
    "zone": _SLUG.format("lower-case "),
    "version": "must be 1 to 31 letters, digits, full stops and hyphens, and begin with a letter or digit",
    "counter": "must be one to eight letters, digits or hyphens",
    "range": "must be one letter from A to Z",
    "font": "must be the name of one family: letters, digits, spaces and hyphens",
    "region": 'must be a country of two capitals such as "BE"',
    "languages": 'must be language tags such as "nl" or "nl-BE"',
    "transliterate": 'must be language tags such as "nl" or "nl-BE"',
    "quiet": 'must be a period such as "21:00-08:00", or "" for none',
    "bring": 'must be text on one line for each language, such as nl = "..."',
    "city": "must be text on one line",
    "place": "must be text on one line",
    "approved_by": "must be text on one line",
}
COLOURS = ("night", "dusk", "snow", "mist", "sun", "ink", "harbour")
_PATTERNS |= dict.fromkeys(COLOURS, 'must be a colour such as "#0b2034"')
_KINDS = {
    "int": "a whole number",
    "float": "a number with a fraction",
    "str": "text in quotes",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}


class ConfigError(Exception):
    """The configuration cannot be used; its text says which file, which key and why."""


class RulesTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[sites.SITE.rules]``: the numbers of the rules of the hall."""

    overdue_every: Every = 3
    recalls_before_no_show: Count = 1
    undo_s: Duration = 120
    call_shown_s: Duration = 600
    tickets_stop_s: Duration = 900
    tickets_start_s: Duration = 600
    day_ends_after_s: Duration = 3600
    grace_s: Duration = 300
    late_limit_s: Duration = 1200
    waiting_limit_s: Duration = 1200


class MessagesTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[sites.SITE.messages]``: what is written to citizens, and when."""

    city: Notice = ""
    place: Notice = ""
    ladder: tuple[str, ...] = ("3d", "1d", "2h")
    order: tuple[str, ...] = ("push", "sms", "mail")
    quiet: Quiet = "21:00-08:00"
    on_closing_days: bool = False
    languages: Languages = Languages.CITIZEN
    transliterate: tuple[Language, ...] = ()
    almost_ahead: Count = 2
    almost_s: Duration = 600
    late_from_s: Duration = 900
    kept_days: Annotated[int, Meta(ge=1, le=3650)] = 30


class FiguresTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[sites.SITE.figures]``: what the house holds itself to, and whether it says so in public."""

    service_level_s: Duration = 600
    service_level_percent: Annotated[int, Meta(ge=1, le=100)] = 80
    public_calibration: bool = False


class AlertsTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[sites.SITE.alerts]``: when a supervisor is alerted."""

    tell_after_s: Duration = 60
    clears_after_s: Duration = 600
    late_window_s: Target = 1800
    late_least: Every = 5
    late_usual_percent: Percent = 16
    failing_window_s: Target = 3600
    failing_for_s: Duration = 600
    failing_least: Every = 3
    failing_percent: Percent = 50


class ArmTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[[sites.SITE.experiment.arms]]``: one way of reminding people. ``share`` is in thousandths."""

    id: ServiceId
    share: Annotated[int, Meta(ge=1, le=WHOLE)]
    ladder: tuple[str, ...]
    wording: Wording = Wording.PLAIN


class ExperimentTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[sites.SITE.experiment]``: which appointments are reminded in which of several ways."""

    id: ServiceId
    starts: date
    ends: date
    services: tuple[str, ...] = ()
    approved_by: Notice = ""
    arms: list[Any]


class PunctualityTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[[sites.SITE.punctuality]]``: where the lines of the figures are drawn, under a version."""

    version: Version
    early_s: Duration = 900
    grace_s: Duration = 300
    cancel_in_time_s: Annotated[int, Meta(ge=0, le=30 * 86_400)] = 86_400


class OpeningTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[sites.SITE.opening]``: for each day of the week its periods, ``"08:00-13:00"``."""

    mon: tuple[str, ...] = ()
    tue: tuple[str, ...] = ()
    wed: tuple[str, ...] = ()
    thu: tuple[str, ...] = ()
    fri: tuple[str, ...] = ()
    sat: tuple[str, ...] = ()
    sun: tuple[str, ...] = ()


class ServiceTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[[sites.SITE.services]]``: what a citizen comes for. Unset limits are those of the rules."""

    id: ServiceId
    name: Label
    kind: Kind
    range: Letter
    target_s: Target
    walk_ins: bool = True
    appointments: bool = True
    grace_s: Duration | UnsetType = UNSET
    late_limit_s: Duration | UnsetType = UNSET
    waiting_limit_s: Duration | UnsetType = UNSET
    discreet: bool = False
    ladder: tuple[str, ...] | UnsetType = UNSET
    bring: dict[Language, Notice] = {}


class CounterTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[[sites.SITE.counters]]``: a place where staff serve.

    Unset, ``overflow`` is every express service of the site where the counter offers a theme
    service, and nothing elsewhere.
    """

    id: CounterId
    services: tuple[str, ...]
    overflow: tuple[str, ...] | UnsetType = UNSET


class ScreenTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[[sites.SITE.screens]]``: a hall screen. The default is 55 inches wide-screen, read from 4 m."""

    id: ServiceId
    name: Label
    zone: Zone = "hall"
    sounds: bool = True
    distance_m: Metres = 4.0
    width_mm: Millimetres = 1210
    height_mm: Millimetres = 680
    rows: Annotated[int, Meta(ge=1, le=9)] | UnsetType = UNSET


class ThemeTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[sites.SITE.theme]``: the city's colours, typeface and logo; the defaults are Onthaal's own."""

    night: Colour = "#0b2034"
    dusk: Colour = "#143a5c"
    snow: Colour = "#ffffff"
    mist: Colour = "#bccbd9"
    sun: Colour = "#ffd034"
    ink: Colour = "#0b2034"
    harbour: Colour = "#0a4c86"
    font: Font = ""
    logo: str = ""


class SiteTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[sites.SITE]``: one building with a hall."""

    name: Label
    time_zone: str
    holidays: str = ""
    closing_days: tuple[Any, ...] = ()
    languages: tuple[Language, ...] = ("nl",)
    region: Region = "BE"
    notice: Notice = ""
    theme: dict[str, Any] = {}
    rules: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    figures: dict[str, Any] = {}
    alerts: dict[str, Any] = {}
    experiment: dict[str, Any] = {}
    punctuality: list[Any] = []
    opening: dict[str, Any]
    services: list[Any]
    counters: list[Any]
    screens: list[Any] = []


class FileTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The whole file."""

    sites: dict[str, Any]
    channels: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which file we are, for errors."""

    file: str
    key: str = ""

    def at(self, key: str) -> Place:
        """The place of a key in the table that is here."""
        return Place(self.file, f"{self.key}.{key}" if self.key else key)

    def item(self, name: str | int) -> Place:
        """The place of an item of the list that is here, by its id or its number from 0."""
        return Place(self.file, f"{self.key}[{name}]")

    def fail(self, what: str, given: str = "", valid: Iterable[str] = ()) -> NoReturn:
        """Raise :class:`ConfigError`; of the ``valid`` names it gives the one nearest to ``given``."""
        key = f"{self.key}: " if self.key else ""
        raise ConfigError(f"{self.file}: {key}{what}{nearest(given, valid)}")


def nearest(given: str, valid: Iterable[str]) -> str:
    """The end of an error that helps: the valid name that is meant, else all of a short list."""
    names = {name.lower(): name for name in valid}
    close = get_close_matches(given.lower(), names, n=1)
    if close:
        return f' (nearest valid name: "{names[close[0]]}")'
    return f" (valid names: {', '.join(names.values())})" if 0 < len(names) <= 20 else ""


T = TypeVar("T", bound=msgspec.Struct)


def read_table(raw: object, struct: type[T], place: Place) -> T:
    """A TOML table as its struct. Keys are checked here, because msgspec names no nearest one."""
    if not isinstance(raw, dict):
        place.fail("must be a table")
    fields = msgspec.structs.fields(struct)
    for key in raw:
        names = [field.name for field in fields]
        if key not in names:
            place.at(key).fail("unknown key", key, names)
    for field in fields:
        if field.required and field.name not in raw:
            place.at(field.name).fail("is missing")
    for field in fields:
        if field.name in raw:
            _check(raw[field.name], field.type, struct, place.at(field.name), field.name)
    return msgspec.convert(raw, struct)


def _check(value: object, kind: Any, struct: type, place: Place, key: str) -> None:
    """One value by itself; msgspec's own words are for programmers, so they are put differently."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        said, _, where = str(error).partition(" - at `$")
    else:
        return
    # An item of a table has no number: its key is said in words.
    place = Place(place.file, place.key + where.rstrip("`").removesuffix("[...]"))
    if kind is Kind and isinstance(value, str):
        place.fail(f'"{value}" is no kind of service', value, list(Kind))
    if kind is date:
        place.fail('must be a day such as "2026-12-24"')
    if isinstance(kind, type) and issubclass(kind, StrEnum) and isinstance(value, str):
        place.fail(f'"{value}" is none of the choices', value, list(kind))
    if "regex" in said:
        place.fail(_PATTERNS["counter" if struct is CounterTable else key])
    bound = re.search(r"([<>])= (\d+)", said)
    if bound:
        length = " characters long" if "length" in said else ""
        place.fail(f"must be at {'least' if bound[1] == '>' else 'most'} {bound[2]}{length}")
    wanted = re.search(r"Expected `(\w+)", said)
    place.fail(f"must be {_KINDS.get(wanted[1], wanted[1])}" if wanted else said)
