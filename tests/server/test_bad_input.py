"""What is wrong with a request is said clearly, with a stable code; never a 500, never a lost ticket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import web
from documented import Document, check_problem
from mechelens import mechelens
from running import Onthaal, onthaal

SITE = "/sites/mechelen"
VISITS = SITE + "/visits"
BOOKING = SITE + "/appointments/B-1"
TEN_MB = 10 * 1024 * 1024


class Hall:
    """A server whose journal is seen to stay as it was."""

    def __init__(self, server: Onthaal) -> None:
        self.server = server
        self._document = Document(server)
        self._clients: dict[str | None, httpx.Client] = {}

    def client(self, role: str | None) -> httpx.Client:
        if role not in self._clients:
            self._clients[role] = self._document.watch(self.server.client(role))
        return self._clients[role]

    def head(self) -> int:
        """The journal's newest seq."""
        seq: int = self.client("supervisor").get(SITE + "/views/hall").json()["seq"]
        return seq

    def refused(self, role: str | None, method: str, path: str, status: int, code: str, **sent: Any) -> Any:
        """A request that is refused so and changes nothing; its problem."""
        before = self.head()
        problem = check_problem(self.client(role).request(method, path, **sent), status, code)
        assert self.head() == before
        return problem


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A morning with one ticket that waits, which must be there at the end as well."""
    with onthaal(tmp_path_factory.mktemp("bad")) as running:
        hall = Hall(running)
        drawn = hall.client("kiosk").post(VISITS, json={"service": "onthaal"}).json()
        assert drawn["ticket"] == "A001"
        yield hall
        ticket = web.get(f"{running.base}/api/v1/visits/{drawn['link'].rpartition('/')[2]}").json()
        assert ticket["view"]["status"] == "waiting"
        assert " 500" not in running.log()
        assert "Traceback" not in running.log()


def post(body: bytes | str, kind: str | None = "application/json") -> dict[str, Any]:
    """A request's raw body, as the type that it claims to be."""
    headers = {} if kind is None else {"Content-Type": kind}
    return {"content": body, "headers": headers}


# --- the body -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "nearest"),
    [("onthal", "onthaal"), ("Onthaal", "onthaal"), ("atesten", "attesten"), ("xyz", None)],
)
def test_an_unknown_service(hall: Hall, given: str, nearest: str | None) -> None:
    told = hall.refused("kiosk", "POST", VISITS, 422, "unknown-service", json={"service": given})
    assert told["service"] == given
    assert told.get("nearest") == nearest
    assert (f"Did you mean {nearest}?" in told["detail"]) == (nearest is not None)
    body = {"service": given, "at": "2026-11-24T10:00:00Z"}
    assert hall.refused("integrator", "PUT", BOOKING, 422, "unknown-service", json=body) == told
    then = {"service": "onthaal", "then": [given]}
    assert hall.refused("kiosk", "POST", VISITS, 422, "unknown-service", json=then) == told


@pytest.mark.parametrize(
    "body",
    [
        *(b"{", b"}", b"nul", b"NaN", b'{"service":"onthaal"', b'{"service":"onthaal"}}', b"\x00"),
        *(b'{"service":onthaal}', b"{'service':'onthaal'}", b'{"service":"\\ud800x"}', b'{"a":1}{"b":2}'),
        *(b'{"service":"\xff"}', "{}".encode("utf-16"), b'\xef\xbb\xbf{"service":"onthaal"}'),
        *(b'{"service":"' + b"a" * 1000, b'{"x":' * 9000, b'{"service":"onthaal","contact":' + b"[" * 60_000),
    ],
    ids=lambda body: repr(body[:20]),
)
def test_malformed_json(hall: Hall, body: bytes) -> None:
    answer = hall.client("kiosk").post(VISITS, **post(body))
    assert answer.status_code in (400, 422)
    problem = check_problem(answer)
    assert problem["code"] in ("malformed-json", "invalid-body")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"service":['])
def test_deeply_nested_json(hall: Hall, opening: bytes) -> None:
    body = opening * (60_000 // len(opening))
    closed = body + (b"]" if opening[-1:] == b"[" else b"1")
    for raw in (body, closed):
        answer = hall.client("kiosk").post(VISITS, **post(raw))
        assert answer.status_code in (400, 422)
        check_problem(answer)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, None),
        ([], None),
        (None, None),
        ("onthaal", None),
        ({"service": None}, "service"),
        ({"service": 7}, "service"),
        ({"service": ""}, "service"),
        ({"service": "x" * 32}, "service"),
        ({"service": "onthaal\n"}, "service"),
        ({"service": "ont haal"}, "service"),
        ({"service": "\u0000"}, "service"),
        ({"service": "onthaal", "priority": "yes"}, "priority"),
        ({"service": "onthaal", "priority": 1}, "priority"),
        ({"service": "onthaal", "persons": 0}, "persons"),
        ({"service": "onthaal", "persons": 21}, "persons"),
        ({"service": "onthaal", "persons": 10**30}, "persons"),
        ({"service": "onthaal", "persons": 1.5}, "persons"),
        ({"service": "onthaal", "language": "Nederlands"}, "language"),
        ({"service": "onthaal", "then": "attesten"}, "then"),
        ({"service": "onthaal", "then": ["attesten"] * 6}, "then"),
        ({"service": "onthaal", "then": [1]}, "then[0]"),
        ({"service": "onthaal", "contact": {"name": ""}}, "contact.name"),
        ({"service": "onthaal", "contact": {"name": "x" * 201}}, "contact.name"),
        ({"service": "onthaal", "contact": {"iban": "BE"}}, "contact"),
        ({"service": "onthaal", "reason": "pregnant"}, None),
        ({"servce": "onthaal"}, None),
    ],
)
def test_a_body_that_is_json_but_no_ticket(hall: Hall, body: Any, field: str | None) -> None:
    told = hall.refused("kiosk", "POST", VISITS, 422, "invalid-body", json=body)
    assert told.get("field") == field
    assert told["detail"].startswith(f"{field}: " if field else ("Object", "Expected"))


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("2026-11-24T10:00:00", "invalid-body"),
        ("2026-02-30T10:00:00+01:00", "invalid-body"),
        ("2026-11-24T24:00:00Z", "invalid-body"),
        ("2026-11-24T10:60:00Z", "invalid-body"),
        ("2026-11-24", "invalid-body"),
        ("24/11/2026 10:00", "invalid-body"),
        ("tomorrow", "invalid-body"),
        ("", "invalid-body"),
        (1_790_000_000, "invalid-body"),
        (None, "invalid-body"),
        ("0000-01-01T00:00:00Z", "invalid-body"),
        ("10000-01-01T00:00:00Z", "invalid-body"),
        ("2026-11-24T10:00:00+25:00", "invalid-body"),
        ("0001-01-01T00:00:00Z", "slot-past"),
        ("0001-01-01T00:00:00+14:00", "slot-past"),
        ("2026-11-22T10:00:00+01:00", "slot-past"),
        ("2025-11-24T10:00:00Z", "slot-past"),
        ("2029-11-24T10:00:00+01:00", "slot-too-far"),
        ("9999-12-31T23:59:59-14:00", "slot-too-far"),
    ],
)
def test_a_wrong_date(hall: Hall, at: object, code: str) -> None:
    body = {"service": "bevolking", "at": at}
    told = hall.refused("integrator", "PUT", BOOKING, 422, code, json=body)
    assert code != "invalid-body" or told["field"] == "at"
    unknown = hall.client("integrator").delete(BOOKING)
    check_problem(unknown, 404, "unknown-appointment")


@pytest.mark.parametrize(
    "kind",
    [None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "multipart/form-data"],
)
def test_a_body_that_is_not_declared_as_json(hall: Hall, kind: str | None) -> None:
    hall.refused("kiosk", "POST", VISITS, 415, "not-json", **post(b'{"service":"onthaal"}', kind))


def test_json_may_be_declared_in_any_case_and_with_a_charset(hall: Hall) -> None:
    for kind in ("application/json; charset=utf-8", "Application/JSON ; x=y"):
        answer = hall.client("kiosk").post(VISITS, **post(b'{"service":"onthaal"}', kind))
        assert answer.status_code == 200
        left = hall.client("reception").post(f"{VISITS}/{answer.json()['visit']}/leave")
        assert left.status_code == 200


def test_an_empty_body_is_an_empty_object(hall: Hall) -> None:
    hall.refused("kiosk", "POST", VISITS, 422, "invalid-body")
    hall.refused("counter", "POST", SITE + "/counters/1/next", 409, "counter-not-open")
    hall.refused("counter", "POST", SITE + "/counters/1/next", 409, "counter-not-open", json={})
    hall.refused("counter", "POST", SITE + "/counters/1/next", 422, "invalid-body", json={"x": 1})


def test_ten_megabytes_are_refused_and_not_kept(hall: Hall) -> None:
    told = hall.refused("kiosk", "POST", VISITS, 413, "body-too-large", **post(b" " * TEN_MB))
    assert told["limit"] == 65_536
    hall.refused("kiosk", "POST", VISITS, 413, "body-too-large", content=pieces(TEN_MB))
    just = b'{"service":"onthaal"' + b" " * (65_536 - 21)
    hall.refused("kiosk", "POST", VISITS, 413, "body-too-large", **post(just + b" }"))
    answer = hall.client("kiosk").post(VISITS, **post(just + b"}"))
    assert answer.status_code == 200
    # What somebody who may not even ask sends is not read at all.
    check_problem(hall.client(None).post(VISITS, **post(b" " * TEN_MB)), 401, "not-signed-in")


def pieces(size: int) -> Iterator[bytes]:
    """A body in chunks, whose length nobody knows beforehand."""
    for _ in range(size // 65_536):
        yield b" " * 65_536


# --- the connection -------------------------------------------------------------------------------


class Raw:
    """A connection on which a test says whatever it likes."""

    def __init__(self, server: Onthaal) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=20)

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_error: object) -> None:
        self.socket.close()

    def say(self, text: str | bytes) -> None:
        self.socket.sendall(text if isinstance(text, bytes) else text.replace("\n", "\r\n").encode())

    def answer(self) -> bytes:
        """All that the server says until it closes."""
        said = b""
        while more := self.socket.recv(65_536):
            said += more
        return said


def heading(server: Onthaal, length: int, path: str = "/api/v1" + VISITS, more: str = "") -> str:
    return (
        f"POST {path} HTTP/1.1\nHost: localhost:{server.port}\nContent-Type: application/json\n"
        f"Authorization: Bearer {server.token('kiosk')}\nOrigin: http://localhost:{server.port}\n"
        f"Idempotency-Key: raw\n{more}Content-Length: {length}\n\n"
    )


def test_a_slow_body_is_not_waited_for(hall: Hall) -> None:
    """Ten seconds pass in this test: in them both a command and a sign-in go unfinished."""
    before = hall.head()
    answers: list[bytes] = []

    def dawdle(path: str) -> None:
        with Raw(hall.server) as raw:
            raw.say(heading(hall.server, 40, path))
            raw.say('{"service":')
            answers.append(raw.answer())

    slow = [threading.Thread(target=dawdle, args=(path,)) for path in ("/api/v1" + VISITS, "/session")]
    for thread in slow:
        thread.start()
    for thread in slow:
        thread.join(20)
    assert len(answers) == 2
    for answer in answers:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        assert b"application/problem+json" in head
        assert b"connection: close" in head.lower()
        assert b'"code":"body-too-slow"' in body
    assert hall.head() == before


def test_a_body_that_is_cut_short_does_nothing(hall: Hall) -> None:
    before = hall.head()
    for part in ("", "{", '{"service":"onthaal"'):
        with Raw(hall.server) as raw:
            raw.say(heading(hall.server, 21))
            raw.say(part)
    # The same key is free: nothing was carried out under it.
    key = {"Idempotency-Key": "raw"}
    drawn = hall.client("kiosk").post(VISITS, json={"service": "onthaal"}, headers=key)
    assert drawn.status_code == 200
    assert hall.head() == before + 1
    assert " 500" not in hall.server.log()


@pytest.mark.parametrize(
    "request_line",
    [
        *("GET /api/v1/sites/\xff HTTP/1.1", "GET  HTTP/1.1", "NONSENSE / HTTP/1.1", "GET / HTTP/9.9"),
        *("\x00\x00\x00", "GET /api/v1/sites/a\x00b HTTP/1.1", "POST / HTTP/1.1\nContent-Length: -1"),
        *("POST / HTTP/1.1\nContent-Length: 1\nContent-Length: 2", "GET / HTTP/1.1\nHost"),
        "POST / HTTP/1.1\nTransfer-Encoding: chunked\nContent-Length: 5",
    ],
)
def test_what_is_not_http_is_refused_and_leaves_the_server_well(hall: Hall, request_line: str) -> None:
    with Raw(hall.server) as raw:
        raw.say(request_line.replace("\n", "\r\n").encode("latin-1") + b"\r\nConnection: close\r\n\r\n")
        answer = raw.answer()
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 2"))
    assert web.get(hall.server.base + "/health").status_code == 200


@pytest.mark.parametrize("host", ["", "[", "x/y?z", "a b", "localhost:99999", "\xe9", "]", "//"])
def test_a_strange_host_changes_no_answer(hall: Hall, host: str) -> None:
    """The path is that of the request line, whatever the host header would make of it."""
    for accept in ("application/json", "text/html"):
        with Raw(hall.server) as raw:
            head = f"GET /api/v1/nothing HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\n"
            raw.say(f"{head}Connection: close\r\n\r\n".encode("latin-1"))
            answer = raw.answer()
        assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 ")), answer
        if answer.startswith(b"HTTP/1.1 404"):
            assert b"application/problem+json" in answer
    with Raw(hall.server) as raw:
        first = heading(hall.server, 2, f"/api/v1{SITE}/counters/1/next")
        raw.say(first.replace(f"localhost:{hall.server.port}\nC", host + "\nConnection: close\nC", 1))
        raw.say("{}")
        assert b'"code":"' in raw.answer()


# --- who, where, how ------------------------------------------------------------------------------


def test_a_stranger_s_token(hall: Hall) -> None:
    before = hall.head()
    for token in ("", "x", "ont_aaaaaaaaaaaaaaaa_" + "x" * 43, "\xe9", "ont__"):
        headers = {"Authorization": f"Bearer {token}x".encode("latin-1")}
        answer = web.post(f"{hall.server.base}/api/v1{VISITS}", json={"service": "onthaal"}, headers=headers)
        check_problem(answer, 401, "not-signed-in")
    assert hall.head() == before


@pytest.mark.parametrize(
    ("role", "method", "path", "status", "code"),
    [
        ("counter", "POST", "/counters/99/next", 404, "unknown-counter"),
        ("counter", "POST", "/counters/1%0A/next", 404, "unknown-counter"),
        ("counter", "POST", "/counters/%00/next", 404, "unknown-counter"),
        ("counter", "POST", "/counters/%F0%9F%92%A9/next", 404, "unknown-counter"),
        ("counter", "POST", "/counters/%FF/next", 404, "unknown-counter"),
        ("supervisor", "GET", "/views/counters/99", 404, "unknown-counter"),
        ("reception", "POST", "/visits/Z999/leave", 404, "unknown-ticket"),
        ("reception", "POST", "/visits/aaaaaaaaaaaaaaaa/leave", 404, "unknown-ticket"),
        ("reception", "POST", "/visits/A001%0A/leave", 422, "invalid-path"),
        ("reception", "POST", "/visits/%00/leave", 422, "invalid-path"),
        ("reception", "POST", "/visits/a'%20OR%201=1/leave", 422, "invalid-path"),
        ("reception", "POST", "/visits/aaaaaaaaaaaaaaaaa/leave", 422, "invalid-path"),
        ("reception", "POST", "/visits/A001%2Fleave/leave", 404, "not-found"),
        ("integrator", "DELETE", "/appointments/nope", 404, "unknown-appointment"),
        ("integrator", "DELETE", "/appointments/nope%0A", 422, "invalid-path"),
        ("integrator", "DELETE", "/appointments/%00", 422, "invalid-path"),
        ("integrator", "DELETE", "/appointments/" + "r" * 101, 422, "invalid-path"),
        ("integrator", "DELETE", "/appointments/%E9%BE%8D", 422, "invalid-path"),
        ("kiosk", "POST", "/appointments/nope/report", 404, "unknown-appointment"),
        ("supervisor", "GET", "/views/nothing", 404, "not-found"),
        ("supervisor", "GET", "/", 404, "not-found"),
        ("supervisor", "GET", "/journal?after=-1", 422, "invalid-query"),
        ("supervisor", "GET", "/journal?after=x", 422, "invalid-query"),
        ("supervisor", "GET", "/journal?after=", 422, "invalid-query"),
        ("supervisor", "GET", "/journal?after=1.5", 422, "invalid-query"),
        ("supervisor", "GET", "/journal?after=99999999999999999999", 422, "invalid-query"),
        ("supervisor", "GET", "/journal?after=%00", 422, "invalid-query"),
        ("supervisor", "GET", "/journal?limit=0", 422, "invalid-query"),
        ("supervisor", "GET", "/journal?limit=1001", 422, "invalid-query"),
        ("supervisor", "GET", "/journal?after=1&after=2", 422, "invalid-query"),
        ("supervisor", "GET", "/journal?since=1", 422, "invalid-query"),
        ("counter", "POST", "/counters/1/next?again=1", 422, "invalid-query"),
        ("reception", "GET", "/appointments", 422, "invalid-query"),
        ("reception", "GET", "/appointments?q=", 422, "invalid-query"),
        ("reception", "GET", "/appointments?q=" + "x" * 101, 422, "invalid-query"),
    ],
)
def test_a_path_or_query_that_leads_nowhere(
    hall: Hall, role: str, method: str, path: str, status: int, code: str
) -> None:
    if code == "not-found" and path == "/":
        answer = hall.client(role).request(method, SITE + path)
        assert answer.status_code in (307, 404)
        return
    hall.refused(role, method, SITE + path, status, code)


@pytest.mark.parametrize(
    "path", ["/api", "/api/v1", "/api/v2/sites/mechelen", "/api/v1/sites", "/api/v1/%00"]
)
def test_what_is_not_the_api_says_so_as_a_problem(hall: Hall, path: str) -> None:
    for accept in ("*/*", "text/html"):
        answer = web.get(hall.server.base + path, headers={"Accept": accept})
        assert answer.status_code == 404
        if path != "/api":
            check_problem(answer, 404, "not-found")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (SITE, {"GET", "HEAD"}),
        (VISITS, {"POST"}),
        (BOOKING, {"PUT", "DELETE"}),
        (SITE + "/counters/1/next", {"POST"}),
        ("/visits/x", {"GET", "HEAD"}),
        ("/openapi.json", {"GET", "HEAD"}),
    ],
)
def test_methods(hall: Hall, path: str, allowed: set[str]) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        if method in allowed:
            continue
        answer = hall.client("supervisor").request(method, path)
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == allowed
        if method != "HEAD":
            check_problem(answer, 405, "method-not-allowed")


def test_head_is_get_without_a_body(hall: Hall) -> None:
    answer = web.head(
        hall.server.base + "/api/v1" + SITE,
        headers={"Authorization": f"Bearer {hall.server.token('screen')}"},
    )
    assert answer.status_code == 200
    assert answer.content == b""
    assert web.head(hall.server.base + "/api/v1" + SITE).status_code == 401


def test_pages_and_files_that_are_not_there(hall: Hall) -> None:
    for path in (
        "/nowhere",
        "/nowhere/hall",
        "/static/nothing.js",
        "/static/%00",
        "/static/..%2f..%2fserver",
    ):
        page = web.get(hall.server.base + path, headers={"Accept": "text/html"})
        assert page.status_code == 404, path
        assert page.headers["content-type"].startswith("text/html")
        assert check_problem(web.get(hall.server.base + path))["status"] == 404
    for path in ("/static/../server/app.py", "/static/%2e%2e/%2e%2e/etc/passwd", "/static/" + "x" * 5000):
        assert web.get(hall.server.base + path).status_code == 404


def test_the_rules_refuse_with_a_sentence(hall: Hall) -> None:
    """Refusals by the rules of the hall, each with the facts that its sentence names."""
    counter, reception = hall.client("counter"), hall.client("reception")
    hall.refused("kiosk", "POST", VISITS, 409, "service-takes-no-walk-ins", json={"service": "bevolking"})
    body = {"service": "onthaal", "at": "2026-11-24T10:00:00Z"}
    hall.refused("integrator", "PUT", BOOKING, 409, "service-takes-no-appointments", json=body)
    at = SITE + "/counters/3"
    for command in ("next", "pause"):
        hall.refused("counter", "POST", f"{at}/{command}", 409, "counter-not-open")
    for command in ("recall", "start", "finish", "no-show", "park"):
        hall.refused("counter", "POST", f"{at}/{command}", 409, "nobody-at-counter")
    hall.refused("counter", "POST", f"{at}/undo", 409, "nothing-to-undo")
    assert counter.post(at + "/open").status_code == 200
    told = hall.refused("counter", "POST", f"{at}/call", 409, "not-this-counter", json={"ticket": "A001"})
    assert told["ticket"] == "A001"
    hall.refused("counter", "POST", f"{at}/call", 404, "unknown-ticket", json={"ticket": "Z9"})
    told = hall.refused("reception", "POST", VISITS + "/A001/return", 409, "not-away")
    assert "A001" in told["detail"]
    drawn = reception.post(VISITS, json={"service": "attesten"}).json()["ticket"]
    assert counter.post(SITE + "/counters/2/open").status_code == 200
    assert counter.post(SITE + "/counters/2/call", json={"ticket": drawn}).status_code == 200
    busy = SITE + "/counters/2"
    assert drawn in hall.refused("counter", "POST", busy + "/next", 409, "counter-busy")["detail"]
    told = hall.refused("counter", "POST", busy + "/no-show", 409, "recall-first")
    assert (told["recalls"], told["needed"]) == (0, 1)
    for sent in ({}, {"service": "onthaal", "counter": "1"}, {"counter": "2"}):
        hall.refused("counter", "POST", busy + "/transfer", 422, "bad-transfer", json=sent)
    told = hall.refused(
        "counter", "POST", busy + "/transfer", 422, "unknown-service", json={"service": "spot"}
    )
    assert told["nearest"] == "sport"
    hall.refused("counter", "POST", busy + "/transfer", 404, "unknown-counter", json={"counter": "99"})
    hall.refused("counter", "POST", busy + "/transfer", 409, "counter-not-open", json={"counter": "1"})
    assert counter.post(busy + "/start").status_code == 200
    for command in ("recall", "start", "no-show"):
        hall.refused("counter", "POST", f"{busy}/{command}", 409, "not-called")
    assert counter.post(busy + "/finish").status_code == 200
    hall.refused("reception", "POST", f"{VISITS}/{drawn}/priority", 409, "visit-over")
    hall.refused("reception", "POST", f"{VISITS}/{drawn}/leave", 409, "not-waiting")
    tomorrow = {"service": "bevolking", "at": "2026-11-24T10:00:00Z"}
    assert hall.client("integrator").put(SITE + "/appointments/T-1", json=tomorrow).status_code == 200
    hall.refused("kiosk", "POST", SITE + "/appointments/T-1/report", 409, "appointment-not-today")
    assert hall.client("integrator").delete(SITE + "/appointments/T-1").status_code == 200
    hall.refused("kiosk", "POST", SITE + "/appointments/T-1/report", 409, "appointment-cancelled")
    hall.refused("integrator", "POST", SITE + "/appointments/T-1/confirm", 409, "appointment-cancelled")


def test_a_closed_house_gives_no_tickets(tmp_path: Any) -> None:
    with onthaal(tmp_path, house_time="2026-11-22T10:00:00+01:00") as running:
        hall = Hall(running)
        hall.refused("kiosk", "POST", VISITS, 409, "house-closed", json={"service": "onthaal"})


def test_a_day_that_is_over_takes_no_commands(tmp_path: Any) -> None:
    with onthaal(tmp_path, house_time="2026-11-23T20:00:00+01:00") as running:
        hall = Hall(running)
        hall.refused("kiosk", "POST", VISITS, 409, "day-over", json={"service": "onthaal"})
        hall.refused("counter", "POST", SITE + "/counters/1/open", 409, "day-over")
        body = {"service": "bevolking", "at": "2026-11-23T21:00:00+01:00"}
        hall.refused("integrator", "PUT", BOOKING, 409, "day-over", json=body)


def test_services_with_capitals_may_be_named(tmp_path: Any) -> None:
    file = mechelens(tmp_path, 1)
    file.write_text(file.read_text().replace('"onthaal"', '"PS"').replace("house-1", "mechelen"))
    with onthaal(tmp_path, config=file) as running:
        hall = Hall(running)
        assert hall.client("kiosk").post(VISITS, json={"service": "PS"}).json()["ticket"] == "A001"
        told = hall.refused("kiosk", "POST", VISITS, 422, "unknown-service", json={"service": "ps"})
        assert told["nearest"] == "PS"
