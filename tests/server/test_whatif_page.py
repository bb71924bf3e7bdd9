"""The page of what if, without a browser: who may ask, from where, and that looking changes nothing."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from urllib.parse import parse_qs

import httpx
import pytest
import web
from running import Onthaal, onthaal

from server.web.whatif import arguments

PAGE = "/mechelen/whatif"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onthaal]:
    with onthaal(tmp_path_factory.mktemp("whatif")) as running:
        for hour in (9, 10, 11):
            booked = {"service": "bevolking", "at": f"2026-11-24T{hour:02d}:00:00+01:00"}
            done = running.client("integrator").put(f"/sites/mechelen/appointments/a{hour}", json=booked)
            assert done.status_code == 200, done.text
        yield running


@pytest.fixture(scope="module")
def supervisor(server: Onthaal) -> Iterator[httpx.Client]:
    with signed_in(server, "supervisor") as client:
        yield client


@contextlib.contextmanager
def signed_in(server: Onthaal, role: str, counter: str | None = None) -> Iterator[httpx.Client]:
    """A client with the session of a role, as a browser has it."""
    token = {"token": server.token(role, counter)}
    done = web.post(f"{server.base}/session", json=token, headers={"Origin": server.base})
    assert done.is_success, done.text
    headers = {"Accept": "text/html", "Cookie": done.headers["set-cookie"].partition(";")[0]}
    with httpx.Client(base_url=server.base, timeout=30, headers=headers, verify=False) as client:
        yield client


def own(server: Onthaal) -> dict[str, str]:
    """What a browser sends with a form of our own page."""
    return {"Origin": "null", "Sec-Fetch-Site": "same-origin"}


def answer(client: httpx.Client) -> str:
    """The page once nothing is open any more."""
    deadline = time.monotonic() + 60
    while client.get(f"{PAGE}/progress").json()["open"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return client.get(PAGE).text


def test_where_nothing_is_recorded_the_form_begins_with_today(
    server: Onthaal, supervisor: httpx.Client
) -> None:
    text = supervisor.get(PAGE).text
    assert re.search(r'name="day" type="date" required value="2026-11-23"', text)


def test_a_planned_day_is_answered(server: Onthaal, supervisor: httpx.Client) -> None:
    form = {"day": "2026-11-24", "service": ["bevolking"], "from": "09:00", "to": "10:00", "visitors": ""}
    asked = supervisor.post(PAGE, data=form, headers=own(server))
    assert (asked.status_code, asked.headers["location"]) == (303, PAGE)
    text = answer(supervisor)
    (verdict,) = re.findall(r'id="verdict"[^>]*>(.*?)</p>', text, re.DOTALL)
    assert "Een loket meer voor Bevolking van 09:00 tot 10:00: dat maakt geen verschil" in verdict
    assert 'name="service" value="bevolking" checked' in text  # the question stays beside the answer
    assert "gepland" in text
    assert "style=" not in text  # the policy of the page would not let it pass


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"day": "2026-11-20"}, "Van die dag is niets opgetekend"),
        ({"day": "soon"}, "Kies een dag"),
        ({"service": ["nothing"], "from": "10:00", "to": "12:00"}, "Die dienst bestaat niet"),
        ({"visitors": "many"}, "De bezoekers zijn een getal"),
        ({"opens1": "08:00", "closes1": ""}, "Een uur schrijft u als"),
    ],
)
def test_bad_input_is_told_beside_the_form(
    server: Onthaal, supervisor: httpx.Client, changed: dict[str, str | list[str]], said: str
) -> None:
    supervisor.post(PAGE, data={"day": "2026-11-24", **changed}, headers=own(server))
    (wrong,) = re.findall(r'<p class="wrong" role="alert">(.*?)</p>', answer(supervisor))
    assert said in wrong


def test_a_strangers_page_cannot_ask(server: Onthaal, supervisor: httpx.Client) -> None:
    for headers in (
        {},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
    ):
        for path in (PAGE, f"{PAGE}/stop"):
            refused = supervisor.post(path, data={"day": "2026-11-24"}, headers=headers)
            assert refused.status_code == 403, (headers, path)


def test_only_who_may_read_figures_asks_or_looks(server: Onthaal) -> None:
    with httpx.Client(base_url=server.base, verify=False) as stranger:
        assert stranger.get(PAGE).headers["location"] == f"/sign-in?next={PAGE}"
        assert stranger.post(PAGE, data={}, headers=own(server)).status_code == 401
        assert stranger.get(f"{PAGE}/progress").status_code == 401
    for role, counter in (("reception", None), ("counter", "1"), ("screen", None), ("administrator", None)):
        with signed_in(server, role, counter) as other:
            assert other.get(PAGE).status_code == 403
            assert other.get(f"{PAGE}/progress").status_code == 403
            assert other.post(PAGE, data={}, headers=own(server)).status_code == 403
            assert other.post(f"{PAGE}/stop", headers=own(server)).status_code == 403


def test_looking_asks_nothing(server: Onthaal, supervisor: httpx.Client) -> None:
    before = answer(supervisor)
    for path in (PAGE, f"{PAGE}?day=2026-11-24&visitors=600"):
        assert supervisor.get(path).text == before
    assert supervisor.get(f"{PAGE}/stop").status_code == 405
    assert supervisor.get(f"{PAGE}/progress").json()["open"] is False
    assert supervisor.get("/nowhere/whatif").status_code == 404


def test_a_form_becomes_a_command() -> None:
    form = parse_qs(
        "day=2026-11-24&service=express&service=bouwen&from=10:00&to=12:00&grace=10&grace_for=bouwen"
    )
    assert arguments(form) == [
        "--day=2026-11-24",
        "--counter=services=express,bouwen from=10:00 to=12:00",
        "--grace=bouwen=600",
    ]
    form = parse_qs("day=--config=x&opens1=08:00&closes1=13:00&opens2=14:30&closes2=19:00&visitors=600")
    assert arguments(form) == ["--day=--config=x", "--opening=08:00-13:00,14:30-19:00", "--visitors=600"]
