"""People who sign in by password: sessions, lockout, the command line, and where their names go."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
import subprocess
import threading
import time
import unicodedata
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import argon2
import httpx
import program
import pytest
import web
import websockets.sync.client
from documented import check_problem
from running import PASSWORD, Onthaal, onthaal

from server import accounts, schema
from server.access import Role
from server.database import Database
from server.keys import Keys

SITE = "/api/v1/sites/mechelen"
SECOND = 1_000_000
QUICK = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

# Waits after the fifth failure and each further one, in seconds: written from what is promised.
WAITS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onthaal]:
    with onthaal(tmp_path_factory.mktemp("accounts")) as running:
        yield running


def sign_in(server: Onthaal, login: str, password: str = PASSWORD, **headers: str) -> httpx.Response:
    body = {"login": login, "password": password}
    return web.post(server.base + "/session", json=body, headers={"Origin": server.base, **headers})


def cookie(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def run(*arguments: str, server: Onthaal, said: str = "") -> subprocess.CompletedProcess[str]:
    """``onthaal account ...`` beside a running server."""
    return program.run("account", *arguments, "--database", server.url, said=said)


# --- signing in over HTTP -------------------------------------------------------------------------


def test_a_password_opens_a_session_for_a_working_day(lasting: Onthaal) -> None:
    lasting.account("counter", "an", "5")
    first = sign_in(lasting, " An ")
    assert first.json() == {
        "role": "counter",
        "site": "mechelen",
        "counter": "5",
        "home": "/mechelen/counters/5",
    }
    made = first.headers["set-cookie"].lower()
    for part in ("__host-onthaal=", "secure", "httponly", "samesite=strict", "path=/", "max-age=43200"):
        assert part in made
    assert web.get(lasting.base + SITE, headers=cookie(first)).status_code == 200
    # Signing in again gives another session, and ends the one that the browser had.
    second = sign_in(lasting, "an", **cookie(first))
    assert cookie(second) != cookie(first)
    assert web.get(lasting.base + SITE, headers=cookie(first)).status_code == 401
    assert web.get(lasting.base + SITE, headers=cookie(second)).status_code == 200


def test_who_is_unknown_wrong_or_disabled_is_told_the_same(lasting: Onthaal) -> None:
    lasting.account("counter", "bea")
    lasting.account("counter", "disabled")
    assert run("disable", "disabled", server=lasting).returncode == 0
    answers = [
        sign_in(lasting, "bea", "not the password"),
        sign_in(lasting, "nobody", "not the password"),
        sign_in(lasting, "disabled"),
        sign_in(lasting, "", ""),
        sign_in(lasting, "é' OR 1=1 --\x00", "x" * 1000),
    ]
    for answer in answers:
        check_problem(answer, 401, "wrong-password")
        assert answer.content == answers[0].content
        assert "set-cookie" not in answer.headers
    assert run("enable", "disabled", server=lasting).returncode == 0
    assert sign_in(lasting, "disabled").status_code == 200


def test_a_lockout_outlives_the_server_and_an_administrator_lifts_it(tmp_path: Path) -> None:
    with onthaal(tmp_path) as server:
        server.account("counter", "cas")
        for login in ("cas", "nobody"):
            told = [sign_in(server, login, "not the password") for _ in range(6)]
            assert [answer.status_code for answer in told[:5]] == [401] * 5
        with contextlib.closing(sqlite3.connect(server.database, timeout=10)) as database:
            # Another seven failures, without waiting for each: the next wait is two minutes long.
            database.execute("UPDATE account SET failures = 12 WHERE login = 'cas'")
            database.execute("UPDATE unknown_login SET failures = 12")
            database.commit()
        for _ in range(2):
            for login in ("cas", "nobody"):
                answer = sign_in(server, login)
                problem = check_problem(answer, 429, "locked")
                assert answer.headers["retry-after"] == str(problem["retry_after_s"])
                assert 100 < problem["retry_after_s"] <= 128
            server.stop()
            server.start()
        assert run("enable", "cas", server=server).returncode == 0
        assert sign_in(server, "cas").status_code == 200


def test_disabling_ends_sessions_within_a_second_and_so_does_another_password(lasting: Onthaal) -> None:
    lasting.account("supervisor", "dirk")
    mine = cookie(sign_in(lasting, "dirk"))
    assert web.get(lasting.base + SITE, headers=mine).status_code == 200
    assert run("disable", "dirk", server=lasting).returncode == 0
    until_refused(lasting, mine)
    address = lasting.live + "/mechelen/hall"
    with (
        websockets.sync.client.connect(address, additional_headers=mine, origin=lasting.base) as connection,
        pytest.raises(websockets.exceptions.ConnectionClosed) as closed,
    ):
        connection.recv(10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401
    assert run("enable", "dirk", server=lasting).returncode == 0
    assert web.get(lasting.base + SITE, headers=mine).status_code == 401
    mine = cookie(sign_in(lasting, "dirk"))
    assert run("password", "dirk", server=lasting, said="een heel ander wachtwoord\n").returncode == 0
    until_refused(lasting, mine)
    assert sign_in(lasting, "dirk").status_code == 401
    assert sign_in(lasting, "dirk", "een heel ander wachtwoord").status_code == 200


def until_refused(server: Onthaal, mine: dict[str, str]) -> None:
    """A session that has ended is believed for a second at most."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if web.get(server.base + SITE, headers=mine).status_code == 401:
            return
    pytest.fail("the session goes on")


# --- the command line -----------------------------------------------------------------------------


def test_accounts_are_made_and_listed_on_the_command_line(lasting: Onthaal) -> None:
    options = ("create", "--site", "mechelen", "--role", "reception", "--login", "Fien", "--name", "Fien F.")
    made = run(*options, server=lasting, said="lange zin voor Fien\n")
    assert (made.returncode, made.stderr) == (0, "")
    assert sign_in(lasting, "fien", "lange zin voor Fien").json()["home"] == "/mechelen/reception"
    (line,) = [line for line in run("list", server=lasting).stdout.splitlines() if line.startswith("fien")]
    assert line.split("\t")[1:6] == [made.stdout.strip(), "mechelen", "reception", "-", "Fien F."]
    assert line.endswith("\tenabled")
    for login, word, said in (
        ("fien", "lange zin voor Fien", "the login fien is taken"),
        ("FIEN", "lange zin voor Fien", "the login fien is taken"),
        ("gert", "kort", "at least 12 characters"),
        ("gert", "", "at least 12 characters"),
        ("gert", "x" * 201, "at most 200"),
        ("gert", "aaaaaaaaaaaaaaaa", "first that anybody tries"),
        ("gert", "Wachtwoord123", "first that anybody tries"),
        ("gertgert", "GertgertGERTGERT", "first that anybody tries"),
        ("g t", "lange zin voor Gert", "is no login"),
    ):
        wrong = run(*options[:6], login, *options[7:], server=lasting, said=word + "\n")
        assert (wrong.returncode, wrong.stdout) == (1, ""), login
        assert said in wrong.stderr
        assert word not in wrong.stderr or not word
    elsewhere = run("create", "--site", "mechlen", *options[3:6], "hanne", *options[7:], server=lasting)
    assert "there is no site 'mechlen'" in elsewhere.stderr
    assert run("create", *options[1:3], "--role", "king", *options[5:], server=lasting).returncode == 2
    for command in ("password", "disable", "enable"):
        unknown = run(command, "nobody", server=lasting, said="lange zin voor niemand\n")
        assert (unknown.returncode, unknown.stderr) == (1, "onthaal: there is no account nobody\n")


# --- names ----------------------------------------------------------------------------------------


def test_names_are_for_staff_and_are_nowhere_else(tmp_path: Path) -> None:
    with onthaal(tmp_path) as server:
        store = Database(server.url)
        with contextlib.closing(store):
            hashed = QUICK.hash(PASSWORD)
            ids = [
                store.write_now(
                    lambda c, login=login, name=name, role=role: accounts.create(
                        c, "mechelen", role, login, name, None, hashed
                    )
                )
                for login, name, role in (
                    ("canary", "Canaria Zangvogel", Role.COUNTER),
                    ("bert", "Bert", Role.COUNTER),
                    ("super", "Zoë", Role.SUPERVISOR),
                )
            ]
        mine = {**cookie(sign_in(server, "canary")), "Origin": server.base}
        told = [{"id": ids[1], "name": "Bert"}, {"id": ids[0], "name": "Canaria Zangvogel"}]
        for role in ("counter", "reception", "supervisor"):
            assert server.client(role).get("/sites/mechelen/staff").json() == {"staff": told}
        for role in ("screen", "kiosk", "integrator", "administrator"):
            check_problem(server.client(role).get("/sites/mechelen/staff"), 403, "not-allowed")
        for counter, body, staff in (("1", {}, ids[0]), ("2", {"staff": "an"}, "an")):
            path = f"{server.base}{SITE}/counters/{counter}/open"
            key = {"Idempotency-Key": f"open-{counter}"}
            assert web.post(path, json=body, headers={**mine, **key}).status_code == 200
            view = server.client("counter").get(f"/sites/mechelen/views/counters/{counter}").json()["view"]
            assert view["staff"] == staff
        # A key that the same person sends again gets the first answer, in another session as well.
        again = {**cookie(sign_in(server, "canary")), "Origin": server.base, "Idempotency-Key": "open-1"}
        assert web.post(f"{server.base}{SITE}/counters/1/open", json={}, headers=again).status_code == 200
        seen = [
            server.client("supervisor").get(f"/sites/mechelen/{what}").text
            for what in ("journal", "views/hall", "views/reception", "views/management", "views/counters/1")
        ]
        seen += [server.log(), server.client("administrator").get("/health").text]
        assert not [text for text in seen if "Zangvogel" in text or "canary" in text]
        with contextlib.closing(sqlite3.connect(server.database)) as database:
            everything = "\n".join(database.iterdump())
        assert PASSWORD not in everything
        assert everything.count("Zangvogel") == 1


# --- guessing, under a clock that the test moves ---------------------------------------------------


class Clock:
    """Real time that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 1_800_000_000 * SECOND

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def entrance(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[accounts.Accounts]:
    """Accounts over a file with one person, ``els``; hashing is quick."""
    monkeypatch.setattr(accounts, "_hasher", QUICK)
    monkeypatch.setattr(accounts, "_NOBODY", accounts._of_nobody())
    store = Database(f"sqlite:///{tmp_path / 'onthaal.db'}")
    await store.write(schema.migrate)
    hashed = accounts.hash_password("els", PASSWORD)
    await store.write(lambda c: accounts.create(c, "mechelen", Role.SUPERVISOR, "els", "Els", None, hashed))
    made = accounts.Accounts(store, Keys(b"k" * 32), clock)
    yield made
    made.close()
    store.close()


async def outcome(entrance: accounts.Accounts, login: str, password: str = "wrong") -> int | str:
    """What became of an attempt: the seconds to wait, or a word."""
    try:
        await entrance.sign_in(login, password)
    except accounts.Wait as wait:
        return wait.seconds if wait.locked else "busy"
    except accounts.WrongPassword:
        return "wrong"
    return "in"


@pytest.mark.parametrize("login", ["els", "nobody"])
async def test_waits_grow_after_the_fifth_failure(
    entrance: accounts.Accounts, clock: Clock, login: str
) -> None:
    for _ in range(4):
        assert await outcome(entrance, login) == "wrong"
    for wait in WAITS:
        assert await outcome(entrance, login) == "wrong"
        # Asking while one has to wait makes it no longer.
        for _ in range(3):
            assert await outcome(entrance, login.upper(), PASSWORD) == wait
        clock.at += (wait - 1) * SECOND + 1
        assert await outcome(entrance, login, PASSWORD) == 1
        clock.at += SECOND - 1
    if login == "els":
        assert await outcome(entrance, login, PASSWORD) == "in"
        assert [await outcome(entrance, login) for _ in range(5)] == ["wrong"] * 5
        assert await outcome(entrance, login) == 1
    # What is long ago no longer counts.
    clock.at += 86_400 * SECOND
    assert [await outcome(entrance, login) for _ in range(5)] == ["wrong"] * 5
    assert await outcome(entrance, login) == 1


async def test_four_failures_and_then_the_right_password_are_no_lockout(entrance: accounts.Accounts) -> None:
    for _ in range(3):
        assert [await outcome(entrance, "els") for _ in range(4)] == ["wrong"] * 4
        assert await outcome(entrance, "els", PASSWORD) == "in"
    assert await outcome(entrance, "nobody") == "wrong"


async def test_many_attempts_at_once_get_no_more_tries(entrance: accounts.Accounts) -> None:
    for login in ("els", "nobody"):
        told = await asyncio.gather(*(outcome(entrance, login) for _ in range(20)))
        assert sorted(map(str, told)) == ["1"] * 15 + ["wrong"] * 5


async def test_a_clock_that_was_wrong_locks_nobody_out(entrance: accounts.Accounts, clock: Clock) -> None:
    for _ in range(5):
        await outcome(entrance, "els")
    assert await outcome(entrance, "els", PASSWORD) == 1
    clock.at -= 365 * 86_400 * SECOND
    assert await outcome(entrance, "els", PASSWORD) == "in"


async def test_a_flood_waits_in_a_line_of_bounded_length(
    entrance: accounts.Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "ASKED", 3)
    gate, verify = threading.Event(), accounts._verify
    monkeypatch.setattr(accounts, "_verify", lambda *given: gate.wait(20) and verify(*given))
    tried = [asyncio.create_task(outcome(entrance, f"login-{n}")) for n in range(10)]
    for busy in itertools.islice(asyncio.as_completed(tried), 7):
        assert await busy == "busy"
    gate.set()
    told = await asyncio.gather(*tried)
    assert sorted(map(str, told)) == ["busy"] * 7 + ["wrong"] * 3
    assert await outcome(entrance, "els", PASSWORD) == "in"


async def test_unknown_logins_that_are_remembered_are_bounded(
    entrance: accounts.Accounts, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "UNKNOWN_KEPT", 3)
    for number in range(6):
        clock.at += SECOND
        assert await outcome(entrance, f"login-{number}") == "wrong"
    rows = await entrance._database.read(
        lambda c: c.exec_driver_sql("SELECT mark, failures FROM unknown_login").all()
    )
    assert len(rows) == 3
    # People type their password where the login belongs: what is kept does not tell it.
    assert not any(b"login" in bytes(row.mark) for row in rows)


async def test_a_login_that_nobody_has_is_compared_with_as_costly_a_hash(
    entrance: accounts.Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[argon2.Parameters] = []
    verify = accounts._verify

    def noted(hashed: str, password: str) -> bool:
        seen.append(argon2.extract_parameters(hashed))
        return verify(hashed, password)

    monkeypatch.setattr(accounts, "_verify", noted)
    assert await outcome(entrance, "els") == await outcome(entrance, "nobody") == "wrong"
    assert len(seen) == 2
    assert seen[0] == seen[1]


async def test_a_hash_of_other_parameters_is_made_anew_at_the_next_sign_in(
    entrance: accounts.Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def kept() -> str:
        return await entrance._database.read(
            lambda c: c.exec_driver_sql("SELECT hash FROM account").scalar_one()
        )

    before = await kept()
    assert await outcome(entrance, "els", PASSWORD) == "in"
    assert await kept() == before
    monkeypatch.setattr(accounts, "_hasher", argon2.PasswordHasher(2, 16, 1))
    assert await outcome(entrance, "els", PASSWORD) == "in"
    assert "m=16,t=2,p=1" in await kept()
    assert await outcome(entrance, "els", PASSWORD) == "in"


async def test_a_password_may_be_typed_on_another_keyboard(entrance: accounts.Accounts) -> None:
    word = "één café in Brétagne"
    composed, apart = (unicodedata.normalize(form, word) for form in ("NFC", "NFD"))
    hashed = accounts.hash_password("els", composed)
    await entrance._database.write(lambda c: accounts.set_password(c, "els", hashed))
    assert await outcome(entrance, "els", apart) == "in"
    assert await outcome(entrance, "els", word.upper()) == "wrong"


def test_passwords_are_hashed_by_the_library_s_own_choice() -> None:
    kept = argon2.extract_parameters(accounts.hash_password("els", PASSWORD))
    assert kept == argon2.extract_parameters(argon2.PasswordHasher().hash("x"))
    assert kept.type is argon2.Type.ID
