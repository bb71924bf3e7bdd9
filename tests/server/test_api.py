"""Every call of the API once on its good path, over HTTP; shapes as the design writes them down."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import websockets.sync.client
from documented import Document
from mechelens import mechelens
from running import Onthaal, onthaal

SITES = 40
TICKET = {"seq", "visit", "ticket", "position", "low_s", "high_s", "link"}
CALLED = {"seq", "ticket", "call", "rule", "overtook"}
COUNTER = {"seq", "counter", "state", "ticket", "call"}
BOOKED = {"seq", "appointment", "changed"}
MOVED = {"seq", "visit", "ticket", "status"}


class Hall:
    """A site of a server and one client a role, whose every answer is held to the document."""

    def __init__(self, server: Onthaal, document: Document, site: str) -> None:
        self.server = server
        self.document = document
        self.site = site
        self._clients: dict[str, httpx.Client] = {}

    def say(self, role: str, method: str, path: str, **sent: Any) -> Any:
        """A request that must succeed; its answer."""
        if role not in self._clients:
            client = self._clients[role] = self.document.watch(self.server.client(None))
            client.headers["Authorization"] = f"Bearer {self.server.token(role, site=self.site)}"
        response = self._clients[role].request(method, f"/sites/{self.site}{path}", **sent)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, role: str, path: str, body: object = None) -> Any:
        """A command."""
        return self.say(role, "POST", path, json=body or {})

    def get(self, role: str, path: str = "", **query: Any) -> Any:
        """Something to read."""
        return self.say(role, "GET", path, params=query)

    def draw(self, service: str = "onthaal", **more: Any) -> Any:
        """A walk-in's ticket."""
        return self.post("kiosk", "/visits", {"service": service, **more})

    def at(self, counter: int, command: str, body: object = None) -> Any:
        """A counter's command."""
        return self.post("counter", f"/counters/{counter}/{command}", body)

    def book(self, ref: str, at: str = "2026-11-23T09:30:00+01:00", **more: Any) -> Any:
        """An appointment at the booking system's reference."""
        body = {"service": "bevolking", "at": at, **more}
        return self.say("integrator", "PUT", f"/appointments/{ref}", json=body)


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Onthaal, Document]]:
    folder = tmp_path_factory.mktemp("api")
    with onthaal(folder, config=mechelens(folder, SITES)) as running:
        yield running, Document(running)


_sites = itertools.count(1)


@pytest.fixture
def hall(serving: tuple[Onthaal, Document]) -> Hall:
    """A house of its own for each test, in the one server that they share."""
    return Hall(*serving, f"house-{next(_sites)}")


def test_a_walk_in_from_ticket_to_door(hall: Hall) -> None:
    ticket = hall.draw(
        persons=2, language="fr", contact={"name": "J", "phone": "0470 12 34 56"}, priority=False
    )
    assert ticket.keys() == TICKET
    assert (ticket["ticket"], ticket["position"]) == ("A001", 1)
    assert ticket["link"].startswith(f"{hall.server.base}/t/")
    opened = hall.at(1, "open", {"staff": "an"})
    assert opened.keys() == COUNTER
    assert (opened["counter"], opened["state"], opened["ticket"]) == ("1", "open", None)
    called = hall.at(1, "next")
    assert called.keys() == CALLED
    assert (called["ticket"], called["rule"], called["overtook"]) == ("A001", "walk-in", [])
    again = hall.at(1, "recall")
    assert again.keys() >= {"seq", "ticket", "call"}
    assert again["ticket"] == "A001"
    assert again["call"] != called["call"]
    assert hall.at(1, "start")["ticket"] == "A001"
    assert hall.at(1, "finish")["ticket"] is None
    nobody = hall.at(1, "next")
    assert nobody == {"seq": nobody["seq"], "ticket": None, "call": None, "rule": None, "overtook": []}
    assert hall.at(1, "pause")["state"] == "paused"
    assert hall.at(1, "close")["state"] == "closed"


def test_seq_grows_with_every_change_and_stays_where_nothing_changed(hall: Hall) -> None:
    first = hall.at(1, "open")["seq"]
    assert hall.at(1, "open")["seq"] == first
    second = hall.draw()["seq"]
    assert second == first + 1
    assert hall.at(1, "next")["seq"] == second + 1


def test_an_appointment_from_booking_to_counter(hall: Hall) -> None:
    booked = hall.book("BK-1", persons=3, language="nl", contact={"email": "j@example.org"})
    assert booked.keys() == BOOKED
    assert booked["changed"] is True
    assert hall.book("BK-1", persons=3, language="nl") == {**booked, "changed": False}
    confirmed = hall.post("integrator", "/appointments/BK-1/confirm")
    assert confirmed == {"seq": booked["seq"] + 1, "appointment": booked["appointment"], "changed": True}
    late = hall.post("reception", "/appointments/BK-1/late", {"minutes": 10})
    assert late["changed"] is True
    ticket = hall.post("kiosk", "/appointments/BK-1/report")
    assert ticket.keys() == TICKET
    assert ticket["ticket"] == "C001"
    second = hall.post("reception", "/appointments/BK-1/report")
    assert (second["ticket"], second["visit"], second["link"]) == (
        *(ticket["ticket"], ticket["visit"]),
        ticket["link"],
    )
    hall.at(3, "open")
    assert hall.at(3, "next")["ticket"] == "C001"


def test_an_appointment_cancelled_and_one_that_came_unseen(hall: Hall) -> None:
    hall.book("BK-2")
    gone = hall.say("integrator", "DELETE", "/appointments/BK-2")
    assert gone.keys() == BOOKED
    assert gone["changed"] is True
    assert hall.say("integrator", "DELETE", "/appointments/BK-2")["changed"] is False
    hall.book("BK-3")
    assert hall.post("counter", "/appointments/BK-3/came")["changed"] is True
    assert hall.post("reception", "/appointments/BK-3/came")["changed"] is False


def test_no_show_parking_return_and_leaving(hall: Hall) -> None:
    for _ in range(3):
        hall.draw()
    hall.at(1, "open")
    assert hall.at(1, "next")["ticket"] == "A001"
    hall.at(1, "recall")
    assert hall.at(1, "no-show")["ticket"] is None
    back = hall.post("kiosk", "/visits/A001/return")
    assert back.keys() == MOVED
    assert (back["ticket"], back["status"]) == ("A001", "waiting")
    assert hall.at(1, "next")["rule"] == "again"
    assert hall.at(1, "park")["ticket"] is None
    assert hall.post("reception", "/visits/A001/return")["status"] == "waiting"
    left = hall.post("reception", "/visits/A002/leave")
    assert (left["ticket"], left["status"]) == ("A002", "left")


def test_priority_binding_call_and_undo(hall: Hall) -> None:
    tickets = [hall.draw() for _ in range(3)]
    hall.at(1, "open", {"staff": "an"})
    hall.at(2, "open", {"staff": "bo"})
    by_id = hall.post("reception", f"/visits/{tickets[2]['visit']}/priority", {"priority": True})
    assert by_id["ticket"] == "A003"
    bound = hall.post("reception", "/visits/A001/bind", {"staff": "bo"})
    assert bound.keys() == MOVED
    first = hall.at(1, "next")
    assert (first["ticket"], first["rule"], first["overtook"]) == ("A003", "priority", ["A002"])
    assert hall.at(1, "undo")["ticket"] is None
    chosen = hall.at(1, "call", {"ticket": "A002"})
    assert (chosen["ticket"], chosen["rule"]) == ("A002", "asked")
    assert hall.at(2, "call", {"ticket": "A001"})["ticket"] == "A001"
    assert hall.post("reception", "/visits/A003/priority", {"priority": False})["status"] == "waiting"


def test_transfer_to_a_service_and_to_a_counter(hall: Hall) -> None:
    hall.draw()
    hall.draw("attesten", then=["onthaal"])
    hall.at(1, "open")
    hall.at(2, "open", {"staff": "bo"})
    hall.at(1, "next")
    assert hall.at(1, "transfer", {"service": "attesten", "accompanied": True})["ticket"] is None
    assert hall.at(2, "next")["ticket"] == "A001"
    assert hall.at(2, "transfer", {"counter": "1"})["ticket"] is None
    assert hall.at(1, "next")["ticket"] == "A001"
    assert hall.at(2, "next")["ticket"] == "B001"
    hall.at(2, "finish")
    waiting = hall.get("supervisor", "/views/management")["view"]["waiting"]
    assert [(each["ticket"], each["service"]) for each in waiting] == [("B001", "onthaal")]


def test_the_site_as_every_role_sees_it(hall: Hall) -> None:
    seen = hall.get("screen")
    assert seen.keys() >= {"services", "counters"}
    assert (seen["site"], seen["at"], seen["date"]) == (hall.site, "2026-11-23T08:15:00.000Z", "2026-11-23")
    assert seen["openings"] == [["2026-11-23T07:00:00.000Z", "2026-11-23T12:00:00.000Z"]]
    assert seen["takes_tickets"] is True
    services = {service["id"]: service for service in seen["services"]}
    assert (
        services["onthaal"].items() >= {"kind": "reception", "walk_ins": True, "appointments": False}.items()
    )
    assert services["bevolking"].items() >= {"kind": "theme", "walk_ins": False, "appointments": True}.items()
    counters = {counter["counter"]: counter for counter in seen["counters"]}
    assert counters["1"].items() >= {"services": ["onthaal"], "state": "closed"}.items()


@pytest.mark.parametrize(
    ("role", "topic"),
    [
        ("screen", "hall"),
        ("counter", "counters/1"),
        ("reception", "reception"),
        ("supervisor", "management"),
    ],
)
def test_a_view_equals_the_frame_of_the_wire(hall: Hall, role: str, topic: str) -> None:
    polled = hall.get(role, f"/views/{topic}")
    assert list(polled) == ["v", "topic", "seq", "at", "view"]
    assert (polled["v"], polled["topic"]) == (1, f"{hall.site}/{topic}")
    assert polled["view"] == frame(hall, f"{hall.site}/{topic}", role)["view"]


def test_a_ticket_s_own_frame_needs_only_its_link(hall: Hall) -> None:
    ticket = hall.draw()
    secret = ticket["link"].rpartition("/")[2]
    polled = httpx.get(f"{hall.server.base}/api/v1/visits/{secret}")
    hall.document.check(polled)
    assert polled.json()["view"]["ticket"] == ticket["ticket"]
    assert polled.json() == frame(hall, f"visits/{secret}", None)


def frame(hall: Hall, topic: str, role: str | None) -> Any:
    """The first frame of a topic."""
    headers = {"Authorization": f"Bearer {hall.server.token(role, site=hall.site)}"} if role else {}
    address = f"{hall.server.live}/{topic}"
    with websockets.sync.client.connect(address, additional_headers=headers) as connection:
        return httpx.Response(200, content=connection.recv(10)).json()


def test_the_journal_in_pages_without_gap(hall: Hall) -> None:
    for _ in range(5):
        hall.draw()
    hall.at(1, "open")
    whole = hall.get("supervisor", "/journal")["entries"]
    assert [entry["seq"] for entry in whole] == list(range(1, 8))
    assert [entry["kind"] for entry in whole] == [
        "day-opened",
        *["visit-reported"] * 5,
        "counter-opened",
    ]
    assert all(entry["at"] == "2026-11-23T08:15:00.000Z" for entry in whole)
    pages, after = [], 0
    while page := hall.get("administrator", "/journal", after=after, limit=3)["entries"]:
        assert len(page) <= 3
        pages += page
        after = page[-1]["seq"]
    assert pages == whole
    assert hall.get("supervisor", "/journal", after=7)["entries"] == []
    assert [e["seq"] for e in hall.get("supervisor", "/journal", after="1e0", limit="2.0")["entries"]] == [
        2,
        3,
    ]
