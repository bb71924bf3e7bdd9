"""People's own data: kept sealed, given back whole, replaced, erased, and gone when their time has come."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from running import Onthaal

from notify import contacts
from notify.contacts import Contact
from server import schema
from server.clock import real_now
from server.database import Database
from server.keys import BadKey, Keys, load_keys

DAY = 86_400 * 1_000_000
JAN = Contact(name="Jan Peeters", phone="+32470123456", email="jan@example.org")
Do = Callable[[Callable[[sa.Connection], Any]], Any]


@pytest.fixture
def keys() -> Keys:
    return Keys(bytes(32))


@pytest.fixture
def do(tmp_path: Path) -> Iterator[Do]:
    database = Database(f"sqlite:///{tmp_path}/o.db")
    database.write_now(schema.migrate)
    yield database.write_now
    database.close()


def test_what_is_kept_comes_back_and_lies_sealed(do: Do, keys: Keys) -> None:
    do(lambda connection: contacts.put(connection, keys, "mechelen", "v1", JAN))
    assert do(lambda connection: contacts.get(connection, keys, "v1")) == JAN
    assert do(lambda connection: contacts.get(connection, keys, "v2")) is None
    (row,) = do(lambda connection: list(connection.exec_driver_sql("SELECT * FROM contact")))
    for part in (b"Jan", b"Peeters", b"+32470123456", b"jan@example.org"):
        assert part not in b"".join(str(each).encode() if isinstance(each, str) else b"" for each in row)
        assert part not in row.sealed


def test_later_data_replace_the_earlier(do: Do, keys: Keys) -> None:
    for contact in (JAN, Contact(name="An")):
        do(lambda connection, each=contact: contacts.put(connection, keys, "mechelen", "v1", each))
    assert do(lambda connection: contacts.get(connection, keys, "v1")) == Contact(name="An")


def test_a_row_moved_to_another_person_does_not_open(do: Do, keys: Keys) -> None:
    do(lambda connection: contacts.put(connection, keys, "mechelen", "v1", JAN))
    do(lambda connection: connection.exec_driver_sql("UPDATE contact SET subject = 'v2'"))
    with pytest.raises(BadKey):
        do(lambda connection: contacts.get(connection, keys, "v2"))


def test_a_subscription_stays_whoever_writes_the_rest_and_goes_with_it(do: Do, keys: Keys) -> None:
    def set_push(push: str | None) -> None:
        do(lambda connection: contacts.set_push(connection, keys, "mechelen", "v1", push))

    def kept() -> Contact | None:
        found: Contact | None = do(lambda connection: contacts.get(connection, keys, "v1"))
        return found

    set_push(None)
    assert kept() is None
    set_push("{}")
    assert kept() == Contact(push="{}")
    # The booking system sends its data again, and again.
    for changed in (True, False):
        assert do(lambda connection: contacts.put(connection, keys, "mechelen", "v1", JAN)) is changed
        assert kept() == Contact(name=JAN.name, phone=JAN.phone, email=JAN.email, push="{}")
    set_push(None)
    assert kept() == JAN
    set_push("{}")
    do(lambda connection: contacts.erase(connection, "v1"))
    assert kept() is None


def test_erasing_is_for_one_and_at_once(do: Do, keys: Keys) -> None:
    for subject in ("v1", "v2"):
        do(lambda connection, each=subject: contacts.put(connection, keys, "mechelen", each, JAN))
    do(lambda connection: contacts.erase(connection, "v1"))
    assert do(lambda connection: contacts.get(connection, keys, "v1")) is None
    assert do(lambda connection: contacts.get(connection, keys, "v2")) == JAN


def test_thirty_days_after_the_visit_or_the_slot_all_is_gone(do: Do, keys: Keys) -> None:
    slot = real_now() + 100 * DAY
    do(lambda connection: contacts.put(connection, keys, "mechelen", "visit", JAN))
    do(lambda connection: contacts.put(connection, keys, "mechelen", "slot", JAN, slot))
    do(lambda connection: contacts.put(connection, keys, "mechelen", "past", JAN, real_now() - 100 * DAY))
    ends = dict(
        do(lambda connection: list(connection.exec_driver_sql("SELECT subject, erase_at FROM contact")))
    )
    assert abs(ends["visit"] - real_now() - 30 * DAY) < DAY // 100
    assert ends["slot"] == slot + 30 * DAY
    assert abs(ends["past"] - real_now() - 30 * DAY) < DAY // 100
    assert do(contacts.sweep) == 0
    now = real_now()
    do(
        lambda connection: connection.execute(
            sa.text("UPDATE contact SET erase_at = :now WHERE subject <> 'slot'"), {"now": now}
        )
    )
    assert do(contacts.sweep) == 2
    assert do(lambda connection: contacts.get(connection, keys, "slot")) == JAN


def test_the_api_keeps_replaces_and_erases(server: Onthaal) -> None:
    at = "2026-11-24T10:00:00+01:00"
    path = "/sites/mechelen/appointments/K-1"
    body = {"service": "bevolking", "at": at, "contact": {"name": "Jan", "phone": "+32470123456"}}
    integrator = server.client("integrator")
    booked = integrator.put(path, json=body).json()["appointment"]
    assert kept(server, booked) == Contact(name="Jan", phone="+32470123456")
    # Repeated without a contact the appointment is as it was, and so is who to reach.
    assert integrator.put(path, json={"service": "bevolking", "at": at}).json()["changed"] is False
    assert kept(server, booked) == Contact(name="Jan", phone="+32470123456")
    assert integrator.put(path, json={**body, "contact": {"email": "j@x.be"}}).status_code == 200
    assert kept(server, booked) == Contact(email="j@x.be")
    assert integrator.delete(path).status_code == 200
    assert kept(server, booked) is None
    draw = {"service": "onthaal", "contact": {"phone": "+32470654321"}}
    drawn = server.client("kiosk").post("/sites/mechelen/visits", json=draw).json()
    assert kept(server, drawn["visit"]) == Contact(phone="+32470654321")


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("0470 12 34 56", "+32470123456"),
        ("+32 (0)470/12.34.56", "+32470123456"),
        ("0032 470 12 34 56", "+32470123456"),
        ("015 29 80 00", "+3215298000"),
        ("+31 6 1234 5678", "+31612345678"),
    ],
)
def test_a_number_is_kept_as_it_is_dialled_from_anywhere(written: str, sent: str) -> None:
    assert contacts.normal(Contact(phone=written), "BE") == Contact(phone=sent)


@pytest.mark.parametrize(
    "written", ["0470 12 34", "12345", "An: 0470 12 34 56", "+99 470 12 34 56", "geen", "0470123456 x12", "+"]
)
def test_what_is_no_number_is_refused_and_not_repeated(written: str) -> None:
    with pytest.raises(contacts.BadContact) as refused:
        contacts.normal(Contact(name="An", phone=written), "BE")
    assert refused.value.field == "phone"
    assert "telephone number of BE" in str(refused.value)
    assert not re.search(r"\d", str(refused.value))


def test_the_country_of_the_house_is_that_of_its_numbers() -> None:
    dutch = Contact(phone="06 12345678")
    assert contacts.normal(dutch, "NL") == Contact(phone="+31612345678")
    with pytest.raises(contacts.BadContact):
        contacts.normal(dutch, "BE")


def test_the_api_keeps_numbers_as_e164_and_refuses_what_is_none(server: Onthaal) -> None:
    at = "2026-11-24T10:00:00+01:00"
    integrator, kiosk = server.client("integrator"), server.client("kiosk")
    body = {"service": "bevolking", "at": at, "contact": {"name": "Jan", "phone": "0470/12 34 56"}}
    booked = integrator.put("/sites/mechelen/appointments/P-1", json=body).json()["appointment"]
    assert kept(server, booked) == Contact(name="Jan", phone="+32470123456")
    wrong = {"name": "Jan", "phone": "0470/12"}
    for answer in (
        integrator.put("/sites/mechelen/appointments/P-2", json=body | {"contact": wrong}),
        kiosk.post("/sites/mechelen/visits", json={"service": "onthaal", "contact": wrong}),
    ):
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        told = answer.json()
        assert (told["code"], told["field"]) == ("invalid-body", "contact.phone")
        assert "is no telephone number of BE" in told["detail"]
        assert "0470" not in answer.text


def test_the_desk_makes_an_appointment_that_is_found_by_its_code_and_name(server: Onthaal) -> None:
    desk = server.client("reception")
    path = "/sites/mechelen/appointments"
    contact = {"name": "Jan Peeters", "phone": "0470 12 34 56", "email": "jan@example.org"}
    body = {"service": "bevolking", "wall": "2026-11-23T11:40", "language": "fr", "contact": contact}
    made = desk.post(path, json=body, headers={"Idempotency-Key": "desk-1"})
    assert made.status_code == 200, made.text
    assert re.fullmatch(r"[2-9CFGHJMPQRVWX]{4}-[2-9CFGHJMPQRVWX]{4}", made.json()["ref"])
    assert made.json()["at"] == "2026-11-23T10:40:00.000Z"
    assert desk.post(path, json=body, headers={"Idempotency-Key": "desk-1"}).json() == made.json()
    assert kept(server, made.json()["appointment"]) == JAN
    ref = made.json()["ref"]
    for typed in (ref, ref.lower().replace("-", ""), "peeters", "11:40"):
        (found,) = desk.get(path, params={"q": typed}).json()["appointments"]
        assert (found["ref"], found["name"], found["language"]) == (ref, "Jan Peeters", "fr")
    assert desk.post(f"{path}/{ref}/report", json={}).status_code == 200
    journal = server.client("supervisor").get("/sites/mechelen/journal").text
    assert ref not in journal
    assert '"channel":"desk"' in journal
    # What the booking system brought in is not the desk's to change.
    assert (
        desk.put(f"{path}/{ref}", json={"service": "bevolking", "at": "2026-11-24T10:00:00Z"}).status_code
        == 403
    )


@pytest.mark.parametrize(
    ("wrong", "status", "code", "field"),
    [
        ({"wall": "2026-11-24T10:40+01:00"}, 422, "invalid-body", "wall"),
        ({"wall": "2026-11-31T10:40"}, 422, "invalid-body", "wall"),
        ({"wall": "2027-03-28T02:30"}, 422, "invalid-body", "wall"),
        ({"wall": "2027-10-31T02:30"}, 422, "invalid-body", "wall"),
        ({"wall": "2026-11-20T10:40"}, 422, "slot-past", None),
        ({"service": "pincode"}, 409, "service-takes-no-appointments", None),
        ({"contact": {"phone": "0470"}}, 422, "invalid-body", "contact.phone"),
        ({"ref": "A-1"}, 422, "invalid-body", None),
    ],
)
def test_what_the_desk_cannot_book_is_told(
    server: Onthaal, wrong: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    body = {"service": "bevolking", "wall": "2026-11-24T10:40"} | wrong
    answer = server.client("reception").post("/sites/mechelen/appointments", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json().get("field") == field


def test_the_same_data_again_leave_what_is_kept_as_it_lies(do: Do, keys: Keys) -> None:
    slot = real_now() + 100 * DAY
    assert do(lambda connection: contacts.put(connection, keys, "mechelen", "v1", JAN, slot)) is True
    (before,) = do(lambda connection: list(connection.exec_driver_sql("SELECT * FROM contact")))
    assert do(lambda connection: contacts.put(connection, keys, "mechelen", "v1", JAN, slot)) is False
    assert do(lambda connection: list(connection.exec_driver_sql("SELECT * FROM contact"))) == [before]
    # A slot that moves takes the time of keeping with it.
    later = slot + 2 * DAY
    assert do(lambda connection: contacts.put(connection, keys, "mechelen", "v1", JAN, later)) is True


def test_a_refused_command_keeps_nobody_s_data(server: Onthaal) -> None:
    draw = {"service": "bevolking", "contact": {"name": "Jan"}}
    assert server.client("kiosk").post("/sites/mechelen/visits", json=draw).status_code == 409
    past = {"service": "bevolking", "at": "2020-01-01T10:00:00Z", "contact": {"name": "Jan"}}
    answer = server.client("integrator").put("/sites/mechelen/appointments/K-2", json=past)
    assert answer.status_code == 422
    database = Database(server.url)
    try:
        count = database.write_now(
            lambda connection: connection.exec_driver_sql("SELECT count(*) FROM contact").scalar()
        )
    finally:
        database.close()
    assert count == 0


def kept(server: Onthaal, subject: str) -> Contact | None:
    """What the running server's database keeps of somebody."""
    database = Database(server.url)
    try:
        keys = load_keys(server.database)
        return database.write_now(lambda connection: contacts.get(connection, keys, subject))
    finally:
        database.close()
