"""People's own data: kept sealed, given back whole, replaced, erased, and gone when their time has come."""

from __future__ import annotations

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
