"""Many at the same moment, against real server processes: everybody gets their own, and once.

The oracle is the answers themselves, put in the order of their ``seq``: what the rules make of people
who report one after the other is written out by hand.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from houses import house
from running import Onthaal, onthaal

from server.access import Role, create_token
from server.database import Database

COUNTERS = 40
_keys = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onthaal]:
    """One server with a house for each test; its clock runs, so that nobody reports at one instant."""
    folder = tmp_path_factory.mktemp("races")
    sites = [f"house-{number}" for number in range(12)]
    with onthaal(folder, config=house(folder, COUNTERS, sites=sites), speed=1.0) as running:
        yield running


@pytest.fixture
def site(server: Onthaal, request: pytest.FixtureRequest) -> str:
    """A house that no other test uses."""
    tests = [item.nodeid for item in request.session.items if item.path == request.path]
    return f"house-{tests.index(request.node.nodeid)}"


@asynccontextmanager
async def client(server: Onthaal, site: str, role: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one house, with connections enough for everybody to press at once."""
    async with httpx.AsyncClient(
        base_url=f"{server.base}/api/v1/sites/{site}",
        headers={"Authorization": f"Bearer {server.token(role, site=site)}"},
        limits=httpx.Limits(max_connections=50, max_keepalive_connections=50),
        timeout=30,
    ) as made:
        yield made


async def post(
    http: httpx.AsyncClient, path: str, body: dict[str, Any] | None = None, key: str | None = None
) -> httpx.Response:
    return await http.post(path, json=body or {}, headers={"Idempotency-Key": key or f"race-{next(_keys)}"})


async def ok(http: httpx.AsyncClient, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = await post(http, path, body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def open_all(http: httpx.AsyncClient, counters: int = COUNTERS) -> None:
    """Open the counters; afterwards every connection that the race needs stands."""
    await asyncio.gather(*(ok(http, f"/counters/{n}/open") for n in range(1, counters + 1)))


async def journal(server: Onthaal, site: str) -> list[dict[str, Any]]:
    async with client(server, site, "supervisor") as http:
        entries: list[dict[str, Any]] = []
        while page := (await http.get("/journal", params={"after": len(entries)})).json()["entries"]:
            entries += page
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    return entries


@pytest.mark.parametrize("waiting", [25, 40, 55])
async def test_all_counters_press_next_at_the_same_moment(server: Onthaal, site: str, waiting: int) -> None:
    async with client(server, site, "kiosk") as kiosk, client(server, site, "counter") as counter:
        drawn = [(await ok(kiosk, "/visits", {"service": "onthaal"}))["ticket"] for _ in range(waiting)]
        await open_all(counter)
        answers = await asyncio.gather(*(ok(counter, f"/counters/{n}/next") for n in range(1, COUNTERS + 1)))

    called = sorted((answer for answer in answers if answer["ticket"]), key=lambda answer: answer["seq"])
    assert [answer["ticket"] for answer in called] == drawn[:COUNTERS]  # by report, none twice, none passed
    assert all(answer["rule"] == "walk-in" and answer["overtook"] == [] for answer in called)
    nobody = [answer for answer in answers if not answer["ticket"]]
    assert len(nobody) == max(0, COUNTERS - waiting)
    assert all(answer["call"] is None and answer["rule"] is None for answer in nobody)
    assert all(answer["seq"] >= called[-1]["seq"] for answer in nobody)  # only when the last was called


async def test_due_appointments_go_first_when_all_press_at_once(server: Onthaal, site: str) -> None:
    async with (
        client(server, site, "kiosk") as kiosk,
        client(server, site, "counter") as counter,
        client(server, site, "integrator") as booking,
    ):
        walk_ins = [(await ok(kiosk, "/visits", {"service": "onthaal"}))["ticket"] for _ in range(10)]
        # Slots of 9:12, 9:11, ... reported in the opposite order of their slots, and within the grace.
        slots = [f"2026-11-23T09:{minute}:00+01:00" for minute in (14, 13, 12, 11)]
        reported = {}
        for slot in slots:
            ref = f"app-{slot[14:16]}"
            put = await booking.put(f"/appointments/{ref}", json={"service": "onthaal", "at": slot})
            assert put.status_code == 200, put.text
            reported[slot] = (await ok(kiosk, f"/appointments/{ref}/report"))["ticket"]
        await open_all(counter, 20)
        answers = await asyncio.gather(*(ok(counter, f"/counters/{n}/next") for n in range(1, 21)))

    called = sorted((answer for answer in answers if answer["ticket"]), key=lambda answer: answer["seq"])
    assert [answer["ticket"] for answer in called] == [reported[slot] for slot in sorted(slots)] + walk_ins
    assert [answer["rule"] for answer in called] == ["appointment"] * 4 + ["walk-in"] * 10
    assert set(walk_ins) <= set(called[0]["overtook"])


async def test_two_kiosks_never_draw_the_same_number(server: Onthaal, site: str) -> None:
    store = Database(server.url)
    second = store.write_now(lambda connection: create_token(connection, site, Role.KIOSK, None))
    store.close()
    async with client(server, site, "kiosk") as left, client(server, site, "kiosk") as right:
        right.headers["Authorization"] = f"Bearer {second}"
        draws = [ok(http, "/visits", {"service": "onthaal"}) for http in [left, right] * 20]
        answers = await asyncio.gather(*draws)
    assert sorted(answer["ticket"] for answer in answers) == [f"A{n:03d}" for n in range(1, 41)]
    assert len({answer["visit"] for answer in answers}) == 40
    assert len({answer["seq"] for answer in answers}) == 40


async def test_the_same_ticket_called_from_two_counters_goes_to_one(server: Onthaal, site: str) -> None:
    async with client(server, site, "kiosk") as kiosk, client(server, site, "counter") as counter:
        ticket = (await ok(kiosk, "/visits", {"service": "onthaal"}))["ticket"]
        await open_all(counter, 8)
        answers = await asyncio.gather(
            *(post(counter, f"/counters/{n}/call", {"ticket": ticket}) for n in range(1, 9))
        )
        won = [answer for answer in answers if answer.status_code == 200]
        lost = [answer for answer in answers if answer.status_code == 409]
        assert len(won) == 1
        assert len(lost) == 7
        assert {answer.json()["code"] for answer in lost} == {"not-waiting"}
        assert all(ticket in answer.json()["detail"] for answer in lost)
        # Who lost is not stuck: the counter is free for the next.
        other = (await ok(kiosk, "/visits", {"service": "onthaal"}))["ticket"]
        loser = next(n for n, answer in enumerate(answers, 1) if answer.status_code == 409)
        assert (await ok(counter, f"/counters/{loser}/next"))["ticket"] == other


async def test_a_double_click_has_one_effect(server: Onthaal, site: str) -> None:
    async with client(server, site, "kiosk") as kiosk, client(server, site, "counter") as counter:
        for _ in range(3):
            await ok(kiosk, "/visits", {"service": "onthaal"})
        await open_all(counter, 2)
        clicks = await asyncio.gather(*(post(counter, "/counters/1/next", key="one-click") for _ in range(6)))
        assert {answer.status_code for answer in clicks} == {200}
        assert len({answer.content for answer in clicks}) == 1
        assert clicks[0].json()["ticket"] == "A001"
        stolen = await post(counter, "/counters/2/next", key="one-click")
        assert (stolen.status_code, stolen.json()["code"]) == (422, "idempotency-key-reused")
        draws = await asyncio.gather(
            *(post(kiosk, "/visits", {"service": "onthaal"}, key="one-draw") for _ in range(6))
        )
        assert len({answer.content for answer in draws}) == 1
        assert draws[0].json()["ticket"] == "A004"
    kinds = [entry["kind"] for entry in await journal(server, site)]
    assert kinds.count("called") == 1
    assert kinds.count("visit-reported") == 4


async def test_reporting_twice_at_once_gives_one_ticket(server: Onthaal, site: str) -> None:
    async with client(server, site, "kiosk") as kiosk, client(server, site, "integrator") as booking:
        body = {"service": "onthaal", "at": "2026-11-23T09:30:00+01:00"}
        assert (await booking.put("/appointments/B-1", json=body)).status_code == 200
        answers = await asyncio.gather(*(ok(kiosk, "/appointments/B-1/report") for _ in range(6)))
    assert {answer["ticket"] for answer in answers} == {"A001"}
    assert len({(answer["visit"], answer["link"]) for answer in answers}) == 1
    assert [entry["kind"] for entry in await journal(server, site)].count("visit-reported") == 1


async def test_putting_a_reference_at_once_books_one_appointment(server: Onthaal, site: str) -> None:
    async with client(server, site, "integrator") as booking:
        body = {"service": "onthaal", "at": "2026-11-24T09:30:00+01:00"}
        answers = await asyncio.gather(*(booking.put("/appointments/B-2", json=body) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["appointment"] for answer in answers}) == 1
    assert sorted(answer.json()["changed"] for answer in answers) == [False] * 5 + [True]
    assert [entry["kind"] for entry in await journal(server, site)].count("appointment-booked") == 1


async def test_two_processes_share_one_journal(server: Onthaal, site: str) -> None:
    """The loser of a race for a seq catches up and decides again; nobody sees that it lost."""
    second = Onthaal(server.folder, config=server.config, speed=1.0)
    try:
        second.start()
        async with (
            client(server, site, "kiosk") as kiosk,
            client(second, site, "kiosk") as other_kiosk,
            client(server, site, "counter") as counter,
            client(second, site, "counter") as other_counter,
        ):
            # Keys are scoped to the token: one panel, whose second click another process gets.
            other_counter.headers["Authorization"] = counter.headers["Authorization"]
            draws = await asyncio.gather(
                *(ok(http, "/visits", {"service": "onthaal"}) for http in [kiosk, other_kiosk] * 25)
            )
            assert sorted(draw["ticket"] for draw in draws) == [f"A{n:03d}" for n in range(1, 51)]
            in_order = [draw["ticket"] for draw in sorted(draws, key=lambda draw: draw["seq"])]
            assert in_order == sorted(in_order)

            at = [(n, counter if n % 2 else other_counter) for n in range(1, COUNTERS + 1)]
            await asyncio.gather(*(ok(http, f"/counters/{n}/open") for n, http in at))
            # Kiosks go on drawing while all press.
            answers = await asyncio.gather(
                *(ok(http, f"/counters/{n}/next") for n, http in at),
                *(ok(http, "/visits", {"service": "onthaal"}) for http in [kiosk, other_kiosk] * 5),
            )
            called = sorted(answers[:COUNTERS], key=lambda answer: answer["seq"])
            # The two clocks differ by some milliseconds, `at` never steps back: order is that of the journal.
            assert [answer["ticket"] for answer in called] == in_order[:COUNTERS]

            # One and the same key at both: one effect, one answer.
            clicks = await asyncio.gather(
                *(post(http, "/counters/1/recall", key="both") for http in [counter, other_counter] * 3)
            )
            assert {click.status_code for click in clicks} == {200}
            assert len({click.content for click in clicks}) == 1

            # Both show the same afterwards, once each has had something to do.
            await ok(counter, "/counters/1/start")
            await ok(other_counter, "/counters/2/start")
            last = await ok(counter, "/counters/3/start")
            halls = [(await http.get("/views/hall")).json() for http in (counter, other_counter)]
            assert halls[0]["seq"] == last["seq"]
            assert halls[0]["view"]["calls"] == halls[1]["view"]["calls"]
        entries = await journal(second, site)  # asserts that there is no gap
        assert [entry["kind"] for entry in entries].count("recalled") == 1
        assert len({entry["call"] for entry in entries if entry["kind"] == "called"}) == COUNTERS
    finally:
        second.close()
    assert " 500" not in server.log()
