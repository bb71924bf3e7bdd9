"""Punctuality over the API, of a day that is worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from documented import Document, check_problem
from running import Onthaal

FRIDAY = "2026-11-20T09:00:00+01:00"
MONDAY = "2026-11-23T{}:00+01:00"
TUESDAY = "2026-11-24T09:05:00+01:00"

BOOKED = {
    "early": ("bevolking", "09:00"),
    "grace": ("bevolking", "09:10"),
    "late": ("bouwen", "09:20"),
    "in-time": ("bevolking", "10:00"),
    "too-late": ("bevolking", "10:10"),
    "moved": ("bouwen", "11:00"),
    "missed": ("bevolking", "08:30"),
}


class Days:
    """A server that is started again at another moment of house time."""

    def __init__(self, folder: Path) -> None:
        self.server = Onthaal(folder, house_time=FRIDAY)
        self.server.start()

    def go_to(self, moment: str) -> None:
        """Start again at a later moment."""
        self.server.stop()
        self.server.house_time = moment
        self.server.start()

    def say(self, role: str, method: str, path: str, **sent: Any) -> Any:
        """A request that must succeed; its answer."""
        answer = self.server.client(role).request(method, "/sites/mechelen" + path, **sent)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Any:
    days = Days(tmp_path_factory.mktemp("punctuality"))
    say = days.say
    for ref, (service, wall) in BOOKED.items():
        sent = {"service": service, "at": MONDAY.format(wall)}
        if ref == "early":
            sent["channel"] = "online"
        say("integrator", "PUT", f"/appointments/{ref}", json=sent)
    say("integrator", "DELETE", "/appointments/in-time")
    moved = {"service": "bouwen", "at": "2026-11-24T10:00:00+01:00"}
    say("integrator", "PUT", "/appointments/moved", json=moved)
    days.go_to(MONDAY.format("08:40"))
    say("kiosk", "POST", "/appointments/early/report")
    say("integrator", "DELETE", "/appointments/too-late")
    days.go_to(MONDAY.format("09:12"))
    say("kiosk", "POST", "/appointments/grace/report")
    counters = say("screen", "GET", "")["counters"]
    builder = next(each["counter"] for each in counters if "bouwen" in each["services"])
    for counter in ("3", builder):
        say("counter", "POST", f"/counters/{counter}/open")
    assert say("counter", "POST", "/counters/3/next")["ticket"] == "C001"
    say("counter", "POST", "/counters/3/finish")
    days.go_to(MONDAY.format("09:30"))
    say("kiosk", "POST", "/appointments/late/report")
    assert say("counter", "POST", "/counters/3/next")["ticket"] == "C002"
    say("counter", "POST", "/counters/3/finish")
    assert say("counter", "POST", f"/counters/{builder}/next")["ticket"] == "D001"
    say("counter", "POST", f"/counters/{builder}/finish")
    days.go_to(TUESDAY)
    yield days
    days.server.close()


def ask(days: Days, first: str, last: str) -> Any:
    client = Document(days.server).watch(days.server.client("supervisor"))
    return client.get("/sites/mechelen/punctuality", params={"from": first, "to": last})


def test_a_day_worked_out_by_hand(days: Days) -> None:
    told = ask(days, "2026-11-23", "2026-11-23").json()
    assert (told["site"], told["from"], told["to"]) == ("mechelen", "2026-11-23", "2026-11-23")
    assert told["policy"].items() >= {"early_s": 900, "grace_s": 300}.items()
    assert {(pair["arrival"], pair["outcome"]): pair["slots"] for pair in told["all"]["pairs"]} == {
        ("early", "served"): 1,
        ("grace", "served"): 1,
        ("late", "served"): 1,
        ("never", "cancelled-in-time"): 1,
        ("never", "cancelled-too-late"): 1,
        ("never", "rebooked"): 1,
        ("never", "missed"): 1,
    }
    expected = {"stood": 4, "late": 1, "never_reported": 1, "pending": 0, "not_present": 0}
    assert told["all"].items() >= expected.items()
    assert told["all"]["percent_late_or_missed"] == 50
    assert told["all"]["percent_missed"] == 25
    # Called 9:12 for 9:00; 9:30 after reporting at 9:12 for 9:10; 9:30 on reporting for 9:20.
    assert told["all"]["wait"] == spread(720, 1080, 0)
    assert told["all"]["city_lateness"] == spread(720, 1080, 0)
    assert told["all"]["call_minus_slot"] == spread(720, 1200, 600)
    assert told["services"].keys() == {"bevolking", "bouwen"}
    assert told["services"]["bouwen"]["stood"] == 1
    assert told["services"]["bouwen"]["percent_late_or_missed"] == 100


def spread(*seconds: int) -> dict[str, float]:
    """The answer's figures of three values, by nearest rank: the 2nd, and the 3rd for the rest."""
    low, middle, high = sorted(seconds)
    mean = (low + middle + high) / 3
    return {"appointments": 3, "mean_s": mean, "p50_s": middle, "p90_s": high, "p95_s": high}


def test_a_slot_that_is_still_to_come_is_only_counted_as_pending(days: Days) -> None:
    told = ask(days, "2026-11-24", "2026-11-24").json()
    assert told["all"].items() >= {"pending": 1, "stood": 0, "percent_missed": None, "pairs": []}.items()
    assert told["all"]["wait"] == {
        "appointments": 0,
        **dict.fromkeys(("mean_s", "p50_s", "p90_s", "p95_s")),
    }


def test_400_days_are_the_sum_of_their_days(days: Days) -> None:
    whole = ask(days, "2026-01-01", "2027-02-04").json()
    monday = ask(days, "2026-11-23", "2026-11-23").json()
    assert whole["all"] == {**monday["all"], "pending": 1}
    assert whole["policy"] == {"version": "2026-1", "early_s": 900, "grace_s": 300, "cancel_in_time_s": 86400}


def ask_more(days: Days, **more: str) -> Any:
    client = Document(days.server).watch(days.server.client("supervisor"))
    query = {"from": "2026-11-23", "to": "2026-11-24", **more}
    answer = client.get("/sites/mechelen/punctuality", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_divided_by_day_and_service(days: Days) -> None:
    told = ask_more(days, by="day,service")
    assert "services" not in told
    groups = {tuple(each["of"].values()): each["figures"] for each in told["groups"]}
    assert {of: figures["stood"] for of, figures in groups.items()} == {
        ("2026-11-23", "bevolking"): 3,
        ("2026-11-23", "bouwen"): 1,
        ("2026-11-24", "bouwen"): 0,
    }
    assert told["groups"][0]["of"] == {"day": "2026-11-23", "service": "bevolking"}
    assert groups["2026-11-24", "bouwen"]["pending"] == 1
    # 20 minutes before, 2 and 10 minutes after.
    reported = {each["from_s"]: each["appointments"] for each in told["arrivals"] if each["appointments"]}
    assert reported == {-1200: 1, 0: 1, 600: 1}
    assert told["all"] == ask(days, "2026-11-23", "2026-11-24").json()["all"]


def test_divided_by_how_it_was_booked(days: Days) -> None:
    told = ask_more(days, by="channel")
    stood = {each["of"]["channel"]: each["figures"]["stood"] for each in told["groups"]}
    assert stood == {"online": 1, None: 3}


def test_a_discreet_service_is_named_to_nobody(days: Days) -> None:
    tomorrow = {"service": "gesprek", "at": "2026-11-24T11:00:00+01:00"}
    days.say("integrator", "PUT", "/appointments/quiet", json=tomorrow)
    try:
        plain = ask(days, "2026-11-24", "2026-11-24").json()
        assert (plain["all"]["pending"], list(plain["services"])) == (2, ["bouwen"])
        divided = ask_more(days, by="service")
        assert {each["of"]["service"] for each in divided["groups"]} == {"bevolking", "bouwen"}
        assert divided["all"]["pending"] == 1
    finally:
        days.say("integrator", "DELETE", "/appointments/quiet")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"from": "2026-11-24", "to": "2026-11-23"}, "to"),
        ({"from": "2026-01-01", "to": "2027-02-05"}, "to"),
        ({"from": "2026-11-23"}, "to"),
        ({"to": "2026-11-23"}, "from"),
        ({"from": "23/11/2026", "to": "2026-11-23"}, "from"),
        ({"from": "2026-02-30", "to": "2026-11-23"}, "from"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "from"),
        ({"from": "9999-12-31", "to": "9999-12-31"}, "from"),
        ({"from": "2026-11-23", "to": "2026-11-23T00:00:00Z"}, "to"),
        ({"from": "2026-11-23", "to": "2026-11-23", "by": "counter"}, "by"),
        ({"from": "2026-11-23", "to": "2026-11-23", "by": "hour,day,hour"}, "by"),
        ({"from": "2026-11-23", "to": "2026-11-23", "policy": "2019-1"}, "policy"),
        ({"from": "2026-11-23", "to": "2026-11-23", "per": "day"}, "per"),
    ],
)
def test_days_that_cannot_be_asked_for(days: Days, query: dict[str, str], parameter: str) -> None:
    answer = days.server.client("supervisor").get("/sites/mechelen/punctuality", params=query)
    assert check_problem(answer, 422, "invalid-query")["parameter"] == parameter
