"""Tokens, links, keys and people's data are looked for wherever they must not be."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any

import httpx
import program
import pytest
import web
import websockets.sync.client
from running import MONDAY, Onthaal
from websockets.exceptions import ConnectionClosed

from server import accounts
from server.access import Role
from server.database import Database

NAME, PHONE, MAIL = "Canaria Zangvogel", "+32499887766", "canaria@zangvogel.example"
CONTACT = {"name": NAME, "phone": PHONE, "email": MAIL}
KEY = "canary-key-4711"
REF = "CANARY-REF-1"
STAFF, LOGIN, PASSWORD = "Fluit Kanarie", "fluitkanarie", "canary-password-4711"
LOOK_UPS = ("/appointments?", "/staff")
"""The two calls whose answers name people, to who may ask."""
SITE = "/sites/mechelen"
ROLES = ("screen", "kiosk", "reception", "counter", "supervisor", "integrator", "administrator")


class Driven:
    """A server on which all of that was used, rightly and wrongly, and what it showed meanwhile."""

    def __init__(self, server: Onthaal) -> None:
        self.server = server
        self.answers: list[httpx.Response] = []
        self.tokens = {role: server.token(role) for role in ROLES}
        self.sessions: list[str] = []
        self.secrets: list[str] = []
        self.frames: list[str] = []
        self.staff = self.employ()

    def employ(self) -> str:
        """Somebody who works at the counters; their id."""
        store = Database(self.server.url)
        try:
            hashed = accounts.hash_password(LOGIN, PASSWORD)
            return store.write_now(
                lambda c: accounts.create(c, "mechelen", Role.COUNTER, LOGIN, STAFF, None, hashed)
            )
        finally:
            store.close()

    def say(self, role: str | None, method: str, path: str, **sent: Any) -> httpx.Response:
        headers = {"Idempotency-Key": f"{KEY}-{len(self.answers)}", **sent.pop("headers", {})}
        if role is not None:
            headers["Authorization"] = f"Bearer {self.tokens[role]}"
        answer = web.request(method, self.server.base + path, headers=headers, **sent)
        self.answers.append(answer)
        return answer

    def drive(self) -> None:
        api, own = "/api/v1" + SITE, {"Origin": self.server.base}
        slot = {"service": "bevolking", "at": MONDAY, "contact": CONTACT}
        assert self.say("integrator", "PUT", f"{api}/appointments/{REF}", json=slot).status_code == 200
        self.secrets.append(self.link(self.say("kiosk", "POST", f"{api}/appointments/{REF}/report")))
        draw = {"service": "onthaal", "contact": CONTACT, "priority": True}
        self.secrets.append(self.link(self.say("kiosk", "POST", f"{api}/visits", json=draw)))
        self.say("counter", "POST", f"{api}/counters/1/open")
        self.say("counter", "POST", f"{api}/counters/1/next")
        for secret in self.secrets:
            for path in (f"/api/v1/visits/{secret}", f"/t/{secret}", f"/t/{secret}/", f"/t/{secret}/x"):
                for accept in ("*/*", "text/html"):
                    self.say(None, "GET", path, headers={"Accept": accept})
            self.say(None, "GET", f"/api/v1/visits/{secret[:-1]}x")
            self.say(None, "POST", f"/t/{secret}")
            self.watch(f"/live/visits/{secret}", None)
            self.watch(f"/live/visits/{secret}x", None)
            self.watch(f"/live/nothing/{secret}", None)
        for role, token in self.tokens.items():
            answer = self.say(None, "POST", "/session", json={"token": token}, headers=own)
            self.sessions.append(answer.headers["set-cookie"].partition(";")[0].partition("=")[2])
            self.say(None, "POST", "/session", json={"token": token + "x"}, headers=own)
            self.say(None, "GET", "/mechelen/hall", headers={"Cookie": f"__Host-onthaal={self.sessions[-1]}"})
            self.say(None, "GET", api, headers={"Authorization": f"Basic {token}"})
            self.say(None, "GET", f"/{token}")
            self.say(None, "GET", f"{api}?token={token}")
            self.watch("/live/mechelen/hall", role)
        for role in ("reception", "supervisor", "counter"):
            for view in ("hall", "counters/1", "reception", "management"):
                self.say(role, "GET", f"{api}/views/{view}")
        # Staff sign in, rightly and wrongly, and look people up.
        for password in (PASSWORD + "x", PASSWORD):
            body = {"login": LOGIN, "password": password}
            answer = self.say(None, "POST", "/session", json=body, headers=own)
        self.sessions.append(answer.headers["set-cookie"].partition(";")[0].partition("=")[2])
        for query in (NAME.partition(" ")[0], REF):
            found = self.say("reception", "GET", f"{api}/appointments?q={query}").json()["appointments"]
            assert [one["name"] for one in found] == [NAME]
        assert STAFF in self.say("reception", "GET", f"{api}/staff").text
        self.say("counter", "GET", f"{api}/appointments?q={NAME.partition(' ')[0]}")
        self.say("counter", "POST", f"{api}/visits/A001/bind", json={"staff": self.staff})
        # Every page, as a stranger and as each role sees it; a citizen leaves, with and without the API.
        pages = ("/", "/sign-in", "/screen", "/sw.js", "/mechelen/hall?screen=hall", "/mechelen/counters/1")
        pages += (
            "/mechelen/reception",
            "/mechelen/management",
            "/mechelen/devices",
            "/mechelen/webhooks",
            "/mechelen/whatif",
            "/mechelen/theme.css",
        )
        pages += ("/mechelen/messages",)
        for path in pages:
            self.say(None, "GET", path, headers={"Accept": "text/html"})
            for session in self.sessions:
                cookie = {"Accept": "text/html", "Cookie": f"__Host-onthaal={session}"}
                self.say(None, "GET", path, headers=cookie)
        for secret in self.secrets:
            self.say(None, "GET", f"/t/{secret}/qr.svg")
            self.say(None, "POST", f"/t/{secret}/leave", headers=own)
            self.say(None, "POST", f"/api/v1/visits/{secret}/leave", headers=own)
            # What they wrote of their visit lies as deep as what is kept of them.
            rating = {"score": 3, "word": f"{NAME}, {PHONE}"}
            self.say(None, "POST", f"/api/v1/visits/{secret}/satisfaction", json=rating)
            self.say(None, "POST", f"/t/{secret}/satisfaction", data={"score": "33", "word": NAME})
        self.watch("/live/mechelen/reception", "reception")
        self.watch("/live/mechelen/management", "supervisor")
        self.watch("/live/mechelen/counters/1", "counter")
        self.say("supervisor", "GET", f"{api}/journal?limit=1000")
        # The desk books for somebody, and a file comes in, with good rows and bad.
        booking = {"service": "bevolking", "wall": "2026-11-30T10:40", "contact": CONTACT}
        self.say("reception", "POST", f"{api}/appointments", json=booking)
        self.say("reception", "POST", f"{api}/appointments", json=booking | {"wall": "2026-11-20T10:40"})
        self.say("reception", "POST", f"{api}/appointments", json=booking | {"contact": {"phone": NAME}})
        file = self.server.folder / "file.csv"
        rows = (f"{REF}-2,bevolking", f"{REF}-3,{NAME}", f"{NAME},bevolking")
        people = f"2026-11-30T10:50,{NAME},{PHONE},{MAIL}"
        file.write_text("ref,service,at,name,phone,email\n" + "".join(f"{row},{people}\n" for row in rows))
        arguments = ("import", "appointments", file, "--site", "mechelen", "--database", self.server.url)
        self.imported = program.run(*arguments)
        file.unlink()
        # Data in the wrong place, and commands that are refused.
        self.say("kiosk", "POST", f"{api}/visits", json={"service": "onthaal", "contact": {"nam": NAME}})
        self.say("kiosk", "POST", f"{api}/visits", json={"service": "bevolking", "contact": CONTACT})
        self.say("kiosk", "POST", f"{api}/visits", content=f'{{"contact":"{NAME}'.encode())
        self.say("integrator", "PUT", f"{api}/appointments/{REF}", json=slot | {"at": MONDAY[:10]})
        self.say("screen", "POST", f"{api}/visits", json=draw)
        self.metrics = self.say("administrator", "GET", "/metrics").text
        # A server that is going away and one that comes back say what they have to say.
        self.server.stop()
        self.server.start()

    def link(self, answer: httpx.Response) -> str:
        assert answer.status_code == 200, answer.text
        return str(answer.json()["link"]).rpartition("/")[2]

    def watch(self, path: str, role: str | None) -> None:
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}
        address = self.server.base.replace("http", "ws") + path
        with (
            websockets.sync.client.connect(address, additional_headers=headers) as connection,
            contextlib.suppress(ConnectionClosed),
        ):
            self.frames.append(str(connection.recv(10)))

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every table of the database, whole."""
        with contextlib.closing(sqlite3.connect(self.server.database)) as database:
            tables = [
                row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            return {table: database.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables}


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Any:
    server = Onthaal(tmp_path_factory.mktemp("secrets"), house_time=MONDAY)
    try:
        server.start()
        made = Driven(server)
        made.drive()
        yield made
    finally:
        server.close()


def found(canaries: list[str], *places: object) -> list[str]:
    """The canaries that are in any of these places, as text or as bytes."""
    texts = [place if isinstance(place, bytes) else str(place).encode() for place in places]
    return [canary for canary in canaries if any(canary.encode() in text for text in texts)]


def cells(rows: list[tuple[Any, ...]]) -> list[object]:
    return [cell for row in rows for cell in row]


def token_secrets(driven: Driven) -> list[str]:
    return [token.split("_", 2)[2] for token in driven.tokens.values()]


def test_the_canaries_were_really_there(driven: Driven) -> None:
    assert len(set(driven.secrets)) == 2
    assert len(set(driven.sessions)) == len(ROLES) + 1
    assert (
        sum(
            answer.status_code == 200 and "text/html" in answer.headers["content-type"]
            for answer in driven.answers
        )
        > 40
    )
    assert any(answer.status_code == 200 and "/t/" in answer.text for answer in driven.answers)
    assert len(driven.frames) >= 2 + len(ROLES) + 3
    named = [answer for answer in driven.answers if NAME in answer.text or STAFF in answer.text]
    assert {answer.request.url.path.rpartition("/")[2] for answer in named} == {"appointments", "staff"}
    rows = driven.rows()
    assert len(rows["contact"]) == 4
    assert driven.imported.stdout == "1 booked, 0 changed, 0 cancelled, 0 unchanged, 2 bad\n"
    assert rows["answer"]
    assert rows["session"]
    assert len(rows["journal"]) >= 6


def test_the_log_has_none(driven: Driven) -> None:
    log = driven.server.log()
    personal = [*CONTACT.values(), "Canaria", "Kanarie", LOGIN, PASSWORD]
    assert not found([*token_secrets(driven), *driven.secrets, *driven.sessions, KEY, REF, *personal], log)
    assert "/t/" not in log
    assert "/live/" not in log
    assert "Traceback" not in log


def test_an_import_tells_none(driven: Driven) -> None:
    told = driven.imported.stdout + driven.imported.stderr
    assert driven.imported.stderr.count("line ") == 2
    assert not found([*CONTACT.values(), "Canaria", "Zangvogel", PHONE[1:], REF], told)


def test_the_metrics_have_route_templates_only(driven: Driven) -> None:
    canaries = [*token_secrets(driven), *driven.tokens.values(), *driven.secrets, *driven.sessions]
    assert not found([*canaries, KEY, REF, *CONTACT.values(), "mechelen"], driven.metrics)
    routes = {part.split('"')[1] for part in driven.metrics.split("route=")[1:]}
    assert routes >= {"/t/{secret}", "/api/v1/visits/{secret}", "/api/v1/sites/{site}/visits", "/session"}
    assert all(len(part) < 20 for route in routes for part in route.split("/"))


def test_no_view_frame_or_problem_has_any(driven: Driven) -> None:
    canaries = [*token_secrets(driven), *driven.sessions, KEY, *CONTACT.values(), STAFF, LOGIN, PASSWORD]
    for answer in driven.answers:
        asked = str(answer.request.url)
        if answer.status_code == 200 and any(name in asked for name in LOOK_UPS):
            continue
        shown = [answer.content, *(v for k, v in answer.headers.items() if k not in ("set-cookie",))]
        assert not found(canaries, *shown), answer
        asked = answer.request.url.path
        if not (answer.status_code == 200 and b'"link"' in answer.content) and "/t/" not in asked:
            assert not found(driven.secrets, *shown), answer
    assert not found([*canaries, *driven.secrets, REF], *driven.frames)
    # The citizen's page gives its secret to no other place: it names it nowhere.
    for answer in driven.answers:
        if answer.status_code == 200 and answer.request.url.path.startswith("/t/"):
            assert answer.headers["referrer-policy"] == "no-referrer"


def test_the_journal_has_ids_only(driven: Driven) -> None:
    journal = [answer.text for answer in driven.answers if "/journal" in answer.request.url.path]
    personal = [*CONTACT.values(), "Canaria", "Zangvogel", PHONE[1:], STAFF, LOGIN]
    assert not found([*personal, *driven.secrets, KEY, REF], *journal, *cells(driven.rows()["journal"]))


def test_the_database_has_hashes_seals_and_no_links(driven: Driven) -> None:
    rows = driven.rows()
    whole = [cell for table in rows.values() for cell in cells(table)]
    personal = [*CONTACT.values(), "Canaria", "Zangvogel", PHONE[1:], "zangvogel"]
    assert not found([*token_secrets(driven), *driven.tokens.values(), *driven.sessions], *whole)
    assert not found(driven.secrets, *whole)
    assert not found(personal, *whole)
    elsewhere = [cell for name, table in rows.items() if name != "answer" for cell in cells(table)]
    assert found([KEY], *cells(rows["answer"]))
    assert not found([KEY], *elsewhere)


def test_the_files_have_none_either(driven: Driven) -> None:
    """The write-ahead log and free pages included."""
    canaries = [*token_secrets(driven), *driven.sessions, *driven.secrets, *CONTACT.values(), PASSWORD]
    files = [path for path in driven.server.folder.iterdir() if path.name.startswith("onthaal.db")]
    assert {path.name for path in files} >= {"onthaal.db", "onthaal.db.key"}
    for path in files:
        assert not found(canaries, path.read_bytes()), path
        assert path.stat().st_mode & 0o077 == 0, path
