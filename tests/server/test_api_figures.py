"""Figures over the API and by ``onthaal report``, of a real server's morning."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import program
import pytest
from documented import Document, check_problem
from running import Onthaal, gone
from watching import wait

from server.figures import visits, waits
from server.figures.kinds import DIVIDED, KINDS
from server.figures.record import combine
from server.settings import default_config, load

MONDAY = "2026-11-23T09:15:00+01:00"
TUESDAY = "2026-11-24T09:15:00+01:00"
ROOT = Path(__file__).resolve().parents[2]
DAY = {"from": "2026-11-23", "to": "2026-11-23"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onthaal]:
    """The day after a Monday with three walk-ins: one was served, one left, one stayed to the end."""
    server = Onthaal(tmp_path_factory.mktemp("figures"), house_time=MONDAY)
    server.start()
    try:
        reception, counter = server.client("reception"), server.client("counter")
        for service in ("onthaal", "onthaal", "attesten"):
            drawn = reception.post("/sites/mechelen/visits", json={"service": service})
            assert drawn.status_code == 200
        assert counter.post("/sites/mechelen/counters/1/open").status_code == 200
        for step in ("next", "start", "finish"):
            assert counter.post(f"/sites/mechelen/counters/1/{step}").status_code == 200
        assert reception.post("/sites/mechelen/visits/A002/leave").status_code == 200
        server.stop()
        server.house_time = TUESDAY
        server.start()
        yield server
    finally:
        server.close()


def ask(house: Onthaal, **query: str) -> Any:
    client = Document(house).watch(house.client("supervisor"))
    return client.get("/sites/mechelen/figures", params=query)


def rows(told: Any, table: str) -> list[dict[str, Any]]:
    (found,) = (each for each in told["tables"] if each["id"] == table)
    keys = [column["key"] for column in found["columns"]]
    return [dict(zip(keys, row, strict=True)) for row in found["rows"]]


def test_a_day_over_the_api(house: Onthaal) -> None:
    told = ask(house, kind="visits", **DAY).json()
    assert (told["kind"], told["site"], told["from"], told["to"]) == ("visits", "mechelen", *DAY.values())
    (row,) = rows(told, "visits")
    expected = {"visits": 3, "served": 1, "left": 1, "not_served": 1, "here": 0, "appointment_share": 0}
    assert row.items() >= expected.items()
    by_service = ask(house, kind="waits", by="service,hour", **DAY).json()
    assert [
        (row["service"], row["hour"], row["visits"], row["called"], row["wait_mean_s"])
        for row in rows(by_service, "waits")
        if row["who"] == "all"
    ] == [("onthaal", 9, 2, 1, 0), ("attesten", 9, 1, 0, None)]


def test_the_ended_day_was_digested_by_the_server(house: Onthaal) -> None:
    def digested() -> bool:
        with sqlite3.connect(house.database) as other:
            return other.execute("SELECT day FROM digest").fetchall() == [("2026-11-23",)]

    wait(digested, "the digest of Monday")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"kind": "visits", "from": "2026-11-24", "to": "2026-11-23"}, "before the first"),
        ({"kind": "visits", "from": "2020-01-01", "to": "2026-11-23"}, "1100 days"),
        ({"kind": "visits", "from": "0001-01-01", "to": "0001-01-02"}, "a day from 2000-01-01"),
        ({"kind": "colours", **DAY}, "kind: "),
        ({"kind": "visits"}, "Give from"),
        ({"kind": "visits", "by": "name", **DAY}, 'Unknown dimension "name"'),
        ({"kind": "visits", "by": "day,day", **DAY}, "twice"),
        ({"kind": "visits", "table": "x", **DAY}, "no query parameter table"),
    ],
)
def test_questions_that_are_refused(house: Onthaal, query: dict[str, str], said: str) -> None:
    assert said in check_problem(ask(house, **query), 422, "invalid-query")["detail"]


def test_figures_are_for_supervisors(house: Onthaal) -> None:
    for role in ("counter", "reception", "kiosk", "administrator"):
        answer = house.client(role).get("/sites/mechelen/figures", params={"kind": "visits", **DAY})
        check_problem(answer, 403, "not-allowed")


def test_an_analyst_that_dies_is_told_and_the_next_question_is_answered(house: Onthaal) -> None:
    assert ask(house, kind="visits", **DAY).status_code == 200
    assert house.process is not None
    (child,) = children(house.process.pid)
    os.kill(child, signal.SIGKILL)
    answer = ask(house, kind="visits", **DAY)
    # Who asks before the server has noticed is told to come back.
    if answer.status_code != 200:
        assert check_problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"]
        assert ask(house, kind="visits", **DAY).status_code == 200
    assert children(house.process.pid) != [child]


def test_no_analyst_outlives_its_server(tmp_path: Path) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        server = Onthaal(tmp_path, house_time=MONDAY)
        server.start()
        try:
            assert ask(server, kind="visits", **DAY).status_code == 200
            assert server.process is not None
            (child,) = children(server.process.pid)
            server.stop(how)
            wait(lambda child=child: gone(child), "the end of the child", 20)
        finally:
            server.close()


def report(house: Onthaal, kind: str, *more: str) -> tuple[str, str]:
    """What ``onthaal report`` prints for Monday, and what it says beside."""
    asked = ("report", kind, "--site", "mechelen", "--from", "2026-11-23", "--to", "2026-11-23")
    done = program.run(*asked, "--database", house.url, *more)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_the_command_tells_what_the_api_tells(house: Onthaal) -> None:
    for kind in KINDS:
        by = "service,hour" if kind in DIVIDED else ""
        printed, _ = report(house, kind, "--by", by, "--format", "json")
        assert json.loads(printed) == ask(house, kind=kind, by=by, **DAY).json()


def test_a_table_for_people(house: Onthaal) -> None:
    printed, _ = report(house, "visits")
    lines = printed.splitlines()
    assert lines[0] == "mechelen: visits, 2026-11-23"
    # Thirteen figures of one group: each on a line of its own.
    first = lines.index("Visits") + 1
    assert [line.split("  ")[0] for line in lines[first : first + 4]] == [
        *("Visits", "Persons", "Days with visits", "Visits a day"),
    ]
    assert [line.split("  ")[-1].strip() for line in lines[first : first + 13]] == [
        *("3", "3", "1", "3.0", "0", "0.0 %", "1", "1", "0", "1", "33.3 %", "33.3 %", "0"),
    ]


def test_few_groups_stand_side_by_side_and_many_below_each_other(house: Onthaal) -> None:
    lines = report(house, "waits")[0].splitlines()
    turned = lines[lines.index("Waits until the first call") + 1 :]
    assert turned[0].split() == ["Who", "all", "with", "appointment", "without", "appointment"]
    assert turned[1].split() == ["Visits", "3", "0", "3"]
    lines = report(house, "waits", "--by", "service,hour")[0].splitlines()
    upright = lines[lines.index("Waits until the first call") + 1 :]
    assert upright[0].startswith("Service   Hour  Who")
    assert upright[1].split()[0] == "onthaal"
    page, _ = report(house, "waits", "--format", "html")
    assert '<th scope="col" class="number">without appointment</th>' in page
    assert '<th scope="row">Wait, mean</th>' in page


def test_one_table_as_csv(house: Onthaal) -> None:
    printed, said = report(house, "visits", "--format", "csv", "--by", "service")
    found = list(csv.DictReader(io.StringIO(printed)))
    assert [(row["service"], row["visits"], row["left_share"]) for row in found] == [
        ("onthaal", "2", "0.5"),
        ("attesten", "1", "0.0"),
    ]
    assert said == "left out, CSV has one table: handling, counters (see --table)\n"
    printed, said = report(house, "visits", "--format", "csv", "--table", "handling")
    (row,) = csv.DictReader(io.StringIO(printed))
    assert (row["handled"], said) == ("1", "")


def test_as_csv_stands_what_was_divided_not_the_total_before_it(house: Onthaal) -> None:
    printed, said = report(house, "punctuality", "--format", "csv", "--by", "service")
    assert printed.startswith("service,slots,")
    assert said == "left out, CSV has one table: all, pairs, arrivals (see --table)\n"
    assert report(house, "punctuality", "--format", "csv")[0].startswith("slots,")


def test_a_table_of_nothing_has_no_columns_to_read(house: Onthaal) -> None:
    lines = report(house, "reminders")[0].splitlines()
    assert lines[lines.index("Arm against arm") + 1] == "nothing to tell"


def test_a_page_that_needs_nothing_else(house: Onthaal) -> None:
    page, _ = report(house, "waits", "--format", "html", "--by", "service")
    assert page.startswith("<!doctype html>")
    assert "@media print" in page
    assert not re.search(r"(src|href)=|url\(|https?://", page)
    assert '<th scope="col" class="number">Wait, mean</th>' in page
    assert "defined in docs/figures.md#wait" in page


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["colours"], 2, "'colours' is not one of"),
        (["visits", "--by", "colour"], 2, 'unknown dimension "colour"'),
        (["visits", "--table", "nothing"], 2, "choose from visits, handling, counters"),
        (["visits", "--to", "2026-11-22"], 2, "lies before the first"),
        (["visits", "--to", "22/11/2026"], 2, "does not match the format"),
        (["visits", "--site", "gent"], 1, "there is no site 'gent'"),
    ],
)
def test_commands_that_are_refused(house: Onthaal, arguments: list[str], code: int, said: str) -> None:
    given = {"--site": "mechelen", "--from": "2026-11-23", "--to": "2026-11-23"}
    given |= dict(zip(arguments[1::2], arguments[2::2], strict=True))
    pairs = (part for pair in given.items() for part in pair)
    done = program.run("report", arguments[0], *pairs, "--database", house.url)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def headings_of_the_definitions() -> set[str]:
    text = (ROOT / "docs/figures.md").read_text()
    return {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_heading_begins_with_a_capital_and_leads_to_its_definition(house: Onthaal, kind: str) -> None:
    known = headings_of_the_definitions()
    for table in ask(house, kind=kind, **DAY).json()["tables"]:
        for column in table["columns"]:
            assert column["name"][0].isupper(), column
            assert column["figure"] in known | {""}, column


def test_every_column_names_a_heading_that_defines_it() -> None:
    headings = headings_of_the_definitions()
    house, nothing = load(default_config())["mechelen"], combine([])
    tables = [
        *(visits.visits(nothing, house, ()), visits.handling(nothing, house, ())),
        *(
            visits.counters(nothing, house, ()),
            waits.waits(nothing, house, ()),
            waits.calls(nothing, house, ()),
        ),
    ]
    for table in tables:
        for column in table.columns:
            assert column.figure in headings or column.key == "who", column


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
