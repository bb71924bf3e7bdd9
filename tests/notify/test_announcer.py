"""What is planned of the notices: in a database of its own, and by real servers over one."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from domain.days import MINUTE, THURSDAY_HALL, Played, appointment, house_of, utc
from running import Onthaal

from displays.day import DayModel
from notify import contacts
from notify.announcer import Announcer
from notify.contacts import Contact
from notify.ledger import Ledger
from server import ledger, schema
from server.clock import real_now
from server.database import Database, Unavailable
from server.domain import commands as co
from server.domain.appointment import Appointment
from server.domain.refusal import Code, Refused
from server.keys import Keys

NINE = utc("2026-11-26 08:00")
KEYS = Keys(b"k" * 32)
PHONE = Contact(phone="+32470123456")


class Bench:
    """A hall that is lived in memory, its announcer, and the file that it plans in."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder / 'onthaal.db'}")
        self.database.write_now(schema.migrate)
        slots = tuple(appointment(f"a{n}", "burger", NINE + 60 * MINUTE) for n in range(8))
        self.hall = Played(house_of(THURSDAY_HALL), utc("2026-11-26 07:00"), slots)
        self.hall.do(co.OpenCounter(counter="2"))
        self.hall.at(NINE)
        self.woken = 0
        self.refuses = False
        self.named: list[tuple[str, int]] = []
        self.announcer = self.another()

    def another(self) -> Announcer:
        """A further process's announcer."""
        return Announcer(self.database, ["mechelen"], self.look, self.delay, self._wake)

    def look(self, _site: str) -> DayModel:
        return DayModel(self.hall.house, self.hall.day, self.hall.now)

    async def delay(self, _site: str, known: Appointment, to: int) -> int | None:
        if self.refuses:
            raise Refused(Code.APPOINTMENT_REPORTED)
        assert not [row for row in self.rows() if row[0] == known.id], "told before it was committed"
        self.hall.do(co.Delay(known=known, to=to))
        self.named.append((known.id, to))
        return self.hall.day.appointments[known.id].told_at

    def _wake(self) -> None:
        self.woken += 1

    def keep(self, subject: str) -> None:
        """An address for a visit or appointment."""
        self.database.write_now(
            lambda connection: contacts.put(connection, KEYS, "mechelen", subject, PHONE) and None
        )

    def rows(self) -> list[tuple[str, str, dict[str, Any]]]:
        with closing(sqlite3.connect(self.database.path)) as connection:
            found = connection.execute("SELECT subject, step, about FROM delivery ORDER BY subject, step")
            return [(subject, step, json.loads(about)) for subject, step, about in found]

    def steps(self) -> list[tuple[str, str]]:
        return [(subject, step) for subject, step, _about in self.rows()]

    async def announce(self) -> int:
        return await self.announcer.announce("mechelen")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    try:
        yield made
    finally:
        made.database.close()


async def test_a_hall_of_people_without_an_address_is_told_nothing(bench: Bench) -> None:
    for _ in range(3):
        bench.hall.walk_in("burger")
    bench.hall.call("2")
    assert await bench.announce() == 0
    assert bench.rows() == []
    assert bench.named == []  # a later time that nobody hears of is none
    assert bench.woken == 0


async def test_each_is_planned_once_and_the_database_is_not_asked_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.hall.walk_in("burger")
    called = bench.hall.call("2")
    bench.keep("v1")
    assert await bench.announce() == 1
    assert bench.rows() == [("v1", f"go-{called.call}", {"counter": "2"})]  # type: ignore[union-attr]
    assert bench.woken == 1

    def asked(*_: object) -> None:
        raise AssertionError("the database was asked")

    with monkeypatch.context() as context:
        context.setattr(bench.database, "read", asked)
        context.setattr(bench.database, "write", asked)
        assert await bench.announce() == 0
    # A process that knows nothing of it yet, as after a restart.
    assert await bench.another().announce("mechelen") == 0
    assert len(bench.rows()) == 1


async def test_an_address_that_comes_later_is_found(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.hall.walk_in("burger")
    bench.hall.call("2")
    assert await bench.announce() == 0
    bench.keep("v1")
    monkeypatch.setattr("notify.announcer.ASK_AGAIN_S", 0.0)
    later = time.monotonic() + 11
    monkeypatch.setattr("notify.announcer.time.monotonic", lambda: later)
    assert await bench.announce() == 1


async def test_an_address_of_the_appointment_is_the_visit_s(bench: Bench) -> None:
    bench.keep("a0")
    bench.hall.report("a0")
    called = bench.hall.call("2")
    await bench.announce()
    assert ("v1", f"go-{called.call}") in bench.steps()  # type: ignore[union-attr]


async def test_two_processes_at_once_plan_each_notice_once(bench: Bench) -> None:
    for number in range(1, 6):
        bench.hall.walk_in("burger")
        bench.keep(f"v{number}")
    bench.hall.call("2")
    others = [bench.another() for _ in range(4)]
    await asyncio.gather(*(each.announce("mechelen") for each in others))
    steps = bench.steps()
    assert [subject for subject, _step in steps] == ["v1", "v3", "v4"]  # v2 is served within five minutes
    assert await bench.announce() == 0
    assert bench.steps() == steps


async def test_a_later_time_is_committed_before_anybody_hears_of_it(bench: Bench) -> None:
    # Eight slots at ten, each of four minutes and three quarters: the last begins at 10:33:15.
    bench.keep("a7")
    assert await bench.announce() == 1
    to = NINE + 90 * MINUTE
    assert bench.named == [("a7", to)]
    assert bench.rows() == [("a7", "delayed", {"minutes": 30, "later": to})]
    # The house catches up; the named time stands, also for a process that comes anew.
    for number in range(7):
        bench.hall.do(co.Cancel(known=bench.hall.day.appointments[f"a{number}"], by="citizen"))
    assert await bench.another().announce("mechelen") == 0
    assert bench.named == [("a7", to)]


async def test_a_time_that_was_named_before_a_crash_is_told_as_it_was_named(bench: Bench) -> None:
    to = NINE + 80 * MINUTE
    bench.hall.do(co.Delay(known=bench.hall.day.appointments["a7"], to=to))
    bench.keep("a7")
    assert await bench.announce() == 1
    assert bench.rows() == [("a7", "delayed", {"minutes": 20, "later": to})]
    assert bench.named == []


async def test_what_the_database_did_not_take_is_planned_the_next_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.hall.walk_in("burger")
    bench.hall.call("2")
    bench.keep("v1")

    async def full(_work: object) -> None:
        raise Unavailable("database or disk is full")

    with monkeypatch.context() as context:
        context.setattr(bench.database, "write", full)
        with pytest.raises(Unavailable):
            await bench.announce()
    assert await bench.announce() == 1


async def test_who_reports_meanwhile_is_told_nothing(bench: Bench) -> None:
    bench.keep("a7")
    bench.refuses = True
    assert await bench.announce() == 0
    assert bench.rows() == []


# --- right before sending -------------------------------------------------------------------------


async def claimed(bench: Bench) -> list[str]:
    """The kinds that the ledger lets go out now."""
    houses = {"mechelen": bench.hall.house}
    deliveries = Ledger(houses, KEYS, {})
    claims = await bench.database.write(
        lambda connection: deliveries.claim(connection, bench.hall.now, real_now(), {"sms": 10}, 30.0)
    )
    return [claim.kind for claim in claims]


def store(bench: Bench) -> None:
    """The hall's visits as rows, as the journal's own transaction writes them."""
    rows = ledger.Ledger("mechelen", {})
    for visit in bench.hall.day.visits.values():
        rows.visits[visit.id] = ledger.visit_row("mechelen", bench.hall.day.date, visit)
    bench.database.write_now(lambda connection: rows.write(connection))


def waits(bench: Bench) -> None:
    bench.hall.do(co.Undo(counter="2"))


def goes_elsewhere(bench: Bench) -> None:
    bench.hall.do(co.OpenCounter(counter="3"))
    bench.hall.do(co.Transfer(counter="2", to_counter="3"))
    bench.hall.call("3")


@pytest.mark.parametrize(
    ("change", "goes"), [(lambda bench: None, ["go"]), (waits, []), (goes_elsewhere, [])]
)
async def test_a_call_goes_out_only_while_it_holds(
    bench: Bench, change: Callable[[Bench], None], goes: list[str]
) -> None:
    bench.hall.walk_in("burger")
    bench.hall.call("2")
    bench.keep("v1")
    await bench.announce()
    change(bench)
    store(bench)
    assert await claimed(bench) == goes


@pytest.mark.parametrize("called", [False, True])
async def test_almost_your_turn_goes_out_only_in_the_wait_that_it_is_of(bench: Bench, called: bool) -> None:
    bench.hall.walk_in("burger")
    bench.keep("v1")
    bench.hall.at(NINE + 10 * MINUTE)
    await bench.announce()
    assert bench.steps() == [("v1", "almost")]
    if called:
        bench.hall.call("2")
        bench.hall.do(co.Transfer(counter="2", to_service="burger"))
    store(bench)
    assert await claimed(bench) == ([] if called else ["almost"])


async def test_that_we_close_goes_out_to_who_was_not_served(bench: Bench) -> None:
    bench.hall.walk_in("burger")
    bench.keep("v1")
    bench.hall.at(THURSDAY_HALL.ends).do(co.EndDay())
    assert await bench.announce() == 1
    store(bench)
    assert await claimed(bench) == ["closing"]


# --- real servers ---------------------------------------------------------------------------------


def until(found: Callable[[], Any], wanted: Any) -> None:
    """Wait until something is as it must be."""
    deadline = time.monotonic() + 60
    while (now := found()) != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    assert now == wanted


class Servers:
    """Two servers over one file."""

    def __init__(self, folder: Path) -> None:
        self.first, self.second = Onthaal(folder), Onthaal(folder)
        self.visits: dict[str, str] = {}

    def planned(self) -> list[tuple[str, str, str]]:
        """Who is told what, by the booking system's reference: (reference, kind, about)."""
        with closing(sqlite3.connect(self.first.database)) as connection:
            rows = connection.execute(
                "SELECT reference.ref, delivery.kind, delivery.about FROM delivery "
                "LEFT JOIN visit ON visit.id = delivery.subject "
                "JOIN reference ON reference.appointment IN (visit.appointment, delivery.subject) "
                "ORDER BY 1, 2, 3"
            )
            return [(ref, kind, about) for ref, kind, about in rows if kind != "reminder"]

    def kinds(self) -> list[tuple[str, str]]:
        """Who is told what kind of thing."""
        return [(ref, kind) for ref, kind, _about in self.planned()]

    def delayed(self) -> list[str]:
        """What the journal tells of later times."""
        with closing(sqlite3.connect(self.first.database)) as connection:
            rows = connection.execute("SELECT event FROM journal WHERE kind = 'appointment-delayed'")
            return [json.loads(event)["to"] for (event,) in rows]

    def close(self) -> None:
        for server in (self.first, self.second):
            server.close()


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    made = Servers(tmp_path)
    try:
        yield made
    finally:
        made.close()


def test_each_notice_is_planned_once_by_two_servers_and_across_restarts(servers: Servers) -> None:
    servers.first.start()
    servers.second.start()
    site = "/sites/mechelen"
    booking, desk = servers.first.client("integrator"), servers.second.client("reception")
    counter = servers.first.client("counter", "3")

    def book(ref: str, wall: str, contact: bool = True) -> None:
        body: dict[str, Any] = {"service": "burgerzaken", "at": f"2026-11-23T{wall}:00+01:00"}
        if contact:
            body["contact"] = {"phone": "0470 12 34 56"}
        assert booking.put(f"{site}/appointments/{ref}", json=body).status_code == 200

    book("called", "09:10")
    book("next", "09:12")
    book("mute", "09:13", contact=False)
    for number in range(4):
        book(f"before-{number}", "10:15", contact=False)
    assert counter.post(f"{site}/counters/3/open", json={}).status_code == 200
    for ref in ("called", "next", "mute"):
        assert desk.post(f"{site}/appointments/{ref}/report", json={}).status_code == 200
    assert counter.post(f"{site}/counters/3/next", json={}).status_code == 200
    # Four of ten minutes and three quarters go before it: its turn comes at 10:58, not at 10:16.
    book("later", "10:16")
    at_1055 = utc("2026-11-23 09:55")
    told = [
        ("called", "go", '{"counter":"3"}'),
        ("later", "delayed", f'{{"minutes":39,"later":{at_1055}}}'),
    ]
    known = [("called", "go"), ("later", "delayed"), ("next", "almost")]
    until(servers.kinds, known)
    assert set(told) < set(servers.planned())
    assert counter.post(f"{site}/counters/3/recall", json={}).status_code == 200

    # One is killed and comes back; what it finds anew is told, what was told is not.
    servers.first.stop(signal.SIGKILL)
    servers.first.start()
    book("another", "09:14")
    assert desk.post(f"{site}/appointments/another/report", json={}).status_code == 200
    fourth = servers.first.client("counter", "4")
    assert fourth.post(f"{site}/counters/4/open", json={}).status_code == 200
    assert fourth.post(f"{site}/counters/4/next", json={}).status_code == 200
    known += [("another", "almost"), ("next", "go")]
    until(servers.kinds, sorted(known))
    assert servers.delayed() == [at_1055]
    (found,) = desk.get(f"{site}/appointments", params={"q": "later"}).json()["appointments"]
    assert (found["told_at"], found["keeps_until"]) == (
        "2026-11-23T09:55:00.000Z",
        "2026-11-23T10:00:00.000Z",
    )

    # The day ends while nobody serves: who was in the house hears of it.
    servers.first.stop(signal.SIGKILL)
    servers.second.stop(signal.SIGKILL)
    servers.first.house_time = "2026-11-23T14:00:01+01:00"
    servers.first.start()
    known += [(ref, "closing") for ref in ("called", "next", "another")]
    until(servers.kinds, sorted(known))
    assert set(told) < set(servers.planned())
    for server in (servers.first, servers.second):
        assert "Traceback" not in server.log()
