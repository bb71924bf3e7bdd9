"""The command line: what goes to which stream, what ends with which status, what stops a start."""

from __future__ import annotations

import contextlib
import re
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

import httpx
import program
import pytest
from click.testing import CliRunner
from running import MECHELEN, Onthaal, free_port

from server.__main__ import cli

TOKEN = re.compile(r"ont_[a-z2-7]{16}_[A-Za-z0-9_-]{43}\n")


def run(*arguments: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """``onthaal ...`` in a folder, to its end."""
    return program.run(*arguments, cwd=cwd, env=program.environment() | variables)


def fails(ran: subprocess.CompletedProcess[str], *said: str, status: int = 1) -> str:
    """A command that ended so, with one sentence that says all of this, and nothing on standard output."""
    assert ran.returncode == status, ran.stderr
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    if status == 1:
        *before, last = ran.stderr.strip().splitlines()
        assert not before, ran.stderr
        assert last.startswith("onthaal: ")
    for part in said:
        assert part in ran.stderr
    return ran.stderr


# --- tokens ---------------------------------------------------------------------------------------


def test_a_token_of_an_empty_database_is_printed_alone_and_works(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    made = run("token", "create", "--site", "mechelen", "--role", "kiosk", "--database", url, cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert TOKEN.fullmatch(made.stdout)
    server = Onthaal(tmp_path)
    server.url = url
    try:
        server.start()
        headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
        seen = httpx.get(server.base + "/api/v1/sites/mechelen", headers=headers)
        assert seen.status_code == 200
        # And beside the running server, at once.
        options = ("--site", "mechelen", "--role", "counter", "--counter", "5", "--database", url)
        beside = run("token", "create", *options, cwd=tmp_path)
        assert beside.returncode == 0
        headers = {"Authorization": f"Bearer {beside.stdout.strip()}"}
        views = server.base + "/api/v1/sites/mechelen/views/counters/"
        assert httpx.get(views + "5", headers=headers).status_code == 200
        assert httpx.get(views + "4", headers=headers).status_code == 403
    finally:
        server.close()


def test_the_environment_names_database_and_configuration(tmp_path: Path) -> None:
    variables = {"ONTHAAL_DATABASE": f"sqlite:///{tmp_path}/x.db", "ONTHAAL_CONFIG": str(MECHELEN)}
    made = run("token", "create", "--site", "mechelen", "--role", "screen", cwd=tmp_path, **variables)
    assert made.returncode == 0
    assert (tmp_path / "x.db").exists()
    missed = run("token", "create", "--site", "mechlen", "--role", "screen", cwd=tmp_path, **variables)
    fails(missed, "there is no site 'mechlen'", "mechelen")
    options = ("--site", "mechelen", "--role", "counter", "--counter", "99")
    fails(run("token", "create", *options, cwd=tmp_path, **variables), "has no counter '99'")
    # An option goes before the environment.
    other = ("--site", "mechelen", "--role", "screen", "--database", "sqlite:///other.db")
    assert run("token", "create", *other, cwd=tmp_path, **variables).returncode == 0
    assert (tmp_path / "other.db").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "create", "--site", "mechelen"),
        ("token", "create", "--role", "kiosk"),
        ("token", "create", "--site", "mechelen", "--role", "king"),
        ("token", "create", "--site", "mechelen", "--role", "kiosk", "--counter", "1"),
        ("token", "create", "--site", "mechelen", "--role", "kiosk", "--colour", "red"),
        ("token", "destroy"),
        ("nonsense",),
        ("serve", "--port", "70000"),
        ("serve", "--port", "http"),
        ("serve", "--speed", "-1"),
        ("serve", "--house-time", "yesterday"),
        ("serve", "--house-time", "2026-11-23T09:00:00"),
        ("serve", "--house-time", "2026-02-30T09:00:00Z"),
        ("config", "import"),
        ("config", "show", "house.toml"),
        ("rebuild", "--chek"),
        ("import", "visits", "file.csv"),
        ("import", "appointments", "--site", "mechelen"),
        ("import", "appointments", "file.csv"),
        ("import", "appointments", "file.csv", "--site", "mechelen", "--house-time", "yesterday"),
    ],
    ids=" ".join,
)
def test_misuse_ends_with_2_and_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(cli, arguments)
    assert told.exit_code == 2, told.output
    assert told.stdout == ""
    assert "Error: " in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_misuse_of_the_real_command(tmp_path: Path) -> None:
    fails(run("token", "create", "--role", "kiosk", cwd=tmp_path), "--site", status=2)


# --- a start that stops ---------------------------------------------------------------------------


def serve(tmp_path: Path, *more: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return run("serve", "--port", str(free_port()), *more, cwd=tmp_path, **variables)


def broken(tmp_path: Path, old: str, new: str) -> Path:
    """The Mechelen house with a slip in it."""
    file = tmp_path / "slip.toml"
    text = MECHELEN.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return file


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('time_zone = "Europe/Brussels"', 'time_zone = "Europe/Brusels"', ("time_zone", "Europe/Brussels")),
        ("holidays =", "holiday =", ("sites.mechelen.holiday: unknown key", '"holidays"')),
        ('services = ["onthaal"]', 'services = ["onthal"]', ("counters[1].services", '"onthaal"')),
        ("[sites.mechelen]", "[sites.mechelen", ("not TOML", "line ")),
        ("[sites.mechelen]", "[sites.api]", ("taken", "")),
    ],
)
def test_a_broken_configuration_stops_the_start(
    tmp_path: Path, old: str, new: str, said: tuple[str, str]
) -> None:
    file = broken(tmp_path, old, new)
    if "sites.api" in new:
        file.write_text(MECHELEN.read_text().replace("sites.mechelen", "sites.api"))
    fails(serve(tmp_path, "--config", file), str(file), *said)


def test_a_broken_configuration_stops_also_where_another_counts(tmp_path: Path) -> None:
    file = broken(tmp_path, "holidays =", "holiday =")
    url = f"sqlite:///{tmp_path}/used.db"
    assert run("config", "import", MECHELEN, "--database", url, cwd=tmp_path).returncode == 0
    fails(serve(tmp_path, "--database", url, ONTHAAL_CONFIG=str(file)), str(file), "holidays")
    fails(run("config", "import", file, "--database", url, cwd=tmp_path), str(file), "holidays")


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "mechelen.toml").write_text("")
    fails(serve(tmp_path, "--config", "mechlen.toml"), "mechlen.toml: no such file", "mechelen.toml")
    fails(serve(tmp_path, "--config", tmp_path), "is a directory")


@pytest.mark.parametrize("url", ["", "onthaal.db", "sqlite:///", "mysql://user:canary@host/x"])
def test_a_database_url_that_cannot_be_used(tmp_path: Path, url: str) -> None:
    told = fails(serve(tmp_path, "--database", url), "database", "sqlite:///path/to/file")
    assert "canary" not in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["sqlite:////proc/onthaal.db", "sqlite:///nowhere/onthaal.db", "sqlite:///file/o.db"]
)
def test_a_place_where_no_database_can_be(tmp_path: Path, url: str) -> None:
    """A folder in which nobody may write, one that is not there, and a file instead of a folder."""
    (tmp_path / "file").write_text("")
    fails(serve(tmp_path, "--database", url))


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "letter.db"
    file.write_text("Dear Sir or Madam, " * 100)
    url = f"sqlite:///{file}"
    fails(serve(tmp_path, "--database", url), "not a database", str(file))
    for command in ("token create --site mechelen --role kiosk", "token list", "rebuild --check"):
        fails(run(*command.split(), "--database", url, cwd=tmp_path), "not a database", str(file))
    assert file.read_text().startswith("Dear Sir")


def test_a_database_of_a_newer_version(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/o.db"
    assert run("config", "import", MECHELEN, "--database", url, cwd=tmp_path).returncode == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "o.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    fails(serve(tmp_path, "--database", url), "newer version of Onthaal", "9999")


def test_a_broken_key(tmp_path: Path) -> None:
    fails(serve(tmp_path, ONTHAAL_KEY="xyz"), "ONTHAAL_KEY")
    (tmp_path / "onthaal.db.key").write_text("00")
    fails(serve(tmp_path), "onthaal.db.key", "64 hexadecimal digits")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = run("serve", "--port", str(taken.getsockname()[1]), cwd=tmp_path)
    fails(ran, "cannot listen on 127.0.0.1:", "ddress already in use")


def test_a_second_server_that_cannot_listen_leaves_the_first_one_s_day_alone(
    tmp_path: Path, server: Onthaal
) -> None:
    server.client("kiosk").post("/sites/mechelen/visits", json={"service": "onthaal"}).raise_for_status()
    journal = server.client("supervisor")
    before = journal.get("/sites/mechelen/journal", params={"after": 0}).json()
    # In real time, another day than the first one's: it would end that day and begin its own.
    fails(run("serve", "--port", str(server.port), "--database", server.url, cwd=tmp_path), "cannot listen")
    assert journal.get("/sites/mechelen/journal", params={"after": 0}).json() == before
    assert server.client("counter").post("/sites/mechelen/counters/1/open").status_code == 200
    found = journal.get("/sites/mechelen/journal", params={"after": 0}).json()["entries"]
    assert [entry["kind"] for entry in found[len(before["entries"]) :]] == ["counter-opened"]


# --- the configuration in the database ------------------------------------------------------------


def test_the_file_seeds_an_empty_database_and_later_only_differs(tmp_path: Path) -> None:
    file = tmp_path / "house.toml"
    file.write_text(MECHELEN.read_text())
    server = Onthaal(tmp_path, config=file)
    try:
        server.start()
        assert "differs" not in server.log()
        server.stop()
        file.write_text(file.read_text().replace("target_s = 120", "target_s = 240", 1))
        server.start()
        (line,) = [line for line in server.log().splitlines() if "differs" in line]
        assert str(file) in line
        assert "sites.mechelen.services.onthaal.target_s" in line
        assert f"onthaal config import {file}" in line
        assert target(server) == 120
        server.stop()
        done = run("config", "import", file, "--database", server.url, cwd=tmp_path)
        assert done.returncode == 0
        assert done.stdout == "sites.mechelen.services.onthaal.target_s: 120 -> 240\n"
        assert done.stderr == "1 key changed; a running server takes this at its next start\n"
        size = len(server.log())
        server.start()
        assert target(server) == 240
        assert "differs" not in server.log()[size:]
    finally:
        server.close()


def target(server: Onthaal) -> int:
    services = server.client("screen").get("/sites/mechelen").json()["services"]
    return next(int(each["target_s"]) for each in services if each["id"] == "onthaal")


def test_an_import_into_an_empty_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/o.db"
    done = run("config", "import", MECHELEN, "--database", url, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "empty database" in done.stderr


# --- rebuild --------------------------------------------------------------------------------------


def test_rebuild_checks_and_mends(tmp_path: Path) -> None:
    server = Onthaal(tmp_path)
    try:
        server.start()
        kiosk = server.client("kiosk")
        for _ in range(3):
            assert kiosk.post("/sites/mechelen/visits", json={"service": "onthaal"}).status_code == 200
    finally:
        server.close()
    check = ("rebuild", "--check", "--database", server.url)
    assert run(*check, cwd=tmp_path).returncode == 0
    with contextlib.closing(sqlite3.connect(server.database)) as database:
        database.execute("UPDATE visit SET status = 'left' WHERE ticket = 'A002'")
        database.execute("DELETE FROM visit WHERE ticket = 'A003'")
        database.commit()
    ran = run(*check, cwd=tmp_path)
    assert ran.returncode == 1
    assert sorted(line.split(": ")[1] for line in ran.stdout.splitlines()) == ["missing", "status"]
    assert "2 rows differ" in ran.stderr
    assert run("rebuild", "--database", server.url, cwd=tmp_path).returncode == 0
    assert run(*check, cwd=tmp_path).returncode == 0


def test_rebuild_of_an_empty_database(tmp_path: Path) -> None:
    assert run("rebuild", "--check", "--database", "sqlite:///o.db", cwd=tmp_path).returncode == 0


def test_a_token_is_listed_without_its_secret_and_revoked_at_once(server: Onthaal) -> None:
    made = server.token("counter", "3")
    at = ("--database", server.url)
    listed = run("token", "list", *at, cwd=server.folder)
    line = next(line for line in listed.stdout.splitlines() if "\tcounter\t3\t" in line)
    identity = line.split("\t")[0]
    assert made.split("_")[1] == identity
    assert made.split("_", 2)[2] not in listed.stdout
    client = server.client("counter", "3")
    assert client.get("/sites/mechelen").status_code == 200
    assert run("token", "revoke", identity, *at, cwd=server.folder).returncode == 0
    deadline = time.monotonic() + 5
    while client.get("/sites/mechelen").status_code != 401:
        assert time.monotonic() < deadline
    fails(run("token", "revoke", identity, *at, cwd=server.folder), identity)


def test_a_server_that_is_asked_to_stop_ends_with_status_0(server: Onthaal) -> None:
    assert server.stop() == 0
