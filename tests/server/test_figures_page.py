"""The page of figures of a real server: what it says of a small history, for whom, and where it cannot."""

from __future__ import annotations

import csv
import html
import io
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
import web
from figures.history import Came, History, instant
from running import Onthaal, onthaal

from notify import planner
from server import database as db
from server import schema
from server.database import Database
from server.web.session import own_path

PAGE = "/mechelen/figures"
BROKEN = "2019-10-14"
TUESDAY = "2026-11-10"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onthaal]:
    """Monday 23 November, 9.15; two Mondays before it, and a day whose digest cannot be read."""
    server = Onthaal(tmp_path_factory.mktemp("figures-page"))
    database = Database(server.url)
    database.write_now(schema.migrate)
    history = History(database)
    history.day("2026-11-16", [Came("8:30", 60), Came("9:05", 100, "9:00"), Came("9:30", 40)])
    history.day(
        "2026-11-09", [Came("8:30", 200, service="gesprek"), Came("8:40", 320), Came("12:00")], ["9:00"]
    )
    history.day(BROKEN, [Came("8:30", 60)])
    database.write_now(
        lambda connection: connection.exec_driver_sql(
            "UPDATE digest SET packed = x'00' WHERE day = ?", (BROKEN,)
        )
    )
    beside(database, history)
    database.close()
    server.start()
    try:
        reception, counter = server.client("reception"), server.client("counter")
        for _ in range(3):
            drawn = reception.post("/sites/mechelen/visits", json={"service": "onthaal"})
            assert drawn.is_success
        assert counter.post("/sites/mechelen/counters/1/open").is_success
        assert counter.post("/sites/mechelen/counters/1/next").is_success
        yield server
    finally:
        server.close()


def beside(database: Database, history: History) -> None:
    """A Tuesday with all that stands beside visits.

    Four appointments kept, by whom the arm ``long`` was drawn in an experiment that is over, and four missed,
    who were in ``none``; one was drawn into another that goes on. Five scores, a first free slot on the same
    day, twelve calls, and a reminder that was delivered.
    """
    kept = [Came(f"{hour}:58", 0, f"{hour + 1}:00", service="bevolking") for hour in (8, 9, 10, 11)]
    history.day(TUESDAY, kept, ["9:00", "10:00", "11:00", "12:00"])

    def write(connection: sa.Connection) -> None:
        slots = (
            db.appointment.c.at >= instant(TUESDAY, "0:00"),
            db.appointment.c.at < instant(TUESDAY, "23:00"),
        )
        booked = connection.execute(sa.select(db.appointment).where(*slots)).all()
        assert len(booked) == 8
        drawn = [("winter", "long" if row.visit else "none", TUESDAY, row) for row in booked]
        for experiment, arm, ends, row in [*drawn, ("spring", "long", "2026-12-31", booked[0])]:
            draw = {"subject": row.id, "site": "mechelen", "experiment": experiment, "policy": experiment}
            draw |= {
                "eligible": True,
                "arm": arm,
                "ladder": "" if arm == "none" else "1d",
                "probability": 0.5,
            }
            draw |= {"place": int(arm == "none"), "slot_at": row.at, "at": row.booked_at, "ends": ends}
            if experiment == "spring":
                draw |= {"subject": f"{row.id}-spring"}
                connection.execute(db.appointment.insert(), dict(row._mapping) | {"id": draw["subject"]})
            connection.execute(db.assignment.insert(), draw | {"again": False})
        at = instant(TUESDAY, "8:00")
        for score, row in enumerate([row for row in booked if row.visit], 6):
            said = {"visit": row.visit, "site": "mechelen", "day": TUESDAY, "score": score, "at": at}
            connection.execute(db.satisfaction.insert(), said)
        told = {"site": "mechelen", "service": "bevolking", "told_at": instant(TUESDAY, "7:00")}
        connection.execute(db.first_free.insert(), told | {"at": instant("2026-11-12", "9:00")})
        connection.execute(
            db.phone_calls.insert(), {"site": "mechelen", "at": at, "calls": 12, "answered": 9}
        )
        due = planner.row_of(
            "m".rjust(26, "m"), "mechelen", booked[0].id, "reminder", "2h", at, at, at * 2, channel="sms"
        )
        sent = {"attempt": 1, "parts": 1, "state": "delivered"}
        connection.execute(db.delivery.insert(), due | sent)

    database.write_now(write)


def signed_in(house: Onthaal, role: str) -> dict[str, str]:
    """The cookie of a browser that signed in with the role's token."""
    answer = web.post(
        f"{house.base}/session", json={"token": house.token(role)}, headers={"Origin": house.base}
    )
    assert answer.status_code == 200, answer.text
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def ask(house: Onthaal, path: str, role: str = "supervisor", **headers: str) -> httpx.Response:
    return web.get(house.base + path, headers={**signed_in(house, role), **headers})


def text(answer: httpx.Response) -> str:
    """What a page says, without its marks."""
    body = answer.text[answer.text.index("<main>") :]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_a_day_that_is_over_beside_others(house: Onthaal) -> None:
    answer = ask(house, f"{PAGE}?span=day&on=2026-11-16")
    assert answer.status_code == 200
    said = text(answer)
    assert "maandag 16 november 2026" in said
    assert "Bezoeken 3 hetzelfde als op andere maandagen" in said
    assert "Op afspraak 33,3 % 33,3 procentpunt meer dan op andere maandagen (0,0 %)" in said
    assert "Wachttijd met afspraak 1 min 40 s mediaan op andere maandagen is er niets" in said
    # Of 200, 320 and 60 s the median is 200; here 40 s of 40 and 60.
    assert "Wachttijd zonder afspraak 40 s mediaan 2 min 40 s korter dan op andere maandagen" in said
    assert "(3 min 20 s) 9 op 10 wachtten hoogstens 1 min 00 s" in said
    assert "nog niet voorbij" not in said


def test_today_is_held_against_others_up_to_the_same_hour(house: Onthaal) -> None:
    said = text(ask(house, PAGE))
    assert "maandag 23 november 2026" in said
    assert "Dit is nog niet voorbij. U ziet het tot 09:15" in said
    # By 9.15 two came on each of the Mondays before.
    assert "Bezoeken 3 1 meer dan op andere maandagen (2)" in said
    assert "Te laat of niet gekomen – bekend als de dag voorbij is" in said


def test_what_nobody_came_to_is_a_sentence(house: Onthaal) -> None:
    said = text(ask(house, f"{PAGE}?span=week&on=2026-09-01"))
    assert said.endswith("Er kwam niemand: er valt niets te tellen.")
    assert text(ask(house, f"{PAGE}?span=year&on=2027-01-01")).endswith("er valt niets te tellen.")
    assert text(ask(house, f"{PAGE}?span=year&on=2025-05-05")).endswith(
        "Er kwam niemand: er valt niets te tellen."
    )
    said = text(ask(house, f"{PAGE}?span=day&on=2026-11-09"))
    assert "Er kwam niemand op andere maandagen: er is niets om mee te vergelijken." in said
    said = text(ask(house, f"{PAGE}?span=year&on=2026-11-09"))
    assert "Er kwam niemand in het jaar ervoor: er is niets om mee te vergelijken." in said


def test_a_year_in_which_nobody_came_by_yesterday_says_up_to_when_it_is_told(tmp_path: Path) -> None:
    with onthaal(tmp_path) as fresh:
        said = text(ask(fresh, f"{PAGE}?span=year"))
    assert said.endswith(
        "Een jaar wordt tot en met gisteren getoond. Tot dan kwam er niemand: er valt nog niets te tellen."
    )


def test_a_discreet_service_is_not_named(house: Onthaal) -> None:
    answer = ask(house, f"{PAGE}?span=day&on=2026-11-09")
    assert "gesprek" not in answer.text
    assert "Discrete diensten hebben hier geen rij" in text(answer)
    assert "gesprek" not in ask(house, f"{PAGE}/all.json?span=day&on=2026-11-09").text


def test_reminders_and_what_an_experiment_found_stand_in_words(house: Onthaal) -> None:
    said = text(ask(house, f"{PAGE}?span=week&on={TUESDAY}"))
    assert "Herinneringen die aan de beurt waren" in said
    assert "2h sms 1 1 0 0 0" in said
    assert "Een sms heeft iemand bereikt zodra de gateway de ontvangst meldt" in said
    assert "Experiment winter Het is voorbij." in said
    assert "Niet gekomen: op 100 mensen 100 minder met long dan met none" in said
    assert "Te laat: er is geen verschil bekend tussen long en none." in said
    assert "Experiment spring Nog niet bekend. Er wordt geloot tot en met 31 december 2026" in said
    assert "vanaf 1 januari 2027, en niet eerder" in said


def test_what_comes_from_outside_stands_there_where_there_is_any(house: Onthaal) -> None:
    said = text(ask(house, f"{PAGE}?span=week&on={TUESDAY}"))
    # Four scores are too few to be told.
    assert "Bevolking 4 4 100,0 % – – – –" in said
    assert "Digitale wachttijd: werkdagen tot het eerste vrije moment" in said
    assert "08:00 12 75,0 % 1" in said
    assert "Van buiten de zaal" not in text(ask(house, f"{PAGE}?span=day&on=2026-11-16"))


def test_links_lead_to_other_days_and_never_past_today(house: Onthaal) -> None:
    def links(query: str) -> list[str]:
        return re.findall(r'href="\?span=\w+&amp;on=([\d-]+)" rel', ask(house, PAGE + query).text)

    assert links("") == ["2026-11-22"]
    assert links("?span=day&on=2026-11-16") == ["2026-11-15", "2026-11-17"]
    assert links("?span=week&on=2026-11-16") == ["2026-11-15", "2026-11-23"]
    assert links("?span=year&on=2025-11-16") == ["2024-12-31", "2026-01-01"]


@pytest.mark.parametrize("query", ["?span=month", "?on=23/11/2026", "?on=1999-12-31", "?on=2026-02-30"])
def test_what_cannot_be_asked_is_told(house: Onthaal, query: str) -> None:
    assert ask(house, PAGE + query).status_code == 422


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/all.json", f"{PAGE}/numbers.csv", f"{PAGE}/arrivals.svg"])
def test_figures_are_for_supervisors(house: Onthaal, path: str) -> None:
    for role in ("counter", "reception", "kiosk", "screen", "integrator", "administrator"):
        assert ask(house, path, role).status_code == 403
    stranger = web.get(f"{house.base}{path}?span=week&on=2026-11-16")
    assert stranger.status_code == 303
    assert stranger.headers["location"].startswith("/sign-in?next=/mechelen/figures")
    assert ask(house, path.replace("mechelen", "gent")).status_code == 404


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (f"{PAGE}?span=week&on=2026-11-16", f"{PAGE}?span=week&on=2026-11-16"),
        (f"{PAGE}?span=year&on=2026-11-16&show=waits", f"{PAGE}?span=year&on=2026-11-16&show=waits"),
        (f"{PAGE}?span=week&on=//example", "/"),
        (f"{PAGE}?span=decade", "/"),
    ],
)
def test_who_signs_in_comes_back_to_the_days_that_were_asked_for(path: str, to: str) -> None:
    assert own_path(path) == to


@pytest.mark.parametrize("name", ["arrivals", "busyness", "busy-waits", "day-waits"])
def test_pictures_are_files_that_may_draw_and_nothing_else(house: Onthaal, name: str) -> None:
    answer = ask(house, f"{PAGE}/{name}.svg?span=day&on=2026-11-16")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert answer.headers["content-security-policy"].startswith(
        "default-src 'none'; style-src 'unsafe-inline'"
    )
    assert answer.headers["cache-control"] == "private, max-age=3600"
    assert b"<script" not in answer.content
    again = ask(
        house, f"{PAGE}/{name}.svg?span=day&on=2026-11-16", **{"If-None-Match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert ask(house, f"{PAGE}/{name}.svg").headers["cache-control"] == "private, no-cache"


def test_there_are_no_other_pictures_and_tables(house: Onthaal) -> None:
    for path in ("nothing.svg", "day-waits.svg?span=week", "nothing.csv", "hours.csv?span=year"):
        assert ask(house, f"{PAGE}/{path}").status_code == 404


def test_every_picture_says_what_is_to_be_seen_and_has_its_table(house: Onthaal) -> None:
    for query in (
        "?span=day&on=2026-11-16",
        "?span=week&on=2026-11-16",
        "?span=week&on=2026-11-16&show=waits",
    ):
        body = ask(house, PAGE + query).text
        figures = re.findall(r"<figure>.*?</figure>", body, re.DOTALL)
        assert len(figures) == 2
        for figure in figures:
            (alt,) = re.findall(r'alt="([^"]+)"', figure)
            assert re.search(r"\d", alt)
            assert alt.endswith(".")
            assert "<figcaption>" in figure
            assert "<caption>" in figure
            assert 'scope="col"' in figure
            assert 'scope="row"' in figure
    body = ask(house, f"{PAGE}?span=week&on=2026-11-16").text
    assert "de meeste op maandag vanaf 09:00, 2 in dat uur" in body


def test_the_same_as_csv_and_json(house: Onthaal) -> None:
    query = "?span=day&on=2026-11-16"
    answer = ask(house, f"{PAGE}/numbers.csv{query}")
    assert answer.headers["content-disposition"] == (
        'attachment; filename="onthaal-mechelen-day-2026-11-16-numbers.csv"'
    )
    rows = {row["figure"]: row for row in csv.DictReader(io.StringIO(answer.text))}
    assert (rows["visits"]["value"], rows["visits"]["against_value"]) == ("3", "3.0")
    assert rows["wait_with_p50"]["against_value"] == ""
    body = ask(house, f"{PAGE}{query}").text
    everything = ask(house, f"{PAGE}/all.json{query}").json()
    tables = {table["id"]: table for table in everything["tables"]}
    for name in re.findall(rf"{PAGE}/([\w-]+)\.csv", body):
        found = list(csv.reader(io.StringIO(ask(house, f"{PAGE}/{name}.csv{query}").text)))
        assert found[0] == [column["key"] for column in tables[name]["columns"]]
        assert len(found) == len(tables[name]["rows"]) + 1


def test_an_analyst_that_fails_leaves_a_page_with_a_sentence(house: Onthaal) -> None:
    answer = ask(house, f"{PAGE}?span=day&on={BROKEN}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert ask(house, f"{PAGE}/busyness.svg?span=day&on={BROKEN}").status_code == 503
    assert "De cijfers kunnen nu niet berekend worden." in text(answer)
    assert ask(house, f"{PAGE}?span=day&on=2026-11-16").status_code == 200


def test_the_definitions_of_a_page_are_those_of_the_documentation(house: Onthaal) -> None:
    """Each headline leads to its own definition on the page."""
    body = ask(house, f"{PAGE}?span=day&on=2026-11-16").text
    wanted = re.findall(r'<dt><a href="#(is-\w+)"', body)
    assert len(wanted) == 8
    assert sorted(re.findall(r'id="(is-\w+)"', body)) == sorted(wanted)


def test_the_page_names_nobody(house: Onthaal) -> None:
    with sqlite3.connect(house.database) as other:
        visits = [row[0] for row in other.execute("SELECT id FROM visit")]
    body = ask(house, f"{PAGE}?span=week&on=2026-11-23").text
    assert not [visit for visit in visits if len(visit) > 4 and visit in body]
    assert not re.search(r"\bA00\d\b", body)
