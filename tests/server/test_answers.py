"""What an appointment's link gives: its page, one tap to answer, and nothing that changes by looking."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import web
from documented import Document, check_problem
from houses import house
from running import Onthaal, onthaal

from server import database as db
from server.database import Database
from server.keys import load_keys

SITE = "/sites/mechelen"
PHONE = "+32470123456"
TODAY, TOMORROW = "2026-11-23", "2026-11-24"
FOREIGN = ("http://evil.example", "https://evil.example", "null", "file://")
ANSWERS = ("confirm", "late", "cancel", "call-back")

_refs = itertools.count(1)


def instant(day: str, wall: str) -> str:
    """A winter slot as views have it."""
    hour, minute = wall.split(":")
    return f"{day}T{int(hour) - 1:02d}:{minute}:00.000Z"


class Booked:
    """An appointment of a citizen who has its link."""

    def __init__(self, desk: Desk, wall: str, day: str, more: dict[str, Any]) -> None:
        self.desk, self.ref = desk, f"R-{next(_refs)}"
        self.body = {"service": "bevolking", "contact": {"name": "An Peeters", "phone": PHONE}, **more}
        self.move(wall, day)
        self.secret = load_keys(desk.server.database).appointment_secret(self.id)

    def move(self, wall: str, day: str = TODAY) -> None:
        self.slot = instant(day, wall)
        answer = self.desk.as_role("integrator").put(
            f"{SITE}/appointments/{self.ref}", json={**self.body, "at": self.slot}
        )
        assert answer.is_success, answer.text
        self.id = answer.json()["appointment"]

    def view(self) -> dict[str, Any]:
        answer = self.desk.anybody.get(f"/appointments/{self.secret}")
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    @property
    def state(self) -> str:
        return str(self.view()["state"])

    def page(self, path: str = "", **headers: str) -> httpx.Response:
        address = f"{self.desk.server.base}/a/{self.secret}{path}"
        return web.get(address, headers={"Accept": "text/html", **headers})

    def form(self, answer: str, query: str = "", *, fields: Any = None, **headers: str) -> httpx.Response:
        """What a browser sends for a form of the page."""
        ours = {"Accept": "text/html", "Origin": "null", "Sec-Fetch-Site": "same-origin"}
        sent = {name: value for name, value in {**ours, **headers}.items() if value}
        data = {"slot": self.slot, **({"minutes": "10"} if answer == "late" else {}), **(fields or {})}
        address = f"{self.desk.server.base}/a/{self.secret}/{answer}{query}"
        return web.post(address, headers=sent, data={k: v for k, v in data.items() if v is not None})

    def by_api(self, answer: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.desk.anybody.post(
            f"/appointments/{self.secret}/{answer}", json=body or {}, headers=headers
        )

    def told(self) -> list[str]:
        """What the journal has of it."""
        return self.desk.told(self.id)


class Desk:
    """A server on a Monday at 9.15, and who asks it."""

    def __init__(self, server: Onthaal) -> None:
        self.server = server
        self.document = Document(server)
        self.anybody = self.document.watch(server.client(None))
        self._clients: dict[str, httpx.Client] = {}

    def as_role(self, role: str) -> httpx.Client:
        if role not in self._clients:
            self._clients[role] = self.document.watch(self.server.client(role))
        return self._clients[role]

    def book(self, wall: str = "10:00", day: str = TODAY, **more: Any) -> Booked:
        return Booked(self, wall, day, more)

    def post(self, role: str, path: str, body: Any = None) -> Any:
        answer = self.as_role(role).post(SITE + path, json=body or {})
        assert answer.is_success, answer.text
        return answer.json()

    def panel(self, counter: str) -> Any:
        return self.as_role("counter").get(f"{SITE}/views/counters/{counter}").json()["view"]

    def told(self, appointment: str) -> list[str]:
        entries: list[dict[str, Any]] = []
        after = 0
        while True:
            page = (
                self.as_role("supervisor").get(f"{SITE}/journal?after={after}&limit=1000").json()["entries"]
            )
            if not page:
                break
            entries, after = entries + page, page[-1]["seq"]
        return [
            entry["kind"].removeprefix("appointment-")
            for entry in entries
            if entry.get("appointment") == appointment
        ]

    def rows(self, statement: sa.Select[Any]) -> list[Any]:
        store = Database(self.server.url)
        try:
            return store.write_now(lambda connection: list(connection.execute(statement).all()))
        finally:
            store.close()

    def write(self, table: sa.Table, row: dict[str, Any]) -> None:
        store = Database(self.server.url)
        try:
            store.write_now(lambda connection: connection.execute(table.insert(), row))
        finally:
            store.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with onthaal(tmp_path_factory.mktemp("answers")) as server:
        yield Desk(server)


# --- looking changes nothing --------------------------------------------------------------------


def test_opening_any_address_of_an_appointment_changes_nothing(desk: Desk) -> None:
    mine = desk.book()
    queries = ("", "?sure=yes", f"?slot={mine.slot}&minutes=5", "?refused=x")
    for path in ("", *(f"/{each}" for each in ANSWERS), "/seen"):
        for query, method in itertools.product(queries, ("GET", "HEAD", "OPTIONS")):
            answer = web.request(method, f"{desk.server.base}/a/{mine.secret}{path}{query}")
            shown = method != "OPTIONS" and path in ("", "/cancel")
            assert answer.status_code == (200 if shown else 405), (method, path, query)
    for each in ANSWERS:
        address = f"{desk.server.base}/api/v1/appointments/{mine.secret}/{each}"
        assert web.get(address).status_code == 405
        assert web.head(address).status_code == 405
    assert (mine.state, mine.told()) == ("booked", [])


def test_a_page_of_another_site_answers_for_nobody(desk: Desk) -> None:
    mine = desk.book()
    for each in (*ANSWERS, "seen"):
        for origin, site in itertools.product(FOREIGN, ("cross-site", "same-site", "")):
            answer = mine.form(each, Origin=origin, **{"Sec-Fetch-Site": site})
            assert answer.status_code == 403, (each, origin, site)
    for each in ANSWERS:
        body = {"minutes": 5} if each == "late" else {}
        check_problem(mine.by_api(each, body, Origin=FOREIGN[0]), 403, "foreign-origin")
    assert mine.told() == []


def test_a_secret_altered_anywhere_leads_nowhere(desk: Desk) -> None:
    mine = desk.book()
    for at in range(0, len(mine.secret), 3):
        other = mine.secret[:at] + ("A" if mine.secret[at] != "A" else "B") + mine.secret[at + 1 :]
        check_problem(desk.anybody.get(f"/appointments/{other}"), 404, "unknown-appointment")
        assert web.post(f"{desk.server.base}/a/{other}/cancel", data={"slot": mine.slot}).status_code == 404
    # The link of a ticket is no link of an appointment, though both are made from an id.
    visit = load_keys(desk.server.database).visit_secret(mine.id)
    assert desk.anybody.get(f"/appointments/{visit}").status_code == 404
    page = web.get(f"{desk.server.base}/a/nobody", headers={"Accept": "text/html"})
    assert (page.status_code, "Deze afspraak is hier niet bekend" in page.text) == (404, True)
    assert mine.told() == []


# --- answering ----------------------------------------------------------------------------------


def test_one_tap_leads_back_and_twice_is_once(desk: Desk) -> None:
    mine = desk.book()
    for each, kind, state in (
        ("confirm", "confirmed", "confirmed"),
        ("late", "announced-late", "late"),
        ("call-back", "call-back-asked", "late"),
        ("cancel", "cancelled", "cancelled"),
    ):
        for _ in range(2):
            answer = mine.form(each, "?lang=fr")
            assert (answer.status_code, answer.text) == (303, ""), each
            assert answer.headers["location"].startswith(f"/a/{mine.secret}?lang=fr")
        assert (mine.told()[-1], mine.state) == (kind, state)
    assert mine.told() == ["confirmed", "announced-late", "call-back-asked", "cancelled"]
    page = mine.page()
    assert "Deze afspraak is geannuleerd" in page.text
    assert "<form" not in page.text


def test_answers_by_the_api_are_idempotent_under_their_key(desk: Desk) -> None:
    mine = desk.book(day=TOMORROW)
    key = {"Idempotency-Key": "once"}
    first = mine.by_api("confirm", {"slot": mine.slot}, **key)
    assert first.json() == {"seq": first.json()["seq"], "appointment": mine.id, "changed": True}
    assert mine.by_api("confirm", {"slot": mine.slot}, **key).content == first.content
    assert mine.by_api("confirm").json()["changed"] is False
    check_problem(mine.by_api("cancel", **key), 422, "idempotency-key-reused")
    other = desk.book(day=TOMORROW)
    assert other.by_api("confirm", **key).json()["changed"] is True
    assert (mine.told(), other.told()) == (["confirmed"], ["confirmed"])


def test_what_is_wrong_with_an_answer_is_said(desk: Desk) -> None:
    mine = desk.book()
    path = f"/appointments/{mine.secret}/late"
    check_problem(web.post(f"{desk.server.base}/api/v1{path}"), 422, "invalid-body")
    check_problem(mine.by_api("late", {"minutes": 0}), 422, "invalid-body")
    check_problem(mine.by_api("late", {"minutes": 5, "why": "train"}), 422, "invalid-body")
    check_problem(mine.by_api("confirm", {"slot": "yesterday"}), 422, "invalid-body")
    check_problem(desk.anybody.post(path, data={"a": "b"}), 415, "not-json")
    bare = web.post(f"{desk.server.base}/api/v1/appointments/{mine.secret}/confirm")
    check_problem(bare, 400, "idempotency-key-required")
    for fields in ({"slot": None}, {"slot": "x"}, {"minutes": "many"}, {"minutes": "-5"}, {"minutes": ""}):
        assert mine.form("late", fields=fields).status_code == 422, fields
    assert mine.told() == []


def test_an_old_tab_does_not_answer_for_a_slot_that_was_moved(desk: Desk) -> None:
    mine = desk.book("10:00")
    old = mine.slot
    mine.move("11:20")
    for each in ANSWERS:
        answer = mine.form(each, fields={"slot": old})
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/a/{mine.secret}?refused=appointment-moved"
        problem = check_problem(
            mine.by_api(each, {"slot": old, **({"minutes": 5} if each == "late" else {})})
        )
        assert (problem["code"], mine.slot in problem["detail"]) == ("appointment-moved", True)
    page = mine.page("?refused=appointment-moved").text
    assert "de afspraak is intussen verplaatst" in page
    assert "11:20" in page
    assert [each for each in mine.told() if each != "rebooked"] == []


def test_another_day_and_a_race_with_the_booking_system(desk: Desk) -> None:
    """By id or by reference it is the same appointment, also where the day does not have it."""
    mine = desk.book("10:00", TOMORROW)
    assert mine.form("confirm").status_code == 303
    assert mine.state == "confirmed"
    client = desk.as_role("integrator")
    assert client.delete(f"{SITE}/appointments/{mine.ref}").json()["changed"] is True
    check_problem(mine.by_api("confirm"), 409, "appointment-cancelled")
    assert mine.by_api("cancel").json()["changed"] is False
    assert mine.told() == ["confirmed", "cancelled"]


# --- late ---------------------------------------------------------------------------------------


def test_late_keeps_the_place_up_to_the_limit_and_no_longer_is_promised(desk: Desk) -> None:
    mine = desk.book("09:30")
    view = mine.view()
    assert (view["may"], view["late_minutes"]) == (["confirm", "late", "cancel", "call-back"], [5, 10, 20])
    problem = check_problem(mine.by_api("late", {"minutes": 21}), 409, "late-too-long")
    assert "20 minutes" in problem["detail"]
    answer = mine.form("late", fields={"minutes": "45"})
    assert answer.headers["location"].endswith("?refused=late-too-long")
    assert mine.told() == []
    assert mine.by_api("late", {"minutes": 20}).json()["changed"] is True
    view = mine.view()
    assert (view["state"], view["late_s"]) == ("late", 1200)
    assert view["keeps_until"] == instant(TODAY, "09:50")
    assert view["late_minutes"] == [5, 10]
    # Staff note what they are told, however late: they promise nothing.
    assert desk.post("reception", f"/appointments/{mine.ref}/late", {"minutes": 45})["changed"] is True


def test_lateness_is_for_the_last_hours(desk: Desk) -> None:
    for mine in (desk.book("10:00", TOMORROW), desk.book("15:00")):
        assert "late" not in mine.view()["may"]
        check_problem(mine.by_api("late", {"minutes": 5}), 409, "late-too-early")
    passed = desk.book("09:05")
    assert passed.view()["late_minutes"] == [20]
    check_problem(passed.by_api("late", {"minutes": 10}), 409, "late-too-late")
    missed = desk.book("08:50")
    assert (missed.state, missed.view()["may"]) == ("missed", ["call-back"])
    assert "niet meer vrijgehouden" in missed.page().text


def test_the_gap_goes_to_the_next_person_at_once_and_shows_at_the_counter(tmp_path: Any) -> None:
    """Nobody waits for who comes later: the counter calls on, and only a report puts them into the queue."""
    with onthaal(tmp_path, config=house(tmp_path, 1)) as server:
        desk = Desk(server)
        desk.post("counter", "/counters/1/open")
        mine = desk.book("09:15", service="onthaal")
        ticket = desk.post("kiosk", "/visits", {"service": "onthaal"})
        assert mine.form("late").status_code == 303
        panel = desk.panel("1")
        assert panel["later"] == [
            {
                "appointment": mine.id,
                "service": "onthaal",
                "at": instant(TODAY, "09:15"),
                "late_s": 600,
                "expected_at": instant(TODAY, "09:25"),
                "keeps_until": instant(TODAY, "09:35"),
            }
        ]
        secret = ticket["link"].rpartition("/")[2]
        assert desk.anybody.get(f"/visits/{secret}").json()["view"]["ahead"] == 0
        called = desk.post("counter", "/counters/1/next")
        assert (called["ticket"], called["overtook"]) == (ticket["ticket"], [])
        lines = desk.as_role("reception").get(f"{SITE}/views/reception").json()["view"]["appointments"]
        assert [line["late_s"] for line in lines] == [600]
        # Here within the limit, they go before a walk-in who came earlier.
        waits = desk.post("kiosk", "/visits", {"service": "onthaal"})
        report = desk.post("kiosk", f"/appointments/{mine.ref}/report")
        assert desk.panel("1")["later"] == []
        assert [each["ticket"] for each in desk.panel("1")["queue"]] == [report["ticket"], waits["ticket"]]
        # The link now leads to the ticket, and nothing more is to be answered.
        answer = mine.page("?lang=nl")
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            f"/t/{report['link'].rpartition('/')[2]}?lang=nl",
        )
        assert mine.form("cancel").headers["location"].endswith("?refused=appointment-reported")
        assert mine.state == "here"


# --- the page -----------------------------------------------------------------------------------


def test_the_page_says_when_where_and_what_to_bring(desk: Desk) -> None:
    mine = desk.book("10:40", persons=2)
    page = mine.page().text
    for said in ("maandag 23 november 2026", "10:40", "Bevolking", "2 personen", "Ik kom", "Bel mij terug"):
        assert said in page, said
    assert re.findall(r'name="slot" value="([^"]+)"', page) == [mine.slot] * 3
    asked = mine.page("/cancel").text
    assert "Ja, annuleren" in asked
    assert mine.state == "booked"


def test_the_page_speaks_the_language_chosen_then_the_appointment_s_then_the_browser_s(desk: Desk) -> None:
    own, plain = desk.book(language="fr"), desk.book()
    for mine, query, accept, language in (
        (plain, "", "", "nl"),
        (plain, "", "de-DE", "de"),
        (own, "", "de-DE", "fr"),
        (own, "?lang=en", "de-DE", "en"),
        (own, "?lang=xx", "", "fr"),
    ):
        page = mine.page(query, **({"Accept-Language": accept} if accept else {}))
        assert page.headers["content-language"] == language
        assert page.headers["vary"] == "Accept-Language"
        assert page.headers["cache-control"] == "no-store"
        assert f'<html lang="{language}" dir="ltr">' in page.text
    assert "lundi 23 novembre 2026" in own.page().text


def test_a_discreet_service_and_a_safe_contact_are_named_nowhere(desk: Desk) -> None:
    discreet = desk.book(service="gesprek")
    safe = desk.book(contact={"name": "An", "phone": PHONE, "safe": "sms"})
    for mine, may_call in ((discreet, True), (safe, False)):
        view = mine.view()
        assert (view["service"], view["bring"]) == (None, "")
        assert ("call-back" in view["may"]) is may_call
        page = mine.page().text
        assert not re.search("Bevolking|esprek|Waarvoor|Meebrengen", page)
    check_problem(safe.by_api("call-back"), 409, "no-number")
    check_problem(desk.book(contact={"email": "a@example.org"}).by_api("call-back"), 409, "no-number")


# --- calling back -------------------------------------------------------------------------------


def test_who_wishes_to_be_called_is_listed_without_people_until_it_is_done(desk: Desk) -> None:
    mine, hidden = desk.book(day=TOMORROW), desk.book(service="gesprek")
    reception = desk.as_role("reception")
    for each in (mine, hidden):
        assert each.form("call-back").status_code == 303
    answer = reception.get(f"{SITE}/call-backs")
    assert PHONE not in answer.text
    assert "Peeters" not in answer.text
    listed = {one["ref"]: one for one in answer.json()["call_backs"]}
    assert listed[mine.ref] == {
        "ref": mine.ref,
        "appointment": mine.id,
        "asked_at": instant(TODAY, "09:15"),
        "at": instant(TOMORROW, "10:00"),
        "service": "Bevolking",
        "state": "booked",
    }
    assert listed[hidden.ref]["service"] is None
    lines = reception.get(f"{SITE}/views/reception").json()["view"]["appointments"]
    assert {line["appointment"] for line in lines if line["call_back_at"]} >= {hidden.id}

    def number(of: Booked) -> httpx.Response:
        return reception.get(f"{SITE}/appointments/{of.ref}/call-back")

    assert number(mine).json() == {"name": "An Peeters", "phone": PHONE, "language": None}
    assert number(hidden).json() == {"name": None, "phone": PHONE, "language": None}
    for changed in (True, False):
        assert desk.post("counter", f"/appointments/{mine.ref}/called-back")["changed"] is changed
    check_problem(number(mine), 404, "unknown-appointment")
    check_problem(reception.get(f"{SITE}/appointments/nobody/call-back"), 404, "unknown-appointment")
    # A move answers the wish as well; new details of the same slot do not.
    hidden.body["persons"] = 2
    hidden.move("10:00")
    assert hidden.view()["call_back"] is True
    hidden.move("10:30")
    assert hidden.view()["call_back"] is False
    left = {one["ref"] for one in reception.get(f"{SITE}/call-backs").json()["call_backs"]}
    assert not left & {mine.ref, hidden.ref}


# --- what is noted ------------------------------------------------------------------------------


def test_seen_and_answered_are_noted_once_on_the_newest_message(desk: Desk) -> None:
    mine = desk.book()
    fresh = {
        "site": "mechelen",
        "subject": mine.id,
        "kind": "reminder",
        "slot_at": 1,
        "rank": 0,
        "channel": "sms",
        "state": "accepted",
        "planned_at": 0,
        "until": 9,
        "retry_at": 0,
        "attempt": 1,
        "about": "",
    }
    for name, due_at, state in (("old", 1, "delivered"), ("new", 2, "accepted"), ("next", 3, "planned")):
        step = {"id": f"{mine.id}-{name}", "step": name, "due_at": due_at, "state": state}
        desk.write(db.delivery, fresh | step)
    for _ in range(2):
        assert mine.form("seen").status_code == 204
        assert mine.form("late").status_code == 303
    assert mine.form("confirm").status_code == 303
    events = db.delivery_event
    noted = desk.rows(
        sa.select(events.c.delivery, events.c.kind, events.c.code, events.c.attempt)
        .where(events.c.delivery.startswith(mine.id))
        .order_by(events.c.delivery, events.c.n)
    )
    newest = f"{mine.id}-new"
    assert [tuple(row) for row in noted] == [
        (newest, "clicked", "", 1),
        (newest, "answered", "late", 1),
        (newest, "answered", "confirm", 1),
    ]
    # A link that no message brought is answered all the same.
    assert desk.book().form("seen").status_code == 204


def test_a_citizen_who_cancels_can_still_be_told_so(desk: Desk) -> None:
    mine = desk.book()
    mine.form("cancel")
    kept = sa.select(db.contact.c.subject).where(db.contact.c.subject == mine.id)
    assert len(desk.rows(kept)) == 1
