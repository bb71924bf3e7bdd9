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
