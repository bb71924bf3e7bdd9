"""The simulated booking system, by what arrives at the server it tells."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date

from server.domain.schedule import SECOND, iso
from server.settings import default_config, load
from server.simulate.booking import BookingSystem
from server.simulate.housetime import HouseTime
from server.simulate.outside import Outside
from server.simulate.plan import plan_day
from server.simulate.tally import Tally
from server.simulate.telephones import Telephones

HOUSE = load(default_config())["mechelen"]
MONDAY = date(2026, 11, 23)


@asynccontextmanager
async def booking(plan):
    """A booking system of these days; yields it and what it puts: path and body."""
    put = []

    async def handle(reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().lower().split("\r\n")
                length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length"))
                method, path, _ = first.split()
                put.append((method, path, json.loads(await reader.readexactly(length))))
                body = b'{"appointment": "a"}'
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, Outside(url, "mechelen", {"integrator": "x"}) as outside:
        tally = Tally()
        telephones = Telephones(outside, HouseTime(), tally)
        yield BookingSystem(HOUSE, outside, plan, telephones, tally), put


async def test_every_appointment_says_how_it_was_booked():
    plan = plan_day(HOUSE, MONDAY, 1)
    async with booking(lambda _day: plan) as (system, put):
        system.begin(MONDAY)
        await system.book_to(MONDAY)
        await system.book_to(MONDAY)
    expected = {f"bk-{each.id}": each.channel.value for each in plan.people if each.slot_at is not None}
    assert {path.rsplit("/", 1)[1]: body["channel"] for _, path, body in put} == expected
    assert len(put) == len(expected)


async def test_when_a_day_has_no_slot_left_the_first_free_one_is_on_the_next_open_day():
    """A demo that begins on a Saturday near closing; on Sunday the house is closed."""
    saturday, monday = plan_day(HOUSE, date(2026, 11, 28), 1), plan_day(HOUSE, date(2026, 11, 30), 1)
    days = {monday.date: replace(monday, people=())}
    async with booking(lambda day: days.get(day) or plan_day(HOUSE, day, 1)) as (system, put):
        await system.tell_first_free(saturday, saturday.openings[-1][1] - 900 * SECOND)
    told = {path.split("/")[-2]: body["at"] for _, path, body in put}
    services = [each.id for each in HOUSE.services.values() if each.appointments]
    assert told == dict.fromkeys(services, iso(monday.openings[0][0]))
