"""Webhooks of a whole server: what a real receiver gets of a morning, the commands, and what staff see.

The examples of ``docs/webhooks.md`` are held against what arrives.
"""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import program
import pytest
from documented import Document, check_problem
from receiver import Receiver, receiver, signed_by
from running import ROOT, Onthaal

from notify import webhook_ledger, webhooks
from notify.webhook_events import TYPES

DOC = (ROOT / "docs" / "webhooks.md").read_text()
SITE = "/sites/mechelen"
NAMES = {"name": "Jan Zonderling", "phone": "+32470123456", "email": "jan@zonderling.example"}


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def run(server: Onthaal, *arguments: str) -> subprocess.CompletedProcess[str]:
    return program.run("webhook", *arguments, "--database", server.url)


def add(server: Onthaal, url: str, *more: str) -> tuple[str, str]:
    """A webhook by the command line: its id and its secret."""
    done = run(server, "add", url, "--site", "mechelen", "--allow-private", *more)
    assert done.returncode == 0, done.stderr
    identity, secret = done.stdout.split()
    return identity, secret


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def examples() -> dict[str, dict[str, Any]]:
    """The bodies that the document shows, by type."""
    found = [json.loads(text) for text in re.findall(r"^```json\n(.*?)^```", DOC, re.MULTILINE | re.DOTALL)]
    return {body["type"]: body for body in found}


def test_a_morning_is_told_as_the_document_says(server: Onthaal, there: Receiver) -> None:
    _identity, secret = add(server, there.url)
    integrator, counter = server.client("integrator"), server.client("counter")
    reception = server.client("reception")

    def ok(answer: Any) -> Any:
        assert answer.is_success, answer.text
        return answer.json()

    def put(ref: str, service: str, at: str) -> Any:
        body = {"service": service, "at": at, "contact": NAMES, "language": "ar", "persons": 3}
        return ok(integrator.put(f"{SITE}/appointments/{ref}", json=body))

    def at_counter(what: str, body: dict[str, Any] | None = None) -> Any:
        return ok(counter.post(f"{SITE}/counters/4/{what}", json=body or {}))

    put("AFS-1", "bevolking", "2026-11-24T10:00:00+01:00")
    put("AFS-1", "bevolking", "2026-11-24T11:00:00+01:00")
    ok(integrator.post(f"{SITE}/appointments/AFS-1/confirm"))
    ok(integrator.post(f"{SITE}/appointments/AFS-1/late", json={"minutes": 10}))
    ok(integrator.delete(f"{SITE}/appointments/AFS-1"))
    put("GEHEIM-1", "gesprek", "2026-11-23T09:20:00+01:00")
    put("AFS-2", "bevolking", "2026-11-23T09:20:00+01:00")
    hidden = ok(reception.post(f"{SITE}/appointments/GEHEIM-1/report", json={}))
    ok(reception.post(f"{SITE}/appointments/AFS-2/report", json={}))
    at_counter("open", {"staff": "an.peeters"})
    at_counter("next")
    at_counter("recall")
    at_counter("start")
    at_counter("undo")
    at_counter("start")
    at_counter("transfer", {"service": "attesten"})
    drawn = ok(reception.post(f"{SITE}/visits", json={"service": "onthaal", "contact": NAMES}))
    ok(reception.post(f"{SITE}/visits/{drawn['visit']}/leave"))
    wanted = [
        *("appointment.booked", "appointment.moved", "appointment.confirmed", "appointment.late"),
        *("appointment.cancelled", "appointment.booked", "visit.reported", "visit.called", "visit.recalled"),
        *(
            "visit.started",
            "visit.undone",
            "visit.started",
            "visit.transferred",
            "visit.reported",
            "visit.left",
        ),
    ]
    until(lambda: len(there.got) >= len(wanted))
    assert sorted(there.types()) == sorted(wanted)
    assert all(signed_by(secret, got) for got in there.got)
    assert len({got.id for got in there.got}) == len(wanted)
    everything = b"".join(got.body for got in there.got).decode()
    for secret_thing in ("GEHEIM", "gesprek", hidden["visit"], hidden["ticket"], "Zonderling", "470123456"):
        assert secret_thing not in everything, secret_thing
    for secret_thing in ("an.peeters", "persons", "language", "priority", hidden["link"]):
        assert secret_thing not in everything, secret_thing
    told = {got.said["type"]: got.said for got in there.got}
    assert told["appointment.moved"]["data"]["slot"] == "2026-11-24T10:00:00.000Z"
    assert told["appointment.moved"]["data"]["was_slot"] == "2026-11-24T09:00:00.000Z"
    assert told["appointment.late"]["data"]["late_s"] == 600
    assert told["visit.undone"]["data"]["undid"] == "visit.started"
    assert told["visit.transferred"]["data"] | {"visit": "", "appointment": ""} == {
        "site": "mechelen",
        "visit": "",
        "ticket": told["visit.called"]["data"]["ticket"],
        "service": "bevolking",
        "appointment": "",
        "ref": "AFS-2",
        "slot": "2026-11-23T08:20:00.000Z",
        "counter": "4",
        "next_service": "attesten",
    }
    shown = examples()
    for kind, body in told.items():
        example = shown[kind]
        assert list(body) == list(example) == ["type", "timestamp", "data"]
        assert set(body["data"]) <= set(example["data"]), kind
        assert datetime.fromisoformat(body["timestamp"]) == datetime(2026, 11, 23, 8, 15, tzinfo=UTC)


def test_the_document_names_every_type_and_figure() -> None:
    assert examples().keys() == set(TYPES)
    assert set(re.findall(r"^### `([a-z_.]+)`", DOC, re.MULTILINE)) == set(TYPES)
    text = DOC.replace("\n", " ")
    for said in (
        f"within {webhooks.SEND_S:.0f} seconds",
        f"{webhook_ledger.ROTATION_S // 3600} hours",
        f"{webhook_ledger.KEPT_S // 86_400} days",
        "5 seconds, 30 seconds, 2 minutes, 10 minutes, 1 hour, 6 hours and 16 hours",
        f"{webhooks.AT_ONCE} requests at a time",
    ):
        assert said in text, said
    assert webhook_ledger.BACKOFF_S == (5, 30, 120, 600, 3600, 6 * 3600, 16 * 3600)


def test_staff_see_what_failed_and_send_it_again_once(server: Onthaal, there: Receiver) -> None:
    document = Document(server)
    supervisor = document.watch(server.client("supervisor"))
    assert supervisor.get(f"{SITE}/webhooks").json() == {"webhooks": []}
    identity, _secret = add(server, there.url, "--kinds", "visit.reported,visit.left")
    there.answer = lambda _got: (500, {})
    visit = server.client("kiosk").post(f"{SITE}/visits", json={"service": "onthaal"}).json()["visit"]

    def failures() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = supervisor.get(f"{SITE}/webhooks/failures").json()["failures"]
        return found

    until(failures)
    (failure,) = failures()
    delivery = failure["id"]
    assert delivery == there.got[0].id
    assert (failure["type"], failure["about"], failure["code"]) == ("visit.reported", visit, "500")
    assert (failure["state"], failure["attempts"], failure["may_again"]) == ("waiting", 1, True)
    assert failure["again_at"] > failure["failed_at"]
    (hook,) = supervisor.get(f"{SITE}/webhooks").json()["webhooks"]
    assert (hook["id"], hook["kinds"]) == (identity, ["visit.reported", "visit.left"])
    assert hook["target"] == f"http://127.0.0.1:{there.port}"  # what follows may be a secret
    assert (hook["waiting"], hook["failing"], hook["given_up"], hook["delivered"]) == (0, 1, 0, 0)
    assert hook["last_failure"]["code"] == "500"

    there.answer = lambda _got: (200, {})
    key = {"Idempotency-Key": "once"}
    path = f"{SITE}/webhooks/{delivery}/again"
    first = supervisor.post(path, json={}, headers=key)
    assert first.json() == {"delivery": delivery, "state": "waiting"}
    until(lambda: not failures())
    heard = len(there.got)
    assert [got.id for got in there.got] == [delivery] * heard
    # The answer to a press was lost: asked again it is the same, and nothing is sent for it.
    assert supervisor.post(path, json={}, headers=key).content == first.content
    (hook,) = supervisor.get(f"{SITE}/webhooks").json()["webhooks"]
    assert (hook["failing"], hook["delivered"], hook["last_failure"]) == (0, 1, None)
    assert len(there.got) == heard
    check_problem(supervisor.post(f"{SITE}/webhooks/msg_none/again", json={}), 404, "unknown-delivery")
    with closing(sqlite3.connect(server.database)) as other:
        other.execute("UPDATE webhook SET disabled_at = 1")
        other.commit()
    check_problem(supervisor.post(path, json={}), 409, "webhook-disabled")
    assert "s3cret" not in server.log()
    assert "/in" not in server.log()


def test_the_commands(server: Onthaal, there: Receiver) -> None:
    identity, secret = add(server, there.url)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    (line,) = run(server, "list").stdout.splitlines()
    assert line.startswith(f"{identity}\tmechelen\t{there.url}\tall\t")
    assert line.endswith("\tenabled")
    assert secret not in line
    rotated = run(server, "rotate", identity).stdout.strip()
    assert rotated != secret
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", rotated)
    for arguments in (("remove", identity), ("remove", identity)):
        done = run(server, *arguments)
    assert (done.returncode, done.stderr) == (1, f"onthaal: there is no webhook {identity}\n")
    assert run(server, "list").stdout == ""
    for url, why in (
        ("http://127.0.0.1/", "https://"),
        ("https://10.0.0.1/", "not public"),
        ("https://169.254.169.254/latest", "not public"),
        ("https://a:b@example.org/", "password"),
    ):
        done = run(server, "add", url, "--site", "mechelen")
        assert (done.returncode, done.stdout) == (1, "")
        assert why in done.stderr
    done = run(server, "add", there.url, "--site", "mechelen", "--allow-private", "--kinds", "visit.lost")
    assert (done.returncode, done.stdout) == (1, "")
    assert "visit.lost" in done.stderr
    assert run(server, "add", there.url, "--site", "elsewhere", "--allow-private").returncode == 1
