"""The simulated telephones against a site whose list of messages is written by hand."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest

from server.domain.schedule import SECOND, iso
from server.settings import default_config, load
from server.simulate.housetime import HouseTime, instant
from server.simulate.outside import Outside
from server.simulate.people import Reply
from server.simulate.plan import plan_day
from server.simulate.tally import Tally
from server.simulate.telephones import PAGE, Telephones

HOUSE = load(default_config())["mechelen"]
PEOPLE = plan_day(HOUSE, date(2026, 11, 23), 1).people
NOON = instant("2026-11-22T12:00:00.000Z")


class Site:
    """What a site answers: lines of messages newest first, what they say, and the answers it was given."""

    def __init__(self):
        self.lines = []
        self.texts = {}
        self.answers = []
        self.refuse = None
        self.asked = asyncio.Event()

    def message(self, name, ref, at, *, state="accepted", kind="reminder", text="https://x.example/a/s3cret"):
        line = {"message": name, "ref": ref, "kind": kind, "step": "1d", "state": state, "due": at}
        moments = {"accepted": at if state in ("accepted", "delivered") else None}
        self.lines.insert(0, line | moments | {"delivered": None, "shown": None})
        self.texts[name] = text

    def answer(self, method, target, body):
        where = urlsplit(target)
        path = where.path.removeprefix("/api/v1/")
        if path == "sites/mechelen/messages":
            self.asked.set()
            query = parse_qs(where.query)
            after = query.get("after", [None])[0]
            names = [line["message"] for line in self.lines]
            since = names.index(after) + 1 if after else 0
            limit = int(query["limit"][0])
            lines = self.lines[since : since + limit]
            return 200, {"messages": lines, "more": len(self.lines) > since + limit}
        if path.startswith("sites/mechelen/messages/"):
            text = self.texts[path.rsplit("/", 1)[1]]
            return 200, {"content": None if text is None else {"to": "", "subject": "", "text": text}}
        if self.refuse is not None:
            return 409, {"code": self.refuse}
        self.answers.append((method, path, json.loads(body)))
        return 200, {"seq": 1, "appointment": "a", "changed": True}


@asynccontextmanager
async def serving(site):
    async def handle(reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                method, target, _ = lines[0].split(" ")
                status, answer = site.answer(method, target, body)
                raw = json.dumps(answer).encode()
                writer.write(f"HTTP/1.1 {status} Any\r\nContent-Length: {len(raw)}\r\n\r\n".encode() + raw)
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def following(site, speed=1000.0):
    """Telephones that look at a site; they are looked at in turn with ``seen``."""
    clock, tally = HouseTime(), Tally()
    clock.set(NOON, speed)
    async with serving(site) as url, Outside(url, "mechelen", {"supervisor": "token"}) as outside:
        telephones = Telephones(outside, clock, tally)
        task = asyncio.create_task(telephones.follow())
        try:
            yield telephones, tally
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


def person(wanted):
    return next(each for each in PEOPLE if each.slot_at is not None and wanted(each))


def plain(each):
    return not each.cancels and each.says is None and each.comes_at is not None


def told(at):
    return f"2026-11-{at}.000Z"


async def test_who_has_a_reminder_before_leaving_home_is_reminded():
    site, someone = Site(), person(plain)
    leaves = someone.leaves_at
    in_time, too_late = (leaves - SECOND, leaves + SECOND)
    async with following(site) as (telephones, tally):
        for name in ("in time", "too late", "failed", "no reminder", "nothing"):
            telephones.know(name, someone)
        site.message("a", "in time", iso(in_time))
        site.message("b", "too late", iso(too_late))
        site.message("c", "failed", iso(in_time), state="failed")
        site.message("d", "no reminder", iso(in_time), kind="almost")
        site.message("e", "somebody else", iso(in_time))
        await until(lambda: tally.messages == 4)
        assert telephones.reminded("in time")
        for name in ("too late", "failed", "no reminder", "nothing", "unknown"):
            assert not telephones.reminded(name)
        telephones.forget(["in time"])
        assert not telephones.reminded("in time")


async def test_a_message_that_is_sent_later_than_it_was_due_is_seen_and_counted_once():
    site, someone = Site(), person(plain)
    async with following(site) as (telephones, tally):
        telephones.know("late", someone)
        site.message("z", "late", told("22T12:00:00"), state="sending")
        for number in range(2 * PAGE):
            site.message(f"m{number}", None, told(f"22T13:{number % 60:02d}:00"))
        await until(lambda: tally.messages == 2 * PAGE)
        assert not telephones.reminded("late")
        site.lines[-1] |= {"state": "accepted", "accepted": told("22T13:59:00")}
        await until(lambda: telephones.reminded("late"))
        site.asked.clear()
        async with asyncio.timeout(10):
            await site.asked.wait()
        assert tally.messages == 2 * PAGE + 1


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (lambda each: each.says is Reply.CONFIRM, "confirm"),
        (lambda each: each.says is Reply.CALL_BACK, "call-back"),
        (lambda each: each.cancels and each.by_link, "cancel"),
    ],
)
async def test_people_answer_the_first_reminder_by_its_link_once(wanted, says):
    site, someone = Site(), person(wanted)
    # Fast: they answer within the hour.
    async with following(site, speed=100_000.0) as (telephones, tally):
        telephones.know("x", someone)
        site.message("a", "x", told("22T12:00:00"))
        await until(lambda: site.answers)
        site.message("b", "x", told("22T13:00:00"))
        await until(lambda: tally.messages == 2)
        await until(lambda: tally.answers[says] == 1)
    assert site.answers == [("POST", f"appointments/s3cret/{says}", {})]
    assert telephones.cancelled("x") is (says == "cancel")
    assert not tally.refusals


async def test_lateness_is_told_by_the_link_as_the_page_offers_it():
    site, someone = Site(), person(plain)
    async with following(site) as (telephones, tally):
        telephones.know("x", someone)
        telephones.know("no link", someone)
        telephones.know("erased", someone)
        assert not await telephones.late("x", 10)
        site.message("a", "x", told("22T12:00:00"))
        site.message("b", "no link", told("22T12:00:00"), text="U wordt verwacht.")
        site.message("c", "erased", told("22T12:00:00"), text=None)
        await until(lambda: tally.messages == 3)
        assert await telephones.late("x", 15)
        assert await telephones.late("x", 35)
        assert not await telephones.late("no link", 10)
        assert not await telephones.late("erased", 10)
        site.refuse = "late-too-long"
        assert not await telephones.late("x", 10)
        assert not tally.refusals
        site.refuse = "not-allowed"
        assert not await telephones.late("x", 10)
        assert tally.refusals == {"not-allowed": 1}
    path = "appointments/s3cret/late"
    assert site.answers == [("POST", path, {"minutes": 20}), ("POST", path, {"minutes": 20})]
    assert tally.answers == {"late": 2}
