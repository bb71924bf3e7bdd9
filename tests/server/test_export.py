"""The record of the experiments, as ``onthaal export reminders`` prints it, held to what was done by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import program
import pytest
import sqlalchemy as sa
from booked import KEYS, Town, at

from notify.channels import Reached, Receipt
from notify.contacts import Contact
from notify.delivery import State
from notify.experiment import Reason
from notify.ledger import Claim, Ledger, Result
from server import configuration, export_command, settings

ROOT = Path(__file__).resolve().parents[2]
HOUSE = """
[sites.town]
name = "Town"
time_zone = "Europe/Brussels"
[sites.town.opening]
thu = ["08:00-18:00"]
[[sites.town.services]]
id = "passport"
name = "Passports"
kind = "theme"
range = "A"
target_s = 300
[[sites.town.services]]
id = "talk"
name = "Talk"
kind = "theme"
range = "A"
target_s = 300
discreet = true
[[sites.town.counters]]
id = "1"
services = ["passport", "talk"]
[sites.town.experiment]
id = "winter"
starts = "2026-12-01"
ends = "2026-12-31"
approved_by = "the council"
[[sites.town.experiment.arms]]
id = "none"
share = 1
ladder = []
[[sites.town.experiment.arms]]
id = "cost"
share = 999
ladder = ["1d", "2h"]
wording = "cost"
"""
NAME, PHONE, MAIL = "Canaria Zangvogel", "+32499887766", "canaria@zangvogel.example"
PERSON = Contact(name=NAME, phone=PHONE, email=MAIL)
NOW, SLOT = "2026-12-10 09:00", "2026-12-17 10:00"
REAL = at("2026-12-10 09:00")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path, HOUSE)
    made.store.write_now(lambda connection: configuration.put(connection, "town.toml", HOUSE))
    yield made
    made.store.close()


def exported(town: Town, folder: Path) -> tuple[dict[str, dict[str, Any]], str]:
    """The record by the booking system's reference, and all that was printed."""
    url = f"sqlite:///{town.store.path}"
    done = program.run("export", "reminders", "--site", "town", "--database", url, cwd=folder)
    assert done.returncode == 0, done.stderr
    refs = dict(town.rows("SELECT appointment, ref FROM reference"))
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert len({record["appointment"] for record in records}) == len(records)
    return {refs[record["appointment"]]: record for record in records}, done.stdout


def claim(town: Town, now: str) -> tuple[Ledger, Claim]:
    ledger = Ledger({"town": town.house}, KEYS, {})
    (claimed,) = town.store.write_now(lambda c: ledger.claim(c, at(now), REAL, {"sms": 10}, 10.0))
    return ledger, claimed


def test_one_line_tells_the_draw_the_deliveries_and_the_outcome(town: Town, tmp_path: Path) -> None:
    town.book(("B-1", "passport", SLOT, PERSON), now=NOW)
    town.plan(NOW)
    ledger, sent = claim(town, "2026-12-16 10:00")
    accepted = Result(claim=sent, state=State.ACCEPTED, code="0: Accepted for delivery", ref="abc", parts=2)
    told = [
        Receipt(sent.id, Reached.ACCEPTED, f"250 <{MAIL}> queued"),
        Receipt(sent.id, Reached.DELIVERED, f"DELIVRD 000 to {PHONE}"),
    ]
    town.store.write_now(lambda c: ledger.record(c, [accepted], at("2026-12-16 10:00"), REAL + 1_000_000))
    town.store.write_now(lambda c: ledger.receive(c, told, at("2026-12-16 10:01"), REAL + 2_000_000))
    town.book(("B-1", "", SLOT, None), now="2026-12-17 07:00")
    town.plan("2026-12-17 07:00")

    records, printed = exported(town, tmp_path)
    (record,) = records.values()
    policy, deliveries = record.pop("policy"), record.pop("deliveries")
    assert policy.startswith("winter:")
    assert record == {
        "appointment": record["appointment"],
        "experiment": "winter",
        "eligible": True,
        "reason": None,
        "arm": "cost",
        "probability": 0.999,
        "ladder": ["1d", "2h"],
        "wording": "cost",
        "again": False,
        "ends": "2026-12-31",
        "assigned_at": "2026-12-10T08:00:00.000Z",
        "assigned_slot_at": "2026-12-17T09:00:00.000Z",
        "lead_s": (7 * 24 + 1) * 3600,
        "service": "passport",
        "booked_at": "2026-12-10T08:00:00.000Z",
        "slot_at": "2026-12-17T09:00:00.000Z",
        "state": "cancelled",
        "moved_at": None,
        "was_at": None,
        "announced_late_s": None,
        "cancelled_at": "2026-12-17T06:00:00.000Z",
        "cancelled_by": "citizen",
        "cancelled_ahead_s": 3 * 3600,
        "reported_at": None,
        "late_s": None,
        "called_at": None,
        "ended_at": None,
        "punctuality": "2026-1",
        "arrival": "never",
        "outcome": "cancelled-too-late",
    }
    assert [(each["step"], each["state"], each["reason"]) for each in deliveries] == [
        ("1d", "delivered", None),
        ("2h", "withdrawn", "cancelled"),
    ]
    first = deliveries[0]
    assert (first["channel"], first["parts"], first["attempts"], first["kind"]) == ("sms", 2, 1, "reminder")
    assert (first["planned_at"], first["due_at"]) == ("2026-12-10T08:00:00.000Z", "2026-12-16T09:00:00.000Z")
    events = [(each["kind"], each["at"], each["real_at"], each["code"]) for each in first["events"]]
    assert events == [
        ("sent", "2026-12-16T09:00:00.000Z", "2026-12-10T08:00:00.000Z", ""),
        ("accepted", "2026-12-16T09:00:00.000Z", "2026-12-10T08:00:01.000Z", "0: Accepted for delivery"),
        ("accepted", "2026-12-16T09:01:00.000Z", "2026-12-10T08:00:02.000Z", "250 <(address)> queued"),
        ("delivered", "2026-12-16T09:01:00.000Z", "2026-12-10T08:00:02.000Z", "DELIVRD 000 to (number)"),
    ]
    for own in (NAME, PHONE, PHONE[3:], MAIL, "B-1"):
        assert own not in printed


def test_who_came_is_told_in_seconds_with_the_notices_of_their_visit(town: Town, tmp_path: Path) -> None:
    town.book(("B-1", "passport", SLOT, PERSON), ("B-2", "passport", SLOT, None), now=NOW)
    town.plan(NOW)
    ((subject,),) = town.rows("SELECT appointment FROM reference WHERE ref = 'B-1'")
    town.write(
        "INSERT INTO visit (id, site, day, ticket, service, status, appointment, slot_at, announced_late, "
        "reported_at, first_called_at, calls, persons, priority) VALUES ('v1', 'town', '2026-12-17', 'A001', "
        f"'passport', 'served', '{subject}', {at(SLOT)}, 0, {at('2026-12-17 10:07')}, "
        f"{at('2026-12-17 10:12')}, 1, 1, 0)"
    )
    town.write(f"UPDATE appointment SET state = 'reported', visit = 'v1' WHERE id = '{subject}'")
    town.write(
        "INSERT INTO delivery (id, site, subject, kind, step, slot_at, rank, channel, state, planned_at, "
        "due_at, until, retry_at, attempt, about) VALUES ('d1', 'town', 'v1', 'go', 'go', 0, 0, 'sms', "
        f"'planned', {at('2026-12-17 10:12')}, 0, 0, 0, 0, '')"
    )
    records, _ = exported(town, tmp_path)
    came = records["B-1"]
    assert (came["late_s"], came["arrival"], came["outcome"]) == (420, "late", "served")
    assert came["called_at"] == "2026-12-17T09:12:00.000Z"
    assert [each["kind"] for each in came["deliveries"]] == ["reminder", "reminder", "go"]
    other = records["B-2"]
    assert (other["eligible"], other["reason"], other["arm"], other["probability"]) == (
        False,
        "contact",
        None,
        None,
    )
    assert [each["step"] for each in other["deliveries"]] == ["3d", "1d", "2h"]


def test_what_has_moved_to_a_discreet_service_is_in_no_record(town: Town, tmp_path: Path) -> None:
    town.book(("B-1", "passport", SLOT, PERSON), ("B-2", "talk", SLOT, PERSON), now=NOW)
    town.plan(NOW)
    town.book(("B-1", "talk", SLOT, PERSON), now=NOW)
    assert exported(town, tmp_path) == ({}, "")


def test_a_record_longer_than_a_piece_is_whole(town: Town, tmp_path: Path) -> None:
    count = 2 * export_command.PIECE
    town.book(("B-1", "passport", SLOT, PERSON), now=NOW)
    town.plan(NOW)

    def more(connection: sa.Connection) -> None:
        for table in ("assignment", "appointment"):
            names = [row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table})")]
            rest = ", ".join(f'"{name}"' for name in names[1:])
            connection.exec_driver_sql(
                f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count - 1}) "
                f"INSERT INTO {table} SELECT printf('x%05d', i), {rest} FROM n, {table}"
            )

    town.store.write_now(more)
    url = f"sqlite:///{town.store.path}"
    done = program.run("export", "reminders", "--site", "town", "--database", url, cwd=tmp_path)
    ids = [json.loads(line)["appointment"] for line in done.stdout.splitlines()]
    assert (len(ids), len(set(ids))) == (count, count)


def test_a_site_that_is_none_is_said_so(town: Town, tmp_path: Path) -> None:
    url = f"sqlite:///{town.store.path}"
    done = program.run("export", "reminders", "--site", "twon", "--database", url, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "onthaal: there is no site 'twon'; there is town\n"


def test_the_documentation_has_every_key_and_every_reason(town: Town, tmp_path: Path) -> None:
    town.book(("B-1", "passport", SLOT, PERSON), now=NOW)
    town.plan(NOW)
    records, _ = exported(town, tmp_path)
    text = (ROOT / "docs/experiment.md").read_text()
    tables = [
        re.findall(r"^\| `(\S+)` \|", part.partition("\n\n")[0], re.MULTILINE)
        for part in re.split(r"^\| (?:key|reason) \|.*$", text, flags=re.MULTILINE)[1:]
    ]
    (record,) = records.values()
    assert tables == [list(Reason), list(record), list(record["deliveries"][0])]


def test_the_experiment_of_the_documentation_can_be_used() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/experiment.md").read_text(), re.DOTALL)
    house = (ROOT / "config/onthaal.toml").read_text()
    experiment = settings.load_text(house + "\n" + example, "x")["town-hall"].experiment
    assert experiment is not None
    assert [arm.id for arm in experiment.arms] == ["none", "short", "long", "cost"]
