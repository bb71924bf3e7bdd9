"""Screens and kiosks that are let in by a code: what each side gets, what is bounded, what ends at once."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import program
import pytest
import web
import websockets.sync.client
from documented import Document, check_problem
from mechelens import mechelens
from running import Onthaal, onthaal
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from server.limits import KEYS, Limit

USER_CODE = re.compile(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}")


class Hall:
    """A server with devices that ask, and a supervisor who answers."""

    def __init__(self, server: Onthaal) -> None:
        self.server = server
        self.own = {"Origin": server.base}
        document = Document(server)
        self.supervisor = document.watch(server.client("supervisor"))
        self.path = "/sites/mechelen/devices"

    def code(self, kind: str = "screen") -> dict[str, Any]:
        """A device asks; what it gets."""
        answer = web.post(self.server.base + "/device/code", json={"kind": kind})
        assert answer.status_code == 200, answer.text
        given: dict[str, Any] = answer.json()
        return given

    def poll(self, given: dict[str, Any], want: str = "session") -> httpx.Response:
        """A device asks whether it was let in, no faster than it may."""
        body = {"device_code": given["device_code"], "want": want}
        while True:
            answer = web.post(self.server.base + "/device/token", json=body, headers=self.own)
            if answer.is_success or answer.json().get("error") != "slow_down":
                return answer
            time.sleep(0.05)  # the answer is the condition: only how often it is asked for is bounded here

    def let_in(self, given: dict[str, Any], **what: Any) -> str:
        """The supervisor lets the device in; its id."""
        body = {"code": given["user_code"], "role": "screen", "screen": "hall", "name": "Grote zaal"} | what
        answer = self.supervisor.post(self.path, json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["device"])

    def listed(self) -> dict[str, Any]:
        """The devices that are let in, by id."""
        return {device["id"]: device for device in self.supervisor.get(self.path).json()["devices"]}

    def sees(self, headers: dict[str, str]) -> int:
        """The status with which the site is shown."""
        return web.get(self.server.base + "/api/v1/sites/mechelen", headers=headers).status_code

    def sql(self, statement: str) -> None:
        """Change the database behind the server's back."""
        with contextlib.closing(sqlite3.connect(self.server.database, timeout=10)) as database:
            database.execute(statement)
            database.commit()


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with onthaal(tmp_path_factory.mktemp("devices")) as running:
        yield Hall(running)
        assert "Traceback" not in running.log()


@pytest.fixture(autouse=True)
def _nobody_asks(hall: Hall) -> None:
    """Each test begins without devices."""
    hall.sql("DELETE FROM pairing")
    hall.sql("DELETE FROM device")


def cookie(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_screen_s_way_in(hall: Hall) -> None:
    given = hall.code()
    assert USER_CODE.fullmatch(given["user_code"])
    assert given["verification_uri"] == hall.server.base + "/devices"
    assert (given["expires_in"], given["interval"]) == (600, 2)
    assert len(given["device_code"]) >= 43
    problem = check_problem(hall.poll(given), 400, "authorization-pending")
    assert problem["error"] == "authorization_pending"
    typed = given["user_code"].replace("-", " ").lower()
    asks = hall.supervisor.get(hall.path + "/asking", params={"code": typed}).json()
    assert (asks["code"], asks["kind"], asks["address"]) == (given["user_code"], "screen", "127.0.0.1")
    device = hall.let_in(given)
    assert hall.listed()[device]["last_seen_at"] is None
    answer = hall.poll(given)
    assert answer.json() == {
        "role": "screen",
        "site": "mechelen",
        "screen": "hall",
        "home": "/mechelen/hall?screen=hall",
    }
    made = answer.headers["set-cookie"].lower()
    for part in ("__host-onthaal=", "secure", "httponly", "samesite=strict", "path=/", "max-age=34560000"):
        assert part in made
    mine = cookie(answer)
    assert hall.sees(mine) == 200
    assert hall.listed()[device]["last_seen_at"] is not None
    # Where it starts, it is sent on; its time is counted anew, so that it lasts as long as it is used.
    hall.sql("UPDATE session SET expires_at = expires_at - 30000000000000")
    start = web.get(hall.server.base + "/screen", headers=mine)
    assert (start.status_code, start.headers["location"]) == (303, "/mechelen/hall?screen=hall")
    assert start.headers["set-cookie"].partition(";")[0] == mine["Cookie"]
    page = web.get(hall.server.base + "/mechelen/hall?screen=hall", headers=mine)
    assert page.status_code == 200
    assert "max-age=34560000" in page.headers["set-cookie"].lower()
    with contextlib.closing(sqlite3.connect(hall.server.database)) as database:
        (ends,) = database.execute("SELECT max(expires_at) FROM session").fetchone()
    assert ends / 1e6 - time.time() > 399 * 86_400


def test_a_kiosk_s_program_gets_a_bearer_token(hall: Hall) -> None:
    given = hall.code("kiosk")
    device = hall.let_in(given, role="kiosk", screen=None, name="Inkom")
    body = {"device_code": given["device_code"], "want": "token"}
    answer = web.post(hall.server.base + "/device/token", json=body)
    told = answer.json()
    assert (told["token_type"], told["role"], told["home"]) == ("bearer", "kiosk", "/mechelen")
    assert "set-cookie" not in answer.headers
    headers = {"Authorization": f"Bearer {told['access_token']}", "Idempotency-Key": "kiosk-1"}
    path = hall.server.base + "/api/v1/sites/mechelen/visits"
    assert web.post(path, json={"service": "onthaal"}, headers=headers).status_code == 200
    assert hall.supervisor.post(f"{hall.path}/{device}/revoke").status_code == 200
    headers["Idempotency-Key"] = "kiosk-2"
    answer = web.post(path, json={"service": "onthaal"}, headers=headers)
    check_problem(answer, 401, "not-signed-in")


def test_a_code_is_good_for_one_device_and_one_confirmation(hall: Hall) -> None:
    given = hall.code()
    first = hall.let_in(given)
    again = {"code": given["user_code"], "role": "screen", "screen": "counters", "name": "x"}
    check_problem(hall.supervisor.post(hall.path, json=again), 404, "unknown-code")
    # An answer that was lost is made again, and what was lost with it opens nothing.
    lost, mine = cookie(hall.poll(given)), cookie(hall.poll(given))
    assert hall.sees(lost) == 401
    assert hall.sees(mine) == 200
    # Once it was used, the code is over.
    check_problem(hall.poll(given), 400, "expired-token")
    assert hall.sees(mine) == 200
    assert list(hall.listed()) == [first]


def test_a_double_press_lets_one_device_in(hall: Hall) -> None:
    given = hall.code()
    body = {"code": given["user_code"], "role": "screen", "screen": "hall", "name": "Grote zaal"}
    key = {"Idempotency-Key": "twice"}
    first, second = (hall.supervisor.post(hall.path, json=body, headers=key) for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert first.content == second.content
    other = hall.supervisor.post(hall.path, json=body | {"name": "Elders"}, headers=key)
    check_problem(other, 422, "idempotency-key-reused")
    assert len(hall.listed()) == 1


def test_a_device_that_is_turned_down_or_too_late_gets_nothing(hall: Hall) -> None:
    given, late, strange = hall.code(), hall.code(), {"device_code": "x" * 43}
    denied = hall.supervisor.post(hall.path + "/deny", json={"code": given["user_code"]})
    assert denied.json() == {"code": given["user_code"]}
    assert check_problem(hall.poll(given), 400, "access-denied")["error"] == "access_denied"
    confirmed = {"code": given["user_code"], "role": "screen", "screen": "hall", "name": "x"}
    check_problem(hall.supervisor.post(hall.path, json=confirmed), 404, "unknown-code")
    hall.sql(f"UPDATE pairing SET expires_at = {time.time_ns() // 1000}")
    for over in (late, strange):
        assert check_problem(hall.poll(over), 400, "expired-token")["error"] == "expired_token"
    asks = hall.supervisor.get(hall.path + "/asking", params={"code": late["user_code"]})
    check_problem(asks, 404, "unknown-code")


def test_polling_is_paced(hall: Hall) -> None:
    given = hall.code()
    body = {"device_code": given["device_code"]}
    told = [
        web.post(hall.server.base + "/device/token", json=body, headers=hall.own).json()["error"]
        for _ in range(3)
    ]
    assert told[0] == "authorization_pending"
    assert "slow_down" in told[1:]


def test_codes_that_wait_are_bounded(hall: Hall) -> None:
    for _ in range(20):
        hall.code()
    answer = web.post(hall.server.base + "/device/code", json={})
    check_problem(answer, 429, "too-many-codes")
    assert answer.headers["retry-after"] == "60"
    # Those of other addresses are not crowded out, until there are too many of all.
    hall.sql("UPDATE pairing SET address = '192.0.2.' || rowid")
    hall.code()
    hall.sql("UPDATE pairing SET expires_at = 0")
    hall.code()


def test_who_guesses_codes_is_stopped(tmp_path: Any) -> None:
    with onthaal(tmp_path) as running:
        hall = Hall(running)
        given = hall.code()
        path = hall.path + "/asking"
        for _ in range(10):
            check_problem(hall.supervisor.get(path, params={"code": "BBBB-BBBB"}), 404, "unknown-code")
        for asked in (
            hall.supervisor.get(path, params={"code": given["user_code"]}),
            hall.supervisor.post(hall.path + "/deny", json={"code": given["user_code"]}),
        ):
            check_problem(asked, 429, "too-many-guesses")
            assert 500 < int(asked.headers["retry-after"]) <= 600
        # Somebody else is not held up by it.
        other = running.client("administrator").get(path, params={"code": given["user_code"]})
        assert other.status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"role": "screen", "screen": "nowhere", "name": "x"}, 422, "unknown-screen"),
        ({"role": "screen", "name": "x"}, 422, "unknown-screen"),
        ({"role": "kiosk", "screen": "hall", "name": "x"}, 422, "invalid-body"),
        ({"role": "supervisor", "name": "x"}, 422, "invalid-body"),
        ({"role": "administrator", "name": "x"}, 422, "invalid-body"),
        ({"role": "kiosk", "name": ""}, 422, "invalid-body"),
        ({"role": "kiosk", "name": "x\n"}, 422, "invalid-body"),
        ({"role": "kiosk", "name": "x" * 61}, 422, "invalid-body"),
        ({"role": "kiosk"}, 422, "invalid-body"),
    ],
)
def test_a_device_is_a_screen_of_the_house_or_a_kiosk(
    hall: Hall, body: dict[str, Any], status: int, code: str
) -> None:
    given = hall.code()
    answer = hall.supervisor.post(hall.path, json={"code": given["user_code"], **body})
    check_problem(answer, status, code)
    check_problem(hall.poll(given), 400, "authorization-pending")


@pytest.mark.parametrize("how", ["page", "command", "token", "another"])
def test_a_device_that_is_let_out_is_nobody_at_once(hall: Hall, how: str) -> None:
    given = hall.code()
    device = hall.let_in(given)
    mine = cookie(hall.poll(given))
    with websockets.sync.client.connect(
        hall.server.live + "/mechelen/hall", additional_headers=mine, origin=hall.server.base
    ) as watching:
        assert '"view"' in watching.recv(10)
        if how == "page":
            key = {"Idempotency-Key": f"out-{device}"}
            for _ in range(2):
                answer = hall.supervisor.post(f"{hall.path}/{device}/revoke", headers=key)
                assert answer.json() == {"device": device}
        elif how == "another":
            other = hall.code()
            hall.let_in(other)
            assert hall.sees(cookie(hall.poll(other))) == 200
        else:
            token = next(line for line in listed_tokens(hall) if "screen" in line).split("\t")[0]
            words = ("device", "revoke", device) if how == "command" else ("token", "revoke", token)
            assert command(hall, *words).returncode == 0
        if how in ("page", "another"):
            # Whoever watches goes at once, long before viewers are asked again in any case.
            assert closed_with(watching) == 4401
            assert hall.sees(mine) == 401
        else:
            until(lambda: hall.sees(mine) == 401)
    assert device not in hall.listed()
    start = web.get(hall.server.base + "/screen", headers=mine)
    assert start.status_code == 200
    onward = web.get(hall.server.base + "/mechelen/hall?screen=hall", headers=mine)
    assert (onward.status_code, onward.headers["location"]) == (303, "/screen")
    # The code does not let it in again either.
    assert hall.poll(given).status_code == 400
    line = next(line for line in command(hall, "device", "list").stdout.splitlines() if device in line)
    assert line.split("\t")[-1] != "-"


def closed_with(watching: ClientConnection) -> int | None:
    """The code with which a connection is closed, well before its next routine check."""
    deadline = time.monotonic() + 15
    with contextlib.suppress(ConnectionClosed):
        while time.monotonic() < deadline:
            watching.recv(deadline - time.monotonic())
    return watching.protocol.close_code


def command(hall: Hall, *words: str) -> subprocess.CompletedProcess[str]:
    return program.run(*words, "--database", hall.server.url)


def listed_tokens(hall: Hall) -> list[str]:
    """The lines of the newest tokens first."""
    return command(hall, "token", "list").stdout.splitlines()[::-1]


def test_a_device_of_another_site_is_not_there(tmp_path: Any) -> None:
    with onthaal(tmp_path, config=mechelens(tmp_path, 2)) as running:
        hall = Hall(running)
        headers = {"Authorization": f"Bearer {running.token('supervisor', site='house-1')}"}
        other = {"Authorization": f"Bearer {running.token('supervisor', site='house-2')}"}
        given = hall.code()
        body = {"code": given["user_code"], "role": "screen", "screen": "hall", "name": "x"}
        api = running.base + "/api/v1/sites"
        made = web.post(f"{api}/house-1/devices", json=body, headers={**headers, "Idempotency-Key": "1"})
        device = made.json()["device"]
        assert hall.poll(given).json()["home"] == "/house-1/hall?screen=hall"
        gone = web.post(f"{api}/house-2/devices/{device}/revoke", headers={**other, "Idempotency-Key": "2"})
        check_problem(gone, 404, "unknown-device")
        assert web.get(f"{api}/house-2/devices", headers=other).json()["devices"] == []
        assert len(web.get(f"{api}/house-1/devices", headers=headers).json()["devices"]) == 1


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example"])
def test_another_house_s_page_cannot_make_a_browser_a_screen(hall: Hall, origin: str | None) -> None:
    given = hall.code()
    hall.let_in(given)
    foreign = {} if origin is None else {"Origin": origin}
    body = {"device_code": given["device_code"]}
    answer = web.post(hall.server.base + "/device/token", json=body, headers=foreign)
    check_problem(answer, 403, "foreign-origin")
    assert "set-cookie" not in answer.headers
    if origin is not None:
        for path, sent in (("token", body | {"want": "token"}), ("code", {})):
            answer = web.post(f"{hall.server.base}/device/{path}", json=sent, headers=foreign)
            check_problem(answer, 403, "foreign-origin")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("code", {"kind": "supervisor"}),
        ("code", {"more": 1}),
        ("token", {}),
        ("token", {"device_code": 1}),
        ("token", {"device_code": "x" * 101}),
        ("token", {"device_code": "x", "want": "everything"}),
    ],
)
def test_what_is_no_request_of_a_device(hall: Hall, path: str, body: dict[str, Any]) -> None:
    answer = web.post(f"{hall.server.base}/device/{path}", json=body, headers=hall.own)
    check_problem(answer, 422, "invalid-body")


def test_a_limit_lets_go_and_forgets() -> None:
    now = 0.0
    limit = Limit(2, 10.0, lambda: now)
    for asker in ("a", "a", "b"):
        assert limit.left_s(asker) == 0
        limit.count(asker)
        now += 1
    assert (limit.left_s("a"), limit.left_s("b")) == (7, 0)
    now = 10.0
    assert limit.left_s("a") == 0
    for number in range(KEYS):
        limit.count(str(number))
    limit.count("a")
    assert limit.left_s("a") == 0
