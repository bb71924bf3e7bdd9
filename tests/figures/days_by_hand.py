"""Days worked out by hand, stored as a server stores them: journal entries in a real file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time
from pathlib import Path

from domain.days import THURSDAY_HALL, Played, appointment, house_of, utc

from server import journal, schema
from server.database import Database
from server.domain import commands as co
from server.domain import events as ev

SITE = "mechelen"
ALWAYS = (((time(0), time(23, 59)),),) * 7


def stored(folder: Path, *days: Iterable[ev.Entry]) -> Database:
    """A database with these entries in the site's journal."""
    database = Database(f"sqlite:///{folder / 'figures.db'}")
    database.write_now(schema.migrate)
    for entries in days:
        database.write_now(lambda connection, entries=entries: journal.append(connection, SITE, entries))  # type: ignore[misc]
    return database


def thursday() -> Played:
    """26 November 2026 in Mechelen, one hour ahead of UTC: eight visits, told in UTC below.

    v1  walk-in for onthaal and then snel         served
    v2  appointment 7:10, parked, came back       served
    v3  walk-in, called by mistake, sent on       served
    v4  appointment 7:30, ten minutes late        left before a call
    v5  walk-in, recalled                         not present
    v6  walk-in, while the counter paused         served
    v7  appointment 8:00                          at the counter until the day ended
    v8  walk-in in the evening                    not served by closing
    """
    booked = (
        appointment("a1", "burger", utc("2026-11-26 07:10")),
        appointment("a2", "burger", utc("2026-11-26 07:30")),
        appointment("a3", "wonen", utc("2026-11-26 08:00")),
    )
    day = Played(house_of(THURSDAY_HALL), utc("2026-11-26 06:50"), booked)

    def at(clock: str) -> Played:
        hours, _, rest = clock.partition(":")
        minutes, _, seconds = rest.partition(":")
        since = (int(hours) * 3600 + int(minutes) * 60 + int(seconds or 0)) * 1_000_000
        return day.at(utc("2026-11-26 00:00") + since)

    def say(clock: str, command: type[co.Command], counter: str, **more: object) -> None:
        at(clock).do(command(counter=counter, **more))

    say("7:00", co.OpenCounter, "1")
    say("7:00", co.OpenCounter, "2")
    v1 = at("7:00").walk_in("onthaal", then=("snel",))
    at("7:02").call("1", v1)
    say("7:03", co.Start, "1")
    v2 = at("7:05").report("a1")
    say("7:08", co.Finish, "1")
    at("7:09").call("2", v2)
    at("7:10").call("1", v1)
    say("7:10:30", co.Start, "1")
    say("7:11", co.Recall, "2")
    say("7:12", co.Start, "2")
    say("7:12", co.Finish, "1")
    say("7:15", co.Park, "2")
    v3 = at("7:16").walk_in("burger")
    at("7:17").call("2", v3)
    say("7:18", co.Undo, "2")
    at("7:20").call("2", v3)
    say("7:20:30", co.Start, "2")
    say("7:22", co.Transfer, "2", to_service="onthaal")
    at("7:24").call("1", v3)
    say("7:25", co.Finish, "1")
    at("7:25").do(co.Return(visit=v2))
    at("7:26").call("2", v2)
    say("7:27", co.Start, "2")
    say("7:37", co.Finish, "2")
    v4 = at("7:40").report("a2")
    v5 = at("7:41").walk_in("burger")
    at("7:43").call("2", v5)
    say("7:44", co.Recall, "2")
    say("7:45", co.NoShow, "2")
    v6 = at("7:46").walk_in("burger")
    at("7:47").call("2", v6)
    say("7:48", co.Start, "2")
    at("7:50").do(co.Leave(visit=v4))
    say("7:50", co.PauseCounter, "2")
    say("7:55", co.Finish, "2")
    v7 = at("7:58").report("a3")
    say("8:00", co.OpenCounter, "3")
    say("8:05", co.OpenCounter, "2")
    at("8:12").call("3", v7)
    say("8:13", co.Start, "3")
    say("12:00", co.CloseCounter, "1")
    say("12:00", co.CloseCounter, "2")
    at("17:40").walk_in("snel")
    at("19:00").do(co.EndDay())
    return day
