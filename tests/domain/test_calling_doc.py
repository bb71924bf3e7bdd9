"""Every example of ``docs/calling.md`` is lived: who waits, whose turn it is, and what is called."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from domain.days import Played, appointment, house_of, utc
from domain.telling import Desk, Hall, Work

from server.domain import commands as co
from server.domain.calling import Rule
from server.domain.house import House, Kind, Service

TEXT = (Path(__file__).parents[2] / "docs" / "calling.md").read_text()
HALL = Hall(
    works={"burger": Work("B"), "snel": Work("A", express=True)},
    desks={"5": Desk(("burger",), helps=("snel",)), "1": Desk(("snel",))},
    begins=utc("2026-11-25 23:00"),
    until=utc("2026-11-26 23:00"),
    ends=utc("2026-11-26 19:00"),
    openings=(),
)
SERVICE = {"A": "snel", "B": "burger"}
WAITING = ["ticket", "came as", "slot", "reported", "turn", "rule"]

Row = dict[str, str]


@dataclass
class Example:
    """A table of who waits at ``at``, and the table of calls that follows it, if one does."""

    title: str
    at: str
    waiting: list[Row]
    calls: list[Row] = field(default_factory=list)


def tables(text):
    """Each table with the text before it: (prose, header, rows)."""
    prose: list[str] = []
    rows: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            yield "\n".join(prose), rows[0], [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]
            prose, rows = [], []
        else:
            prose.append(line)


def examples():
    found: list[Example] = []
    title = ""
    for prose, header, rows in tables(TEXT):
        title = (re.findall(r"^## (.+)$", prose, re.M) or [title])[-1]
        if header == WAITING:
            at = re.findall(r"At\s+(\d\d:\d\d)\s+counter 5", prose)[-1]
            found.append(Example(f"{title} {at}", at, rows))
        elif header[0] == "called":
            found[-1].calls = rows
    return found


def at(clock):
    """The instant of a wall time in Mechelen on 26 November 2026, which is UTC+1."""
    hours, minutes = clock.split(":")
    return utc(f"2026-11-26 {int(hours) - 1:02d}:{minutes}")


def lived(example):
    booked = tuple(
        appointment(row["ticket"], SERVICE[row["ticket"][0]], at(row["slot"]))
        for row in example.waiting
        if row["slot"]
    )
    hall = Played(house_of(HALL), at("08:00"), booked)
    hall.do(co.OpenCounter(counter="5"))
    for row in example.waiting:
        ticket, (kind, *more) = row["ticket"], row["came as"].split(", ")
        named = [word.removeprefix("told ") for word in more if word.startswith("told ")]
        assert set(more) - {f"told {time}" for time in named} <= {
            "priority",
            "announced late",
            "parked and back",
        }
        assert (kind == "appointment") is bool(row["slot"])
        if "announced late" in more:
            hall.do(co.AnnounceLate(known=hall.day.appointments[ticket], late_s=600))
        for time in named:
            hall.do(co.Delay(known=hall.day.appointments[ticket], to=at(time)))
        hall.at(at(row["reported"]))
        if kind == "appointment":
            assert hall.report(ticket) == ticket
        else:
            assert hall.walk_in(SERVICE[ticket[0]], priority="priority" in more) == ticket
        if "parked and back" in more:
            hall.call("5", ticket)
            hall.do(co.Park(counter="5"))
    hall.at(at(example.at))
    for row in example.waiting:
        if "parked and back" in row["came as"]:
            hall.do(co.Return(visit=row["ticket"]))
    return hall


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.title)
def test_the_order_is_as_the_example_says(example):
    turns = sorted(example.waiting, key=lambda row: int(row["turn"]))
    assert [int(row["turn"]) for row in turns] == list(range(1, len(turns) + 1))
    assert lived(example).order("5") == [(row["ticket"], row["rule"]) for row in turns]


@pytest.mark.parametrize(
    "example", [example for example in examples() if example.calls], ids=lambda example: example.title
)
def test_the_calls_are_as_the_example_says(example):
    hall = lived(example)
    for row in example.calls:
        if row["called"] == "undo":
            hall.do(co.Undo(counter="5"))
            continue
        if hall.day.counter("5").visit is not None:
            hall.finish("5")
        called = hall.at(at(row.get("at") or example.at)).call("5")
        ticket = hall.day.visits[called.visit].ticket
        assert (ticket, called.rule, list(called.overtook)) == (
            row["called"],
            row["rule"],
            row["passed"].split(),
        )


def test_the_page_names_every_rule_in_its_order():
    named = re.findall(r"^\|[^|]*\| `([a-z-]+)` \|", TEXT, re.M)
    assert [*named, "asked"] == [rule.value for rule in Rule]
    assert "`asked`" in TEXT


def test_the_examples_use_the_default_numbers():
    work = HALL.works["burger"]
    service = Service(id="burger", name="", kind=Kind.THEME, range="B", target_s=600)
    assert (service.grace_s, service.late_limit_s) == (work.grace, work.late_limit) == (300, 1200)
    assert service.waiting_limit_s == work.waiting_limit == 1200
    house = House(site="", name="", calendar=house_of(HALL).calendar, services={}, counters={})
    assert (house.overdue_every, house.undo_s) == (HALL.k, HALL.undo) == (3, 120)


def test_there_are_examples():
    assert len(examples()) == 10
    assert sum(bool(example.calls) for example in examples()) == 4
