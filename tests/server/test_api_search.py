"""Finding appointments at the desk: what may be typed, who is found, and what nobody may learn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from documented import Document, check_problem
from running import Onthaal

from server.web.search import Question

SITE = "/sites/mechelen"
BOOKED: dict[str, tuple[str, str, str | None]] = {
    "MECH-2026-0001": ("bevolking", "09:10", "Zoë Van den Berghe"),
    "MECH-2026-0002": ("bevolking", "10:40", "José Peeters-Łukasz"),
    "MECH-2026-0003": ("burgerzaken", "10:40", "Karim O'Brien"),
    "MECH-2026-0004": ("gesprek", "10:50", "Zoë Verborgen"),
    "MECH-2026-0005": ("bouwen", "11:00", None),
    "xk.77:b": ("wonen", "12:05", "Peter Janssens"),
    "gone-1": ("wonen", "12:10", "Petra Weg"),
}


class Desk:
    """A morning at 9.15 on which these appointments are known, and who asks for them."""

    def __init__(self, server: Onthaal) -> None:
        self.server = server
        self.document = Document(server)
        self.client = self.document.watch(server.client("reception"))

    def ask(self, typed: str) -> dict[str, Any]:
        answer = self.client.get(SITE + "/appointments", params={"q": typed})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def refs(self, typed: str) -> list[str]:
        """The references of who is found, in the order of the answer."""
        return [one["ref"].removeprefix("MECH-2026-") for one in self.ask(typed)["appointments"]]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    server = Onthaal(tmp_path_factory.mktemp("desk"))
    try:
        desk = Desk(server.start())
        booking = desk.document.watch(server.client("integrator"))
        for ref, (service, wall, name) in BOOKED.items():
            body: dict[str, Any] = {"service": service, "at": f"2026-11-23T{wall}:00+01:00"}
            if name is not None:
                body["contact"] = {"name": name, "phone": "+32499000000"}
            assert booking.put(f"{SITE}/appointments/{ref}", json=body).is_success
        tomorrow = {"service": "wonen", "at": "2026-11-24T10:40:00+01:00", "contact": {"name": "Zoë Morgen"}}
        assert booking.put(f"{SITE}/appointments/MECH-2026-0006", json=tomorrow).is_success
        assert booking.delete(f"{SITE}/appointments/gone-1").is_success
        yield desk
        assert "Berghe" not in server.log()
        assert "zoe" not in server.log()
        assert "Traceback" not in server.log()
    finally:
        server.close()


def test_what_an_answer_says(desk: Desk) -> None:
    (found,) = desk.ask("peeters")["appointments"]
    assert len(found.pop("appointment")) == 16
    assert found == {
        "ref": "MECH-2026-0002",
        "name": "José Peeters-Łukasz",
        "service": "Bevolking",
        "at": "2026-11-23T09:40:00.000Z",
        "state": "booked",
        "late_s": None,
        "told_at": None,
        "keeps_until": "2026-11-23T09:45:00.000Z",
        "came": False,
        "ticket": None,
        "persons": 1,
        "language": None,
    }


@pytest.mark.parametrize(
    ("typed", "refs"),
    [
        ("zoë van den berghe", ["0001"]),
        ("ZOE", ["0001"]),
        ("  berghe   zo ", ["0001"]),
        ("vandenb", ["0001"]),
        ("van berg", ["0001"]),
        ("jose", ["0002"]),
        ("josé", ["0002"]),
        ("lukasz", ["0002"]),
        ("obrien", ["0003"]),
        ("o'brien", ["0003"]),
        ("o’brien karim", ["0003"]),
        ("pe", ["0002", "xk.77:b"]),
        ("peter janssens", ["xk.77:b"]),
        ("peter peeters", []),
        ("erghe", []),
        ("petra", []),  # cancelled: what the booking system said of the person is erased
        ("morgen", []),
    ],
)
def test_a_name_is_found_by_the_beginnings_of_its_words(desk: Desk, typed: str, refs: list[str]) -> None:
    assert desk.refs(typed) == refs


@pytest.mark.parametrize("typed", ["10:40", "1040", "10.40", "10u40", "10h40", " 10 : 40 ", "10:4"])
def test_a_time_is_told_in_many_ways(desk: Desk, typed: str) -> None:
    assert sorted(desk.refs(typed)) == ["0002", "0003"]


def test_a_time_may_be_begun(desk: Desk) -> None:
    assert desk.refs("9:10") == desk.refs("910") == desk.refs("09u") == ["0001"]
    assert desk.refs("10:") == ["0002", "0003", "0004"] or desk.refs("10:") == ["0003", "0002", "0004"]
    assert desk.refs("25:99") == []
    assert desk.refs("10:400") == []


@pytest.mark.parametrize("typed", ["XK.77:B", "xk77b", "xk 77", "XK-7", "xk"])
def test_a_reference_is_found_from_its_start_without_case_and_separators(desk: Desk, typed: str) -> None:
    assert desk.refs(typed) == ["xk.77:b"]


def test_a_reference_that_begins_many_shows_them_all(desk: Desk) -> None:
    assert sorted(desk.refs("mech2026")) == ["0001", "0002", "0003", "0004", "0005"]
    assert desk.refs("2026") == []  # not from its start


def test_who_comes_discreetly_is_found_by_time_or_reference_and_has_no_name(desk: Desk) -> None:
    for typed in ("Zoë Verborgen", "verborgen", "verb"):
        assert desk.refs(typed) == []
    for typed in ("10:50", "mech-2026-0004"):
        (found,) = desk.ask(typed)["appointments"]
        assert (found["name"], found["service"]) == (None, None)
        assert "Verborgen" not in str(found)
        assert "esprek" not in str(found)


def test_an_appointment_without_a_name_is_found_by_time_and_reference(desk: Desk) -> None:
    assert desk.refs("11.00") == desk.refs("mech-2026-0005") == ["0005"]
    assert desk.ask("1100")["appointments"][0]["name"] is None


@pytest.mark.parametrize("typed", ["z", "1", " ", "--", "·", "\u0000", "%", "_", "é", "'"])
def test_too_little_finds_nobody(desk: Desk, typed: str) -> None:
    assert desk.ask(typed) == {"appointments": [], "more": False, "similar": False}


@pytest.mark.parametrize("typed", ["jansens", "Peter Janzens", "vandenberge", "obryen"])
def test_a_name_that_is_misspelt_is_found_by_its_sound(desk: Desk, typed: str) -> None:
    answer = desk.ask(typed)
    assert answer["similar"] is True
    right = {"j": "xk.77:b", "p": "xk.77:b", "v": "MECH-2026-0001", "o": "MECH-2026-0003"}[typed[0].lower()]
    assert [one["ref"] for one in answer["appointments"]] == [right]


def test_a_sound_gives_away_nobody_who_comes_discreetly(desk: Desk) -> None:
    assert desk.ask("ferborgen")["appointments"] == []
    assert desk.ask("verborhen")["appointments"] == []


def test_the_end_of_a_reference_as_people_read_it_out(desk: Desk) -> None:
    assert desk.refs("2026-0003") == ["0003"]
    assert desk.refs("0002") == ["0002"]


def test_who_has_reported_comes_last_with_the_ticket(desk: Desk) -> None:
    kiosk = desk.server.client("kiosk")
    ticket = kiosk.post(f"{SITE}/appointments/MECH-2026-0001/report").json()["ticket"]
    found = desk.ask("mech")["appointments"]
    assert [one["ref"][-4:] for one in found][-1] == "0001"
    assert (found[-1]["state"], found[-1]["ticket"]) == ("reported", ticket)


def test_a_lateness_that_was_announced_keeps_the_place_longer(desk: Desk) -> None:
    desk.client.post(f"{SITE}/appointments/xk.77:b/late", json={"minutes": 10})
    (found,) = desk.ask("xk")["appointments"]
    assert (found["late_s"], found["keeps_until"]) == (600, "2026-11-23T11:25:00.000Z")


def test_an_answer_is_short(desk: Desk) -> None:
    booking = desk.server.client("integrator")
    for number in range(21):
        body = {"service": "sport", "at": f"2026-11-23T09:{30 + number}:00+01:00"}
        assert booking.put(f"{SITE}/appointments/many-{number:02d}", json=body).is_success
    answer = desk.ask("many")
    assert answer["more"] is True
    # The nearest slots, nearest first.
    assert [one["ref"] for one in answer["appointments"]] == [f"many-{number:02d}" for number in range(20)]
    assert desk.ask("many-0")["more"] is False


def test_only_the_desk_may_look(desk: Desk) -> None:
    for role in ("screen", "kiosk", "counter", "supervisor", "integrator", "administrator"):
        answer = desk.server.client(role).get(SITE + "/appointments", params={"q": "zoe"})
        check_problem(answer, 403, "not-allowed")


def test_it_is_in_the_document(desk: Desk) -> None:
    operation = desk.document.paths["/sites/{site}/appointments"]["get"]
    assert [parameter["name"] for parameter in operation["parameters"]] == ["site", "q"]
    assert operation["description"].endswith("search-appointments`: reception.")


def test_names_are_in_no_view_after_a_search(desk: Desk, tmp_path: Path) -> None:
    desk.ask("zoe")
    for view in ("reception", "hall"):
        assert "Zo" not in desk.client.get(f"{SITE}/views/{view}").text


@pytest.mark.parametrize(
    ("typed", "name"), [("strasse", "Anna Straße"), ("soren", "Søren Ødegård"), ("ode", "Søren Ødegård")]
)
def test_letters_of_other_languages(typed: str, name: str) -> None:
    assert Question.of(typed).is_name(name)
