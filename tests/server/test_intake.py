"""Appointments out of a file: what is read, what is told of bad rows, and that a server beside it sees them.

What a file holds is written here by hand, and so is what must become of it; the server's own API, or the
tables, tell what did.
"""

from __future__ import annotations

import contextlib
import os
import pty
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import program
import pytest
import sqlalchemy as sa
from alembic import command
from running import MECHELEN, MONDAY, Onthaal

from notify import contacts
from notify.contacts import Contact
from server import schema
from server.database import Database
from server.keys import load_keys

NAME, PHONE, MAIL = "Canaria Zangvogel", "0499 88 77 66", "canaria@zangvogel.example"
HEAD = "ref,service,at,name,phone,email,language,persons\n"
GOOD = HEAD + (
    f'A-1,bevolking,2026-11-24T10:40,"{NAME}",{PHONE},{MAIL},fr,2\n'
    "A-2,bouwen,2026-11-24 10:50:00+01:00,,,,,\n"
    "A-3,burgerzaken,2026-11-23T11:00,,,,,\n"
)
UTC_OF = {"A-1": "2026-11-24T09:40", "A-2": "2026-11-24T09:50", "A-3": "2026-11-23T10:00"}


class Place:
    """A folder with a database that ``onthaal import`` works on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "onthaal.db"
        self.url = f"sqlite:///{self.database}"

    def take(
        self, text: str | bytes, *more: str, name: str = "file.csv", at: str | None = MONDAY
    ) -> subprocess.CompletedProcess[str]:
        """Import a file with this text."""
        file = self.folder / name
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        given = ("--house-time", at) if at else ()
        arguments = ("import", "appointments", file, "--site", "mechelen", "--config", MECHELEN)
        return program.run(*arguments, "--database", self.url, *given, *more, cwd=self.folder)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            return database.execute(sql).fetchall()

    def dump(self) -> list[str]:
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            return list(database.iterdump())

    def slots(self) -> dict[str, tuple[str, str, str]]:
        """By reference: service, slot in UTC, state."""
        return {
            ref: (service, at, state)
            for ref, service, at, state in self.rows(
                "SELECT ref, service, strftime('%Y-%m-%dT%H:%M', at / 1000000, 'unixepoch'), state "
                "FROM appointment JOIN reference ON appointment = id"
            )
        }

    def contact(self, ref: str) -> Contact | None:
        ((subject,),) = self.rows(f"SELECT appointment FROM reference WHERE ref = '{ref}'")
        store = Database(self.url)
        try:
            keys = load_keys(self.database)
            return store.write_now(lambda connection: contacts.get(connection, keys, subject))
        finally:
            store.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def summary(booked: int = 0, changed: int = 0, cancelled: int = 0, unchanged: int = 0, bad: int = 0) -> str:
    return f"{booked} booked, {changed} changed, {cancelled} cancelled, {unchanged} unchanged, {bad} bad"


def reasons(ran: subprocess.CompletedProcess[str]) -> dict[int, str]:
    """What was told of which line; nothing that is personal is told."""
    assert "Traceback" not in ran.stderr
    for canary in ("Canaria", "Zangvogel", "0499", "887766", "88 77", "canaria", "zangvogel"):
        assert canary not in ran.stderr + ran.stdout
    told = [line.removeprefix("line ").partition(": ") for line in ran.stderr.splitlines()]
    return {int(number): reason for number, _, reason in told}


# --- tables -----------------------------------------------------------------------------------------


def test_a_safe_channel_comes_in_and_a_file_without_the_column_leaves_it(place: Place) -> None:
    head, row = "ref,service,at,name,phone,email", f"bevolking,2026-11-24T10:40,{NAME},{PHONE},{MAIL}"
    safe = f"{head},safe\nA-1,{row},sms\nA-2,{row},\nA-3,{row},fax\n"
    safe += "A-4,bevolking,2026-11-24T10:40,,,,none\nA-5,bevolking,2026-11-24T10:40,,,,sms\n"
    told = reasons(place.take(safe))
    assert told == {
        4: "safe: must be sms, mail, none or any",
        6: "safe: names a channel without an address: give phone too",
    }
    assert [kept and kept.safe for kept in map(place.contact, ("A-1", "A-2", "A-4"))] == ["sms", None, "none"]
    plain = f"{head}\nA-1,{row}\n"
    for more in (("--dry-run",), ()):
        assert summary(unchanged=1) in place.take(plain, *more).stdout
    kept = place.contact("A-1")
    assert kept is not None
    assert kept.safe == "sms"
    assert place.rows("SELECT DISTINCT basis_source FROM contact") == [("import",)]


def test_a_table_comes_in_and_again_changes_nothing(place: Place) -> None:
    first = place.take(GOOD)
    assert (first.returncode, first.stdout, first.stderr) == (0, summary(booked=3) + "\n", "")
    assert {ref: at for ref, (_, at, _) in place.slots().items()} == UTC_OF
    assert place.contact("A-1") == Contact(name=NAME, phone="+32499887766", email=MAIL)
    assert place.contact("A-2") is None
    assert place.rows("SELECT language, persons FROM appointment WHERE service = 'bevolking'") == [("fr", 2)]
    before = place.dump()
    again = place.take(GOOD)
    assert (again.returncode, again.stdout) == (0, summary(unchanged=3) + "\n")
    assert place.dump() == before
    checked = program.run("rebuild", "--check", "--database", place.url, cwd=place.folder)
    assert checked.returncode == 0


def test_how_it_was_booked_comes_in_and_a_file_without_it_leaves_it(place: Place) -> None:
    head, row = "ref,service,at", "bevolking,2026-11-24T10:40"
    ran = place.take(f"{head},channel\nA-1,{row},online\nA-2,{row},\nA-3,{row},internet\n")
    shape = "channel: must be online, phone, mail, desk, staff, partner or other"
    assert (ran.stdout, reasons(ran)) == (summary(booked=2, bad=1) + "\n", {4: shape})
    channels = "SELECT channel FROM appointment ORDER BY channel"
    assert place.rows(channels) == [(None,), ("online",)]
    assert place.take(f"{head}\nA-1,{row}\nA-2,{row}\n").stdout == summary(unchanged=2) + "\n"
    assert place.take(f"{head},channel\nA-2,{row},partner\n").stdout == summary(changed=1) + "\n"
    assert place.rows(channels) == [("online",), ("partner",)]
    checked = program.run("rebuild", "--check", "--database", place.url, cwd=place.folder)
    assert checked.returncode == 0


def test_what_differs_is_changed_and_nothing_else(place: Place) -> None:
    place.take(GOOD)
    later = GOOD.replace("2026-11-24 10:50", "2026-11-24 11:50").replace(PHONE, "0470 12 34 56")
    ran = place.take(later)
    assert ran.stdout == summary(changed=2, unchanged=1) + "\n"
    assert place.slots()["A-2"] == ("bouwen", "2026-11-24T10:50", "booked")
    assert place.contact("A-1") == Contact(name=NAME, phone="+32470123456", email=MAIL)
    assert place.take(later).stdout == summary(unchanged=3) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + GOOD,
        GOOD.replace(",", ";"),
        GOOD.replace("\n", "\r\n"),
        "\n" + GOOD.replace("\n", "\n\n"),
        GOOD.replace("ref,service,at", "REF, Service ,AT"),
        GOOD.rstrip("\n"),
    ],
    ids=["mark", "semicolons", "carriage returns", "empty lines", "capitals", "no last end"],
)
def test_tables_as_programs_write_them(place: Place, text: str) -> None:
    ran = place.take(text)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, summary(booked=3) + "\n", "")
    assert {ref: at for ref, (_, at, _) in place.slots().items()} == UTC_OF


BAD = {
    "B-1,bevolkin,2026-11-24T10:40,,,,,": 'service: the site has no such service (nearest valid name: "bev',
    f"B-2,bevolking,2026-11-24T10:40,{NAME},0499 88 77,,,": "phone: is no telephone number of BE",
    f"B-3,bevolking,2026-11-24T10:40,{NAME},{NAME},,,": "phone: is no telephone number of BE",
    f"{NAME},bevolking,2026-11-24T10:40,,,,,": "ref: must be 1 to 100 letters, digits and",
    f"B-4,Zangvogel,2026-11-24T10:40,{NAME},,,,": "service: the site has no such service",
    "B-5,bevolking,2026-11-22T10:40,,,,,": "The day of this appointment is over.",
    "B-6,bevolking,2031-11-24T10:40,,,,,": "The slot lies more than two years ahead.",
    "B-7,bevolking,2027-03-28T02:30,,,,,": "at: the clock skips this time on that day",
    "B-8,bevolking,2027-10-31T02:30,,,,,": "at: the clock shows this time twice on that day",
    "B-9,bevolking,2026-11-24,,,,,": "at: must be a day and a time such as 2026-12-01T10:40",
    "B-10,bevolking,2027-02-29T10:00,,,,,": "at: there is no such day or time",
    "B-11,bevolking,24/11/2026 10:40,,,,,": "at: must be a day and a time",
    "B-12,pincode,2026-11-24T10:40,,,,,": "The service pincode takes no appointments.",
    'B-13,"bevolking,2026-11-24T10:40,,,,,': "a quote is not closed",
    "B-14,bevolking,2026-11-24T10:40": "has 3 values for 8 columns",
    ",bevolking,2026-11-24T10:40,,,,,": "ref: is missing",
    "B-15,bevolking,2026-11-24T10:40,,,,Nederlands,": "language: must be a code of two or three letters",
    "B-16,bevolking,2026-11-24T10:40,,,,,21": "persons: must be a whole number from 1 to 20",
    f"B-17,bevolking,2026-11-24T10:40,{'x' * 201},,,,": "name: must be at most 200 characters",
    "A-1,bevolking,2026-11-25T10:40,,,,,": "the reference stands in line 2 already",
    f"B-18,bevolking,2026-11-24T10:40,{'x' * 70_000},,,,": "is longer than 65536 bytes",
    "B-19,bevolking,2026-11-24T10:40,\0,,,,": "is not text",
}


@pytest.mark.parametrize("how", [("--dry-run",), ()], ids=["dry", "real"])
def test_every_bad_row_is_told_by_line_and_reason_and_stops_no_other(
    place: Place, how: tuple[str, ...]
) -> None:
    start, *others = GOOD.splitlines(keepends=True)[1:]
    text = HEAD + start + "".join(row + "\n" for row in BAD) + "".join(others)
    raw = text.encode() + b"B-20,bevolking,2026-11-24T10:40,Ren\xe9,,,,\n"
    ran = place.take(raw, *how)
    assert ran.returncode == 1
    told = reasons(ran)
    expected = dict(enumerate(BAD.values(), 3)) | {3 + len(BAD) + 2: "is not UTF-8"}
    assert list(told) == list(expected)
    for line, reason in expected.items():
        assert told[line].startswith(reason), (line, told[line])
    done = summary(booked=3, bad=len(expected))
    if how:
        assert ran.stdout == f"would be: {done}; nothing was written\n"
        assert [path.name for path in place.folder.iterdir()] == ["file.csv"]
    else:
        assert ran.stdout == done + "\n"
        assert {ref: at for ref, (_, at, _) in place.slots().items()} == UTC_OF


def test_a_dry_run_tells_what_a_run_would_do_and_leaves_the_database_as_it_is(place: Place) -> None:
    place.take(GOOD)
    before = place.dump()
    later = (
        GOOD.replace("11:00", "11:10").replace(PHONE, "0470 12 34 56") + "A-4,wonen,2026-11-26T09:00,,,,,\n"
    )
    ran = place.take(later, "--dry-run")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"would be: {summary(booked=1, changed=2, unchanged=1)}; nothing was written\n"
    assert place.dump() == before
    assert place.take(later).stdout == summary(booked=1, changed=2, unchanged=1) + "\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; its first line must name the columns (ref, service, at, name"),
        (
            "ref,service,when\n",
            'line 1: column 3, "when", is not known; the columns are ref, service, at, name',
        ),
        ("ref,servise,at\n", 'line 1: column 2, "servise", is not known (nearest valid name: "service")'),
        ("ref,service\nA,bevolking\n", 'line 1: there is no column "at"'),
        ("ref,service,at,ref\n", 'line 1: column 4 is a second "ref"'),
        (f"{NAME},{PHONE}\n", "line 1: column 1 is not known"),
        (b"\xff\xfer\0e\0f\0\n\0", "line 1: is not UTF-8"),
    ],
)
def test_a_header_of_no_use_stops_with_one_sentence(place: Place, text: str | bytes, said: str) -> None:
    ran = place.take(text)
    assert (ran.returncode, ran.stdout) == (1, "")
    (line,) = ran.stderr.splitlines()
    assert line.startswith("onthaal: ")
    assert f"file.csv: {said}" in line
    assert "Zangvogel" not in line
    assert "0499" not in line


def test_a_file_or_site_that_is_not_there(place: Place) -> None:
    arguments = ("import", "appointments", "none.csv", "--site", "mechelen", "--database", place.url)
    ran = program.run(*arguments, cwd=place.folder)
    assert ran.returncode == 1
    assert "No such file" in ran.stderr
    assert not place.database.exists()
    ran = place.take(GOOD, "--site", "mechlen", "--dry-run")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "onthaal: there is no site 'mechlen'; there is mechelen\n"


def to_older(connection: sa.Connection) -> None:
    """Back to the tables of an earlier version."""
    config = schema._config()
    config.attributes["connection"] = connection
    command.downgrade(config, "0002")


def test_a_dry_run_leaves_an_older_database_as_it_is(place: Place) -> None:
    place.take(GOOD)
    store = Database(f"sqlite:///{place.database}")
    store.write_now(to_older)
    store.close()
    before = place.dump()
    ran = place.take(GOOD, "--dry-run")
    assert ran.returncode == 1
    assert "is of an older version" in ran.stderr
    assert place.dump() == before
    assert place.take(GOOD).stdout == summary(unchanged=3) + "\n"


def test_the_bar_is_for_a_terminal_only(place: Place) -> None:
    """On a terminal something moves on standard error; the result is the same, and alone on its stream."""
    file = place.folder / "file.csv"
    file.write_text(GOOD + "B-1,nothing,2026-11-24T10:40,,,,,\n")
    arguments = ("import", "appointments", str(file), "--site", "mechelen", "--config", str(MECHELEN))
    command = (sys.executable, "-m", "server", *arguments, "--database", place.url, "--house-time", MONDAY)
    ours, theirs = pty.openpty()
    env = program.environment() | {"PYTHONPATH": str(program.ROOT), "TERM": "xterm"}
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, cwd=place.folder, env=env, text=True)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the other end is closed and all is read
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    assert (ran.returncode, ran.stdout) == (1, summary(booked=3, bad=1) + "\n")
    assert b"importing" in shown
    assert b"line 5: service: the site has no such service" in shown
    assert b"importing" not in place.take(GOOD).stderr.encode()


# --- calendars --------------------------------------------------------------------------------------

ZONE = """BEGIN:VTIMEZONE
TZID:Our house
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
"""


def calendar(*events: str) -> str:
    parts = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{ZONE}{parts}END:VCALENDAR\n".replace("\n", "\r\n")


def test_a_calendar_comes_in_and_again_changes_nothing(place: Place) -> None:
    text = calendar(
        "UID:e1@x\nDTSTART;TZID=Europe/Brussels:20261124T104000\nSUMMARY:Bevolking\n"
        f'ATTENDEE;ROLE=REQ-PARTICIPANT;CN="{NAME}":mailto:{MAIL}',
        "UID:e2@x\nDTSTART:20261124T094000Z\nSUMMARY:Jan komt\nCATEGORIES:afspraak,bouwen\n"
        f"ATTENDEE;CN={NAME}:tel:{PHONE.replace(' ', '')}",
        "UID:e3@x\nDTSTART;TZID=Our house:20260724T104000\nDTSTART;TZID=Our house:20260724T104000",
        "UID:e4@x\nDTSTART;TZID=Our house:20270724T104000\nSUMMARY:won\n en\nX-ONTHAAL-CHANNEL:online",
        "UID:e5@x\nDTSTART:20261125T104000\nSUMMARY:sport\nBEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM",
        "UID:e6@x\nSTATUS:CANCELLED",
    )
    ran = place.take(text, name="file.ics")
    assert ran.stdout == summary(booked=4, unchanged=1, bad=1) + "\n"
    assert place.slots() == {
        "e1@x": ("bevolking", "2026-11-24T09:40", "booked"),
        "e2@x": ("bouwen", "2026-11-24T09:40", "booked"),
        "e4@x": ("wonen", "2027-07-24T08:40", "booked"),
        "e5@x": ("sport", "2026-11-25T09:40", "booked"),
    }
    assert place.contact("e1@x") == Contact(name=NAME, email=MAIL)
    assert place.contact("e2@x") == Contact(name=NAME, phone="+32499887766")
    assert place.rows("SELECT channel FROM appointment WHERE service = 'wonen'") == [("online",)]
    before = place.dump()
    assert place.take(text, name="file.ics").stdout == summary(unchanged=5, bad=1) + "\n"
    assert place.dump() == before
    gone = calendar("UID:e1@x\nSTATUS:CANCELLED\nDTSTART:20261124T094000Z")
    assert place.take(gone).stdout == summary(cancelled=1) + "\n"
    assert place.slots()["e1@x"][2] == "cancelled"
    assert place.contact("e1@x") is None
    assert place.take(gone).stdout == summary(unchanged=1) + "\n"


WRONG = {
    "UID:w1\nDTSTART;TZID=Nowhere/Else:20261124T104000\nSUMMARY:wonen": "DTSTART: the time zone of TZID",
    "UID:w2\nDTSTART;VALUE=DATE:20261124\nSUMMARY:wonen": "DTSTART: has a day and no time",
    "UID:w3\nDTSTART:nonsense\nSUMMARY:wonen": "DTSTART: is no day and time",
    "UID:w4\nSUMMARY:wonen": "DTSTART: is missing",
    "DTSTART:20261124T104000\nSUMMARY:wonen": "UID: is missing",
    f"UID:{NAME}\nDTSTART:20261124T104000\nSUMMARY:wonen": "UID: must be 1 to 100 letters",
    f"UID:w5\nDTSTART:20261124T104000\nSUMMARY:{NAME}": "neither CATEGORIES nor SUMMARY is a service",
    "UID:w6\nDTSTART:20261124T104000\nCATEGORIES:wonen,sport": "CATEGORIES: names several services",
    "UID:w7\nDTSTART:20261124T104000\nSUMMARY:wonen\nRRULE:FREQ=DAILY": "RRULE: an appointment is on one day",
    f"UID:w8\nDTSTART:20261124T104000\nSUMMARY:wonen\nATTENDEE;CN={NAME}:tel:0499": "ATTENDEE: is no",
    "UID:w10\nDTSTART:20261124T104000\nSUMMARY:wonen\nX-ONTHAAL-CHANNEL:fax": "X-ONTHAAL-CHANNEL: must be",
    "UID:w9\nDTSTART:20261124T104000\nSUMMARY:wonen\nATTENDEE:mailto:a@x\nATTENDEE:tel:1": "ATTENDEE: there",
    "UID:w10\nDTSTART;TZID=Europe/Brussels:20270328T023000\nSUMMARY:wonen": "DTSTART: the clock skips",
    "UID:w11\nDTSTART;TZID=Our house:20270328T023000\nSUMMARY:wonen": "DTSTART: the clock skips",
    "UID:w12\nDTSTART;TZID=Our house:20271031T023000\nSUMMARY:wonen": "DTSTART: the clock shows this",
    "UID:w13\nDTSTART:20261122T104000\nSUMMARY:wonen": "The day of this appointment is over.",
    "UID:w14\nDTSTART:20261124T104000\nSUMMARY:wonen\nDESCRIPTION:"
    + "x" * 70_000: "line 106 is longer than 65536",
}


def test_every_bad_event_is_told_by_its_line(place: Place) -> None:
    good = "UID:g1\nDTSTART:20261124T104000\nSUMMARY:wonen"
    text = calendar(*WRONG, good)
    lines = text.split("\r\n")
    begins = [number for number, line in enumerate(lines, 1) if line == "BEGIN:VEVENT"]
    ran = place.take(text, name="file.ics")
    assert (ran.returncode, ran.stdout) == (1, summary(booked=1, bad=len(WRONG)) + "\n")
    told = reasons(ran)
    assert list(told) == begins[:-1]
    for line, reason in zip(begins, WRONG.values(), strict=False):
        assert reason.startswith("line ") or told[line].startswith(reason), (line, told[line])
    assert list(place.slots()) == ["g1"]


def test_a_calendar_that_was_cut_short_is_told_and_what_came_is_taken(place: Place) -> None:
    text = calendar(*(f"UID:c{n}\nDTSTART:20261124T104000\nSUMMARY:wonen" for n in range(3)))
    ran = place.take(text[: text.rindex("SUMMARY")])
    assert (ran.returncode, ran.stdout) == (1, summary(booked=2, bad=2) + "\n")
    assert "the VEVENT does not end" in ran.stderr
    assert "the file ends before END:VCALENDAR" in ran.stderr


# --- beside a server --------------------------------------------------------------------------------


def test_a_running_server_shows_what_came_in_and_its_day_is_not_moved(server: Onthaal) -> None:
    """Its house time is Monday and stands still; the machine's clock is another."""
    place = Place(server.folder)
    desk, kiosk = server.client("reception"), server.client("kiosk")
    kiosk.post("/sites/mechelen/visits", json={"service": "onthaal"}).raise_for_status()
    ran = place.take(GOOD, at=None)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, summary(booked=3) + "\n", "")
    deadline = time.monotonic() + 10
    while not (lines := desk.get("/sites/mechelen/views/reception").json()["view"]["appointments"]):
        assert time.monotonic() < deadline, "the server did not notice"
    assert [(line["service"], line["at"]) for line in lines] == [("burgerzaken", "2026-11-23T10:00:00.000Z")]
    site = desk.get("/sites/mechelen").json()
    assert (site["date"], site["at"]) == ("2026-11-23", "2026-11-23T08:15:00.000Z")
    reported = kiosk.post("/sites/mechelen/appointments/A-3/report", json={})
    assert reported.status_code == 200
    assert reported.json()["ticket"].endswith("001")
    # The same row again is no change; another one for who is here already is told as what it is.
    assert place.take(GOOD, at=None).stdout == summary(unchanged=3) + "\n"
    ran = place.take(GOOD.replace("11:00", "11:30"), at=None)
    assert ran.stdout == summary(unchanged=2, bad=1) + "\n"
    assert reasons(ran) == {4: "The citizen of this appointment has already reported."}
    # The journal has our own ids only; what was outside stands in the table of references.
    journal = server.client("supervisor").get("/sites/mechelen/journal?limit=1000").text
    for canary in ("A-1", "A-2", "A-3", "Canaria", "32499887766", MAIL):
        assert canary not in journal
        assert canary not in server.log()
    booked = {ref: known for known, ref in place.rows("SELECT appointment, ref FROM reference")}
    assert all(known in journal for known in booked.values())
    assert "day-ended" not in journal


def test_many_rows_let_the_server_go_on(server: Onthaal) -> None:
    """While some pieces go in, walk-ins are answered between them, and in the end journal and rows agree."""
    place = Place(server.folder)
    rows = "".join(f"M-{n},bevolking,2026-12-01T{9 + n % 4:02}:{n % 60:02},,,,,\n" for n in range(2000))
    (place.folder / "many.csv").write_text(HEAD + rows)
    arguments = ("import", "appointments", "many.csv", "--site", "mechelen", "--database", place.url)
    kiosk, between = server.client("kiosk"), 0
    with (place.folder / "told").open("w+b") as told:
        running = program.Program(arguments, output=told, errors=told, cwd=place.folder)
        while running.poll() is None:
            drawn = kiosk.post("/sites/mechelen/visits", json={"service": "onthaal"})
            assert drawn.status_code == 200, drawn.text
            between += 1
    assert running.wait(1) == 0
    assert (place.folder / "told").read_text() == summary(booked=2000) + "\n"
    assert between > 3
    kinds = [kind for (kind,) in place.rows("SELECT kind FROM journal ORDER BY seq")]
    first, last = kinds.index("appointment-booked"), len(kinds) - 1 - kinds[::-1].index("appointment-booked")
    assert "visit-reported" in kinds[first:last]
    server.stop()
    checked = program.run("rebuild", "--check", "--database", place.url, cwd=place.folder)
    assert checked.returncode == 0, checked.stdout
