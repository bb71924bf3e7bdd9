"""Settings: what a file makes, what stops the start, and the table in docs/configuration.md."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, date, datetime, time
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from server import channel_tables, config_tables, settings, sms_tables
from server.check_config import command as check_config
from server.domain.house import House, Kind
from server.domain.messages import Messages
from server.domain.punctuality import Policy
from server.domain.schedule import to_instant

ROOT = Path(__file__).resolve().parents[2]

SMALL = """
[sites.town]
name = "Town"
time_zone = "Europe/Brussels"
[sites.town.opening]
mon = ["09:00-12:00"]
[[sites.town.services]]
id = "passport"
name = "Passports"
kind = "theme"
range = "A"
target_s = 300
[[sites.town.services]]
id = "pick-up"
name = "Pick up"
kind = "express"
range = "B"
target_s = 120
[[sites.town.counters]]
id = "1"
services = ["passport"]
[[sites.town.counters]]
id = "2"
services = ["pick-up"]
"""


def small() -> House:
    """The house of ``SMALL``."""
    return settings.load_text(SMALL, "small.toml")["town"]


def refusal(text: str) -> str:
    with pytest.raises(settings.ConfigError) as caught:
        settings.load_text(text, "x.toml")
    return str(caught.value)


def test_small_house_has_the_documented_defaults() -> None:
    house = small()
    passport = house.services["passport"]
    assert (passport.grace_s, passport.late_limit_s, passport.waiting_limit_s) == (300, 1200, 1200)
    assert (passport.walk_ins, passport.appointments, passport.discreet) == (True, True, False)
    assert (house.overdue_every, house.recalls_before_no_show, house.undo_s) == (3, 1, 120)
    assert (house.call_shown_s, house.notice, house.languages) == (600, "", ("nl",))
    assert house.messages == Messages(city="Town", place="Town")
    assert (passport.ladder, passport.bring) == (None, {})
    calendar = house.calendar
    assert (calendar.tickets_stop_s, calendar.tickets_start_s, calendar.day_ends_after_s) == (900, 600, 3600)
    assert calendar.weekly == (((time(9), time(12)),), (), (), (), (), (), ())
    assert not calendar.is_holiday(date(2026, 12, 25))


def test_theme_counters_help_with_express_unless_told_otherwise() -> None:
    assert small().counters["1"].overflow == {"pick-up"}
    assert small().counters["2"].overflow == frozenset()
    off = SMALL.replace('services = ["passport"]', 'services = ["passport"]\noverflow = []')
    assert settings.load_text(off, "x")["town"].counters["1"].overflow == frozenset()


def test_a_counter_without_a_theme_service_helps_nobody_unless_told_to() -> None:
    desk = SMALL.replace('kind = "theme"', 'kind = "reception"')
    assert settings.load_text(desk, "x")["town"].counters["1"].overflow == frozenset()
    told = desk.replace('services = ["passport"]', 'services = ["passport"]\noverflow = ["pick-up"]')
    assert settings.load_text(told, "x")["town"].counters["1"].overflow == {"pick-up"}


def test_a_counter_with_both_kinds_helps_with_the_rest_only() -> None:
    both = SMALL.replace('services = ["passport"]', 'services = ["passport", "pick-up"]')
    assert settings.load_text(both, "x")["town"].counters["1"].overflow == frozenset()


def test_limits_of_the_rules_hold_where_a_service_has_none_of_its_own() -> None:
    text = SMALL.replace("target_s = 300", "target_s = 300\ngrace_s = 60")
    text += "[sites.town.rules]\ngrace_s = 90\nwaiting_limit_s = 0\noverdue_every = 5\n"
    services = settings.load_text(text, "x")["town"].services
    assert (services["passport"].grace_s, services["pick-up"].grace_s) == (60, 90)
    assert services["pick-up"].waiting_limit_s == 0
    assert settings.load_text(text, "x")["town"].overdue_every == 5


def test_holidays_and_closing_days() -> None:
    text = SMALL.replace(
        "[sites.town.opening]",
        'holidays = "BE"\nclosing_days = ["2026-11-24", 2026-11-25, "07-11", "02-29"]\n[sites.town.opening]',
    )
    is_holiday = settings.load_text(text, "x")["town"].calendar.is_holiday
    closed = [(2026, 11, 11), (2026, 11, 24), (2026, 11, 25), (2027, 7, 11), (2028, 2, 29), (2027, 7, 21)]
    assert all(is_holiday(date(*day)) for day in closed)
    assert not any(is_holiday(date(*day)) for day in [(2026, 11, 23), (2027, 11, 24), (2027, 7, 12)])


def test_a_part_of_a_country_has_its_own_holidays() -> None:
    def epiphany(place: str) -> bool:
        text = SMALL.replace("[sites.town.opening]", f'holidays = "{place}"\n[sites.town.opening]')
        return settings.load_text(text, "x")["town"].calendar.is_holiday(date(2026, 1, 6))

    assert epiphany("DE-BY")
    assert not epiphany("DE")


def test_periods_may_stand_in_any_order_and_touch() -> None:
    text = SMALL.replace('mon = ["09:00-12:00"]', 'mon = ["14:30-19:00", "12:00-13:00", "08:00 - 12:00"]')
    assert settings.load_text(text, "x")["town"].calendar.weekly[0] == (
        (time(8), time(12)),
        (time(12), time(13)),
        (time(14, 30), time(19)),
    )


def test_the_same_text_gives_equal_houses_and_several_sites() -> None:
    two = SMALL + SMALL.replace("town", "harbour")
    houses = settings.load_text(two, "x")
    assert list(houses) == ["town", "harbour"]
    assert houses["harbour"].site == "harbour"
    assert houses == settings.load_text(two, "x")


OPENING = "[sites.town.opening]"


def screen(line: str) -> str:
    return f'[[sites.town.screens]]\nid = "door"\nname = "Door"\n{line}\n{OPENING}'


def theme(line: str) -> str:
    return f"[sites.town.theme]\n{line}\n{OPENING}"


OLD_NEW_SAID = [
    # keys
    (
        "target_s = 300",
        "targets_s = 300",
        'services[passport].targets_s: unknown key (nearest valid name: "target_s")',
    ),
    ("time_zone =", "timezone =", 'town.timezone: unknown key (nearest valid name: "time_zone")'),
    ("mon =", "monday =", 'opening.monday: unknown key (nearest valid name: "mon")'),
    (
        'services = ["pick-up"]',
        'service = ["pick-up"]',
        'counters[2].service: unknown key (nearest valid name: "services")',
    ),
    ('name = "Town"\n', "", "sites.town.name: is missing"),
    (
        "[sites.town.opening]",
        "[sites.town.zzz]",
        "sites.town.zzz: unknown key (valid names: name, time_zone,",
    ),
    # values by themselves
    ("target_s = 300", "target_s = 0", "services[passport].target_s: must be at least 1"),
    ("target_s = 300", "target_s = -5", "services[passport].target_s: must be at least 1"),
    ("target_s = 300", "target_s = 90000", "services[passport].target_s: must be at most 86400"),
    ("target_s = 300", 'target_s = "300"', "services[passport].target_s: must be a whole number"),
    ("target_s = 300", "target_s = 300.5", "services[passport].target_s: must be a whole number"),
    ("target_s = 300", "target_s = true", "services[passport].target_s: must be a whole number"),
    ("target_s = 300", "target_s = nan", "services[passport].target_s: must be a whole number"),
    ("target_s = 300", "target_s = 300\ngrace_s = -1", "services[passport].grace_s: must be at least 0"),
    ("target_s = 300", "target_s = 300\nwalk_ins = 1", "services[passport].walk_ins: must be true or false"),
    ('range = "A"', 'range = "AB"', "services[passport].range: must be one letter from A to Z"),
    ('range = "A"', 'range = "a"', "services[passport].range: must be one letter from A to Z"),
    ('range = "A"', 'range = "É"', "services[passport].range: must be one letter from A to Z"),
    (
        'kind = "theme"',
        'kind = "themes"',
        'kind: "themes" is no kind of service (nearest valid name: "theme")',
    ),
    ('kind = "theme"', 'kind = "shop"', "(valid names: reception, express, theme)"),
    ('id = "passport"', 'id = "pass port"', "id: must be 1 to 31 letters, digits and hyphens"),
    ('id = "passport"', 'id = ""', "id: must be 1 to 31 letters, digits and hyphens"),
    ('id = "passport"', 'id = "passport\\n"', "id: must be 1 to 31 letters, digits and hyphens"),
    ('id = "1"', 'id = "counter-12"', "id: must be one to eight letters, digits or hyphens"),
    ('id = "1"', "id = 1", "counters[0].id: must be text in quotes"),
    ('name = "Passports"', 'name = " "', "services[passport].name: must be text on one line, not blank"),
    (
        'name = "Passports"',
        'name = "a\\u0000b"',
        "services[passport].name: must be text on one line, not blank",
    ),
    ('name = "Town"', f'name = "{"x" * 121}"', "sites.town.name: must be at most 120 characters long"),
    (
        'name = "Town"',
        'name = "Town"\nlanguages = ["Dutch!"]',
        "sites.town.languages[0]: must be language tags",
    ),
    (
        'name = "Town"',
        'name = "Town"\nregion = "Belgium"',
        'sites.town.region: must be a country of two capitals such as "BE"',
    ),
    ('name = "Town"', 'name = "Town"\nregion = "XX"', 'town.region: no telephone numbers known for "XX"'),
    ('name = "Town"', 'name = "Town"\nlanguages = []', "sites.town.languages: names no language"),
    ('name = "Town"', 'name = "Town"\nlanguages = ["nl", "nl"]', 'languages: "nl" stands there twice'),
    ('name = "Town"', 'name = "Town"\nrules = 5', "sites.town.rules: must be a table"),
    ('services = ["passport"]', 'services = "passport"', "counters[1].services: must be a list"),
    ('services = ["passport"]', "services = [1]", "counters[1].services[0]: must be text in quotes"),
    ('name = "Town"', 'name = "Town"\nnotice = "a\\nb"', "sites.town.notice: must be text on one line"),
    # messages
    *(
        ("[sites.town.opening]", f"[sites.town.messages]\n{line}\n[sites.town.opening]", f"messages.{said}")
        for line, said in (
            ('city = "a\\nb"', "city: must be text on one line"),
            ('quiet = "9-10"', 'quiet: must be a period such as "21:00-08:00"'),
            ('quiet = "25:00-08:00"', 'quiet: "25:00-08:00" is no period'),
            ('quiet = "08:00-08:00"', "quiet: would be quiet all day"),
            ('ladder = ["1w"]', 'ladder[0]: "1w" is no step: write "3d", "2h" or "45min"'),
            ('order = ["fax"]', 'order[0]: unknown channel "fax" (valid names: push, sms, mail)'),
            ('languages = "nl"', 'languages: "nl" is none of the choices'),
            ('transliterate = ["NL!"]', "transliterate[0]: must be language tags"),
            ('transliterate = ["nl", "nl"]', 'transliterate: "nl" stands there twice'),
            ("kept_days = 0", "kept_days: must be at least 1"),
            ("almost_ahed = 2", 'almost_ahed: unknown key (nearest valid name: "almost_ahead")'),
        )
    ),
    ("target_s = 300", 'target_s = 300\nladder = ["3d", "3d"]', 'passport].ladder: "3d" stands there twice'),
    *(
        ("target_s = 300", f"target_s = 300\nbring = {bring}", f"services[passport].bring: must be {said}")
        for bring, said in (
            ('{ "NL!" = "x" }', "text on one line for each language"),
            ('{ nl = "a\\nb" }', "text on one line for each language"),
            ("{ nl = 3 }", "text in quotes"),
            ('"x"', "a table"),
        )
    ),
    # the calendar
    (
        "Europe/Brussels",
        "Europe/Brussel",
        'time_zone: unknown time zone "Europe/Brussel" (nearest valid name: "Europe/Brussels")',
    ),
    ("Europe/Brussels", "Europe", 'time_zone: unknown time zone "Europe"'),
    ("Europe/Brussels", "../etc/passwd", 'time_zone: unknown time zone "../etc/passwd"'),
    ("09:00-12:00", "12:00-09:00", 'opening.mon[0]: "12:00-09:00" ends before it begins'),
    ("09:00-12:00", "09:00-09:00", "ends before it begins"),
    ("09:00-12:00", "09:00-25:00", 'opening.mon[0]: "09:00-25:00" is no opening'),
    ("09:00-12:00", "09:00-24:00", 'opening.mon[0]: "09:00-24:00"'),
    ("09:00-12:00", "9-12", 'opening.mon[0]: "9-12" is no opening'),
    ('["09:00-12:00"]', '["09:00-12:00", "11:00-13:00"]', 'opening.mon[1]: "11:00-13:00" overlaps another'),
    ('["09:00-12:00"]', '["10:00-11:00", "09:00-12:00"]', "overlaps another"),
    ('["09:00-12:00"]', "[]", "sites.town.opening: the house is never open"),
    ('["09:00-12:00"]', '"09:00-12:00"', "opening.mon: must be a list"),
    ('name = "Town"', 'name = "Town"\nholidays = "BEL"', 'holidays: no public holidays known for "BEL"'),
    ('name = "Town"', 'name = "Town"\nholidays = "be"', '(nearest valid name: "BE")'),
    ('name = "Town"', 'name = "Town"\nholidays = "DE-"', 'holidays: no public holidays known for "DE-"'),
    ('name = "Town"', 'name = "Town"\nclosing_days = ["12-32"]', 'closing_days[0]: "12-32" is no day'),
    ('name = "Town"', 'name = "Town"\nclosing_days = ["2027-02-29"]', '"2027-02-29" is no day'),
    ('name = "Town"', 'name = "Town"\nclosing_days = [2026-12-24T10:00:00]', "closing_days[0]:"),
    ('name = "Town"', 'name = "Town"\nclosing_days = [5]', 'closing_days[0]: "5" is no day'),
    # services and counters among each other
    (
        'services = ["passport"]',
        'services = ["pasport"]',
        'counters[1].services[0]: unknown service "pasport" (nearest valid name: "passport")',
    ),
    ('services = ["passport"]', 'services = ["pick-up"]', "services[passport]: is offered by no counter"),
    ('services = ["passport"]', "services = []", "counters[1].services: offers no service"),
    ('services = ["passport"]', 'services = ["passport", "passport"]', '"passport" stands there twice'),
    (
        'services = ["passport"]',
        'services = ["passport"]\noverflow = ["pickup"]',
        'counters[1].overflow[0]: unknown service "pickup" (nearest valid name: "pick-up")',
    ),
    (
        'services = ["pick-up"]',
        'services = ["pick-up"]\noverflow = ["passport"]',
        'counters[2].overflow: "passport" is not an express service',
    ),
    (
        'services = ["pick-up"]',
        'services = ["pick-up"]\noverflow = ["pick-up"]',
        "among this counter's own services",
    ),
    ('id = "2"', 'id = "1"', 'counters[1].id: "1" stands there twice'),
    ('id = "pick-up"', 'id = "PASSPORT"', 'services[PASSPORT].id: "PASSPORT" stands there twice'),
    (
        'name = "Pick up"',
        'name = "passports"',
        'services[pick-up].name: service "passport" has the same name',
    ),
    (
        "target_s = 300",
        "target_s = 300\nwalk_ins = false\nappointments = false",
        "neither walk-ins nor appointments",
    ),
    (
        "target_s = 300",
        "target_s = 300\ndiscreet = true",
        "services[passport].range: a discreet service must share",
    ),
    (
        "target_s = 300",
        "target_s = 300\ngrace_s = 600\nlate_limit_s = 300",
        "services[passport].late_limit_s: is less than grace_s",
    ),
    ('range = "A"', 'range = "B"\ndiscreet = true', "counters[1].services: only discreet services"),
    # screens and theme
    (
        OPENING,
        screen("rows = 5"),
        "screens[door].rows: 5 do not fit if all is to be read from 4 m: at most 4",
    ),
    (OPENING, screen("rows = 10"), "screens[door].rows: must be at most 9"),
    (
        OPENING,
        screen("distance_m = 20"),
        "screens[door].distance_m: not even the newest call can be read from 20 m on this picture: "
        "at most from 13.2 m",
    ),
    (
        OPENING,
        theme('mist = "#7f8c99"'),
        "theme.mist: has a contrast of 4.81:1 on night; at least 7:1 is needed",
    ),
    (
        OPENING,
        theme('harbour = "#4B8FD0"'),
        "theme.harbour: has a contrast of 3.42:1 on #ffffff; at least 4.5:1 is needed",
    ),
    (OPENING, theme('sun = "yellow"'), 'theme.sun: must be a colour such as "#0b2034"'),
    (OPENING, theme('font = "A;} *{"'), "theme.font: must be the name of one family"),
    (OPENING, theme('logo = "<svg/>"'), "theme.logo: is not SVG: it must begin with"),
    (OPENING, theme('colour = "#fff"'), "theme.colour: unknown key"),
    # sites
    ("sites.town", "sites.Town", "sites.Town: must be 1 to 31 lower-case letters"),
    ("sites.town", "sites.api", 'sites.api: "api" is taken'),
    ("sites.town", "site.town", 'site: unknown key (nearest valid name: "sites")'),
]


@pytest.mark.parametrize(("old", "new", "said"), OLD_NEW_SAID)
def test_what_cannot_be_used_is_named(old: str, new: str, said: str) -> None:
    assert old in SMALL
    message = refusal(SMALL.replace(old, new))
    assert message.startswith("x.toml: sit")
    assert said in message
    assert "\n" not in message.replace("passport\n", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "x.toml: sites: is missing"),
        ("[sites]", "x.toml: sites: names no site"),
        ("sites = 5", "x.toml: sites: must be a table"),
        ("[sites]\ntown = 5", "x.toml: sites.town: must be a table"),
        ("a = 1\nb = = 2", "x.toml: line 2, column 5: is not TOML"),
        ("a = 1\nb = [1,\n", "x.toml: line 2: is not TOML"),
        ("a = 1\na = 2", "x.toml: line 2: is not TOML: Cannot overwrite a value"),
        ("a = " + "9" * 5000, "x.toml: is not TOML"),
        ("a = " + "[" * 100_000, "x.toml: is not TOML"),
        (re.sub(r"\[\[sites.town.counters[^$]*", "", SMALL), "x.toml: sites.town.counters: is missing"),
        (
            SMALL.partition("[[")[0].replace("[sites.town.o", "services=[]\ncounters=[]\n[sites.town.o"),
            "services: there is none",
        ),
    ],
)
def test_what_is_no_configuration_at_all(text: str, said: str) -> None:
    assert said in refusal(text)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    def said(path: Path) -> str:
        with pytest.raises(settings.ConfigError) as caught:
            settings.load(path)
        return str(caught.value)

    (tmp_path / "house.toml").write_text(SMALL)
    latin = tmp_path / "latin.toml"
    latin.write_bytes(SMALL.replace("Passports", "Café").encode("latin-1"))
    assert said(tmp_path / "huose.toml").endswith('no such file (nearest valid name: "house.toml")')
    assert said(tmp_path / "none" / "x.toml").endswith("no such file")
    assert said(tmp_path).endswith("is a directory, not a file")
    assert said(latin).endswith("line 9: is not UTF-8")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "notepad.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.encode())
    assert list(settings.load(path)) == ["town"]
    assert list(settings.load_text("\ufeff" + SMALL, "notepad.toml")) == ["town"]


# --- channels ------------------------------------------------------------------------------------

MAIL = {"host": "mail.example.org", "sender": "Town <no-reply@example.org>"}
PUSH = {"contact": "mailto:ict@example.org"}


def channel(name: str, **given: object) -> str:
    """``SMALL`` with a channel of these keys; None leaves one out."""
    base = {"mail": MAIL, "push": PUSH}[name]
    lines = [f"{key} = {json.dumps(value)}" for key, value in {**base, **given}.items() if value is not None]
    return "\n".join([SMALL, f"[channels.{name}]", *lines])


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("mail", {"host": None}, "channels.mail.host: is missing"),
        ("mail", {"host": "smtp://mail"}, "channels.mail.host: must be the name or address of a server"),
        ("mail", {"hots": "x"}, 'channels.mail.hots: unknown key (nearest valid name: "host")'),
        ("mail", {"tls": "startls"}, 'channels.mail.tls: "startls" is none of the choices'),
        ("mail", {"tls": "startls"}, '(nearest valid name: "starttls")'),
        ("mail", {"port": 0}, "channels.mail.port: must be at least 1"),
        ("mail", {"at_once": 1000}, "channels.mail.at_once: must be at most 200"),
        ("mail", {"sender": "Town"}, "channels.mail.sender: must be a mail address"),
        ("mail", {"sender": "a@b.be, c@d.be"}, "channels.mail.sender: must be a mail address"),
        ("mail", {"sender": "a@b.be\r\nBcc: c@d.be"}, "channels.mail.sender: must be a mail address"),
        ("mail", {"user": "town"}, "channels.mail.password: is missing, and user is given"),
        ("mail", {"password": "x"}, "channels.mail.user: is missing, and password is given"),
        ("mail", {"user": "u", "password": "x", "tls": "none"}, 'channels.mail.tls: "none" would send'),
        ("push", {"contact": None, "at_once": 5}, "channels.push.contact: is missing"),
        ("push", {"contact": "ict@example.org"}, "channels.push.contact: must be where push services reach"),
        ("push", {"hosts": []}, "channels.push.hosts: names no push service"),
        ("push", {"hosts": ["*"]}, 'channels.push.hosts[0]: "*" is no host'),
        ("push", {"hosts": ["a.example", "127.0.0.1"]}, 'channels.push.hosts[1]: "127.0.0.1" is no host'),
        ("push", {"hosts": ["https://a.example"]}, 'channels.push.hosts[0]: "https://a.example" is no host'),
        ("push", {"reach_within_s": 0}, "channels.push.reach_within_s: must be at least 1"),
    ],
)
def test_a_channel_that_cannot_be_used(name: str, given: dict[str, object], said: str) -> None:
    assert said in refusal(channel(name, **given))


def test_a_channel_that_is_not_named_is_not_there() -> None:
    assert settings.channels(SMALL, "x") == channel_tables.Channels()
    found = settings.channels(
        channel("mail", user="u", password="x") + "\n" + channel("push")[len(SMALL) :], "x"
    )
    assert found.mail is not None
    assert (found.mail.port, found.mail.tls) == (587, channel_tables.Tls.STARTTLS)
    assert found.push is not None
    assert found.push.hosts == channel_tables.PUSH_SERVICES


# --- what ships ---------------------------------------------------------------------------------


def test_the_default_is_the_mechelen_house() -> None:
    assert settings.default_config() == ROOT / "config" / "mechelen.toml"
    assert settings.shipped("static") == ROOT / "static"
    (house,) = settings.load(settings.default_config()).values()
    assert house.site == "mechelen"
    assert list(house.counters) == [str(number) for number in range(1, 15)]
    kinds = {kind: [s for s in house.services.values() if s.kind is kind] for kind in Kind}
    assert all(s.target_s < 240 and s.walk_ins and not s.appointments for s in kinds[Kind.EXPRESS])
    assert all(s.appointments and not s.walk_ins for s in kinds[Kind.THEME])
    assert [s.id for s in house.services.values() if s.discreet] == ["gesprek"]


def test_mechelen_opens_as_the_city_does() -> None:
    (house,) = settings.load(settings.default_config()).values()
    thursday = house.calendar.openings(date(2026, 11, 26))
    # CET is UTC+1: 08:00-13:00 and 14:30-19:00.
    hours = [(7, 0, 12, 0), (13, 30, 18, 0)]
    assert thursday == tuple(
        (
            to_instant(datetime(2026, 11, 26, h, m, tzinfo=UTC)),
            to_instant(datetime(2026, 11, 26, to_h, to_m, tzinfo=UTC)),
        )
        for h, m, to_h, to_m in hours
    )
    assert house.calendar.openings(date(2026, 11, 29)) == ()  # a Sunday
    assert house.calendar.openings(date(2026, 11, 11)) == ()  # Armistice Day, a Wednesday


@pytest.mark.parametrize("name", ["onthaal.toml", "mechelen.toml", "callcentre-1999.toml"])
def test_check_config_prints_every_shipped_house(name: str) -> None:
    path = ROOT / "config" / name
    answer = CliRunner().invoke(check_config, [str(path)])
    assert answer.exit_code == 0
    for house in settings.load(path).values():
        assert house.name in answer.output
        assert all(plan.name in answer.output for plan in house.screens.values())
        for service in house.services.values():
            assert service.id in answer.output
            assert service.name in answer.output


def test_check_config_fails_with_the_error_alone(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(SMALL.replace("target_s = 300", "target = 300"))
    answer = CliRunner().invoke(check_config, [str(path)])
    assert (answer.exit_code, answer.stdout) == (1, "")
    said = 'sites.town.services[passport].target: unknown key (nearest valid name: "target_s")'
    assert answer.stderr == f"Error: {path}: {said}\n"
    assert CliRunner().invoke(check_config, []).exit_code == 2


# --- documentation ------------------------------------------------------------------------------

SECTIONS = {
    "[sites.SITE]": config_tables.SiteTable,
    "[sites.SITE.theme]": config_tables.ThemeTable,
    "[sites.SITE.rules]": config_tables.RulesTable,
    "[sites.SITE.messages]": config_tables.MessagesTable,
    "[sites.SITE.figures]": config_tables.FiguresTable,
    "[sites.SITE.alerts]": config_tables.AlertsTable,
    "[sites.SITE.opening]": config_tables.OpeningTable,
    "[[sites.SITE.services]]": config_tables.ServiceTable,
    "[[sites.SITE.counters]]": config_tables.CounterTable,
    "[[sites.SITE.screens]]": config_tables.ScreenTable,
    "[channels.sms]": sms_tables.SmsTable,
    "[channels.sms.kannel]": sms_tables.KannelTable,
    "[channels.sms.http]": sms_tables.HttpTable,
    "[channels.sms.http.answer]": sms_tables.AnswerTable,
    "[channels.sms.http.signature]": sms_tables.SignatureTable,
    "[channels.sms.http.receipts]": sms_tables.ReceiptsTable,
    "[channels.sms.http.incoming]": sms_tables.IncomingTable,
    "[channels.sms.twilio]": sms_tables.TwilioTable,
}
CHANNELS = {
    "[channels.mail]": channel_tables.MailTable,
    "[channels.push]": channel_tables.PushTable,
}
EXPERIMENT = {
    "[sites.SITE.experiment]": config_tables.ExperimentTable,
    "[[sites.SITE.experiment.arms]]": config_tables.ArmTable,
}
"""Off unless it is there: the commented default shows one as an example."""
PUNCTUALITY = {"[[sites.SITE.punctuality]]": config_tables.PunctualityTable}
IN_WORDS = {"of the rules", "of the site", "the express services", "as many as fit"}
"""Defaults that depend on other settings."""


def documented() -> dict[str, list[tuple[str, str]]]:
    """(key, default) of every row of the tables, by section."""
    found: dict[str, list[tuple[str, str]]] = {}
    section = ""
    for line in (ROOT / "docs/configuration.md").read_text().splitlines():
        if line.startswith("#"):
            section = line.strip("# `")
        elif match := re.match(r"\| `(\w+)` \| (.*?) ?\| ", line):
            found.setdefault(section, []).append((match[1], match[2].strip("`")))
    return found


def test_the_table_has_every_setting_and_its_default() -> None:
    rows = documented()
    sections = SECTIONS | CHANNELS | EXPERIMENT | PUNCTUALITY
    assert set(rows) == set(sections)
    for section, struct in sections.items():
        fields = msgspec.structs.fields(struct)
        assert [key for key, _ in rows[section]] == [field.name for field in fields], section
        for (key, default), field in zip(rows[section], fields, strict=True):
            if field.required:
                assert default == "", key
            elif field.default is msgspec.UNSET:
                assert default in IN_WORDS, key
            elif field.default is None:
                assert default == "none", key
            else:
                value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
                value = list(value) if isinstance(value, tuple) else value
                value = {} if isinstance(value, msgspec.Struct) else value
                assert tomllib.loads(f"value = {default}")["value"] == value, key


def test_the_commented_default_shows_every_setting_as_it_is() -> None:
    text = (ROOT / "config/onthaal.toml").read_text()
    for struct in SECTIONS.values():
        for field in msgspec.structs.fields(struct):
            head = rf"\[+(sites\.town-hall|channels[\w.]*)\.{field.name}\]"
            assert re.search(rf"^(#?{field.name} = |{head})", text, re.MULTILINE), field.name
    uncommented = re.sub(r"^#(\w+ = )", r"\1", text, flags=re.MULTILINE)
    assert settings.load_text(uncommented, "x") == settings.load_text(text, "x")
    assert settings.channels(uncommented, "x") == settings.channels(text, "x")


@pytest.mark.parametrize("section", CHANNELS)
def test_the_commented_default_shows_every_channel_as_it_is(section: str) -> None:
    """A channel stands there as comment, whole: `# ` taken away it is a part of the file."""
    text = (ROOT / "config/onthaal.toml").read_text()
    shown = re.search(rf"^# {re.escape(section)}\n(# .*\n)+", text, re.MULTILINE)
    assert shown, section
    part = re.sub(r"^# ", "", shown[0], flags=re.MULTILINE)
    name = section.strip("[]").partition(".")[2]
    given = tomllib.loads(part)["channels"][name]
    fields = msgspec.structs.fields(CHANNELS[section])
    assert list(given) == [field.name for field in fields]
    for field in fields:
        if not field.required:
            value = list(field.default) if isinstance(field.default, tuple) else field.default
            assert given[field.name] == value, field.name
    assert getattr(settings.channels(text + part, "x"), name) == msgspec.convert(given, CHANNELS[section])
    assert settings.load_text(text + part, "x") == settings.load_text(text, "x")
    rows = documented()[section]
    assert [key for key, _ in rows] == [field.name for field in fields]
    for (key, default), field in zip(rows, fields, strict=True):
        assert (default == "") == field.required, key
        if not field.required:
            assert tomllib.loads(f"value = {default}")["value"] == given[key], key


def test_the_error_in_the_documentation_is_what_is_printed() -> None:
    text = (ROOT / "docs/configuration.md").read_text()
    shown = re.findall(r"^config/mechelen\.toml: .*$", text, re.MULTILINE)
    mechelen = (ROOT / "config/mechelen.toml").read_text()
    before, counter, after = mechelen.partition('id = "5"\n')
    printed = []
    for broken in (
        before + counter + after.replace('"burgerzaken"', '"burgerzakn"', 1),
        mechelen.replace("distance_m = 6.0", "distance_m = 6.0\nrows = 6"),
    ):
        with pytest.raises(settings.ConfigError) as caught:
            settings.load_text(broken, "config/mechelen.toml")
        printed.append(str(caught.value))
    assert printed == shown


# --- the experiment -----------------------------------------------------------------------------

WINTER = """
[sites.town.experiment]
id = "winter"
starts = 2026-12-01
ends = "2027-02-28"
services = ["passport"]
approved_by = "the council"
[[sites.town.experiment.arms]]
id = "none"
share = 100
ladder = []
[[sites.town.experiment.arms]]
id = "cost"
share = 900
ladder = ["2h", "3d"]
wording = "cost"
"""


def test_an_experiment_is_off_unless_it_is_there() -> None:
    assert small().experiment is None
    assert settings.load_text(SMALL + WINTER, "x")["town"].experiment is not None


def test_an_experiment_as_it_is_written() -> None:
    found = settings.load_text(SMALL + WINTER, "x")["town"].experiment
    assert found is not None
    assert (found.id, found.starts, found.ends) == ("winter", date(2026, 12, 1), date(2027, 2, 28))
    assert (found.services, found.approved_by) == ({"passport"}, "the council")
    assert [(arm.id, arm.probability, arm.wording) for arm in found.arms] == [
        ("none", 0.1, "plain"),
        ("cost", 0.9, "cost"),
    ]
    assert [[step.name for step in arm.ladder] for arm in found.arms] == [[], ["3d", "2h"]]


UNAPPROVED = 'approved_by: is missing: arm "none" reminds nobody, and who approved that must be named'


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ('approved_by = "the council"\n', "", UNAPPROVED),
        ('"the council"', '" "', UNAPPROVED),
        ("share = 100", "share = 99", "arms: their shares are 999 thousandths together: they must be 1000"),
        ("share = 100", "share = 0.1", "arms[none].share: must be a whole number"),
        ("share = 100", "share = 0", "arms[none].share: must be at least 1"),
        ('"2027-02-28"', '"2026-11-30"', "ends: lies before starts, 2026-12-01"),
        ('"2027-02-28"', '"28 February"', 'ends: must be a day such as "2026-12-24"'),
        ("2026-12-01", "2026-12-01T08:00:00", 'starts: must be a day such as "2026-12-24"'),
        ("starts = 2026-12-01\n", "", "starts: is missing"),
        (
            'ladder = ["2h"',
            'ladder = ["2x"',
            'arms[cost].ladder[0]: "2x" is no step: write "3d", "2h" or "45min"',
        ),
        (
            '["2h", "3d"]\nwording',
            "[]\nwording",
            "arms[cost].wording: this arm reminds nobody: there is nothing to word",
        ),
        ('= "cost"\nshare', '= "None"\nshare', 'arms[None].id: "None" stands there twice'),
        (
            'wording = "cost"',
            'wording = "kost"',
            'arms[cost].wording: "kost" is none of the choices (nearest valid name: "cost")',
        ),
        (
            '["passport"]',
            '["pasport"]',
            'services[0]: unknown service "pasport" (nearest valid name: "passport")',
        ),
        ("approved_by", "aproved_by", 'aproved_by: unknown key (nearest valid name: "approved_by")'),
    ],
)
def test_an_experiment_that_cannot_be_stops_the_start(written: str, instead: str, said: str) -> None:
    assert WINTER.count(written) == 1
    assert refusal(SMALL + WINTER.replace(written, instead)) == f"x.toml: sites.town.experiment.{said}"


def test_one_arm_alone_and_services_that_cannot_take_part_stop_the_start() -> None:
    alone = WINTER.replace("share = 100", "share = 1000").partition(
        '[[sites.town.experiment.arms]]\nid = "cost'
    )[0]
    place = "x.toml: sites.town.experiment."
    assert refusal(SMALL + alone) == place + "arms: there is one alone: nothing to compare it with"
    walk_ins = SMALL.replace("target_s = 300", "target_s = 300\nappointments = false")
    assert refusal(walk_ins + WINTER) == place + 'services[0]: "passport" takes no appointments'
    hidden = SMALL.replace('range = "A"', 'range = "B"\ndiscreet = true').replace(
        '["passport"]', '["passport", "pick-up"]'
    )
    said = 'services[0]: "passport" is discreet: its people are never part of an experiment'
    assert refusal(hidden + WINTER) == place + said


def test_the_commented_experiment_can_be_used_and_shows_every_setting() -> None:
    text = (ROOT / "config/onthaal.toml").read_text()
    example = "\n".join(
        line.removeprefix("#     ") for line in text.splitlines() if line.startswith("#     ")
    )
    example = example[example.index("[sites.town-hall.experiment]") :]
    for struct in EXPERIMENT.values():
        for field in msgspec.structs.fields(struct):
            assert re.search(
                rf"^({field.name} = |\[+sites\.town-hall\.experiment\.{field.name}\])", example, re.M
            )
    experiment = settings.load_text(text + "\n" + example, "x")["town-hall"].experiment
    assert experiment is not None
    assert [arm.probability for arm in experiment.arms] == [0.1, 0.3, 0.3, 0.3]


def test_check_config_says_that_an_experiment_is_on(tmp_path: Path) -> None:
    path = tmp_path / "winter.toml"
    path.write_text(SMALL + WINTER)
    answer = CliRunner().invoke(check_config, [str(path)])
    said = "experiment winter from 2026-12-01 to 2027-02-28: none 10.0% (no reminder), cost 90.0% (3d 2h)"
    assert said in answer.output


# --- punctuality --------------------------------------------------------------------------------

LINES = """
[[sites.town.punctuality]]
version = "2026-1"
[[sites.town.punctuality]]
version = "2027-1"
early_s = 600
grace_s = 0
cancel_in_time_s = 172800
"""


def test_without_a_policy_of_punctuality_there_is_the_default() -> None:
    assert small().punctuality == (Policy(),)
    assert small().policy == Policy(version="2026-1", early_s=900, grace_s=300, cancel_in_time_s=86_400)


def test_the_last_policy_of_punctuality_counts_and_the_others_are_kept() -> None:
    house = settings.load_text(SMALL + LINES, "x")["town"]
    newer = Policy(version="2027-1", early_s=600, grace_s=0, cancel_in_time_s=172_800)
    assert (house.punctuality, house.policy) == ((Policy(), newer), newer)


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ("2027-1", "2026-1", '[1].version: "2026-1" stands there twice'),
        (
            '"2027-1"',
            '"as of May"',
            "[1].version: must be 1 to 31 letters, digits, full stops and hyphens, and ",
        ),
        ('version = "2027-1"', "", "[1].version: is missing"),
        ("grace_s = 0", "grace_s = -1", "[1].grace_s: must be at least 0"),
        ("early_s = 600", "early_s = 86401", "[1].early_s: must be at most 86400"),
        ("grace_s = 0", "grace = 0", '[1].grace: unknown key (nearest valid name: "grace_s")'),
    ],
)
def test_a_policy_of_punctuality_that_cannot_be_stops_the_start(
    written: str, instead: str, said: str
) -> None:
    told = refusal(SMALL + LINES.replace(written, instead))
    assert told.startswith(f"x.toml: sites.town.punctuality{said}")


def test_the_commented_policy_is_the_default() -> None:
    text = (ROOT / "config/onthaal.toml").read_text()
    start = text.index("#     [[sites.town-hall.punctuality]]")
    example = "\n".join(line.removeprefix("#     ") for line in text[start:].split("\n\n")[0].splitlines())
    assert settings.load_text(text + "\n" + example, "x")["town-hall"].punctuality == (Policy(),)
    for field in msgspec.structs.fields(config_tables.PunctualityTable):
        assert f"\n{field.name} = " in example, field.name
