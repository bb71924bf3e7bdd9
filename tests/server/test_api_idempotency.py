"""A command under one key is carried out once, whoever asks again, whenever and how often."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from documented import check_problem
from running import Onthaal, onthaal

from server import app
from server.clock import real_now
from server.database import Database

DRAW = {"service": "onthaal"}
VISITS = "/sites/mechelen/visits"
NEXT = "/sites/mechelen/counters/1/next"


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onthaal]:
    with onthaal(tmp_path_factory.mktemp("idempotency")) as running:
        yield running


def post(client: httpx.Client, path: str, key: str, body: Any = None) -> httpx.Response:
    return client.post(path, json=body or {}, headers={"Idempotency-Key": key})


def journal(server: Onthaal) -> list[Any]:
    answer = server.client("supervisor").get("/sites/mechelen/journal", params={"limit": 1000})
    return answer.json()["entries"]


def test_a_retry_gets_the_same_bytes_and_has_no_effect(lasting: Onthaal) -> None:
    kiosk = lasting.client("kiosk")
    first = post(kiosk, VISITS, "k1", DRAW)
    head = len(journal(lasting))
    second = post(kiosk, VISITS, "k1", DRAW)
    assert first.status_code == second.status_code == 200
    assert first.content == second.content
    assert first.json()["link"].startswith(lasting.base + "/t/")
    assert len(journal(lasting)) == head


def test_the_link_is_in_no_stored_answer(lasting: Onthaal) -> None:
    first = post(lasting.client("kiosk"), VISITS, "k-link", DRAW)
    secret = first.json()["link"].rpartition("/")[2]
    with sqlite3.connect(lasting.database) as database:
        bodies = [bytes(row[0]) for row in database.execute("SELECT body FROM answer")]
    database.close()
    assert any(first.json()["visit"].encode() in body for body in bodies)
    assert not any(secret.encode() in body for body in bodies)


def test_another_body_path_or_method_under_the_same_key_is_refused(lasting: Onthaal) -> None:
    kiosk, reception = lasting.client("kiosk"), lasting.client("reception")
    assert post(kiosk, VISITS, "k2", DRAW).status_code == 200
    head = len(journal(lasting))
    check_problem(post(kiosk, VISITS, "k2", {"service": "attesten"}), 422, "idempotency-key-reused")
    check_problem(post(kiosk, VISITS, "k2", {**DRAW, "persons": 1}), 422, "idempotency-key-reused")
    ticket = post(reception, VISITS, "r2", DRAW).json()["ticket"]
    check_problem(post(reception, f"/sites/mechelen/visits/{ticket}/leave", "r2", DRAW), 422, "invalid-body")
    leave = post(reception, f"/sites/mechelen/visits/{ticket}/leave", "r2")
    check_problem(leave, 422, "idempotency-key-reused")
    assert len(journal(lasting)) == head + 1
    integrator = lasting.client("integrator")
    key = {"Idempotency-Key": "p2"}
    booked = integrator.put(
        "/sites/mechelen/appointments/I-2",
        json={"service": "bevolking", "at": "2026-11-24T10:00:00+01:00"},
        headers=key,
    )
    assert booked.status_code == 200
    gone = integrator.delete("/sites/mechelen/appointments/I-2", headers=key)
    check_problem(gone, 422, "idempotency-key-reused")


def test_a_stolen_key_gives_the_thief_a_result_of_their_own(lasting: Onthaal) -> None:
    mine = post(lasting.client("kiosk"), VISITS, "k3", DRAW).json()
    theirs = post(lasting.client("reception"), VISITS, "k3", DRAW).json()
    assert theirs["visit"] != mine["visit"]
    assert theirs["ticket"] != mine["ticket"]
    assert theirs["link"] != mine["link"]
    assert post(lasting.client("kiosk"), VISITS, "k3", DRAW).json() == mine
    check_problem(post(lasting.client(None), VISITS, "k3", DRAW), 401, "not-signed-in")
    check_problem(post(lasting.client("screen"), VISITS, "k3", DRAW), 403, "not-allowed")


def test_nobody_waits_is_an_answer_that_is_kept(server: Onthaal) -> None:
    counter = server.client("counter")
    assert counter.post("/sites/mechelen/counters/1/open").status_code == 200
    first = post(counter, NEXT, "n1")
    assert first.json()["ticket"] is None
    assert server.client("kiosk").post(VISITS, json=DRAW).json()["ticket"] == "A001"
    assert post(counter, NEXT, "n1").content == first.content
    assert post(counter, NEXT, "n2").json()["ticket"] == "A001"


def test_a_refusal_is_not_kept_and_the_same_key_may_yet_succeed(server: Onthaal) -> None:
    counter = server.client("counter")
    check_problem(post(counter, NEXT, "same"), 409, "counter-not-open")
    assert counter.post("/sites/mechelen/counters/1/open").status_code == 200
    assert server.client("kiosk").post(VISITS, json=DRAW).json()["ticket"] == "A001"
    first = post(counter, NEXT, "same")
    assert first.json()["ticket"] == "A001"
    # A retry of what succeeded is answered, though the counter is busy now.
    assert post(counter, NEXT, "same").content == first.content
    check_problem(post(counter, NEXT, "other"), 409, "counter-busy")


def test_a_retry_after_a_restart_gets_the_same_bytes(server: Onthaal) -> None:
    kiosk = server.client("kiosk")
    first = post(kiosk, VISITS, "before", DRAW)
    server.stop()
    server.start()
    again = post(server.client("kiosk"), VISITS, "before", DRAW)
    assert again.content == first.content
    assert post(server.client("kiosk"), VISITS, "after", DRAW).json()["ticket"] == "A002"


async def test_the_same_key_twenty_times_at_once_has_one_effect(lasting: Onthaal) -> None:
    head = len(journal(lasting))
    headers = {"Authorization": f"Bearer {lasting.token('kiosk')}", "Idempotency-Key": "at-once"}
    async with httpx.AsyncClient(headers=headers, timeout=20) as client:
        url = f"{lasting.base}/api/v1{VISITS}"
        answers = await asyncio.gather(*(client.post(url, json=DRAW) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(journal(lasting)) == head + 1


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "idempotency-key-required"),
        ("", "idempotency-key-invalid"),
        ("x" * 201, "idempotency-key-invalid"),
        ("two words", "idempotency-key-invalid"),
        ("caf\xe9", "idempotency-key-invalid"),
    ],
)
def test_a_missing_or_unusable_key(lasting: Onthaal, key: str | None, code: str) -> None:
    headers = [("Authorization", f"Bearer {lasting.token('kiosk')}"), ("Content-Type", "application/json")]
    if key is not None:
        headers.append(("Idempotency-Key", key))
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    head = len(journal(lasting))
    answer = httpx.post(f"{lasting.base}/api/v1{VISITS}", content=b'{"service":"onthaal"}', headers=sent)
    check_problem(answer, 400, code)
    assert len(journal(lasting)) == head


def test_the_longest_key_passes(lasting: Onthaal) -> None:
    assert post(lasting.client("kiosk"), VISITS, "x" * 200, DRAW).status_code == 200


async def test_answers_are_forgotten_after_48_hours_and_not_before(server: Onthaal) -> None:
    kiosk = server.client("kiosk")
    old, young = post(kiosk, VISITS, "old", DRAW), post(kiosk, VISITS, "young", DRAW)
    server.stop()
    hour = 3600 * 1_000_000
    with sqlite3.connect(server.database) as database:
        for key, hours in (("old", 48.01), ("young", 47.99)):
            stored = real_now() - int(hours * hour)
            database.execute("UPDATE answer SET stored_at = ? WHERE key = ?", (stored, key))
    database.close()
    swept = Database(server.url)
    try:
        sweeping = asyncio.create_task(app.sweep(swept))
        async with asyncio.timeout(10):
            while await swept.read(keys) != ["young"]:  # noqa: ASYNC110 - the change is the database's
                await asyncio.sleep(0.01)
        sweeping.cancel()
    finally:
        swept.close()
    server.start()
    assert post(server.client("kiosk"), VISITS, "young", DRAW).content == young.content
    assert post(server.client("kiosk"), VISITS, "old", DRAW).json()["ticket"] != old.json()["ticket"]


def keys(connection: Any) -> list[str]:
    return [row[0] for row in connection.exec_driver_sql("SELECT key FROM answer ORDER BY key")]
