"""What if: the recorded day comes out again, a change does what a hand works out, bad input is told."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from day_on_record import MONDAY, Counter, Driven, Guest, drive
from houses import house as write_house
from office import at, office

from server.database import Database
from server.domain.day import Status
from server.domain.house import House
from server.domain.schedule import SECOND
from server.ledger import newest_day
from server.settings import load
from server.whatif import command, said
from server.whatif.day import DayToPlay, take
from server.whatif.draw import AS_IT_WAS, stretch
from server.whatif.result import Change, Spread, Verdict, difference, result, spread, told
from server.whatif.run import Outcome, run, runs
from server.whatif.scenario import Scenario, Wrong, scenario

DAY = date(2026, 11, 23)
HOUR = 3600


def busy_day() -> tuple[list[Guest], list[Counter]]:
    """Everything that may happen to people, with two counters, one of them slow and away for a while."""
    served = [("finish", 300)]
    guests = [
        Guest(id=f"w{n}", comes=600 + 97 * n, story=[("finish", 210 + 37 * n)], service=service)
        for n, service in enumerate(["onthaal", "bevolking"] * 6)
    ]
    guests += [
        Guest(id="early", comes=900, slot=1500, story=list(served)),
        Guest(id="late", comes=2900, slot=2400, story=list(served)),
        Guest(id="in-time", comes=2350, slot=2400, story=list(served), service="bevolking"),
        Guest(id="never", comes=None, slot=3000, story=[]),
        Guest(id="parked", comes=1001, story=[("park", 120), ("finish", 200)], back=400),
        Guest(id="sent-on", comes=1205, story=[("transfer", 100), ("finish", 260)]),
        Guest(id="gone", comes=1407, story=[("no-show", 90)]),
        Guest(id="left", comes=1609, story=list(served), leaves=2009),
        Guest(id="undone", comes=3 * HOUR, story=[("undone", 0), ("finish", 60)]),
        Guest(id="last", comes=4 * HOUR, story=list(served)),
    ]
    counters = [
        Counter(id="1", shifts=[(0, 5 * HOUR + 600)]),
        Counter(id="2", shifts=[(300, 2 * HOUR + 1000), (3 * HOUR + 1000, 5 * HOUR + 900)], slow=15),
    ]
    return guests, counters


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Driven:
    return asyncio.run(drive(tmp_path_factory.mktemp("busy"), *busy_day()))


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Driven:
    """Three people at eight, ten minutes each, and one counter."""
    guests = [Guest(id=str(n), comes=n, story=[("finish", 600)]) for n in range(3)]
    return asyncio.run(
        drive(tmp_path_factory.mktemp("hand"), guests, [Counter(id="1", shifts=[(0, 4 * HOUR)])])
    )


def taken(driven: Driven, day: date = DAY, now: date = date(2026, 11, 24)) -> DayToPlay:
    store = Database(driven.url)
    try:
        return store.read_now(lambda connection: take(connection, house_of(driven), day, now))
    finally:
        store.close()


def house_of(driven: Driven) -> House:
    return load(Path(driven.url.removeprefix("sqlite:///")).with_name("house.toml"))["mechelen"]


def waits(outcome: Outcome) -> list[float]:
    return [each.wait_us / SECOND for each in outcome.people if each.wait_us is not None]


def ask(driven: Driven, *arguments: str) -> Result:
    config = Path(driven.url.removeprefix("sqlite:///")).with_name("house.toml")
    return CliRunner().invoke(
        command, ["--site", "mechelen", "--database", driven.url, "--config", str(config), *arguments]
    )


def answer(driven: Driven, *arguments: str) -> dict[str, Any]:
    ran = ask(driven, "--day", MONDAY, "--json", *arguments)
    assert ran.exit_code == 0, ran.output
    made: dict[str, Any] = json.loads(ran.stdout)
    return made


# --- the recorded day ---------------------------------------------------------------------------------


def test_with_nothing_changed_the_recorded_day_comes_out_again(busy: Driven) -> None:
    day = taken(busy)
    again = run(day, Scenario(), 1, AS_IT_WAS)
    seen = busy.waits()
    # The driver's own log, by the order of reports.
    came = sorted(
        (guest for guest in busy.guests if guest.reported is not None), key=lambda g: g.reported or 0
    )
    assert len(came) == 21
    expected = [seen[guest.id] if guest.id != "left" else 400 for guest in came]
    assert waits(again) == expected
    assert [each.wait_us for each in again.people] == list(day.recorded.waits_us)  # type: ignore[union-attr]
    assert max(wait or 0 for wait in expected) > 600
    statuses = [each.status for each in again.people]
    assert statuses.count(Status.NOT_PRESENT) == statuses.count(Status.LEFT) == 1
    assert statuses.count(None) == 1  # who never reported
    assert again.staffed_us == (5 * HOUR + 600 + 2 * HOUR + 700 + 2 * HOUR - 100) * SECOND


def test_what_a_counter_took_back_did_not_happen(busy: Driven) -> None:
    recorded = taken(busy).recorded
    assert recorded is not None
    assert sum(len(person.stages) for person in recorded.people) == 22  # none of the undone call
    assert recorded.delays_us["2"].count(15 * SECOND) == len(recorded.delays_us["2"])
    assert set(recorded.delays_us["1"]) <= {0, SECOND}  # it asked again a second after it took a call back


def test_one_counter_more_by_hand(by_hand: Driven) -> None:
    assert by_hand.waits() == {"0": 0, "1": 599, "2": 1198}
    made = answer(by_hand, "--counter", "services=onthaal from=08:00 to=12:00", "--runs", "5")
    (all_, *_others) = made["groups"]
    figures = all_["figures"]
    was = [figures["mean_wait_s"][when] for when in ("recorded", "replayed", "changed")]
    # With two counters the first two wait for nobody, the third until ten past eight.
    assert was == [pytest.approx((599 + 1198) / 3), pytest.approx((599 + 1198) / 3), pytest.approx(598 / 3)]
    assert [figures["p90_wait_s"][when] for when in ("replayed", "changed")] == [1198, 598]
    assert figures["counter_hours"]["recorded"] == figures["counter_hours"]["replayed"] == 4
    assert figures["counter_hours"]["changed"] == 8


def test_a_counter_more_is_there_for_its_hours_only(by_hand: Driven) -> None:
    made = answer(by_hand, "--counter", "services=onthaal from=08:15 to=08:30", "--runs", "5")
    # It takes the third, who still waits at a quarter past eight.
    assert made["groups"][0]["figures"]["p90_wait_s"]["changed"] == 15 * 60 - 2
    none = answer(by_hand, "--counter", "services=bevolking from=08:00 to=12:00", "--runs", "5")
    assert none["groups"][0]["figures"]["p90_wait_s"]["changed"] == 1198


def test_people_are_the_same_with_the_change_and_without(busy: Driven) -> None:
    day = taken(busy)
    for number in range(3):
        alone = run(day, Scenario(), 1, number)
        more = run(day, scenario(day.house, counters=["services=onthaal from=09:00 to=10:00"]), 1, number)
        assert [(e.service, e.appointment, e.late_us) for e in alone.people] == [
            (e.service, e.appointment, e.late_us) for e in more.people
        ]
    assert run(day, Scenario(), 1, 0) == run(day, Scenario(), 1, 0)
    assert run(day, Scenario(), 1, 0) != run(day, Scenario(), 1, 1) != run(day, Scenario(), 2, 1)


def test_more_people_wait_longer_and_more_counters_shorter(busy: Driven) -> None:
    day = taken(busy)
    for changed, sign in (
        (scenario(day.house, visitors=63), 1),
        (scenario(day.house, visitors=8), -1),
        (scenario(day.house, counters=["services=theme from=08:00 to=13:00"]), -1),
    ):
        _was, pairs = runs(day, changed, 1, 6)
        apart = [
            sum(waits(after)) / len(waits(after)) - sum(waits(before)) / len(waits(before))
            for before, after in pairs
        ]
        assert sign * sum(apart) > 0, changed


def test_visitors_are_as_many_as_asked_for(busy: Driven) -> None:
    day = taken(busy)
    assert day.visitors == 21
    _was, pairs = runs(day, scenario(day.house, visitors=84), 3, 7)
    counts = [len(waits(after)) for _before, after in pairs]
    assert sum(counts) / len(counts) == pytest.approx(84, rel=0.12)


def test_a_grace_lets_the_late_go_first(tmp_path: Path) -> None:
    """One counter, busy until 8:20; a walk-in of 8:10 waits, and an appointment of 8:05 that is late."""
    guests = [
        Guest(id="first", comes=0, story=[("finish", 1200)]),
        Guest(id="walk-in", comes=600, story=[("finish", 600)]),
        Guest(id="late", comes=660, slot=300, story=[("finish", 600)]),
    ]
    driven = asyncio.run(drive(tmp_path, guests, [Counter(id="1", shifts=[(0, 4 * HOUR)])]))
    assert driven.waits() == {"first": 0, "walk-in": 600, "late": 1140}
    day = taken(driven)
    kept = run(day, scenario(day.house, grace=["onthaal=360"]), 1, AS_IT_WAS)
    assert waits(kept) == [0, 1200, 540]
    assert waits(run(day, scenario(day.house, grace=["all=359"]), 1, AS_IT_WAS)) == [0, 600, 1140]


def test_other_hours_take_people_and_counters_along(by_hand: Driven) -> None:
    day = taken(by_hand)
    changed = run(day, scenario(day.house, opening="09:00-19:00"), 1, AS_IT_WAS)
    assert waits(changed) == [0, 598, 1196]  # they come two seconds apart where the day is twice as long
    assert changed.staffed_us == 2 * 4 * HOUR * SECOND


def test_instants_keep_their_share_of_the_open_time() -> None:
    def clock(text: str) -> int:
        return at(f"{MONDAY} {text}")

    old = ((clock("08:00"), clock("13:00")), (clock("14:30"), clock("19:30")))
    move = stretch(old, ((clock("09:00"), clock("14:00")),))
    told_times = {"07:50": "08:50", "08:00": "09:00", "10:30": "10:15", "13:00": "11:30", "13:45": "11:30"}
    told_times |= {"14:30": "11:30", "17:00": "12:45", "19:30": "14:00", "19:40": "14:10"}
    assert {text: move(clock(text)) for text in told_times} == {t: clock(u) for t, u in told_times.items()}


# --- a planned day ------------------------------------------------------------------------------------


def test_a_planned_day_has_its_bookings_and_the_walk_ins_of_such_days(busy: Driven) -> None:
    tuesday = taken(busy, date(2026, 11, 24))
    assert (tuesday.recorded, len(tuesday.people), tuesday.walk_ins) == (None, 1, ())
    assert {duty.counter for duty in tuesday.duties} == {"1", "2"}  # of no Tuesday is anything known
    monday = taken(busy, date(2026, 11, 30))
    assert monday.people == ()
    ((*walk_ins,),) = monday.walk_ins
    # The same wall-clock times a week later, by the counters of then.
    assert next(person.arrived_at for person in walk_ins) == at("2026-11-30 08:10")
    assert len(walk_ins) == 18
    assert next(duty.at for duty in monday.duties if duty.counter == "2") == at("2026-11-30 08:05")
    _was, pairs = runs(monday, Scenario(), 1, 6)
    assert _was is None
    assert sum(len(waits(before)) for before, _after in pairs) / 6 == pytest.approx(18, rel=0.25)


def test_what_is_past_and_not_recorded_cannot_be_planned(busy: Driven) -> None:
    for day, code in (("2026-11-20", "nothing-recorded"), ("2026-12-02", "nobody-expected")):
        with pytest.raises(Wrong) as caught:
            taken(busy, date.fromisoformat(day))
        assert caught.value.code == code


async def test_a_day_on_which_nobody_came_is_not_the_newest(tmp_path: Path) -> None:
    await drive(
        tmp_path, [Guest(id="1", comes=0, story=[("finish", 60)])], [Counter(id="1", shifts=[(0, HOUR)])]
    )
    async with office(tmp_path, "2026-11-25 09:00", working=False) as here:
        await here.book("later", "2026-11-26 09:00")
        ended = await here.database.read(
            lambda connection: connection.exec_driver_sql(
                "SELECT COUNT(*) FROM journal WHERE kind = 'day-ended'"
            ).scalar_one()
        )
        assert ended == 2  # Tuesday's as well, on which nobody came
        newest = await here.database.read(lambda connection: newest_day(connection, "mechelen"))
        assert newest == DAY
        assert await here.database.read(lambda connection: newest_day(connection, "elsewhere")) is None


# --- bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"counters": ["services=onthaal from=10:00"]}, "bad-counter"),
        ({"counters": ["onthaal 10-12"]}, "bad-counter"),
        ({"counters": ["services=onthaal from=10:00 to=12:00 to=13:00"]}, "bad-counter"),
        ({"counters": ["services=onthaal from=ten to=12:00"]}, "bad-time"),
        ({"counters": ["services=onthaal from=10:00 to=25:00"]}, "bad-time"),
        ({"counters": ["services=onthaal from=12:00 to=12:00"]}, "time-order"),
        ({"counters": ["services=onthal from=10:00 to=12:00"]}, "unknown-service"),
        ({"counters": ["services=express from=10:00 to=12:00"]}, "unknown-service"),
        ({"counters": ["services=onthaal from=10:00 to=12:00"] * 6}, "too-many-counters"),
        ({"grace": ["onthaal"]}, "bad-grace"),
        ({"grace": ["onthaal=-5"]}, "bad-grace"),
        ({"grace": ["onthaal=99999"]}, "bad-grace"),
        ({"grace": ["onthal=60"]}, "unknown-service"),
        ({"opening": "08:00"}, "bad-opening"),
        ({"opening": "08:00-07:00"}, "time-order"),
        ({"opening": "08:00-13:00,12:00-14:00"}, "time-order"),
        ({"visitors": 0}, "bad-visitors"),
        ({"visitors": 3001}, "bad-visitors"),
    ],
)
def test_a_question_that_makes_no_sense_is_told(tmp_path: Path, asked: dict[str, Any], code: str) -> None:
    town = load(write_house(tmp_path, 1, services=("onthaal", "bevolking")))["mechelen"]
    with pytest.raises(Wrong) as caught:
        scenario(town, **asked)
    assert caught.value.code == code
    if code == "unknown-service" and "onthal" in str(asked):
        assert 'nearest valid name: "onthaal"' in str(caught.value)


def test_the_command_says_what_is_wrong(busy: Driven) -> None:
    for arguments, said_ in (
        (("--day", "2026-11-20"), "onthaal: day: nothing is recorded of 2026-11-20\n"),
        (("--counter", "services=x from=1:00 to=2:00"), 'there is no service or kind "x"'),
        (("--grace", "onthaal=soon"), "say SERVICE=SECONDS"),
    ):
        ran = ask(busy, *arguments)
        assert (ran.exit_code, ran.stdout) == (1, "")
        assert said_ in ran.stderr
    assert ask(busy, "--runs", "1").exit_code == 2
    assert ask(busy, "--day", "yesterday").exit_code == 2


# --- what is said -------------------------------------------------------------------------------------


def test_a_difference_is_told_only_where_it_is_sure_and_large_enough() -> None:
    # By Student's table, t for 2 degrees of freedom and 95 % is 4.303; the standard error is 1 / sqrt(3).
    found = difference([(10, 11), (10, 12), (10, 13)])
    assert found.mean == 2
    assert (found.low, found.high) == (pytest.approx(2 - 2.484, abs=1e-3), pytest.approx(2 + 2.484, abs=1e-3))
    assert not told(found, "count")
    sure = difference([(0, 61), (0, 62), (0, 60)])
    assert told(sure, "seconds")
    assert not told(difference([(0, 30), (0, 31), (0, 30)]), "seconds")  # sure, and nobody would notice
    assert not told(difference([(None, 3.0)]), "count")
    assert difference([]).mean is None


def test_the_range_is_that_of_nine_runs_in_ten() -> None:
    found = spread([float(n) for n in range(1, 21)])
    assert (found.mean, found.low, found.high) == (10.5, 1, 19)
    assert spread([None, None]).mean is None


def verdict(**more: Any) -> Verdict:
    given: dict[str, Any] = {
        "changes": [Change(kind="counter", services=["onthaal"], begins="10:00", ends="12:00")],
        "asked": False,
        "people": 300.0,
        "told": True,
        "without_min": 24,
        "with_min": 15,
        "low_min": 13,
        "high_min": 17,
        "longer": -9,
        "unserved": None,
    }
    return Verdict(**{**given, **more})


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (
            {},
            "One counter more for onthaal from 10:00 to 12:00: nine in ten then wait at most 15 min "
            "(13 to 17 on nine days in ten) instead of 24. 9 people fewer wait longer than 20 minutes.",
        ),
        (
            {"asked": True, "longer": None},
            "One counter more for onthaal from 10:00 to 12:00: nine in ten of those it is for then wait "
            "at most 15 min (13 to 17 on nine days in ten) instead of 24.",
        ),
        (
            {"told": False, "longer": None, "asked": True, "hours": 2},
            "One counter more for onthaal from 10:00 to 12:00: that makes no difference that could be told; "
            "nine in ten of those it is for wait at most about 24 min either way. It takes 2 counter "
            "hours more.",
        ),
        (
            {"told": False, "longer": -4, "asked": True, "hours": -1},
            "One counter more for onthaal from 10:00 to 12:00: nine in ten of those it is for wait at most "
            "about 24 min either way. 4 people fewer wait longer than 20 minutes. It takes 1 counter hour "
            "less.",
        ),
        (
            {"told": False, "longer": None},
            "One counter more for onthaal from 10:00 to 12:00: that makes no difference that could be told; "
            "nine in ten wait at most about 24 min either way.",
        ),
        (
            {"told": False, "longer": 1, "unserved": 3, "changes": [Change(kind="visitors", visitors=600)]},
            "600 visitors: nine in ten wait at most about 24 min either way. 1 person more waits longer "
            "than 20 minutes. 3 people more are not served before closing.",
        ),
        (
            {"changes": [], "told": False},
            "Nothing is changed: nine in ten wait at most 24 min (13 to 17 on nine days in ten).",
        ),
        (
            {"people": 0.0, "changes": [Change(kind="grace", services=["onthaal"], minutes=10)]},
            "10 min of grace: nobody comes for that, so there is nothing to tell.",
        ),
        (
            {
                "longer": None,
                "changes": [
                    Change(kind="opening", hours="08:00-13:00"),
                    Change(
                        kind="counter", services=["onthaal"], kinds=["express"], begins="9:00", ends="10:00"
                    ),
                ],
            },
            "Open 08:00-13:00; One counter more for the express desk from 9:00 to 10:00: nine in ten then "
            "wait at most 15 min (13 to 17 on nine days in ten) instead of 24.",
        ),
    ],
)
def test_the_sentence(by_hand: Driven, more: dict[str, Any], expected: str) -> None:
    day = taken(by_hand)
    made = result(day, Scenario(), None, runs(day, Scenario(), 1, 1)[1], seed=1, took_s=0)
    assert said.sentence(day.house, msgspec.structs.replace(made, verdict=verdict(**more))) == expected


def test_a_discreet_service_counts_among_all_and_has_no_row(busy: Driven) -> None:
    day = taken(busy)
    known = day.house.services
    hidden = {**known, "bevolking": replace(known["bevolking"], discreet=True)}
    day = replace(day, house=replace(day.house, services=hidden))
    # A counter more for that service alone would make of those it is for a row of its own.
    wish = scenario(day.house, counters=["services=bevolking from=08:00 to=09:00"])
    _, pairs = runs(day, wish, 1, 1)
    made = result(day, wish, None, pairs, seed=1, took_s=0)
    names = [group.id for group in made.groups]
    assert "service:onthaal" in names
    assert not {"service:bevolking", "asked"} & set(names)
    assert len({each.service for each in pairs[0][0].people}) > 1


def test_what_rounds_to_nought_has_no_sign(by_hand: Driven) -> None:
    day = taken(by_hand)
    made = result(day, Scenario(), None, runs(day, Scenario(), 1, 2)[1], seed=1, took_s=0)
    everybody = made.groups[0]
    fewer = msgspec.structs.replace(
        everybody.figures["left"], told=True, difference=Spread(mean=-1.2, low=-2.0, high=-0.3)
    )
    everybody.figures["left"] = fewer
    (row,) = (row for row in said.figures(made) if row[0] == "leave without being called")
    assert row[-1] == "-1 (-2 to 0)"


def test_a_change_that_changes_nothing_is_said_to_change_nothing(busy: Driven) -> None:
    made = answer(busy, "--grace", "bevolking=301", "--runs", "5")
    assert made["verdict"]["told"] is False
    assert "that makes no difference that could be told" in made["sentence"]
    figures = [figure for group in made["groups"] for figure in group["figures"].values()]
    # Not even by chance: the same people come on both sides.
    assert {figure["difference"]["mean"] for figure in figures} <= {0, None}
    assert not any(figure["told"] for figure in figures)


def test_the_same_seed_gives_the_same_answer_and_no_name_is_in_it(busy: Driven) -> None:
    first, again, other = (
        answer(busy, "--runs", "9", "--visitors", "40", "--seed", seed) for seed in ("1", "1", "2")
    )
    for made in (first, again, other):
        del made["took_s"], made["seed"]
    assert first == again != other  # nine runs: by two processes
    text = json.dumps(first)
    for private in ("Jan", "+32", "visit-", "example.org", "A001"):
        assert private not in text


def test_the_tables_at_a_terminal(by_hand: Driven) -> None:
    ran = ask(by_hand, "--counter", "services=theme from=08:00 to=12:00", "--runs", "5")
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.startswith("mechelen, 2026-11-23, recorded: about 3 people. 5 runs. Waits in minutes.")
    (line,) = (line for line in ran.stdout.splitlines() if line.startswith("mean wait"))
    assert line.split()[2:4] == ["10.0", "10.0"]
    assert (
        ran.stdout.rstrip().splitlines()[-1].startswith("One counter more for the theme counters from 08:00")
    )
