"""Who may do what: every route and every topic, for every role, for strangers and for other sites.

The tables here are written from the design, not from the server's own table.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import websockets.sync.client
from mechelens import mechelens
from running import Onthaal, onthaal, with_key
from starlette.routing import Mount, Route, WebSocketRoute
from websockets.exceptions import ConnectionClosed

from server import app, settings
from server.keys import load_keys

ROLES = {"screen", "kiosk", "reception", "counter", "supervisor", "integrator", "administrator"}

SITE = "/api/v1/sites/{site}"
APPOINTMENT = SITE + "/appointments/{ref}"
VISIT = SITE + "/visits/{visit}"
COUNTER = SITE + "/counters/{counter}"
VIEWS = SITE + "/views"

DESK = {"reception", "counter"}
DOORS = {"reception", "kiosk"}
MAY: dict[str, set[str]] = {
    f"GET {SITE}": ROLES,
    f"GET {VIEWS}/hall": ROLES,
    f"GET {VIEWS}/counters/{{counter}}": {"counter", "supervisor"},
    f"GET {VIEWS}/reception": {"reception", "supervisor"},
    f"GET {VIEWS}/management": {"supervisor"},
    f"GET {SITE}/journal": {"supervisor", "administrator"},
    f"GET {SITE}/punctuality": {"supervisor"},
    f"GET {SITE}/figures": {"supervisor"},
    f"GET {SITE}/calibration": {"supervisor"},
    f"PUT {APPOINTMENT}": {"integrator"},
    f"DELETE {APPOINTMENT}": {"integrator"},
    f"POST {SITE}/appointments": {"reception"},
    f"POST {APPOINTMENT}/confirm": {"integrator"},
    f"POST {APPOINTMENT}/late": {"integrator", "reception"},
    f"POST {APPOINTMENT}/report": DOORS | {"counter"},
    f"POST {APPOINTMENT}/came": DESK,
    f"POST {APPOINTMENT}/called-back": DESK,
    f"GET {APPOINTMENT}/call-back": {"reception"},
    f"GET {SITE}/call-backs": {"reception"},
    f"POST {SITE}/visits": DOORS,
    f"POST {VISIT}/return": DOORS | {"counter"},
    f"POST {VISIT}/leave": DESK,
    f"POST {VISIT}/priority": DESK,
    f"POST {VISIT}/bind": DESK,
    **{
        f"POST {COUNTER}/{command}": {"counter"}
        for command in (
            *("open", "pause", "close", "next", "call", "recall", "start", "finish"),
            *("no-show", "park", "transfer", "undo"),
        )
    },
    "GET /metrics": {"administrator"},
    f"GET {SITE}/appointments": {"reception"},
    f"GET {SITE}/staff": {"counter", "reception", "supervisor"},
    f"GET {SITE}/devices": {"supervisor", "administrator"},
    f"GET {SITE}/devices/asking": {"supervisor", "administrator"},
    f"POST {SITE}/devices": {"supervisor", "administrator"},
    f"POST {SITE}/devices/deny": {"supervisor", "administrator"},
    f"POST {SITE}/devices/{{device}}/revoke": {"supervisor", "administrator"},
    f"GET {SITE}/alerts": {"supervisor"},
    f"GET {SITE}/alerts/recipients": {"supervisor"},
    f"POST {SITE}/alerts/recipients": {"supervisor"},
    f"DELETE {SITE}/alerts/recipients/{{recipient}}": {"supervisor"},
    f"GET {SITE}/webhooks": {"supervisor", "administrator"},
    f"GET {SITE}/webhooks/failures": {"supervisor", "administrator"},
    f"POST {SITE}/webhooks/{{delivery}}/again": {"supervisor", "administrator"},
    f"GET {APPOINTMENT}/contact": {"reception", "supervisor", "integrator"},
    f"DELETE {APPOINTMENT}/contact": {"reception", "supervisor", "integrator"},
    f"DELETE {VISIT}/contact": {"reception", "supervisor", "integrator"},
    f"POST {APPOINTMENT}/opt-out": {"reception", "supervisor", "integrator"},
    f"DELETE {APPOINTMENT}/opt-out": {"reception", "supervisor", "integrator"},
    f"GET {SITE}/messages": {"reception", "supervisor", "administrator"},
    f"GET {SITE}/messages/{{message}}": {"supervisor", "administrator"},
    f"PUT {SITE}/services/{{service}}/first-free": {"integrator"},
    f"GET {SITE}/satisfaction/words": {"supervisor"},
    "POST /{site}/whatif": {"supervisor"},
    "POST /{site}/whatif/stop": {"supervisor"},
    "GET /{site}/whatif/progress": {"supervisor"},
}
"""The calls that need a token or session, and the roles that may make them."""

PAGES: dict[str, set[str]] = {
    "/{site}/hall": ROLES,
    "/{site}/counters/{counter}": {"counter"},
    "/{site}/reception": {"reception"},
    "/{site}/devices": {"supervisor", "administrator"},
    "/{site}/webhooks": {"supervisor", "administrator"},
    "/{site}/messages": {"reception", "supervisor", "administrator"},
    "/{site}/management": {"supervisor"},
    "/{site}/whatif": {"supervisor"},
    "/{site}/figures": {"supervisor"},
    "/{site}/figures/{picture}.svg": {"supervisor"},
    "/{site}/figures/{table}.csv": {"supervisor"},
    "/{site}/figures/all.json": {"supervisor"},
}
"""The pages that need a session: a stranger is led to the sign-in."""

ANSWERS_BY_API = {("GET", ""), *(("POST", f"/{each}") for each in ("confirm", "late", "cancel", "call-back"))}
ANSWERS = ANSWERS_BY_API | {("GET", "/cancel"), ("POST", "/messages"), ("POST", "/seen")}
OPEN = {
    "GET /api/v1/visits/{secret}",
    "GET /api/v1/openapi.json",
    "GET /health",
    "GET /",
    "GET /{site}",
    "GET /sign-in",
    "GET /t/{secret}",
    "GET /t/{secret}/leave",
    "POST /t/{secret}/leave",
    "GET /t/{secret}/qr.svg",
    "POST /api/v1/visits/{secret}/leave",
    "POST /t/{secret}/satisfaction",
    "POST /api/v1/visits/{secret}/satisfaction",
    *(f"{method} /a/{{secret}}{path}" for method, path in ANSWERS),
    *(f"{method} /api/v1/appointments/{{secret}}{path}" for method, path in ANSWERS_BY_API),
    "GET /sw.js",
    "POST /session",
    "DELETE /session",
    "GET /static",
    "GET /fonts",
    "GET /{site}/theme.css",
    "GET /{site}/logo.svg",
    "GET /{site}/promise",
    "GET /screen",
    "POST /device/code",
    "POST /device/token",
}
"""What anybody may ask for: it shows nothing of anybody, or only to who has a ticket's secret."""

VOUCHED = {
    "GET /gateways/{channel}/receipts/{mac}",
    "POST /gateways/{channel}/receipts/{mac}",
    "GET /gateways/{channel}/receipts/{delivery}/{mac}",
    "POST /gateways/{channel}/receipts/{delivery}/{mac}",
    "GET /gateways/{channel}/incoming/{mac}",
    "POST /gateways/{channel}/incoming/{mac}",
    "POST /t/{secret}/push",
    "DELETE /t/{secret}/push",
}
"""What a secret in its address opens to a gateway or a browser, where the house has such a channel."""

ONWARD = {"GET /devices"}
"""What only leads to a page: that of one's own site, or the sign-in."""

TOPICS: dict[str, set[str]] = {
    "/live/{site}/hall": ROLES,
    "/live/{site}/counters/{counter}": {"counter", "supervisor"},
    "/live/{site}/reception": {"reception", "supervisor"},
    "/live/{site}/management": {"supervisor"},
}

SLOT = "2026-11-23T10:00:00+01:00"
NAMES = {
    "picture": "arrivals",
    "table": "numbers",
    "site": "house-1",
    "counter": "1",
    "visit": "A001",
    "ref": "R-1",
    "device": "a" * 16,
    "recipient": "a" * 16,
    "delivery": "m",
    "message": "a" * 26,
    "service": "bevolking",
}
BODIES: dict[str, dict[str, Any]] = {
    f"PUT {APPOINTMENT}": {"service": "bevolking", "at": "2026-11-24T10:00:00+01:00"},
    f"POST {APPOINTMENT}/late": {"minutes": 5},
    f"POST {SITE}/appointments": {"service": "bevolking", "wall": "2026-11-24T10:00"},
    f"POST {SITE}/visits": {"service": "onthaal"},
    f"POST {VISIT}/bind": {"staff": None},
    f"POST {COUNTER}/call": {"ticket": "A001"},
    f"POST {COUNTER}/transfer": {"service": "attesten"},
    f"POST {SITE}/devices": {"code": "BBBB-BBBB", "role": "kiosk", "name": "Inkom"},
    f"POST {SITE}/devices/deny": {"code": "BBBB-BBBB"},
    f"PUT {SITE}/services/{{service}}/first-free": {"at": "2026-11-24T10:00:00+01:00"},
}
QUERIES = {
    f"GET {SITE}/punctuality": {"from": "2026-11-23", "to": "2026-11-23"},
    f"GET {SITE}/figures": {"from": "2026-11-23", "to": "2026-11-23", "kind": "waits"},
    f"GET {SITE}/satisfaction/words": {"from": "2026-11-23", "to": "2026-11-23"},
    f"GET {SITE}/devices/asking": {"code": "BBBB-BBBB"},
    f"GET {SITE}/appointments": {"q": "an"},
}


@dataclass(frozen=True)
class Asker:
    """Somebody who asks: the headers that tell who, and what they are in words."""

    name: str
    headers: dict[str, str]


class House:
    """A server with two houses, asked by whoever."""

    def __init__(self, server: Onthaal) -> None:
        self.server = server
        self.client = httpx.Client(base_url=server.base, timeout=20)
        self.client.event_hooks["request"] = [with_key]
        self._cookies: dict[str, str] = {}

    def bearer(self, role: str, site: str = "house-1", counter: str | None = None) -> Asker:
        """Who holds a token."""
        token = self.server.token(role, counter, site)
        return Asker(f"{role} of {site} {counter or ''}", {"Authorization": f"Bearer {token}"})

    def session(self, role: str, site: str = "house-1", counter: str | None = None) -> Asker:
        """A browser that is signed in, on a page of ours."""
        token = self.server.token(role, counter, site)
        if token not in self._cookies:
            origin = {"Origin": self.server.base}
            answer = self.client.post("/session", json={"token": token}, headers=origin)
            assert answer.status_code == 200, answer.text
            self._cookies[token] = answer.headers["set-cookie"].partition(";")[0]
            self.client.cookies.clear()
        cookie = self._cookies[token]
        return Asker(f"session of {role} of {site}", {"Cookie": cookie, "Origin": self.server.base})

    def ask(self, what: str, who: Asker, **names: str) -> httpx.Response:
        """The answer to a request that is right in all but, perhaps, who asks."""
        method, _, template = what.partition(" ")
        path = template.format(**{**NAMES, **names})
        if method == "GET":
            return self.client.get(path, headers=who.headers, params=QUERIES.get(what))
        body = {"json": BODIES.get(what, {})} if method != "DELETE" else {}
        return self.client.request(method, path, headers=who.headers, **body)  # type: ignore[arg-type]

    def booked(self, ref: str) -> str:
        """The secret of an appointment at :data:`SLOT`, made under this reference."""
        body = {"service": "bevolking", "at": SLOT, "contact": {"phone": "+32470000000"}}
        put = self.client.put(
            f"{SITE}/appointments/{ref}".format(**NAMES),
            json=body,
            headers=self.bearer("integrator").headers,
        )
        return load_keys(self.server.database).appointment_secret(put.json()["appointment"])

    def watch(self, topic: str, who: Asker, origin: str | None = None, **names: str) -> int | None:
        """The code with which a topic is closed right after it was accepted; None where it is shown."""
        path = topic.format(**{**NAMES, **names})
        headers = {name: value for name, value in who.headers.items() if name != "Origin"}
        address = self.server.base.replace("http", "ws") + path
        with websockets.sync.client.connect(
            address, additional_headers=headers, origin=origin or who.headers.get("Origin")
        ) as connection:
            try:
                first = connection.recv(10)
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else 1006
        assert '"view"' in first
        return None


STRANGER = Asker("stranger", {})


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("access")
    with onthaal(folder, config=mechelens(folder, 2)) as running:
        house = House(running)
        with house.client:
            yield house


def strangers(house: House) -> list[Asker]:
    """All the ways of not being somebody."""
    token = house.server.token("supervisor", None, "house-1")
    kind, identity, secret = token.split("_", 2)
    swapped = "A" if secret[-5] != "A" else "B"
    headers = {
        "no scheme": token,
        "another scheme": f"Basic {token}",
        "no token": "Bearer",
        "a comma": "Bearer ,",
        "two tokens": f"Bearer {token} {token}",
        "no secret": f"Bearer {kind}_{identity}",
        "an empty secret": f"Bearer {kind}_{identity}_",
        "an altered secret": f"Bearer {kind}_{identity}_{secret[:-5]}{swapped}{secret[-4:]}",
        "a shortened secret": f"Bearer {token[:-1]}",
        "a lengthened secret": f"Bearer {token}A",
        "another's id": f"Bearer {kind}_{house.server.token('kiosk').split('_')[1]}_{secret}",
        "an unknown id": f"Bearer {kind}_aaaaaaaaaaaaaaaa_{secret}",
        "another kind": f"Bearer onx_{identity}_{secret}",
        "a wildcard": f"Bearer {kind}_%_{secret}",
        "a quote": f"Bearer {kind}_' OR 1=1 --_{secret}",
        "a long token": "Bearer ont_" + "x" * 5000,
    }
    cookies = {"an unknown cookie": "x" * 43, "an empty cookie": "", "a token as cookie": token}
    return [
        STRANGER,
        *(Asker(name, {"Authorization": value}) for name, value in headers.items()),
        *(
            Asker(name, {"Cookie": f"__Host-onthaal={value}", "Origin": house.server.base})
            for name, value in cookies.items()
        ),
        # Who names another authorisation is not saved by a cookie.
        Asker(
            "a cookie beside Basic", {**house.session("supervisor").headers, "Authorization": "Basic eA=="}
        ),
    ]


# --- nothing is left out ------------------------------------------------------------------------


async def test_every_route_and_topic_is_in_these_tables(tmp_path: Any) -> None:
    options = app.Options(f"sqlite:///{tmp_path}/o.db", str(mechelens(tmp_path, 1)), house_time=0)
    http, live = set(), set()
    async with app.assembled(options) as parts:
        for route in parts.application()._app._app.routes:  # type: ignore[attr-defined]
            if isinstance(route, WebSocketRoute):
                live.add(route.path)
            elif isinstance(route, Mount):
                http.add(f"GET {route.path}")
            else:
                assert isinstance(route, Route)
                http |= {f"{method} {route.path}" for method in (route.methods or set()) - {"HEAD"}}
    assert http == MAY.keys() | {f"GET {page}" for page in PAGES} | OPEN | VOUCHED | ONWARD
    # `{audience}` stands for the three that are one to a site; the last refuses what is left.
    assert live == {
        "/live/{site}/{audience}",
        "/live/{site}/counters/{counter}",
        "/live/visits/{secret}",
        "/{path:path}",
    }


def test_no_site_can_be_called_like_an_address() -> None:
    """Where an address has a site's name in it, another may have a word of its own in its place."""
    paths = [path.partition(" ")[2] for path in [*MAY, *OPEN, *VOUCHED, *ONWARD]] + [
        *TOPICS,
        "/live/visits/{secret}",
    ]
    words = {path.split("/")[1] for path in paths} | {path.split("/")[2] for path in paths if "live" in path}
    assert {word for word in words if re.fullmatch("[a-z-]+", word)} == settings.RESERVED


def test_the_document_and_these_tables_name_the_same_operations(house: House) -> None:
    document = house.client.get("/api/v1/openapi.json").json()
    described = {
        f"{method.upper()} /api/v1{path}" for path, methods in document["paths"].items() for method in methods
    }
    named = {what for what in MAY.keys() | OPEN if "/api/v1/" in what}
    assert described == named - {"GET /api/v1/openapi.json"}


# --- every route with everybody -------------------------------------------------------------------


@pytest.mark.parametrize("what", MAY)
def test_a_call_is_for_its_roles_alone(house: House, what: str) -> None:
    for role in sorted(ROLES):
        for who in (house.bearer(role), house.session(role)):
            answer = house.ask(what, who)
            if role in MAY[what]:
                assert answer.status_code in (200, 303, 404, 409), (who, answer.text)
            else:
                assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed"), who


@pytest.mark.parametrize("what", [what for what in MAY if "{site}" in what])
def test_nobody_acts_at_another_site(house: House, what: str) -> None:
    for role in sorted(ROLES):
        for who in (house.bearer(role, "house-2"), house.session(role, "house-2")):
            answer = house.ask(what, who)
            assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed"), who
    # Nor learns which sites there are.
    unknown = house.ask(what, house.bearer(sorted(MAY[what])[0]), site="nowhere")
    assert (unknown.status_code, unknown.json()["code"]) == (403, "not-allowed")


@pytest.mark.parametrize("what", MAY)
def test_a_stranger_is_nobody(house: House, what: str) -> None:
    for who in strangers(house):
        answer = house.ask(what, who)
        assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in"), who
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("what", [what for what in MAY if "{counter}" in what])
def test_a_counter_s_token_serves_its_own_counter(house: House, what: str) -> None:
    for who in (house.bearer("counter", counter="2"), house.session("counter", counter="2")):
        assert house.ask(what, who, counter="2").status_code in (200, 404, 409), who
        for other in ("1", "3", "99", "%32%20"):
            answer = house.ask(what, who, counter=other)
            assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed"), who


def test_a_revoked_token_and_its_sessions_are_nobody_s(house: House) -> None:
    made = Onthaal(house.server.folder, house.server.config)
    token = made.token("supervisor", None, "house-1")
    origin = {"Origin": house.server.base}
    session = house.client.post("/session", json={"token": token}, headers=origin)
    house.client.cookies.clear()
    cookie = {"Cookie": session.headers["set-cookie"].partition(";")[0]}
    bearer = {"Authorization": f"Bearer {token}"}
    for headers in (bearer, cookie):
        assert house.client.get("/api/v1/sites/house-1", headers=headers).status_code == 200
    revoke(house.server, token)
    for headers in (bearer, cookie):
        until(lambda h=headers: house.client.get("/api/v1/sites/house-1", headers=h).status_code == 401)
        assert house.watch("/live/{site}/hall", Asker("revoked", {**headers, **origin})) == 4401
    assert house.client.post("/session", json={"token": token}, headers=origin).status_code == 401


def test_a_token_for_a_site_that_is_no_more_finds_nothing(house: House) -> None:
    who = house.bearer("supervisor", "closed-down")
    answer = house.ask(f"GET {SITE}", who, site="closed-down")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown-site")
    assert house.watch("/live/{site}/hall", who, site="closed-down") == 4404


# --- pages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_for_its_roles_alone(house: House, page: str) -> None:
    for role in sorted(ROLES):
        assert house.ask(f"GET {page}", house.session(role)).status_code == (
            200 if role in PAGES[page] else 403
        )
        assert house.ask(f"GET {page}", house.session(role, "house-2")).status_code == 403
        # A page is for browsers: a token in a header opens none.
        assert house.ask(f"GET {page}", house.bearer(role)).status_code == 303
    for who in strangers(house):
        if "Basic" not in who.name:
            answer = house.ask(f"GET {page}", who)
            assert answer.status_code == 303
            assert answer.headers["location"] == "/sign-in?next=" + page.format(**NAMES)


def test_a_counter_s_session_opens_its_own_panel(house: House) -> None:
    page, who = "GET /{site}/counters/{counter}", house.session("counter", counter="2")
    assert house.ask(page, who, counter="2").status_code == 200
    assert house.ask(page, who, counter="1").status_code == 403


@pytest.mark.parametrize("what", sorted(OPEN))
def test_what_is_open_needs_nobody(house: House, what: str) -> None:
    drawn = house.ask(f"POST {SITE}/visits", house.bearer("kiosk")).json()
    secret = drawn["link"].rpartition("/")[2]
    method, _, template = what.partition(" ")
    if "satisfaction" in template:
        assert house.client.post(
            f"/api/v1/visits/{secret}/leave", headers={"Origin": house.server.base}
        ).is_success
    if "/a/" in template or "/appointments/" in template:
        secret = house.booked(re.sub("[^a-z]", "-", what.lower()))
    path = template.format(**NAMES, secret=secret)
    path = {"/static": "/static/favicon.svg", "/fonts": "/fonts/FiraSans-Regular.ttf"}.get(path, path)
    bodies = {
        "POST /session": {"token": house.server.token("kiosk", None, "house-1")},
        "POST /device/token": {"device_code": "x" * 43},
        "POST /api/v1/appointments/{secret}/late": {"minutes": 5},
        "POST /api/v1/visits/{secret}/satisfaction": {"score": 8},
    }
    sent: dict[str, Any] = {"json": bodies.get(what, {})} if method == "POST" else {}
    if method == "POST" and path.startswith("/a/"):
        sent = {"data": {"slot": SLOT, "minutes": "5"}}
    if method == "POST" and template == "/t/{secret}/satisfaction":
        sent = {"data": {"score": "8"}}
    answer = house.client.request(method, path, headers={"Origin": house.server.base}, **sent)
    house.client.cookies.clear()
    if path == "/device/token":
        assert (answer.status_code, answer.json()["error"]) == (400, "expired_token")
    else:
        assert answer.is_success or answer.headers.get("location") in (f"/t/{secret}", f"/a/{secret}"), (
            answer.text
        )


def test_the_short_address_leads_to_the_devices_of_one_s_own_site(house: House) -> None:
    for who, where in (
        (STRANGER, "/sign-in?next=/devices"),
        (house.session("supervisor", "house-2"), "/house-2/devices"),
    ):
        answer = house.ask("GET /devices", who)
        assert (answer.status_code, answer.headers["location"]) == (303, where)


# --- the live wire --------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_for_its_roles_alone(house: House, topic: str) -> None:
    for role in sorted(ROLES):
        for who in (house.bearer(role), house.session(role)):
            assert house.watch(topic, who) == (None if role in TOPICS[topic] else 4403), who
        for who in (house.bearer(role, "house-2"), house.session(role, "house-2")):
            assert house.watch(topic, who) == 4403, who
    for who in strangers(house):
        assert house.watch(topic, who) == 4401, who


def test_a_counter_s_token_watches_its_own_counter_and_the_hall(house: House) -> None:
    topic, who = "/live/{site}/counters/{counter}", house.bearer("counter", counter="2")
    assert house.watch(topic, who, counter="2") is None
    assert house.watch("/live/{site}/hall", who) is None
    for other in ("1", "99"):
        assert house.watch(topic, who, counter=other) == 4403


@pytest.mark.parametrize(
    "path",
    [
        "/live/house-1/counters/99",
        "/live/house-1/counters",
        "/live/house-1/visits",
        "/live/house-1/nothing",
        "/live/house-1/hall/more",
        "/live/house-1/",
        "/live/house-1",
        "/live",
        "/",
        "/house-1/hall",
        "/live/visits/house-1",
        "/live/visits/",
        "/live/%00/hall%00",
    ],
)
def test_there_is_no_other_topic(house: House, path: str) -> None:
    refused = {4404} if "%00" not in path else {4403, 4404}
    assert house.watch(path, house.bearer("supervisor")) in refused
    assert house.watch(path, STRANGER) in (4401, 4404)


def test_origins(house: House) -> None:
    own = house.server.base
    foreign = [
        *("http://evil.example", "https://evil.example", "null", own + ".evil.example", "file://"),
        *(own.replace("localhost", "127.0.0.1"), own + "0", "http://localhost", "http://[", "localhost"),
    ]
    bearer, session = house.bearer("supervisor"), house.session("supervisor")
    cookie = Asker("a cookie without Origin", {"Cookie": session.headers["Cookie"]})
    ticket = house.ask(f"POST {SITE}/visits", house.bearer("kiosk")).json()["link"].rpartition("/")[2]
    link = f"/live/visits/{ticket}"
    for topic in TOPICS:
        assert house.watch(topic, bearer) is None
        assert house.watch(topic, bearer, origin=own) is None
        assert house.watch(topic, cookie) == 4403
        assert house.watch(topic, cookie, origin=own) is None
        for origin in foreign:
            assert house.watch(topic, bearer, origin=origin) == 4403, origin
            assert house.watch(topic, cookie, origin=origin) == 4403, origin
    assert house.watch(link, STRANGER) is None
    assert house.watch(link, STRANGER, origin=own) is None
    for origin in foreign:
        assert house.watch(link, STRANGER, origin=origin) == 4403, origin
        for who, method in ((bearer, "GET"), (cookie, "GET"), (bearer, "POST"), (cookie, "POST")):
            headers = {**who.headers, "Origin": origin}
            answer = house.client.request(method, "/api/v1/sites/house-1", headers=headers)
            if method == "GET":
                assert (answer.status_code, answer.json()["code"]) == (403, "foreign-origin"), origin
        for who in (house.bearer("kiosk"), house.session("kiosk")):
            asker = Asker("foreign", {**who.headers, "Origin": origin})
            answer = house.ask(f"POST {SITE}/visits", asker)
            assert (answer.status_code, answer.json()["code"]) == (403, "foreign-origin"), origin


# --- ticket links ---------------------------------------------------------------------------------

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_a_ticket_s_link_altered_in_any_character_leads_nowhere(house: House) -> None:
    drawn = house.ask(f"POST {SITE}/visits", house.bearer("kiosk")).json()
    secret = drawn["link"].rpartition("/")[2]
    assert house.client.get(f"/api/v1/visits/{secret}").status_code == 200
    assert len(secret) * 6 >= 80 + 128
    altered = [
        secret[:at] + ALPHABET[(ALPHABET.index(letter) + 1) % 64] + secret[at + 1 :]
        for at, letter in enumerate(secret)
    ]
    # The last character has bits to spare: three other spellings of the very same bytes.
    altered += [secret[:-1] + ALPHABET[ALPHABET.index(secret[-1]) ^ bits] for bits in (1, 2, 3)]
    altered += [secret + "=", secret + "A", secret[:-1], secret.swapcase(), secret + "%0A", "%20" + secret]
    altered += [secret.replace("-", "+").replace("_", "%2F") + "=", drawn["visit"], drawn["ticket"], "%00"]
    for link in dict.fromkeys(altered):
        if link == secret:
            continue
        for path in (f"/api/v1/visits/{link}", f"/t/{link}", f"/t/{link}/leave", f"/t/{link}/qr.svg"):
            answer = house.client.get(path)
            assert answer.status_code == 404, link
            assert answer.headers["content-type"] == "application/problem+json"
        assert house.watch(f"/live/visits/{link}", STRANGER) == 4404, link


# --- helpers --------------------------------------------------------------------------------------


def revoke(server: Onthaal, token: str) -> None:
    """Take a token back, as an administrator would in the database."""
    with contextlib.closing(sqlite3.connect(server.database, timeout=10)) as database:
        database.execute("DELETE FROM token WHERE id = ?", (token.split("_")[1],))
        database.commit()


def until(condition: Any, seconds: float = 10) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
