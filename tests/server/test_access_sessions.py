"""Sessions of browsers: signing in by token, the cookie, signing out, expiry, and other sites' pages."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie

import httpx
import pytest
import web
from documented import check_problem
from running import Onthaal, onthaal

from server.clock import real_now

SITE = "/api/v1/sites/mechelen"
DAY_S = 86_400


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onthaal]:
    with onthaal(tmp_path_factory.mktemp("sessions")) as running:
        yield running


def own(server: Onthaal) -> dict[str, str]:
    """The header of a request that one of our own pages makes."""
    return {"Origin": server.base}


def sign_in(server: Onthaal, role: str, counter: str | None = None) -> httpx.Response:
    token = {"token": server.token(role, counter)}
    answer = web.post(server.base + "/session", json=token, headers=own(server))
    assert answer.status_code == 200, answer.text
    return answer


def cookie(answer: httpx.Response) -> dict[str, str]:
    """The header with which a browser sends the cookie back."""
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("role", "counter", "home"),
    [
        ("counter", "5", "/mechelen/counters/5"),
        ("counter", None, "/mechelen"),
        ("screen", None, "/mechelen/hall"),
        ("supervisor", None, "/mechelen/management"),
    ],
)
def test_a_token_becomes_a_session(lasting: Onthaal, role: str, counter: str | None, home: str) -> None:
    answer = sign_in(lasting, role, counter)
    assert answer.json() == {"role": role, "site": "mechelen", "counter": counter, "home": home}
    assert answer.headers["cache-control"] == "no-store"
    assert web.get(lasting.base + SITE, headers=cookie(answer)).status_code == 200
    assert web.get(lasting.base + home, headers=cookie(answer)).status_code == 200


def test_the_cookie_is_for_this_host_this_browser_and_no_script(lasting: Onthaal) -> None:
    answer = sign_in(lasting, "counter")
    (name, made), *others = SimpleCookie(answer.headers["set-cookie"]).items()
    assert not others
    # A name with this prefix is kept only with Secure, Path=/ and no Domain.
    assert name == "__Host-onthaal"
    assert made["secure"] is True
    assert made["httponly"] is True
    assert made["samesite"].lower() == "strict"
    assert made["path"] == "/"
    assert made["domain"] == ""
    assert int(made["max-age"]) == 14 * DAY_S
    assert len(made.value) >= 43
    assert lasting.token("counter") not in answer.headers["set-cookie"]
    again = sign_in(lasting, "counter")
    assert cookie(again) != cookie(answer)


def test_signing_out_ends_the_session_at_once_and_no_other(lasting: Onthaal) -> None:
    mine, other = cookie(sign_in(lasting, "counter")), cookie(sign_in(lasting, "counter"))
    assert web.get(lasting.base + SITE, headers=mine).status_code == 200
    answer = web.delete(lasting.base + "/session", headers={**mine, **own(lasting)})
    assert answer.status_code == 204
    assert SimpleCookie(answer.headers["set-cookie"])["__Host-onthaal"]["max-age"] == "0"
    check_problem(web.get(lasting.base + SITE, headers=mine), 401, "not-signed-in")
    assert web.get(lasting.base + SITE, headers=other).status_code == 200
    # Signing out without a session, or twice, is no error.
    assert web.delete(lasting.base + "/session", headers=own(lasting)).status_code == 204
    assert web.delete(lasting.base + "/session", headers={**mine, **own(lasting)}).status_code == 204


def test_a_session_expires(lasting: Onthaal) -> None:
    began = real_now()
    mine = cookie(sign_in(lasting, "counter"))
    with contextlib.closing(sqlite3.connect(lasting.database, timeout=10)) as database:
        (ends,) = database.execute("SELECT max(expires_at) FROM session").fetchone()
        assert 0 <= ends - began - 14 * DAY_S * 1_000_000 < 60 * 1_000_000
        assert web.get(lasting.base + SITE, headers=mine).status_code == 200
        database.execute("UPDATE session SET expires_at = ? WHERE expires_at = ?", (real_now(), ends))
        database.commit()
    until(lambda: web.get(lasting.base + SITE, headers=mine).status_code == 401)


def test_a_restart_signs_nobody_out(server: Onthaal) -> None:
    mine = cookie(sign_in(server, "counter"))
    server.stop()
    server.start()
    assert web.get(server.base + SITE, headers=mine).status_code == 200


@pytest.mark.parametrize("token", ["", "ont_x_y", "x" * 200, "ont_aaaaaaaaaaaaaaaa_" + "x" * 43, "é'\x00"])
def test_a_wrong_token_signs_nobody_in(lasting: Onthaal, token: str) -> None:
    answer = web.post(lasting.base + "/session", json={"token": token}, headers=own(lasting))
    check_problem(answer, 401, "unknown-token")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed-json"),
        (b'{"token":"\\ud800x"}', "application/json", 400, "malformed-json"),
        (b"", "application/json", 422, "invalid-body"),
        (b"{}", "application/json", 422, "invalid-body"),
        (b'{"token":1}', "application/json", 422, "invalid-body"),
        (b'{"token":"' + b"x" * 201 + b'"}', "application/json", 422, "invalid-body"),
        (b'{"token":"x","more":1}', "application/json", 422, "invalid-body"),
        (b"token=x", "application/x-www-form-urlencoded", 415, "not-json"),
        (b'{"token":"x"}', "text/plain", 415, "not-json"),
        (b'{"token":"' + b"x" * 70_000 + b'"}', "application/json", 413, "body-too-large"),
    ],
)
def test_a_sign_in_that_is_no_sign_in(
    lasting: Onthaal, content: bytes, kind: str, status: int, code: str
) -> None:
    headers = {**own(lasting), "Content-Type": kind}
    check_problem(web.post(lasting.base + "/session", content=content, headers=headers), status, code)


FOREIGN = (None, "null", "https://evil.example", "http://localhost", "http://[")


@pytest.mark.parametrize("origin", FOREIGN)
def test_pages_of_others_cannot_use_a_session(lasting: Onthaal, origin: str | None) -> None:
    """A page elsewhere can make a browser send a request, though never with our Origin."""
    mine = cookie(sign_in(lasting, "counter"))
    foreign = {} if origin is None else {"Origin": origin}
    key = {"Idempotency-Key": "csrf"}
    for path in ("/counters/1/open", "/appointments/x/report"):
        answer = web.post(lasting.base + SITE + path, headers={**mine, **foreign, **key})
        check_problem(answer, 403, "foreign-origin")
    token = {"token": lasting.token("counter")}
    answer = web.post(lasting.base + "/session", json=token, headers=foreign)
    check_problem(answer, 403, "foreign-origin")
    assert "set-cookie" not in answer.headers
    answer = web.delete(lasting.base + "/session", headers={**mine, **foreign})
    check_problem(answer, 403, "foreign-origin")
    assert web.get(lasting.base + SITE, headers=mine).status_code == 200


def test_our_own_pages_can(lasting: Onthaal) -> None:
    mine = cookie(sign_in(lasting, "counter"))
    headers = {**mine, **own(lasting), "Idempotency-Key": "own"}
    answer = web.post(lasting.base + SITE + "/counters/9/open", headers=headers)
    assert answer.status_code == 200
    # Session and token are one asker to idempotency: the page may go on where a script began.
    bearer = {"Authorization": f"Bearer {lasting.token('counter')}", "Idempotency-Key": "own"}
    again = web.post(lasting.base + SITE + "/counters/9/open", headers=bearer)
    assert again.content == answer.content


@pytest.mark.parametrize(
    "path",
    [
        *("https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example"),
        *("/..//evil.example", "/.//evil.example", "/x/..//evil.example", "/%2e%2e//evil.example"),
        *(
            "/\t/evil.example",
            "/\n/evil.example",
            "/%09/evil.example",
            "javascript:alert(1)",
            "mechelen/hall",
        ),
        *('/"><script>alert(1)</script>', "/mechelen/hall?x=//evil.example", "/mechelen/hall#x", "", " /"),
        *("/mechelen/hall\n", "/mechelen//hall", "/mechelen/", "/\u2028", "/@evil.example", "/:80"),
    ],
)
def test_the_sign_in_leads_nowhere_else(lasting: Onthaal, path: str) -> None:
    page = web.get(lasting.base + "/sign-in", params={"next": path}).text
    assert 'data-next="/"' in page
    assert "evil" not in page
    assert "alert(1)" not in page


@pytest.mark.parametrize("path", ["/", "/mechelen", "/mechelen/hall", "/mechelen/counters/5"])
def test_the_sign_in_leads_back_to_our_pages(lasting: Onthaal, path: str) -> None:
    page = web.get(lasting.base + "/sign-in", params={"next": path}).text
    assert f'data-next="{path}"' in page


def test_two_places_to_go_to_are_no_way_around(lasting: Onthaal) -> None:
    page = web.get(lasting.base + "/sign-in?next=/mechelen/hall&next=//evil.example").text
    assert "evil" not in page


def test_pages_carry_the_policy_that_keeps_scripts_out(lasting: Onthaal) -> None:
    for path in ("/", "/sign-in", "/mechelen"):
        headers = web.get(lasting.base + path).headers
        policy = dict(
            part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";") if part
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
