"""What a ticket's link gives: its page in the citizen's language, its QR code, and a way out of the queue."""

from __future__ import annotations

import json
import re
import stat
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
import segno
import web
from click.testing import CliRunner
from documented import Document, check_problem
from pushservice import Browser
from running import MECHELEN, Onthaal, onthaal

from notify import contacts
from notify.contacts import Contact
from server.database import Database
from server.keys import load_keys
from server.keys_command import command as keys_command

SITE = "/sites/mechelen"
FOREIGN = ("http://evil.example", "https://evil.example", "null", "file://")


class Desk:
    """A server, the tickets drawn there, and its journal."""

    def __init__(self, server: Onthaal) -> None:
        self.server = server
        self.anybody = Document(server).watch(server.client(None))
        self._clients = {
            role: server.client(role) for role in ("kiosk", "counter", "reception", "supervisor")
        }
        self.post("counter", "/counters/1/open")

    def post(self, role: str, path: str, body: Any = None) -> Any:
        answer = self._clients[role].post(SITE + path, json=body or {})
        assert answer.is_success, answer.text
        return answer.json()

    def draw(self, **more: Any) -> str:
        """A walk-in's secret."""
        drawn = self.post("kiosk", "/visits", {"service": "onthaal", **more})
        return str(drawn["link"].rpartition("/")[2])

    def status(self, secret: str) -> str:
        return str(self.anybody.get(f"/visits/{secret}").json()["view"]["status"])

    def left(self) -> int:
        """How often anybody left, by the journal."""
        entries = (
            self._clients["supervisor"].get(f"{SITE}/journal", params={"after": 0, "limit": 1000}).json()
        )
        return sum(entry["kind"] == "visit-left" for entry in entries["entries"])

    def page(self, path: str, **headers: str) -> httpx.Response:
        return web.get(self.server.base + path, headers={"Accept": "text/html", **headers})

    def form(self, secret: str, query: str = "", **headers: str) -> httpx.Response:
        """What a browser sends for the page's form."""
        ours = {"Accept": "text/html", "Origin": "null", "Sec-Fetch-Site": "same-origin"}
        sent = {name: value for name, value in {**ours, **headers}.items() if value}
        return web.post(f"{self.server.base}/t/{secret}/leave{query}", headers=sent)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with onthaal(tmp_path_factory.mktemp("tickets")) as server:
        yield Desk(server)


# --- leaving ----------------------------------------------------------------------------------------


def test_leaving_by_the_form_leads_back_and_may_be_repeated(desk: Desk) -> None:
    secret, before = desk.draw(), desk.left()
    for _ in range(3):
        answer = desk.form(secret, "?lang=fr")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/t/{secret}?lang=fr")
    assert desk.status(secret) == "left"
    assert desk.left() == before + 1
    # A page of the server's own public address, a program without Origin, and a made-up language.
    for headers in ({"Origin": desk.server.base}, {"Origin": ""}):
        again = desk.draw()
        answer = desk.form(again, "?lang=xx", **headers)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/t/{again}")
        assert desk.status(again) == "left"


def test_leaving_by_the_api_is_idempotent_under_its_key(desk: Desk) -> None:
    secret, before = desk.draw(), desk.left()
    path, key = f"/visits/{secret}/leave", {"Idempotency-Key": "leave-once"}
    first = desk.anybody.post(path, headers=key)
    assert first.status_code == 200, first.text
    assert first.json()["status"] == "left"
    assert desk.anybody.post(path, headers=key).content == first.content
    assert desk.anybody.post(path, json={}).json()["status"] == "left"  # under a key of its own
    assert desk.left() == before + 1
    # The key is this visit's own: another's request under it is another request.
    other = desk.draw()
    assert desk.anybody.post(f"/visits/{other}/leave", headers=key).json()["status"] == "left"


def test_what_is_wrong_with_leaving_is_said(desk: Desk) -> None:
    secret, before = desk.draw(), desk.left()
    path = f"/visits/{secret}/leave"
    check_problem(web.post(desk.server.base + "/api/v1" + path), 400, "idempotency-key-required")
    check_problem(desk.anybody.post(path, headers={"Idempotency-Key": "a b"}), 400, "idempotency-key-invalid")
    check_problem(desk.anybody.post(path, json={"why": "x"}), 422, "invalid-body")
    check_problem(desk.anybody.post(path, data={"a": "b"}), 415, "not-json")
    check_problem(desk.anybody.post("/visits/nobody/leave"), 404, "unknown-ticket")
    assert desk.form("nobody").status_code == 404
    for method in ("PUT", "DELETE"):
        assert web.request(method, f"{desk.server.base}/t/{secret}/leave").status_code == 405
    assert (desk.status(secret), desk.left()) == ("waiting", before)
    desk.form(secret)


def test_a_page_of_another_site_cannot_make_anybody_leave(desk: Desk) -> None:
    secret, before = desk.draw(), desk.left()
    for origin in FOREIGN:
        for site in ("cross-site", "same-site", ""):
            answer = desk.form(secret, Origin=origin, **{"Sec-Fetch-Site": site})
            assert answer.status_code == 403, (origin, site)
        answer = desk.anybody.post(f"/visits/{secret}/leave", headers={"Origin": origin})
        check_problem(answer, 403, "foreign-origin")
    assert (desk.status(secret), desk.left()) == ("waiting", before)
    desk.form(secret)


def test_opening_any_address_of_a_ticket_changes_nothing(desk: Desk) -> None:
    secret, before = desk.draw(), desk.left()
    paths = ["", "/leave", "/leave?lang=fr", "/leave?sure=yes", "?leave=1", "/qr.svg"]
    for path in paths:
        for method in ("GET", "HEAD"):
            answer = web.request(method, f"{desk.server.base}/t/{secret}{path}")
            assert answer.status_code == 200, (method, path)
    assert web.get(f"{desk.server.base}/api/v1/visits/{secret}/leave").status_code == 405
    assert (desk.status(secret), desk.left()) == ("waiting", before)
    desk.form(secret)


def test_who_was_called_is_told_so_in_words(desk: Desk) -> None:
    secret, before = desk.draw(), desk.left()
    desk.post("counter", "/counters/1/next")
    told = {"called": "U bent al opgeroepen.", "serving": "U wordt al geholpen.", "served": "al afgesloten"}
    for status, words in told.items():
        assert desk.status(secret) == status
        answer = desk.form(secret)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/t/{secret}/leave")
        page = desk.page(answer.headers["location"]).text
        assert words in page
        assert 'id="sure"' not in page
        check_problem(desk.anybody.post(f"/visits/{secret}/leave"), 409, "not-waiting")
        if status != "served":
            desk.post("counter", f"/counters/1/{'start' if status == 'called' else 'finish'}")
    assert desk.left() == before


# --- languages --------------------------------------------------------------------------------------


def test_the_page_speaks_the_language_chosen_then_the_visit_s_then_the_browser_s(desk: Desk) -> None:
    own, plain, rare = desk.draw(language="fr"), desk.draw(), desk.draw(language="ar")
    german = "de-DE,de;q=0.9,en;q=0.5"
    for secret, query, accept, language in [
        (plain, "", "", "nl"),
        (plain, "", german, "de"),
        (plain, "", "tr,ja;q=0.5", "nl"),
        (own, "", german, "fr"),
        (own, "?lang=en", german, "en"),
        (own, "?lang=xx", german, "fr"),
        (own, "?lang=%00&lang=en", german, "en"),
        (rare, "", german, "de"),
        (rare, "", "", "nl"),
    ]:
        for path in ("", "/leave"):
            page = desk.page(f"/t/{secret}{path}{query}", **({"Accept-Language": accept} if accept else {}))
            assert page.headers["content-language"] == language, (query, accept)
            assert page.headers["vary"] == "Accept-Language"
            assert f'<html lang="{language}" dir="ltr">' in page.text
            kept = f"/leave?lang={language}" if "lang=en" in query else "/leave"
            assert f'action="/t/{secret}{kept}"' in page.text
            links = re.findall(r'<a href="([^"]+)" lang="(\w+)" hreflang="(\w+)"[^>]*>(\w+)</a>', page.text)
            assert [link[3] for link in links] == ["Nederlands", "Français", "English", "Deutsch"]
            assert all(href == f"/t/{secret}?lang={tag}" for href, tag, _tag, _name in links)
    for secret in (own, plain, rare):
        desk.form(secret)


def test_a_link_that_leads_nowhere_says_so_in_the_language_of_who_asks(desk: Desk) -> None:
    for headers, query, words in (
        ({}, "", "Dit ticket is niet van vandaag"),
        ({"Accept-Language": "en-GB"}, "", "This ticket is not of today"),
        ({"Accept-Language": "en-GB"}, "?lang=de", "Dieses Ticket ist nicht von heute"),
    ):
        page = desk.page(f"/t/nobody{query}", **headers)
        assert page.status_code == 404
        assert words in page.text


# --- the QR code ------------------------------------------------------------------------------------


def test_the_qr_code_holds_the_link(desk: Desk) -> None:
    secret = desk.draw()
    answer = web.get(f"{desk.server.base}/t/{secret}/qr.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cache-control"] == "private, no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    picture = ET.fromstring(answer.content)
    assert {element.tag.rpartition("}")[2] for element in picture.iter()} == {"svg", "path"}
    code = segno.make_qr(f"{desk.server.base}/t/{secret}", error="m")
    assert code.error in ("M", "Q", "H")
    side = len(code.matrix) + 2 * 4
    assert picture.get("viewBox") == f"0 0 {side} {side}"
    light, dark = picture
    assert (light.get("fill"), dark.get("stroke")) == ("#fff", "#000")
    assert drawn(dark.get("d") or "", side) == [
        [bool(cell) for cell in row] for row in code.matrix_iter(border=4)
    ]
    check_problem(web.get(f"{desk.server.base}/t/{secret[:-1]}/qr.svg"), 404, "unknown-ticket")
    desk.form(secret)


def drawn(path: str, side: int) -> list[list[bool]]:
    """The modules that strokes one unit wide make dark: `M x y`, `m dx dy`, `h length`, as SVG has them."""
    cells = [[False] * side for _ in range(side)]
    x = y = 0.0
    for letter, rest in re.findall(r"([Mmh])([^Mmh]*)", path):
        values = [float(value) for value in re.findall(r"-?[\d.]+", rest)]
        if letter == "h":
            for column in range(int(x), int(x + values[0])):
                cells[int(y)][column] = True
            x += values[0]
        else:
            x, y = values if letter == "M" else (x + values[0], y + values[1])
    return cells


# --- the worker -------------------------------------------------------------------------------------


def test_the_service_worker_is_served_for_the_whole_origin(desk: Desk) -> None:
    answer = web.get(desk.server.base + "/sw.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["service-worker-allowed"] == "/"
    assert answer.headers["cache-control"] == "no-cache"


# --- messages to this browser -----------------------------------------------------------------------


PUSHING = '\n[channels.push]\ncontact = "mailto:ict@mechelen.be"\n'
ENDPOINT = "https://fcm.googleapis.com/fcm/send/abc"


@pytest.fixture(scope="module")
def pushing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("pushing")
    config = folder / "house.toml"
    config.write_text(MECHELEN.read_text() + PUSHING)
    with onthaal(folder, config=config) as server:
        yield Desk(server)


def subscribe(
    desk: Desk, secret: str, body: str | None, method: str = "POST", **headers: str
) -> httpx.Response:
    """What a browser sends for the page's button."""
    ours = {"Origin": "null", "Sec-Fetch-Site": "same-origin", **headers}
    return web.request(method, f"{desk.server.base}/t/{secret}/push", content=body, headers=ours)


def kept(desk: Desk, secret: str) -> Contact | None:
    keys = load_keys(desk.server.database)
    visit = keys.visit_of(secret)
    assert visit is not None
    store = Database(desk.server.url)
    try:
        return store.write_now(lambda connection: contacts.get(connection, keys, visit))
    finally:
        store.close()


def test_a_subscription_is_kept_beside_the_rest_and_forgotten_again(pushing: Desk) -> None:
    body = Browser().subscription(ENDPOINT)
    for contact in (None, {"name": "Jan", "phone": "+32470123456"}):
        secret = pushing.draw(**({"contact": contact} if contact else {}))
        rest = None if contact is None else Contact(**contact)
        assert kept(pushing, secret) == rest
        for _ in range(2):
            assert subscribe(pushing, secret, body).status_code == 204
        found = kept(pushing, secret)
        assert found is not None
        assert json.loads(found.push or "") == json.loads(body)
        assert msgspec.structs.replace(found, push=None) == (rest or Contact())
        for _ in range(2):
            assert subscribe(pushing, secret, None, "DELETE").status_code == 204
        assert kept(pushing, secret) == rest
    assert b"fcm.googleapis" not in pushing.server.database.read_bytes()


def test_what_is_wrong_with_a_subscription_is_said_and_nothing_kept(pushing: Desk, desk: Desk) -> None:
    secret, good = pushing.draw(), Browser().subscription(ENDPOINT)
    for body in ("", "{}", "[" * 100_000, Browser().subscription("https://127.0.0.1/x")):
        long = len(body) > 65_536
        wanted = (413, "body-too-large") if long else (422, "bad-subscription")
        check_problem(subscribe(pushing, secret, body), *wanted)
    for origin in FOREIGN:
        answer = subscribe(pushing, secret, good, **{"Origin": origin, "Sec-Fetch-Site": "cross-site"})
        check_problem(answer, 403, "foreign-origin")
    check_problem(subscribe(pushing, "nobody", good), 404, "unknown-ticket")
    assert subscribe(pushing, secret, None, "GET").status_code == 405
    assert kept(pushing, secret) is None
    # A house that sends none takes none, and its page has no button for it.
    other = desk.draw()
    check_problem(subscribe(desk, other, good), 404, "no-push")
    assert kept(desk, other) is None
    assert "data-push" not in desk.page(f"/t/{other}").text


def test_the_page_has_the_key_that_the_command_prints(pushing: Desk) -> None:
    page = pushing.page(f"/t/{pushing.draw()}").text
    printed = CliRunner().invoke(keys_command, ["--database", pushing.server.url]).stdout
    assert f'data-push="{printed.strip()}"' in page
    file = pushing.server.database.with_name("onthaal.db.vapid")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nobody_else_may_write_a_subscription(pushing: Desk) -> None:
    contact = {"name": "Jan", "push": Browser().subscription(ENDPOINT)}
    client = pushing.server.client("reception")
    answer = client.post(f"{SITE}/visits", json={"service": "onthaal", "contact": contact})
    check_problem(answer, 422, "invalid-body")
