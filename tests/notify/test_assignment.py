"""Who is drawn into which arm, as rows of a real database: once, before anything is planned, and for good."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from booked import KEYS, PHONE, Town, at
from msgspec.structs import replace

from notify.contacts import Contact
from notify.ledger import Ledger

HOUSE = """
[sites.town]
name = "Town"
time_zone = "Europe/Brussels"
[sites.town.opening]
mon = ["08:00-18:00"]
tue = ["08:00-18:00"]
wed = ["08:00-18:00"]
thu = ["08:00-18:00"]
fri = ["08:00-18:00"]
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
"""
ARMS = """
[sites.town.experiment]
id = "winter"
starts = "2026-12-01"
ends = "2026-12-31"
approved_by = "the council"
[[sites.town.experiment.arms]]
id = "none"
share = 500
ladder = []
[[sites.town.experiment.arms]]
id = "cost"
share = 500
ladder = ["2h"]
wording = "cost"
"""
ORDINARY = ["3d", "1d", "2h"]
NOW, SLOT = "2026-12-10 09:00", "2026-12-17 10:00"
BY_ARM = {"none": [], "cost": ["2h"]}
REFS = [f"B-{number:02}" for number in range(20)]


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path, HOUSE + ARMS)
    yield made
    made.store.close()


def booked(town: Town, *refs: str, contact: Contact | None = PHONE, service: str = "passport") -> None:
    town.book(*((ref, service, SLOT, contact) for ref in refs), now=NOW)


def one_of(town: Town, arm: str) -> str:
    """Book and plan twenty, and answer the reference of one that was drawn into an arm."""
    booked(town, *REFS)
    town.plan(NOW)
    return next(ref for ref, (drawn, _) in town.assigned().items() if drawn == arm)


def test_everybody_is_drawn_once_and_planned_for_as_their_arm_is(town: Town) -> None:
    booked(town, *REFS)
    town.plan(NOW)
    drawn = town.assigned()
    assert sorted(drawn) == REFS
    assert {arm for arm, _ in drawn.values()} == {"none", "cost"}
    assert town.steps() == {ref: BY_ARM[str(arm)] for ref, (arm, _) in drawn.items()}
    ((probability, eligible, policy, slot, when),) = set(
        town.rows("SELECT probability, eligible, policy, slot_at, at FROM assignment")
    )
    assert (probability, eligible, slot, when) == (0.5, 1, at(SLOT), at(NOW))
    assert re.fullmatch(r"winter:[0-9a-f]{16}", policy)


def test_each_is_drawn_before_anything_is_planned_for_them(town: Town) -> None:
    # Whoever plans first finds the row missing here, and fails.
    town.write(
        "CREATE TRIGGER first BEFORE INSERT ON delivery "
        "WHEN NOT EXISTS (SELECT 1 FROM assignment WHERE subject = NEW.subject) "
        "BEGIN SELECT RAISE(ABORT, 'planned before it was drawn'); END"
    )
    booked(town, *REFS)
    town.plan(NOW)
    assert any(town.steps().values())


def test_a_second_import_a_second_node_and_a_journal_read_anew_draw_nobody_again(town: Town) -> None:
    booked(town, *REFS)
    town.plan(NOW)
    before = town.rows("SELECT * FROM assignment ORDER BY subject")
    booked(town, *REFS)
    town.plan(NOW)
    town.write("UPDATE planner SET seq = 0")
    town.plan("2026-12-11 09:00")
    assert town.rows("SELECT * FROM assignment ORDER BY subject") == before
    assert len(town.rows("SELECT 1 FROM delivery")) == sum(map(len, town.steps().values()))


@pytest.mark.parametrize("safe", ["sms", "none"])
def test_who_needs_a_safe_contact_is_never_part_of_it(town: Town, safe: str) -> None:
    booked(town, *REFS, contact=replace(PHONE, safe=safe))
    town.plan(NOW)
    assert set(town.assigned().values()) == {(None, "contact")}
    assert all(steps == ORDINARY for steps in town.steps().values())


def test_nothing_tells_who_needs_a_safe_contact_from_who_cannot_be_written_to(town: Town) -> None:
    booked(town, "SAFE", contact=replace(PHONE, safe="sms"))
    booked(town, "NOBODY", contact=None)
    booked(town, "NAME", contact=Contact(name="N. N."))
    booked(town, "STOP", contact=Contact(phone="+32499000000"))
    mark = KEYS.address_mark("+32499000000").hex()
    town.write(f"INSERT INTO opt_out VALUES (x'{mark}', 0, 'sms')")
    town.plan(NOW)
    assert set(town.assigned()) == {"SAFE", "NOBODY", "NAME", "STOP"}
    said = town.rows("SELECT experiment, eligible, reason, arm, probability, ladder, wording FROM assignment")
    assert set(said) == {("winter", 0, "contact", None, None, None, None)}


def test_a_discreet_service_leaves_no_trace(town: Town) -> None:
    booked(town, *REFS, service="talk")
    town.plan(NOW)
    assert town.assigned() == {}
    assert all(steps == ORDINARY for steps in town.steps().values())


def test_who_books_too_late_for_any_reminder_is_recorded_but_not_drawn(town: Town) -> None:
    town.book(("B-1", "passport", "2026-12-10 11:00", PHONE), now="2026-12-10 09:00")
    town.plan("2026-12-10 09:00")
    assert town.assigned() == {"B-1": (None, "late")}


@pytest.mark.parametrize("arm", ["none", "cost"])
def test_moving_and_cancelling_keep_the_arm(town: Town, arm: str) -> None:
    mine = one_of(town, arm)
    before = town.rows("SELECT * FROM assignment ORDER BY subject")
    town.book((mine, "passport", "2026-12-18 11:00", PHONE), now="2026-12-11 09:00")
    town.plan("2026-12-11 09:00")
    assert town.steps()[mine] == BY_ARM[arm]
    slots = town.rows(
        "SELECT slot_at FROM delivery JOIN reference ON appointment = subject "
        f"WHERE reference.ref = '{mine}' AND state = 'planned'"
    )
    assert slots == [(at("2026-12-18 11:00"),)] * len(BY_ARM[arm])
    town.book((mine, "", "2026-12-18 11:00", None), now="2026-12-12 09:00")
    town.plan("2026-12-12 09:00")
    assert town.steps()[mine] == []
    assert town.rows("SELECT * FROM assignment ORDER BY subject") == before


def test_another_configuration_keeps_the_arms_of_those_who_were_drawn(town: Town) -> None:
    booked(town, *REFS)
    town.plan(NOW)
    before, steps = town.rows("SELECT * FROM assignment ORDER BY subject"), town.steps()
    # Another experiment, whose arms are called the same and remind otherwise.
    other = ARMS.replace('"winter"', '"spring"').replace('"2h"', '"1d", "45min"')
    town.read(HOUSE + other)
    town.plan("2026-12-11 09:00")
    assert town.rows("SELECT * FROM assignment ORDER BY subject") == before
    assert town.steps() == steps
    town.book(("C-1", "passport", SLOT, PHONE), now="2026-12-11 09:00")
    town.plan("2026-12-11 09:00")
    assert {row[0] for row in town.rows("SELECT DISTINCT experiment FROM assignment")} == {"winter", "spring"}


def test_taking_the_experiment_out_ends_it_at_once_and_keeps_its_record(town: Town) -> None:
    booked(town, *REFS)
    town.plan(NOW)
    before = town.rows("SELECT * FROM assignment ORDER BY subject")
    town.read(HOUSE)
    town.plan("2026-12-15 09:00")
    # What lay three days before is over; nobody is written to at once.
    assert all(steps == ["1d", "2h"] for steps in town.steps().values())
    assert town.rows("SELECT * FROM assignment ORDER BY subject") == before


def test_who_was_booked_before_it_began_is_not_drawn_by_a_later_event(tmp_path: Path) -> None:
    town = Town(tmp_path, HOUSE)
    booked(town, *REFS)
    town.plan(NOW)
    town.read(HOUSE + ARMS)
    town.book(*((ref, "passport", "2026-12-18 10:00", PHONE) for ref in REFS), now="2026-12-11 09:00")
    town.plan("2026-12-11 09:00")
    # Nor by a planner that reads the journal from its beginning: they have been planned for.
    town.write("UPDATE planner SET seq = 0")
    town.plan("2026-12-11 10:00")
    assert town.assigned() == {}
    assert all(steps == ORDINARY for steps in town.steps().values())
    town.store.close()


def test_without_an_experiment_nothing_asks_for_one(tmp_path: Path) -> None:
    town = Town(tmp_path, HOUSE)
    town.write("DROP TABLE assignment")
    booked(town, *REFS)
    town.plan(NOW)
    assert all(steps == ORDINARY for steps in town.steps().values())
    assert set(claimed(town, "2026-12-14 10:00").values()) == {"plain"}
    town.store.close()


def claimed(town: Town, now: str) -> dict[str, str]:
    """Claim all that is due: how each is to be worded, by reference."""
    ledger = Ledger({"town": town.house}, KEYS, {})
    claims = town.store.write_now(lambda c: ledger.claim(c, at(now), 0, {"sms": 100}, 10.0))
    refs = dict(town.rows("SELECT appointment, ref FROM reference"))
    return {refs[claim.subject]: claim.wording for claim in claims}


def test_a_claim_carries_the_wording_of_its_arm(town: Town) -> None:
    booked(town, *REFS)
    booked(town, "SAFE", contact=replace(PHONE, safe="sms"))
    town.plan(NOW)
    said = claimed(town, "2026-12-17 08:00")
    assert said.pop("SAFE") == "plain"
    assert set(said) == {ref for ref, (arm, _) in town.assigned().items() if arm == "cost"}
    assert set(said.values()) == {"cost"}


@pytest.mark.parametrize("arm", ["none", "cost"])
def test_who_needs_a_safe_contact_later_is_reminded_as_everybody_is(town: Town, arm: str) -> None:
    mine = one_of(town, arm)
    before = town.rows("SELECT * FROM assignment ORDER BY subject")
    # The journal hears nothing of it: only what is kept of the person has changed.
    town.book((mine, "passport", SLOT, replace(PHONE, safe="sms")), now="2026-12-11 09:00")
    assert town.steps()[mine] == ORDINARY
    assert claimed(town, "2026-12-17 08:00")[mine] == "plain"
    assert town.rows("SELECT * FROM assignment ORDER BY subject") == before


def test_who_moves_to_a_discreet_service_is_reminded_as_everybody_is(town: Town) -> None:
    mine = one_of(town, "cost")
    town.book((mine, "talk", SLOT, replace(PHONE, safe="sms")), now="2026-12-11 09:00")
    town.plan("2026-12-11 09:00")
    assert town.steps()[mine] == ORDINARY
    assert claimed(town, "2026-12-17 08:00")[mine] == "plain"


def test_one_without_a_reference_is_drawn_by_its_id_and_stops_nobody(town: Town) -> None:
    booked(town, "B-1")
    town.write("DELETE FROM reference")
    town.plan(NOW)
    assert len(town.rows("SELECT arm FROM assignment WHERE arm IS NOT NULL")) == 1
