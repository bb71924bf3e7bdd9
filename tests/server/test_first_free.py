"""The first free slot of a service, as the booking side tells it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import web
from documented import Document, check_problem
from houses import house
from office import SITE, at
from running import Onthaal

from server import agenda, schema
from server.database import Database
from server.settings import load

PATH = "/sites/mechelen/services/bevolking/first-free"
SLOT = "2026-11-24T10:00:00+01:00"


def rows(file: Path) -> list[tuple[Any, ...]]:
    """What was told, in order: the service, since when (UTC), which slot (UTC)."""
    moment = "strftime('%Y-%m-%d %H:%M', {} / 1000000, 'unixepoch')"
    with contextlib.closing(sqlite3.connect(file)) as database:
        told = ", ".join(moment.format(column) for column in ("told_at", "at"))
        return database.execute(f"SELECT service, {told} FROM first_free ORDER BY told_at").fetchall()


def test_what_is_told_is_kept_with_its_time(server: Onthaal) -> None:
    booking = Document(server).watch(server.client("integrator"))
    told = {
        "service": "bevolking",
        "at": "2026-11-24T09:00:00.000Z",
        "told_at": "2026-11-23T08:15:00.000Z",
    }
    for _ in range(2):
        assert booking.put(PATH, json={"at": SLOT}).json() == told
    assert rows(server.database) == [("bevolking", "2026-11-23 08:15", "2026-11-24 09:00")]
    assert booking.put(PATH, json={"at": None}).json() == told | {"at": None}
    assert rows(server.database) == [("bevolking", "2026-11-23 08:15", None)]


def test_repeating_it_writes_nothing_on_the_same_local_day(tmp_path: Path) -> None:
    calendar = load(house(tmp_path, 1))[SITE].calendar
    file = tmp_path / "onthaal.db"
    with contextlib.closing(Database(f"sqlite:///{file}")) as store:
        store.write_now(schema.migrate)

        def tell(moment: str, slot: str | None) -> int:
            free = None if slot is None else at(slot)
            return store.write_now(
                lambda connection: agenda.tell(connection, calendar, SITE, "onthaal", free, at(moment))
            )

        slot, later = "2026-11-24 10:00", "2026-11-26 14:30"
        assert tell("2026-11-23 09:15", slot) == at("2026-11-23 09:15")
        assert tell("2026-11-23 12:00", slot) == at("2026-11-23 09:15")
        # Another slot is news, and so is the same one on another day, which begins at 23:00 UTC.
        tell("2026-11-23 15:00", later)
        assert tell("2026-11-24 00:30", later) == at("2026-11-24 00:30")
        tell("2026-11-24 09:00", None)
    assert rows(file) == [
        ("onthaal", "2026-11-23 08:15", "2026-11-24 09:00"),
        ("onthaal", "2026-11-23 14:00", "2026-11-26 13:30"),
        ("onthaal", "2026-11-23 23:30", "2026-11-26 13:30"),
        ("onthaal", "2026-11-24 08:00", None),
    ]


def test_what_cannot_be_is_refused(server: Onthaal) -> None:
    booking = Document(server).watch(server.client("integrator"))
    for wrong in ({}, {"at": "2026-11-24T10:00:00"}, {"at": 5}, {"at": SLOT, "until": SLOT}, [], {"at": ""}):
        check_problem(booking.put(PATH, json=wrong), 422, "invalid-body")
    check_problem(booking.put(PATH, json={"at": "2026-11-23T09:14:59+01:00"}), 422, "slot-past")
    check_problem(booking.put(PATH, json={"at": "2029-01-01T09:00:00+01:00"}), 422, "slot-too-far")
    services = "/sites/mechelen/services/"
    check_problem(booking.put(services + "niets/first-free", json={"at": SLOT}), 404, "unknown-service")
    check_problem(booking.put(services + "a%20b/first-free", json={"at": SLOT}), 422, "invalid-path")
    check_problem(
        booking.put(services + "afhalen/first-free", json={"at": SLOT}), 409, "service-takes-no-appointments"
    )
    assert rows(server.database) == []


def test_only_the_booking_side_of_this_site_tells(server: Onthaal) -> None:
    tokens = [server.token(role) for role in ("reception", "supervisor", "counter", "kiosk", "administrator")]
    for token in (*tokens, server.token("integrator", site="elders")):
        headers = {"Authorization": f"Bearer {token}"}
        told = web.request("PUT", f"{server.base}/api/v1{PATH}", json={"at": SLOT}, headers=headers)
        check_problem(told, 403, "not-allowed")
    assert rows(server.database) == []
