"""How a visit was, said by its citizen: once, changeable for a while, the word sealed and soon forgotten."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import web
from documented import Document, check_problem
from running import Onthaal, onthaal

from notify import contacts
from server import satisfaction
from server.clock import real_now
from server.database import Database
from server.keys import load_keys

SITE = "/sites/mechelen"
WORDS = SITE + "/satisfaction/words"
TODAY = {"from": "2026-11-23", "to": "2026-11-23"}
SAID = "Canaria was zeer vriendelijk"


class Desk:
    """A server, with what a citizen and the house say to it."""

    def __init__(self, server: Onthaal) -> None:
        self.server = server
        self.anybody = Document(server).watch(server.client(None))

    def came(self, over: bool = True, service: str = "onthaal") -> dict[str, Any]:
        """Somebody draws a ticket, and leaves again where the visit is to be over."""
        drawn = self.server.client("kiosk").post(f"{SITE}/visits", json={"service": service}).json()
        if over:
            assert self.server.client("reception").post(f"{SITE}/visits/{drawn['visit']}/leave").is_success
        return dict(drawn) | {"secret": drawn["link"].rpartition("/")[2]}

    def rate(self, drawn: dict[str, Any], body: Any, key: str = "") -> httpx.Response:
        """A rating over the API; with a key of its own where none is given."""
        headers = {"Idempotency-Key": key} if key else {}
        return self.anybody.post(f"/visits/{drawn['secret']}/satisfaction", json=body, headers=headers)

    def rows(self, columns: str = "score, word IS NOT NULL") -> list[tuple[Any, ...]]:
        """The answers as they lie, by when they came."""
        with contextlib.closing(sqlite3.connect(self.server.database)) as database:
            return database.execute(f"SELECT {columns} FROM satisfaction ORDER BY rowid").fetchall()

    def words(self, role: str = "supervisor", **more: str) -> httpx.Response:
        return self.server.client(role).get(WORDS, params=TODAY | more)

    def said(self) -> list[str]:
        """The words that a supervisor reads."""
        return [each["word"] for each in self.words().json()["words"]]

    def at(self, moment: str) -> None:
        """Start the server again at another moment."""
        self.server.stop()
        self.server.house_time = moment
        self.server.start()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onthaal]:
    """One server for the tests that leave its clock alone."""
    with onthaal(tmp_path_factory.mktemp("satisfaction")) as running:
        yield running


@pytest.fixture
def desk(house: Onthaal) -> Desk:
    """A desk where nobody has rated anything yet."""
    with contextlib.closing(sqlite3.connect(house.database)) as database, database:
        database.execute("DELETE FROM satisfaction")
    return Desk(house)


def test_a_visit_is_rated_once_it_is_over_and_counts_once(desk: Desk) -> None:
    mine = desk.came(over=False)
    frame = f"/visits/{mine['secret']}"
    assert desk.anybody.get(frame).json()["view"]["may_rate"] is False
    check_problem(desk.rate(mine, {"score": 7}), 409, "visit-not-over")
    assert desk.rows() == []
    assert desk.server.client("reception").post(f"{SITE}/visits/{mine['visit']}/leave").is_success
    assert desk.anybody.get(frame).json()["view"]["may_rate"] is True
    head = desk.server.client("supervisor").get(f"{SITE}/journal").json()["entries"][-1]["seq"]
    given = desk.rate(mine, {"score": 7}, "one")
    assert given.json() == {"score": 7, "until": "2026-11-23T08:30:00.000Z"}
    assert desk.rate(mine, {"score": 7}, "one").json() == given.json()
    check_problem(desk.rate(mine, {"score": 8}, "one"), 422, "idempotency-key-reused")
    assert desk.rate(mine, {"score": 9}).json()["score"] == 9
    assert desk.rows("score, day, site") == [(9, "2026-11-23", "mechelen")]
    # It decides nothing in the hall: no journal has it, and looking at the page gives no answer.
    for path in (mine["link"], mine["link"] + "?lang=fr"):
        assert web.get(path).status_code == 200
    assert desk.server.client("supervisor").get(f"{SITE}/journal").json()["entries"][-1]["seq"] == head
    assert desk.rows() == [(9, 0)]


def test_it_may_be_changed_for_a_quarter_of_an_hour_from_the_first_time(server: Onthaal) -> None:
    desk = Desk(server)
    mine, late = desk.came(), desk.came()
    desk.rate(mine, {"score": 3}, "first")
    desk.at("2026-11-23T09:29:00+01:00")
    # A change does not begin the time anew.
    assert desk.rate(mine, {"score": 4}).json()["until"] == "2026-11-23T08:30:00.000Z"
    desk.at("2026-11-23T09:30:01+01:00")
    check_problem(desk.rate(mine, {"score": 10}), 409, "rating-closed")
    form = web.post(f"{mine['link']}/satisfaction", data={"score": "10"})
    assert (form.status_code, form.headers["location"]) == (303, f"/t/{mine['secret']}")
    assert desk.rate(mine, {"score": 3}, "first").json()["score"] == 3  # a retry learns what it did
    assert desk.rows() == [(4, 0)]
    page = web.get(mine["link"]).text
    assert 'id="rate"' not in page
    assert ">Bedankt. U gaf een 4.<" in page
    assert 'id="rate"' in web.get(late["link"]).text
    desk.at("2026-11-24T09:00:00+01:00")
    desk.came()  # whoever comes first opens the day
    check_problem(desk.rate(late, {"score": 3}), 404, "unknown-ticket")


def test_what_is_no_rating_is_refused(desk: Desk) -> None:
    mine = desk.came()
    wrong: list[Any] = [{"score": score} for score in (-1, 11, 7.5, "7", None, True)]
    wrong += [{}, {"word": "goed"}, {"score": 7, "word": "x" * 501}, {"score": 7, "word": 3}, [7], 7]
    for body in (*wrong, {"score": 7, "name": "An"}):
        check_problem(desk.rate(mine, body), 422, "invalid-body")
    assert desk.rows() == []


def test_who_has_no_link_no_key_or_another_page_rates_nothing(desk: Desk) -> None:
    mine = desk.came()
    path = f"{desk.server.base}/api/v1/visits/{mine['secret']}/satisfaction"
    check_problem(web.post(path, json={"score": 7}), 400, "idempotency-key-required")
    wrong = {"secret": mine["secret"][:-1] + ("A" if mine["secret"][-1] != "A" else "B")}
    check_problem(desk.rate(wrong, {"score": 7}), 404, "unknown-ticket")
    for address in (path, f"{mine['link']}/satisfaction"):
        headers = {"Origin": "https://elsewhere.example", "Idempotency-Key": "k"}
        check_problem(web.post(address, json={"score": 7}, headers=headers), 403, "foreign-origin")
    for score in ("", "11", "-1", "zeven", "7.5"):
        told = web.post(f"{mine['link']}/satisfaction", data={"score": score, "word": "goed"})
        check_problem(told, 422, "invalid-body")
    many = web.post(f"{mine['link']}/satisfaction", data={f"n{number}": "1" for number in range(30)})
    check_problem(many, 422, "invalid-body")
    assert web.get(f"{mine['link']}/satisfaction").status_code == 405
    assert desk.rows() == []


def test_a_word_lies_sealed_stays_with_a_new_score_and_goes_when_it_is_taken_away(desk: Desk) -> None:
    mine = desk.came()
    desk.rate(mine, {"score": 9, "word": f"  {SAID}\n"})
    ((sealed,),) = desk.rows("word")
    assert b"Canaria" not in sealed
    desk.rate(mine, {"score": 8})
    assert web.post(f"{mine['link']}/satisfaction", data={"score": "7", "word": ""}).status_code == 303
    assert desk.words().json() == {
        "words": [{"day": "2026-11-23", "service": "onthaal", "score": 7, "word": SAID}],
        "more": False,
    }
    assert (
        web.post(f"{mine['link']}/satisfaction", data={"score": "7", "word": "een\r\ntwee"}).status_code
        == 303
    )
    assert desk.said() == ["een\ntwee"]
    desk.rate(mine, {"score": 7, "word": None})
    assert desk.said() == []
    assert desk.rows() == [(7, 0)]


def test_words_are_for_who_leads_this_house(desk: Desk) -> None:
    for score in (9, 2, 5):
        desk.rate(desk.came(), {"score": score, "word": f"{SAID} {score}"})
    for role in ("counter", "reception", "integrator", "administrator", "kiosk", "screen"):
        check_problem(desk.words(role), 403, "not-allowed")
    other = {"Authorization": f"Bearer {desk.server.token('supervisor', site='elders')}"}
    path = f"{desk.server.base}/api/v1{WORDS}"
    check_problem(web.get(path, headers=other, params=TODAY), 403, "not-allowed")
    # By score and not by time, which would lead from a word to whom was just served.
    assert desk.said() == [f"{SAID} {score}" for score in (2, 5, 9)]
    some = desk.words(limit="2").json()
    assert (len(some["words"]), some["more"]) == (2, True)
    assert desk.words(**{"from": "2026-11-24", "to": "2026-11-24"}).json()["words"] == []
    check_problem(desk.words(to="2026-11-22"), 422, "invalid-query")


def test_of_a_discreet_visit_no_word_is_kept(desk: Desk) -> None:
    booked = {"service": "gesprek", "at": "2026-11-23T09:20:00+01:00"}
    assert desk.server.client("integrator").put(f"{SITE}/appointments/D-1", json=booked).is_success
    mine = desk.server.client("kiosk").post(f"{SITE}/appointments/D-1/report").json()
    desk.server.client("reception").post(f"{SITE}/visits/{mine['visit']}/leave")
    mine |= {"secret": mine["link"].rpartition("/")[2]}
    assert desk.rate(mine, {"score": 6, "word": SAID}).json()["score"] == 6
    assert desk.rows() == [(6, 0)]
    assert "<textarea" not in web.get(mine["link"]).text
    assert desk.said() == []


def test_a_word_is_forgotten_with_the_person_and_in_time(desk: Desk) -> None:
    first, second, third = desk.came(), desk.came(), desk.came()
    for each in (first, second, third):
        desk.rate(each, {"score": 8, "word": SAID})
    erased = desk.server.client("reception").delete(f"{SITE}/visits/{first['visit']}/contact")
    assert erased.json() == {"erased": True}
    again = desk.server.client("reception").delete(f"{SITE}/visits/{first['visit']}/contact")
    assert again.json() == {"erased": False}
    assert len(desk.said()) == 2
    # As long as contact data: thirty real days, unless the site says otherwise.
    kept = [at - real_now() for (at,) in desk.rows("erase_at") if at is not None]
    assert all(abs(each - 30 * 86_400_000_000) < 60_000_000 for each in kept)
    with contextlib.closing(sqlite3.connect(desk.server.database)) as database, database:
        database.execute("UPDATE satisfaction SET erase_at = 1 WHERE visit = ?", (second["visit"],))
    store = Database(desk.server.url)
    with contextlib.closing(store):
        store.write_now(contacts.sweep)
        opened = store.read_now(
            lambda connection: satisfaction.words(
                connection,
                load_keys(desk.server.database),
                "mechelen",
                "2026-11-23",
                "2026-11-23",
                frozenset(),
                9,
            )
        )
    assert [each.word for each in opened] == [SAID]
    assert desk.rows() == [(8, 0), (8, 0), (8, 1)]
