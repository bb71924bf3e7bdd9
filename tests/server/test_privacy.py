"""A person's wishes over HTTP: forgotten, written to no more, found by no name; and what staff see."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from documented import Document
from running import Onthaal

from notify import contacts, ledger, planner
from notify.delivery import State
from server import database as db
from server.database import Database
from server.keys import load_keys

SITE = "/sites/mechelen"
NOW = 1_795_421_700_000_000
"""9.15 in Brussels on the Monday of the tests, in microseconds."""
MINUTE = 60_000_000
NAME, PHONE, MAIL, PUSH = (
    "Nestor Blauwvoet",
    "+32499112233",
    "nestor@blauwvoet.example",
    "https://push.example/N5",
)
TEXT = "Beste Nestor, tot dinsdag"
CONTACT = {"name": NAME, "phone": PHONE, "email": MAIL}
TOMORROW = "2026-11-24T10:00:00+01:00"


class House:
    """A running house; its rows are written beside it, as a worker would."""

    def __init__(self, server: Onthaal) -> None:
        self.server = server
        self.keys = load_keys(server.database)
        self.document = Document(server)
        self.count = 0

    def client(self, role: str) -> httpx.Client:
        return self.document.watch(self.server.client(role))

    def book(self, ref: str, service: str = "bevolking", **contact: Any) -> str:
        body = {"service": service, "at": TOMORROW, "contact": CONTACT | contact}
        answer = self.client("integrator").put(f"{SITE}/appointments/{ref}", json=body)
        assert answer.status_code == 200, answer.text
        subject = str(answer.json()["appointment"])
        # As the person's own browser does it on their page.
        subscription = json.dumps({"endpoint": PUSH})
        self.do(lambda c: contacts.set_push(c, self.keys, "mechelen", subject, subscription))
        return subject

    def do(self, work: Callable[[sa.Connection], Any]) -> Any:
        store = Database(self.server.url)
        try:
            return store.write_now(work)
        finally:
            store.close()

    def wrote(self, subject: str, state: State = State.DELIVERED, *, text: bool = True, **more: Any) -> str:
        """A message that was sent to somebody a minute before the last one; its id."""
        self.count += 1
        identity = f"{self.count:02d}".translate(str.maketrans("0189", "abcd")).rjust(26, "m")
        due = more.pop("due_at", NOW - self.count * MINUTE)
        step = more.pop("step", f"{self.count}d")
        row = planner.row_of(
            identity, "mechelen", subject, "reminder", step, NOW, due, NOW + 10**12, channel="sms"
        )
        row |= {"state": state, "attempt": 1, "parts": 1, "cost": 68_000} | more

        def work(connection: sa.Connection) -> None:
            connection.execute(db.delivery.insert(), row)
            for kind in ("sent", "accepted", "delivered"):
                ledger.note(connection, identity, kind, 1, f"{kind} {PHONE}", due, due)
            if text:
                said = json.dumps({"to": "+32…33", "subject": "", "text": TEXT}).encode()
                sealed = self.keys.seal(said, identity)
                kept = {"delivery": identity, "subject": subject, "sealed": sealed, "erase_at": 2 * NOW}
                connection.execute(db.message.insert(), kept)

        self.do(work)
        return identity

    def files(self) -> bytes:
        """The database as it lies on the disk, with its write-ahead log."""
        found = sorted(self.server.folder.glob("onthaal.db*"))
        assert len(found) >= 2
        return b"".join(path.read_bytes() for path in found if path.suffix != ".key")

    def messages(self, role: str = "reception", **query: Any) -> list[dict[str, Any]]:
        answer = self.client(role).get(f"{SITE}/messages", params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    server = Onthaal(tmp_path_factory.mktemp("privacy"))
    try:
        server.start()
        yield House(server)
        assert "Traceback" not in server.log()
    finally:
        server.close()


# --- safe contact --------------------------------------------------------------------------------


@pytest.mark.parametrize(("safe", "without"), [("sms", "phone"), ("mail", "email")])
def test_a_safe_channel_without_its_address_is_refused(house: House, safe: str, without: str) -> None:
    contact = {name: value for name, value in CONTACT.items() if name != without} | {"safe": safe}
    body = {"service": "bevolking", "contact": contact}
    for role, method, path, more in (
        ("integrator", "PUT", f"{SITE}/appointments/S-1", {"at": TOMORROW}),
        ("reception", "POST", f"{SITE}/appointments", {"wall": "2026-11-24T10:00"}),
    ):
        answer = house.client(role).request(method, path, json=body | more)
        assert (answer.status_code, answer.json()["field"]) == (422, "contact.safe")
        assert f"give {without} too" in answer.json()["detail"]


def test_who_must_not_be_exposed_is_found_by_no_name(server: Onthaal) -> None:
    desk, booking = server.client("reception"), server.client("integrator")
    safe = {"name": "Saskia Zeldenrust", "email": "s@example.org", "safe": "mail"}
    body = {"service": "bevolking", "at": "2026-11-23T11:40:00+01:00"}
    assert booking.put(f"{SITE}/appointments/Q-77", json=body | {"contact": safe}).is_success
    # Sent again by a system that has no field for it.
    del safe["safe"]
    assert booking.put(f"{SITE}/appointments/Q-77", json=body | {"contact": safe}).is_success
    for typed in ("Saskia", "zeldenrust", "zelde", "seldenrust", "saskja"):
        assert desk.get(f"{SITE}/appointments", params={"q": typed}).json()["appointments"] == []
    for typed in ("11:40", "Q-77"):
        (found,) = desk.get(f"{SITE}/appointments", params={"q": typed}).json()["appointments"]
        assert (found["ref"], found["name"], found["service"]) == ("Q-77", None, None)
    assert booking.put(
        f"{SITE}/appointments/Q-77", json=body | {"contact": safe | {"safe": "any"}}
    ).is_success
    (found,) = desk.get(f"{SITE}/appointments", params={"q": "zeldenrust"}).json()["appointments"]
    assert (found["name"], found["service"]) == ("Saskia Zeldenrust", "Bevolking")


# --- basis and opt-out ---------------------------------------------------------------------------


def test_what_is_kept_is_told_with_its_basis_time_and_source_and_without_the_person(house: House) -> None:
    house.book("B-1", basis="consent", safe="mail")
    answer = house.client("reception").get(f"{SITE}/appointments/B-1/contact")
    told = answer.json()
    assert (told["channels"], told["safe"]) == (["mail", "push", "sms"], "mail")
    assert (told["basis"], told["basis_source"], told["opted_out"]) == ("consent", "api", [])
    assert told["basis_at"] < told["kept_until"]
    for secret in (NAME, PHONE, MAIL, PUSH):
        assert secret not in answer.text


def test_an_opt_out_is_one_and_is_taken_back(house: House) -> None:
    house.book("O-1")
    house.book("O-2", name="Same address", email=None)
    path = f"{SITE}/appointments/O-1/opt-out"
    desk = house.client("reception")
    first = desk.post(path, json={}).json()["opted_out"]
    assert [(one["channel"], one["source"]) for one in first] == [
        ("mail", "reception"),
        ("push", "reception"),
        ("sms", "reception"),
    ]
    # Said again, by somebody else: the first time is what counts.
    assert house.client("integrator").post(path, json={}).json()["opted_out"] == first
    other = desk.get(f"{SITE}/appointments/O-2/contact").json()
    assert other["opted_out"] == [one for one in first if one["channel"] != "mail"]
    assert desk.delete(path).json()["opted_out"] == []
    assert desk.delete(path).json()["opted_out"] == []
    assert desk.post(f"{SITE}/appointments/nobody/opt-out", json={}).json()["code"] == "unknown-appointment"


# --- forget me -----------------------------------------------------------------------------------


def test_forgetting_leaves_figures_and_nothing_of_the_person(house: House) -> None:
    subject = house.book("E-1")
    sent = house.wrote(subject)
    house.client("reception").post(f"{SITE}/appointments/E-1/opt-out", json={})
    before = house.do(lambda c: list(c.execute(sa.select(db.message.c.sealed))))
    integrator = house.client("integrator")
    path = f"{SITE}/appointments/E-1/contact"
    assert integrator.delete(path).json() == {"erased": True}
    assert integrator.delete(path).json() == {"erased": False}
    assert integrator.get(path).json()["channels"] == []
    (line,) = [one for one in house.messages(limit=200) if one["message"] == sent]
    assert (line["state"], line["attempts"], line["parts"], line["cost"]) == ("delivered", 1, 1, 68_000)
    assert (line["ref"], line["accepted"][:16], line["delivered"][:16]) == ("E-1", *[line["due"][:16]] * 2)
    read = house.client("supervisor").get(f"{SITE}/messages/{sent}").json()
    assert read["content"] is None
    assert [one["kind"] for one in read["events"]] == ["sent", "accepted", "delivered"]
    # The appointment stands, and the mark too.
    assert house.do(lambda c: c.execute(sa.select(sa.func.count()).select_from(db.opt_out)).scalar()) == 3
    house.do(lambda c: c.execute(db.opt_out.delete()) and None)
    lies = house.files()
    for secret in (NAME, "Blauwvoet", PHONE, PHONE[1:], MAIL, PUSH, TEXT):
        assert secret.encode() not in lies, secret
    rows = house.do(
        lambda c: list(c.exec_driver_sql("SELECT sealed FROM message UNION SELECT sealed FROM contact"))
    )
    assert not {row.sealed for row in before} & {row.sealed for row in rows}


def test_forgetting_takes_away_the_mark_by_which_an_experiment_knows_a_person(house: House) -> None:
    subjects = [house.book("M-1"), house.book("M-2"), house.book("M-3", phone="+32499445566")]
    draw = {"site": "mechelen", "experiment": "winter", "policy": "winter:1", "eligible": True, "arm": "long"}
    rows = [
        draw | {"subject": subject, "slot_at": NOW, "at": NOW, "person": mark}
        for subject, mark in zip(subjects, (b"1", b"1", b"2"), strict=True)
    ]
    house.do(lambda c: c.execute(db.assignment.insert(), rows))
    assert house.client("reception").delete(f"{SITE}/appointments/M-2/contact").json() == {"erased": True}
    found = house.do(lambda c: c.execute(sa.select(db.assignment.c.subject, db.assignment.c.person)).all())
    assert dict(map(tuple, found)) == dict(zip(subjects, (None, None, b"2"), strict=True))


def test_forgetting_a_visit_forgets_its_appointment_too(server: Onthaal) -> None:
    kiosk, desk = server.client("kiosk"), server.client("reception")
    body = {"service": "bevolking", "at": "2026-11-23T09:20:00+01:00", "contact": CONTACT}
    assert server.client("integrator").put(f"{SITE}/appointments/V-1", json=body).is_success
    ticket = kiosk.post(f"{SITE}/appointments/V-1/report", json={}).json()
    walked = kiosk.post(f"{SITE}/visits", json={"service": "onthaal", "contact": {"phone": PHONE}}).json()
    assert desk.delete(f"{SITE}/visits/{ticket['ticket']}/contact").json() == {"erased": True}
    assert desk.get(f"{SITE}/appointments/V-1/contact").json()["basis"] is None
    assert desk.delete(f"{SITE}/visits/{walked['visit']}/contact").json() == {"erased": True}
    assert desk.delete(f"{SITE}/visits/{walked['ticket']}/contact").json() == {"erased": False}
    unknown = desk.delete(f"{SITE}/visits/Z999/contact")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown-ticket")


# --- the messages that staff see -----------------------------------------------------------------


def test_reception_sees_how_far_a_message_came_and_not_what_it_says(house: House) -> None:
    subject = house.book("M-1")
    sent = house.wrote(subject, step="2h")
    desk = house.client("reception")
    answer = desk.get(f"{SITE}/messages", params={"limit": 200})
    (line,) = [one for one in answer.json()["messages"] if one["message"] == sent]
    assert (line["kind"], line["step"], line["channel"], line["state"]) == (
        "reminder",
        "2h",
        "sms",
        "delivered",
    )
    assert (line["ref"], line["service"], line["slot"]) == ("M-1", "Bevolking", "2026-11-24T09:00:00.000Z")
    assert answer.json()["time_zone"] == "Europe/Brussels"
    for secret in (NAME, PHONE, MAIL, TEXT):
        assert secret not in answer.text
    assert desk.get(f"{SITE}/messages/{sent}").status_code == 403
    for role in ("supervisor", "administrator"):
        read = house.client(role).get(f"{SITE}/messages/{sent}").json()
        assert read["content"] == {"to": "+32…33", "subject": "", "text": TEXT}
        assert [one["code"] for one in read["events"]] == [
            f"{kind} (number)" for kind in ("sent", "accepted", "delivered")
        ]


@pytest.mark.parametrize(("service", "safe"), [("gesprek", None), ("gesprek", "sms"), ("bevolking", "sms")])
def test_what_somebody_comes_for_is_not_told_where_it_must_not_be(
    house: House, service: str, safe: str | None
) -> None:
    sent = house.wrote(house.book(f"D-{service}-{safe}", service, safe=safe))
    (line,) = [one for one in house.messages(limit=200) if one["message"] == sent]
    assert (line["service"], line["discreet"]) == (None, True)


def test_messages_come_newest_first_a_piece_at_a_time(house: House) -> None:
    subject = house.book("P-1")
    mine = [house.wrote(subject, State.SHOWN) for _ in range(3)]
    assert [one["message"] for one in house.messages(state="shown")] == mine
    piece = house.client("reception").get(f"{SITE}/messages", params={"state": "shown", "limit": 2}).json()
    assert ([one["message"] for one in piece["messages"]], piece["more"]) == (mine[:2], True)
    assert [one["message"] for one in house.messages(state="shown", after=mine[1])] == mine[2:]
    # What is to come stands apart, the soonest first.
    coming = [house.wrote(subject, State.PLANNED, due_at=NOW + n * MINUTE) for n in (1, 2)]
    listed = [one["message"] for one in house.messages(state="planned", limit=200)]
    assert [each for each in listed if each in coming] == coming
    assert not set(coming) & {one["message"] for one in house.messages(limit=200)}
    wrong = house.client("reception").get(f"{SITE}/messages", params={"after": "a" * 26})
    assert (wrong.status_code, wrong.json()["parameter"]) == (422, "after")


def test_who_was_not_reached_is_listed_as_long_as_somebody_can_phone_them(house: House) -> None:
    def unreached() -> set[str]:
        return {one["message"] for one in house.messages(state="not-reached")}

    failed = house.wrote(house.book("N-1"), State.FAILED, text=False)
    unheard = house.wrote(house.book("N-2"), State.ACCEPTED, reason="not-reached")
    assert {failed, unheard} <= unreached()
    # One of them is reached after all, through the next channel; the other cancels.
    later = house.book("N-3")
    first = house.wrote(later, State.FAILED, step="3h", text=False)
    house.wrote(later, State.DELIVERED, step="3h", rank=1, channel="mail")
    assert first not in unreached()
    assert house.client("integrator").delete(f"{SITE}/appointments/N-1").is_success
    assert unheard in unreached()
    assert failed not in unreached()


def test_the_page_is_for_who_may_see_messages(house: House) -> None:
    for role, reads in (("reception", False), ("supervisor", True)):
        token = house.server.token(role)
        with httpx.Client(base_url=house.server.base, headers={"Origin": house.server.base}) as client:
            begun = client.post("/session", json={"token": token})
            cookie = begun.headers["set-cookie"].partition(";")[0]
            page = client.get("/mechelen/messages", headers={"Cookie": cookie})
        assert page.status_code == 200
        assert bool(re.search(r"<body[^>]*data-reads", page.text)) == reads
