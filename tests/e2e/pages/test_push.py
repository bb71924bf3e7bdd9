"""Messages to a telephone: asked for by a tap alone, shown by the worker, and then told to the house."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from e2e.pages.axe import assert_accessible
from e2e.pages.house import House
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from pushservice import Browser
from running import MECHELEN

from notify import contacts
from server.database import Database
from server.keys import load_keys

pytestmark = pytest.mark.browser

Until = Callable[[Page, Callable[[], bool]], None]

ENDPOINT = "https://fcm.googleapis.com/fcm/send/test"
UPRIGHT = {"width": 390, "height": 844}
# No push service can be reached from here: the subscription is the test's own, the rest is the browser's.
SUBSCRIBED = """(given) => {
    window.asked = 0;
    const request = Notification.requestPermission.bind(Notification);
    Notification.requestPermission = () => { asked += 1; return request(); };
    PushManager.prototype.subscribe = async (wanted) => {
        window.wanted = wanted;
        return { toJSON: () => ({ ...given, expirationTime: null }) };
    };
}"""
SHOWN = """async () => {
    const registration = await navigator.serviceWorker.ready;
    const shown = await registration.getNotifications();
    return shown.map(({ title, body, tag, lang, data }) => ({ title, body, tag, lang, link: data.link }));
}"""


@pytest.fixture(scope="module")
def server(houses: Callable[..., House], tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that sends messages to browsers."""
    config = tmp_path_factory.mktemp("pushing") / "house.toml"
    config.write_text(MECHELEN.read_text() + '\n[channels.push]\ncontact = "mailto:ict@mechelen.be"\n')
    with contextlib.closing(houses(config=config)) as house:
        yield house


class Front:
    """What stands before the server, as in a city: it passes all on, and notes the receipts."""

    def __init__(self, server: House) -> None:
        self.receipts: list[tuple[str, Any]] = []
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if self.path.startswith("/receipt/"):
                    front.receipts.append((self.path, json.loads(body)))
                    # The first is not heard: the worker must say it again.
                    self._answer(503 if len(front.receipts) == 1 else 204, {}, b"")
                else:
                    self._pass(body)

            def do_GET(self) -> None:
                self._pass(b"")

            do_DELETE = do_GET

            def _pass(self, body: bytes) -> None:
                answer = httpx.request(
                    self.command,
                    f"http://127.0.0.1:{server.port}{self.path}",
                    content=body,
                    headers={
                        name: value for name, value in self.headers.items() if name != "Accept-Encoding"
                    },
                )
                own = ("content-length", "content-encoding", "connection", "transfer-encoding")
                kept = {name: value for name, value in answer.headers.items() if name not in own}
                self._answer(answer.status_code, kept, answer.content)

            def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_given: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def kept(server: House, visit: str) -> str | None:
    keys = load_keys(Path(server.database))
    store = Database(server.url)
    try:
        found = store.write_now(lambda connection: contacts.get(connection, keys, visit))
        return found.push if found else None
    finally:
        store.close()


def test_a_tap_subscribes_and_what_is_pushed_is_shown_and_told(
    browser: Chromium, server: House, until: Until
) -> None:
    mine, own = server.walk_in(), Browser()
    context = browser.new_context(viewport=UPRIGHT, locale="nl-BE")  # type: ignore[arg-type]
    with contextlib.closing(Front(server)) as front, contextlib.closing(context):
        context.grant_permissions(["notifications"], origin=front.url)
        page = context.new_page()
        given = own.subscription(ENDPOINT)
        page.add_init_script(f"({SUBSCRIBED})({given})")
        page.goto(front.url + "/t/" + mine["link"].rpartition("/")[2])
        button = page.get_by_role("button", name="Verwittig mij op deze telefoon")
        expect(button).to_be_visible()
        assert page.evaluate("() => asked") == 0
        assert_accessible(page)
        assert kept(server, mine["visit"]) is None
        button.click()
        expect(page.locator("#push [role=status]")).to_have_text(
            "Deze telefoon verwittigt u, ook als deze pagina gesloten is."
        )
        assert page.evaluate("() => asked") == 1
        assert json.loads(kept(server, mine["visit"]) or "") == json.loads(given)
        wanted = page.evaluate("() => wanted")
        assert wanted["userVisibleOnly"] is True
        assert wanted["applicationServerKey"] == page.locator("#push").get_attribute("data-push")

        workers = context.new_cdp_session(page)
        found: list[str] = []
        workers.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda told: found.extend(each["registrationId"] for each in told["registrations"]),
        )
        workers.send("ServiceWorker.enable")
        until(page, lambda: bool(found))
        message = {
            "title": "Bijna aan de beurt",
            "body": "Nog 2 personen vóór u.",
            "link": page.url,
            "delivery": "d1",
            "receipt": front.url + "/receipt/1",
            "language": "nl",
        }
        for data in (json.dumps(message), json.dumps(message), "nonsense"):
            workers.send(
                "ServiceWorker.deliverPushMessage",
                {"origin": front.url, "registrationId": found[-1], "data": data},
            )
        until(page, lambda: len(front.receipts) >= 3)
        assert set(map(str, front.receipts)) == {str(("/receipt/1", {"shown": True}))}
        until(page, lambda: len(page.evaluate(SHOWN)) == 2)
        shown = {each.pop("tag"): each for each in page.evaluate(SHOWN)}
        assert shown["d1"] == {
            "title": message["title"],
            "body": message["body"],
            "lang": "nl",
            "link": page.url,
        }
        assert shown[""]["title"] == "Onthaal"

        page.get_by_role("button", name="Verwittig mij niet meer").click()
        expect(button).to_be_visible()
        assert kept(server, mine["visit"]) is None


def test_who_cannot_be_told_reads_why(browser: Chromium, server: House) -> None:
    link = server.walk_in()["link"]
    context = browser.new_context(viewport=UPRIGHT, locale="fr-BE")  # type: ignore[arg-type]
    with contextlib.closing(context):
        page = context.new_page()
        page.add_init_script("Notification.requestPermission = async () => 'denied';")
        page.goto(link)
        page.get_by_role("button", name="Me prévenir sur ce téléphone").click()
        told = page.locator("#push [role=status]")
        expect(told).to_contain_text("Votre navigateur bloque les messages")
        # There is no push service: the browser itself refuses.
        page.evaluate("() => { Notification.requestPermission = async () => 'granted'; }")
        page.get_by_role("button", name="Me prévenir sur ce téléphone").click()
        expect(told).to_contain_text("Cela ne fonctionne pas dans ce navigateur")
    phone = browser.new_context(
        viewport=UPRIGHT,  # type: ignore[arg-type]
        user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
    )
    with contextlib.closing(phone):
        page = phone.new_page()
        page.add_init_script("delete window.PushManager;")
        page.goto(link)
        expect(page.locator("#push")).to_have_text(
            "To be told on this telephone, first add this page to your Home Screen."
        )
        expect(page.locator("#push button")).to_have_count(0)
