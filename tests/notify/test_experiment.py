"""The draw of the experiment's arms, and who may be part of it, by counting and by hand-made appointments."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from notify import experiment, plan
from server.domain.appointment import Appointment, Booking
from server.domain.experiment import Arm, Experiment, Wording
from server.domain.house import House, Kind, Service
from server.domain.messages import step
from server.domain.schedule import Calendar, to_instant
from server.keys import Keys

BRUSSELS = ZoneInfo("Europe/Brussels")
KEYS = Keys(bytes(range(32)))
LADDER = (step("3d"), step("1d"), step("2h"))
ARMS = (
    Arm(id="none", share=100, ladder=()),
    Arm(id="short", share=300, ladder=(step("2h"),)),
    Arm(id="long", share=350, ladder=LADDER),
    Arm(id="cost", share=250, ladder=LADDER, wording=Wording.COST),
)
WINTER = Experiment(
    id="winter", starts=date(2026, 12, 1), ends=date(2026, 12, 31), arms=ARMS, approved_by="the council"
)


def at(text: str) -> int:
    return to_instant(datetime.fromisoformat(text).replace(tzinfo=BRUSSELS))


def house(running: Experiment | None = WINTER) -> House:
    services = {
        name: Service(id=name, name=name, kind=Kind.THEME, range="A", target_s=600)
        for name in ("passport", "marriage")
    }
    services["talk"] = replace(services["passport"], id="talk", name="talk", discreet=True)
    services["quiet"] = replace(services["passport"], id="quiet", name="quiet", ladder=())
    return House(
        site="town",
        name="Town",
        calendar=Calendar(zone=BRUSSELS, weekly=(((time(8), time(18)),),) * 7),
        services=services,
        counters={},
        experiment=running,
    )


def booked(slot: str = "2026-12-17 10:00", on: str = "2026-12-10 09:00", **more: object) -> Appointment:
    fields: dict[str, object] = {
        "id": "x",
        "service": "passport",
        "at": at(slot),
        "booked_at": at(on),
        **more,
    }
    return Appointment(**fields)  # type: ignore[arg-type]


def drawn(running: Experiment, count: int = 20_000, site: str = "town") -> list[str]:
    return [experiment.assign(running, KEYS, site, f"B-{number}").id for number in range(count)]


def test_each_arm_gets_its_share() -> None:
    counts = Counter(drawn(WINTER))
    expected = {"none": 2000, "short": 6000, "long": 7000, "cost": 5000}
    assert counts.keys() == expected.keys()
    chi_square = sum((counts[arm] - wanted) ** 2 / wanted for arm, wanted in expected.items())
    # One fair draw in a thousand lies above this, at three degrees of freedom; the key is fixed.
    assert chi_square < 16.27


def test_the_draw_is_the_same_whoever_makes_it_and_another_under_another_key() -> None:
    mine = drawn(WINTER, 500)
    again = [experiment.assign(WINTER, Keys(bytes(range(32))), "town", f"B-{n}").id for n in range(500)]
    theirs = [experiment.assign(WINTER, Keys(bytes(range(1, 33))), "town", f"B-{n}").id for n in range(500)]
    assert mine == again
    assert mine != theirs


@pytest.mark.parametrize("other", ["another experiment", "another site"])
def test_what_was_drawn_elsewhere_says_nothing_of_what_is_drawn_here(other: str) -> None:
    halves = replace(WINTER, arms=(replace(ARMS[2], id="a", share=500), replace(ARMS[2], id="b", share=500)))
    mine = drawn(halves)
    if other == "another experiment":
        theirs = drawn(replace(halves, id="spring"))
    else:
        theirs = drawn(halves, site="harbour")
    pairs = Counter(zip(mine, theirs, strict=True))
    chi_square = sum((pairs[a, b] - 5000) ** 2 / 5000 for a in "ab" for b in "ab")
    assert len(pairs) == 4
    assert chi_square < 16.27


def test_a_lot_lies_from_nought_to_one_with_its_mean_in_the_middle() -> None:
    lots = [KEYS.lot(f"{number}") for number in range(20_000)]
    assert 0 <= min(lots) < 0.001
    assert 0.999 < max(lots) < 1
    # Six standard errors of the mean of 20,000.
    assert abs(sum(lots) / len(lots) - 0.5) < 6 * 0.2887 / 20_000**0.5


@pytest.mark.parametrize(
    ("appointment", "writable", "reason"),
    [
        (booked(), True, None),
        (booked(), False, "contact"),
        (booked(service="quiet"), True, "ladder"),
        (booked(service="gone"), True, "service"),
        (booked(on="2026-12-17 07:59"), True, None),
        (booked(on="2026-12-17 08:00"), True, "late"),
        (booked(state=Booking.CANCELLED), True, "late"),
        (booked(state=Booking.REPORTED), True, "late"),
    ],
)
def test_who_may_be_part_of_it(appointment: Appointment, writable: bool, reason: str | None) -> None:
    now = appointment.booked_at + 1
    assert experiment.barred(house(), appointment, writable, now) == reason
    # No arm has a say in it: not even where one of them would remind nobody, or all would.
    for arm in ARMS:
        alone = replace(WINTER, arms=(replace(arm, share=1000),))
        assert experiment.barred(house(alone), appointment, writable, now) == reason


def test_what_is_planned_for_too_late_is_not_part_of_it() -> None:
    found = booked()
    assert experiment.barred(house(), found, True, at("2026-12-17 07:59")) is None
    assert experiment.barred(house(), found, True, at("2026-12-17 08:00")) == "late"


def test_it_may_be_for_some_services_only() -> None:
    some = house(replace(WINTER, services=frozenset({"marriage"})))
    assert experiment.barred(some, booked(service="marriage"), True, 0) is None
    assert experiment.barred(some, booked(), True, 0) == "service"


@pytest.mark.parametrize(
    ("on", "part"),
    [
        ("2026-11-30 23:59", False),
        ("2026-12-01 00:00", True),
        ("2026-12-31 23:59", True),
        ("2027-01-01 00:00", False),
    ],
)
def test_it_runs_for_what_is_first_booked_on_its_days(on: str, part: bool) -> None:
    assert experiment.runs(house(), booked("2027-01-20 10:00", on)) is part
    assert not experiment.runs(house(None), booked("2027-01-20 10:00", on))


def test_a_discreet_service_is_not_even_recorded() -> None:
    assert not experiment.runs(house(), booked(service="talk"))


def test_another_share_arm_or_service_is_another_policy_and_none_is_the_house_s_own() -> None:
    fewer = (replace(ARMS[0], share=50), replace(ARMS[1], share=350), *ARMS[2:])
    made = [
        experiment.version(house(each))
        for each in (
            WINTER,
            replace(WINTER, arms=fewer),
            replace(WINTER, services=frozenset({"marriage"})),
            replace(WINTER, ends=date(2027, 1, 31)),
        )
    ]
    assert len(set(made)) == 4
    assert all(each.startswith("winter:") for each in made)
    assert plan.policy(house(None)) not in {each.removeprefix("winter:") for each in made}
