"""The configuration: TOML text to houses, or one clear error that stops the start.

``server.config_tables`` says which keys there are; here is what their values mean to each other.
Every error reads ``FILE: key: what is wrong (nearest valid name: "...")``.
"""

from __future__ import annotations

import math
import re
import tomllib
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any

import holidays as public_holidays
import msgspec
import phonenumbers
from msgspec import UNSET

from server.channel_tables import (
    Channels,
    ChannelsTable,
    read_mail,
    read_push,
)
from server.config_tables import (
    COLOURS,
    SITE_ID,
    AlertsTable,
    ArmTable,
    ConfigError,
    CounterTable,
    ExperimentTable,
    FiguresTable,
    FileTable,
    MessagesTable,
    OpeningTable,
    Place,
    PunctualityTable,
    RulesTable,
    ScreenTable,
    ServiceTable,
    SiteTable,
    T,
    ThemeTable,
    nearest,
    read_table,
)
from server.domain.alerts import Alerts
from server.domain.experiment import WHOLE, Arm, Experiment, Wording
from server.domain.house import CounterPlan, House, Kind, Norm, ScreenPlan, Service
from server.domain.layout import TooFar, TooMany, layout
from server.domain.messages import CHANNELS, Messages, Step, step
from server.domain.punctuality import Policy
from server.domain.schedule import Calendar
from server.domain.theme import Theme, too_pale
from server.logo import BadLogo, checked
from server.sms_tables import read_sms

__all__ = ["DAYS", "ConfigError", "default_config", "load", "load_text", "shipped"]

RESERVED = frozenset(
    {"api", "fonts", "gateways", "health", "live", "metrics", "session", "sign-in", "static", "t", "visits"}
    | {"a", "device", "devices", "screen"}
)
"""Parts of addresses that are not sites: ``/t/...`` is a ticket's page, ``/a/...`` an
appointment's, ``/live/visits/...`` its topic."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class ClosingDays:
    """Public holidays of a country or its part (``BE``, ``DE-BY``), and the house's own days.

    Own days are single dates, or (month, day) of every year. A value, so that two readings of the
    same text give equal houses.
    """

    public: str = ""
    once: frozenset[date] = frozenset()
    yearly: frozenset[tuple[int, int]] = frozenset()

    def __call__(self, day: date) -> bool:
        return (
            day in self.once or (day.month, day.day) in self.yearly or day in _public(self.public, day.year)
        )


@cache
def _public(place: str, year: int) -> frozenset[date]:
    if not place:
        return frozenset()
    country, _, part = place.partition("-")
    return frozenset(public_holidays.country_holidays(country, subdiv=part or None, years=year))


@cache
def shipped(name: str) -> Path:
    """A directory that ships with Onthaal, ``static`` or ``config``: in the wheel or the checkout."""
    here = Path(__file__).resolve().parent
    inside = here / "shipped"
    # Only a wheel has it; looking there first keeps a stranger's `site-packages/config` out.
    return inside / name if inside.is_dir() else here.parent / name


def default_config() -> Path:
    """The Mechelen house, which runs where nothing else is named."""
    return shipped("config") / "mechelen.toml"


def load(path: Path) -> dict[str, House]:
    """The houses of a file, by site id. Raises :class:`ConfigError`."""
    name = str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        beside = [other.name for other in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        raise ConfigError(f"{name}: no such file{nearest(path.name, beside)}") from None
    except IsADirectoryError:
        raise ConfigError(f"{name}: is a directory, not a file") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}: line {line}: is not UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror}") from None
    return load_text(text, name)


def load_text(text: str, name: str) -> dict[str, House]:
    """The houses of a TOML text, by site id; ``name`` is what errors call it. Raises :class:`ConfigError`."""
    try:
        # Some editors begin a file with a byte order mark, which TOML does not know.
        raw = tomllib.loads(text.removeprefix("\ufeff"))
    except ValueError as error:
        what, at, place = str(error).rpartition(" (at ")
        place = place.rstrip(")") if at else ""
        # At the end of the document tomllib names no line.
        if place == "end of document":
            place = f"line {text.rstrip().count(chr(10)) + 1}"
        said = what if at else str(error)
        raise ConfigError(f"{name}: {place + ': ' if place else ''}is not TOML: {said}") from None
    except RecursionError:
        raise ConfigError(f"{name}: is not TOML: nested too deeply") from None
    file = read_table(raw, FileTable, Place(name))
    if not file.sites:
        Place(name, "sites").fail("names no site")
    _channels(file, Place(name, "channels"))
    return {site: _house(site, table, Place(name, f"sites.{site}")) for site, table in file.sites.items()}


def channels(text: str, name: str) -> Channels:
    """What carries messages, of a text that :func:`load_text` has found valid."""
    file = read_table(tomllib.loads(text.removeprefix("\ufeff")), FileTable, Place(name))
    return _channels(file, Place(name, "channels"))


def _channels(file: FileTable, place: Place) -> Channels:
    table = read_table(file.channels, ChannelsTable, place)
    return Channels(
        sms=read_sms(table.sms, place.at("sms"), shipped("config") / "gateways"),
        mail=read_mail(table.mail, place.at("mail")),
        push=read_push(table.push, place.at("push")),
    )


def _house(site: str, raw: object, place: Place) -> House:
    if not re.match(r"[a-z0-9][a-z0-9-]{0,30}\Z", site):
        place.fail(SITE_ID)
    if site in RESERVED:
        place.fail(f'"{site}" is taken by an address of Onthaal itself; choose another id')
    table = read_table(raw, SiteTable, place)
    rules = read_table(table.rules, RulesTable, place.at("rules"))
    if not table.languages:
        place.at("languages").fail("names no language")
    _unique(table.languages, place.at("languages"))
    if table.region not in phonenumbers.SUPPORTED_REGIONS:
        said = f'no telephone numbers known for "{table.region}"'
        place.at("region").fail(said, table.region, phonenumbers.SUPPORTED_REGIONS)
    calendar = Calendar(
        zone=_zone(table.time_zone, place.at("time_zone")),
        weekly=_weekly(read_table(table.opening, OpeningTable, place.at("opening")), place.at("opening")),
        is_holiday=_closing_days(table, place),
        tickets_stop_s=rules.tickets_stop_s,
        tickets_start_s=rules.tickets_start_s,
        day_ends_after_s=rules.day_ends_after_s,
    )
    services = _services(table.services, rules, place)
    counters = _counters(table.counters, services, place)
    messages = read_table(table.messages, MessagesTable, place.at("messages"))
    figures = read_table(table.figures, FiguresTable, place.at("figures"))
    return House(
        site=site,
        name=table.name,
        calendar=calendar,
        services=services,
        counters=counters,
        screens=_screens(table.screens, counters, place),
        overdue_every=rules.overdue_every,
        recalls_before_no_show=rules.recalls_before_no_show,
        undo_s=rules.undo_s,
        call_shown_s=rules.call_shown_s,
        notice=table.notice,
        languages=table.languages,
        region=table.region,
        messages=_messages(messages, table.name, place.at("messages")),
        alerts=_alerts(read_table(table.alerts, AlertsTable, place.at("alerts")), place.at("alerts")),
        experiment=_experiment(table.experiment, services, place.at("experiment")),
        punctuality=_punctuality(table.punctuality, place.at("punctuality")),
        theme=_theme(read_table(table.theme, ThemeTable, place.at("theme")), place.at("theme")),
        norm=Norm(within_s=figures.service_level_s, percent=figures.service_level_percent),
        public_calibration=figures.public_calibration,
    )


def _unique(names: Sequence[str], place: Place) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            place.fail(f'"{name}" stands there twice')


# --- the calendar -------------------------------------------------------------------------------


def _zone(name: str, place: Place) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        place.fail(f'unknown time zone "{name}"', name, zoneinfo.available_timezones())


def _closing_days(table: SiteTable, place: Place) -> ClosingDays:
    if table.holidays:
        countries = public_holidays.list_supported_countries(include_aliases=False)
        names = [*countries, *(f"{country}-{part}" for country in countries for part in countries[country])]
        if table.holidays not in names:
            said = f'no public holidays known for "{table.holidays}"'
            place.at("holidays").fail(said, table.holidays, names)
    once, yearly = set(), set()
    for index, day in enumerate(table.closing_days):
        here = place.at("closing_days").item(index)
        if isinstance(day, date) and not isinstance(day, datetime):
            once.add(day)
            continue
        try:
            if not isinstance(day, str):
                raise ValueError
            if re.fullmatch(r"\d\d-\d\d", day, re.ASCII):
                # A leap year, so that 29 February may be named.
                each = date.fromisoformat(f"2000-{day}")
                yearly.add((each.month, each.day))
            elif re.fullmatch(r"\d{4}-\d\d-\d\d", day, re.ASCII):
                once.add(date.fromisoformat(day))
            else:
                raise ValueError
        except ValueError:
            here.fail(f'"{day}" is no day: write "2026-12-24", or "12-24" for every year')
    return ClosingDays(table.holidays, frozenset(once), frozenset(yearly))


def _weekly(table: OpeningTable, place: Place) -> tuple[tuple[tuple[time, time], ...], ...]:
    week = []
    for day in DAYS:
        periods: list[tuple[time, time]] = []
        for index, text in enumerate(getattr(table, day)):
            here = place.at(day).item(index)
            match = re.fullmatch(r"(\d\d:\d\d)\s*-\s*(\d\d:\d\d)", text, re.ASCII)
            try:
                start, end = (time.fromisoformat(part) for part in match.groups()) if match else (None, None)
            except ValueError:
                start, end = None, None
            if start is None or end is None:
                here.fail(f'"{text}" is no opening: write "08:00-13:00", from 00:00 to 23:59')
            if start >= end:
                here.fail(f'"{text}" ends before it begins')
            if any(start < other_end and other_start < end for other_start, other_end in periods):
                here.fail(f'"{text}" overlaps another opening of the day')
            periods.append((start, end))
        week.append(tuple(sorted(periods)))
    if not any(week):
        place.fail("the house is never open")
    return tuple(week)


# --- services and counters ----------------------------------------------------------------------


def _rows(raw: list[Any], struct: type[T], place: Place) -> list[tuple[T, Place]]:
    """The rows of an array of tables, each with its place: named by its id where it has one."""
    if not raw:
        place.fail("there is none")
    rows: list[tuple[T, Place]] = []
    seen: set[str] = set()
    for index, item in enumerate(raw):
        name = item.get("id") if isinstance(item, dict) else None
        here = place.item(name if isinstance(name, str) else index)
        rows.append((read_table(item, struct, here), here))
        # Ids that differ by case alone invite calls to the wrong one.
        if str(name).lower() in seen:
            here.at("id").fail(f'"{name}" stands there twice')
        seen.add(str(name).lower())
    return rows


def _services(raw: list[Any], rules: RulesTable, place: Place) -> dict[str, Service]:
    services: dict[str, Service] = {}
    rows = _rows(raw, ServiceTable, place.at("services"))
    names: dict[str, str] = {}
    open_ranges = {row.range for row, _ in rows if not row.discreet}
    for row, here in rows:
        other = names.setdefault(row.name.casefold(), row.id)
        if other != row.id:
            here.at("name").fail(f'service "{other}" has the same name')
        if not row.walk_ins and not row.appointments:
            here.fail("takes neither walk-ins nor appointments")
        if row.discreet and row.range not in open_ranges:
            # A letter of its own in the lists of ranges would give away what a number hides.
            here.at("range").fail("a discreet service must share its letter with one that is not discreet")
        services[row.id] = Service(
            id=row.id,
            name=row.name,
            kind=row.kind,
            range=row.range,
            target_s=row.target_s,
            walk_ins=row.walk_ins,
            appointments=row.appointments,
            grace_s=rules.grace_s if row.grace_s is UNSET else row.grace_s,
            late_limit_s=rules.late_limit_s if row.late_limit_s is UNSET else row.late_limit_s,
            waiting_limit_s=rules.waiting_limit_s if row.waiting_limit_s is UNSET else row.waiting_limit_s,
            discreet=row.discreet,
            ladder=None if row.ladder is UNSET else _ladder(row.ladder, here.at("ladder")),
            bring=dict(row.bring),
        )
        if services[row.id].late_limit_s < services[row.id].grace_s:
            here.at("late_limit_s").fail("is less than grace_s: who says to be late would lose by saying so")
    return services


def _ladder(written: Sequence[str], place: Place) -> tuple[Step, ...]:
    _unique(written, place)
    steps = []
    for index, each in enumerate(written):
        try:
            steps.append(step(each))
        except ValueError as error:
            place.item(index).fail(str(error))
    return tuple(sorted(steps, key=lambda rung: rung.days * 86_400 + rung.seconds, reverse=True))


def _messages(table: MessagesTable, name: str, place: Place) -> Messages:
    _unique(table.order, place.at("order"))
    _unique(table.transliterate, place.at("transliterate"))
    for index, channel in enumerate(table.order):
        if channel not in CHANNELS:
            place.at("order").item(index).fail(f'unknown channel "{channel}"', channel, CHANNELS)
    quiet = None
    if table.quiet:
        try:
            begin, end = (time.fromisoformat(part) for part in table.quiet.split("-"))
        except ValueError:
            place.at("quiet").fail(f'"{table.quiet}" is no period: write "21:00-08:00"')
        if begin == end:
            place.at("quiet").fail("would be quiet all day: nobody could be written to")
        quiet = (begin, end)
    return Messages(
        city=table.city or name,
        place=table.place or name,
        ladder=_ladder(table.ladder, place.at("ladder")),
        order=table.order,
        quiet=quiet,
        on_closing_days=table.on_closing_days,
        languages=table.languages,
        transliterate=table.transliterate,
        almost_ahead=table.almost_ahead,
        almost_s=table.almost_s,
        late_from_s=table.late_from_s,
        kept_s=table.kept_days * 86_400,
    )


def _alerts(table: AlertsTable, place: Place) -> Alerts:
    if table.failing_for_s >= table.failing_window_s:
        place.at("failing_for_s").fail("must be less than failing_window_s: nothing would fail for so long")
    return Alerts(**msgspec.structs.asdict(table))


def _experiment(raw: dict[str, Any], services: dict[str, Service], place: Place) -> Experiment | None:
    if not raw:
        return None
    table = read_table(raw, ExperimentTable, place)
    if table.ends < table.starts:
        place.at("ends").fail(f"lies before starts, {table.starts}")
    for index, name in enumerate(_named(table.services, services, place.at("services"))):
        here = place.at("services").item(index)
        if services[name].discreet:
            here.fail(f'"{name}" is discreet: its people are never part of an experiment')
        if not services[name].appointments:
            here.fail(f'"{name}" takes no appointments')
    arms = []
    for row, here in _rows(table.arms, ArmTable, place.at("arms")):
        steps = _ladder(row.ladder, here.at("ladder"))
        if not steps and row.wording is not Wording.PLAIN:
            here.at("wording").fail("this arm reminds nobody: there is nothing to word")
        if not steps and not table.approved_by.strip():
            said = f'is missing: arm "{row.id}" reminds nobody, and who approved that must be named'
            place.at("approved_by").fail(said)
        arms.append(Arm(id=row.id, share=row.share, ladder=steps, wording=row.wording))
    if len(arms) < 2:
        place.at("arms").fail("there is one alone: nothing to compare it with")
    together = sum(arm.share for arm in arms)
    if together != WHOLE:
        place.at("arms").fail(f"their shares are {together} thousandths together: they must be {WHOLE}")
    return Experiment(
        id=table.id,
        starts=table.starts,
        ends=table.ends,
        arms=tuple(arms),
        services=frozenset(table.services),
        approved_by=table.approved_by.strip(),
    )


def _punctuality(raw: list[Any], place: Place) -> tuple[Policy, ...]:
    policies: dict[str, Policy] = {}
    for index, item in enumerate(raw):
        table = read_table(item, PunctualityTable, place.item(index))
        if table.version in policies:
            place.item(index).at("version").fail(f'"{table.version}" stands there twice')
        policies[table.version] = Policy(
            version=table.version,
            early_s=table.early_s,
            grace_s=table.grace_s,
            cancel_in_time_s=table.cancel_in_time_s,
        )
    return tuple(policies.values()) or (Policy(),)


def _counters(raw: list[Any], services: dict[str, Service], place: Place) -> dict[str, CounterPlan]:
    counters: dict[str, CounterPlan] = {}
    express = frozenset(service.id for service in services.values() if service.kind is Kind.EXPRESS)
    for row, here in _rows(raw, CounterTable, place.at("counters")):
        own = _offered(row.services, services, here.at("services"))
        if not own:
            here.at("services").fail("offers no service")
        if all(services[name].discreet for name in own):
            here.at("services").fail("only discreet services: whoever is called here would be exposed")
        if row.overflow is UNSET:
            theme = any(services[name].kind is Kind.THEME for name in own)
            overflow = express - own if theme else frozenset()
        else:
            overflow = _offered(row.overflow, services, here.at("overflow"))
            for name in sorted(overflow):
                if name not in express:
                    here.at("overflow").fail(f'"{name}" is not an express service')
                if name in own:
                    here.at("overflow").fail(f'"{name}" is among this counter\'s own services')
        counters[row.id] = CounterPlan(id=row.id, services=own, overflow=overflow)
    offered = frozenset().union(*(plan.services for plan in counters.values()))
    for name in services:
        if name not in offered:
            place.at("services").item(name).fail("is offered by no counter")
    return counters


def _screens(raw: list[Any], counters: dict[str, CounterPlan], place: Place) -> dict[str, ScreenPlan]:
    screens: dict[str, ScreenPlan] = {}
    sounding: dict[str, str] = {}
    for row, here in _rows(raw, ScreenTable, place.at("screens")) if raw else ():
        if row.sounds:
            other = sounding.setdefault(row.zone, row.id)
            if other != row.id:
                here.at("sounds").fail(
                    f'screen "{other}" sounds in zone "{row.zone}" already: set it to false'
                )
        screens[row.id] = ScreenPlan(
            id=row.id,
            name=row.name,
            zone=row.zone,
            sounds=row.sounds,
            distance_m=row.distance_m,
            width_mm=row.width_mm,
            height_mm=row.height_mm,
            rows=None if row.rows is UNSET else row.rows,
        )
        try:
            layout(screens[row.id], counters)
        except TooFar as error:
            here.at("distance_m").fail(
                f"not even the newest call can be read from {row.distance_m:g} m on this picture: "
                f"at most from {math.floor(error.readable_m * 10) / 10:g} m"
            )
        except TooMany as error:
            here.at("rows").fail(
                f"{row.rows} do not fit if all is to be read from {row.distance_m:g} m: at most {error.fit}"
            )
    return screens


def _theme(table: ThemeTable, place: Place) -> Theme:
    theme = Theme(**{name: getattr(table, name).lower() for name in COLOURS}, font=table.font.strip())
    for pair in too_pale(theme):
        place.at(pair.text).fail(
            f"has a contrast of {math.floor(pair.ratio * 100) / 100:.2f}:1 on {pair.ground}; "
            f"at least {pair.needed:g}:1 is needed"
        )
    if not table.logo:
        return theme
    try:
        return replace(theme, logo=checked(table.logo))
    except BadLogo as error:
        place.at("logo").fail(str(error))


def _offered(names: tuple[str, ...], services: dict[str, Service], place: Place) -> frozenset[str]:
    return frozenset(_named(names, services, place))


def _named(names: tuple[str, ...], services: dict[str, Service], place: Place) -> tuple[str, ...]:
    _unique(names, place)
    for index, name in enumerate(names):
        if name not in services:
            place.item(index).fail(f'unknown service "{name}"', name, services)
    return names
