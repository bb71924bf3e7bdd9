"""The demo as somebody starts it: a command, two processes, addresses that work, figures, an end."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path
from queue import Empty, Queue

import httpx
import pytest
from program import environment
from running import ROOT, free_port, onthaal

from server.domain.schedule import SECOND
from server.settings import default_config, load
from server.simulate import ROLES, variable
from server.simulate.housetime import instant
from server.simulate.plan import plan_day

SATURDAY = "2026-11-28"
"""The shortest day: three hours."""

HOUSE = load(default_config())["mechelen"]


class Demo:
    """A running ``onthaal demo`` and what it said so far."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.base = f"http://localhost:{self.port}"
        self.folder = folder
        self.said = ""
        self._lines: Queue[str | None] = Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "server", "demo", "--port", str(self.port), "--date", SATURDAY, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=environment() | {"TMPDIR": str(folder)},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, what: str, at_most_s: float = 60) -> str:
        """Read on until a line has this in it; that line."""
        deadline = time.monotonic() + at_most_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except Empty:
                pytest.fail(f"no {what!r} within {at_most_s} s in:\n{self.said}")
            if line is None:
                pytest.fail(f"ended without {what!r}:\n{self.said}")
            self.said += line
            if what in line:
                return line

    def children(self) -> dict[str, int]:
        """The pids of the server and of the client, by name.

        A thread of the demo, or a child, may end between being listed and being read.
        """
        found = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            for pid in _read_or_gone(task / "children").split():
                words = _read_or_gone(Path(f"/proc/{pid}/cmdline")).split("\0")
                if words != [""]:
                    found["client" if "server.simulate" in words else "server"] = int(pid)
        return found

    def end(self, how: signal.Signals, at_most_s: float = 10) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(how)
        return self.wait(at_most_s)

    def wait(self, at_most_s: float) -> int:
        """Wait for the end, all output read; the exit code."""
        code = self.process.wait(at_most_s)
        self._reader.join(5)
        while (line := self._lines.get_nowait()) is not None:
            self.said += line
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            # Not SIGKILL: that would leave the children behind.
            self.process.terminate()
            self.process.wait(20)
        assert self.process.stdout is not None
        self._reader.join(5)
        self.process.stdout.close()


def _read_or_gone(path: Path) -> str:
    """What stands in a file under /proc; nothing when its thread or process has ended."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@contextlib.contextmanager
def running_demo(folder: Path, *options: str):
    demo = Demo(folder, *options)
    try:
        yield demo
    finally:
        demo.close()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def planned():
    """How many will come, have an appointment that stands, and never report, by the plan: where all are
    reminded, and where nobody is."""
    people = plan_day(HOUSE, date.fromisoformat(SATURDAY), 1).people
    standing = [person for person in people if person.slot_at is not None and not person.cancels]
    return (
        sum(person.comes_at is not None for person in people),
        len(standing),
        sum(person.comes_at is None for person in standing),
        sum(person.unreminded().comes_at is None for person in standing),
    )


def test_a_whole_day_is_shown_and_its_figures_are_told(tmp_path):
    with running_demo(tmp_path, "--speed", "400", "--days", "1", "--hurry", "6") as demo:
        every_page = demo.wait_for("every page").split()[-1]
        sign_in = demo.wait_for("your counter").split()[-1]
        hall = demo.wait_for("the hall screen").split()[-1]
        curl = demo.wait_for("views/management")

        assert (every_page, hall) == (f"{demo.base}/", f"{demo.base}/mechelen/hall?screen=hall")
        for place in ("reception", "management", "devices", "messages"):
            assert f" {demo.base}/mechelen/{place}\n" in demo.said
        assert f" {demo.base}/screen\n" in demo.said
        path, token = sign_in.removeprefix(demo.base).split("#")
        page, _, panel = path.partition("?next=")
        assert page == "/sign-in"
        with httpx.Client(base_url=demo.base, timeout=20) as http:
            assert http.get(every_page).status_code == 200
            assert http.get(path).status_code == 200
            signed_in = http.post("/session", json={"token": token}, headers={"Origin": demo.base})
            assert signed_in.status_code == 200
            assert signed_in.json()["counter"] == panel.rsplit("/", 1)[1]
            # The cookie is for browsers, which trust localhost; httpx sends no Secure cookie over HTTP.
            cookie = {"Cookie": signed_in.headers["set-cookie"].split(";")[0]}
            assert http.get(panel, headers=cookie).status_code == 200
            assert http.get(hall, headers=cookie).status_code == 200
            # Everybody signs in with what was printed, and comes to their own page.
            homes = {"onthaal": "reception", "toezicht": "management", f"loket{panel[19:]}": panel[10:]}
            for login, home in homes.items():
                password = re.search(rf"^  {login} +(\S+)  \w", demo.said, re.MULTILINE).group(1)
                body = {"login": login, "password": password}
                answer = http.post("/session", json=body, headers={"Origin": demo.base})
                http.cookies.clear()
                assert answer.json()["home"] == f"/mechelen/{home}"
            bearer = re.search(r"Bearer (\S+)'", curl).group(1)
            shown = http.get(re.search(r"http\S+", curl).group(0), headers=bearing(bearer))
            assert shown.json()["topic"] == "mechelen/management"
            # Three days before the doors open, and long before the messages of the day itself.
            began = instant(http.get("/api/v1/sites/mechelen", headers=bearing(bearer)).json()["at"])
            assert began < instant(f"{SATURDAY}T00:00:00+01:00")

        assert "3 days early; they pass in 6 seconds" in demo.wait_for("days early")
        message = demo.wait_for("[sms to +32")
        assert re.match(r"[A-Z][a-z]{2} \d\d:\d\d  \[sms to \+32\.\.\.\d\d\] Mechelen: ", message)
        assert re.search(r"/a/\S+$", message)
        with httpx.Client(base_url=demo.base, timeout=20, headers=bearing(bearer)) as http:
            wait_until(lambda: visits_so_far(http) >= 20, 60)
            what_the_booking_system_told(http)
        demo.wait_for(f"{SATURDAY}:", at_most_s=150)
        assert demo.wait(20) == 0

    assert "refused" not in demo.said
    come, standing, never, never_unreminded = planned()
    visits, by_appointment = numbers(r"by appointment (\d+) of (\d+) visits", demo.said)[::-1]
    assert visits == pytest.approx(come, rel=0.03)
    assert 0.5 < by_appointment / visits < 0.8
    share, booked, late, missed = numbers(
        r"late or missed ([\d.]+)% of (\d+) appointments \(late ([\d.]+)%, never ([\d.]+)%\)", demo.said
    )
    assert booked == standing
    assert 100 * never / standing - 1.5 < missed < 100 * never_unreminded / standing + 1.5
    assert share == pytest.approx(late + missed, abs=0.2)
    failed, reminded, others_failed, others = numbers(
        r"of those reminded (\d+) of (\d+) \([\d.]+%\), of the others (\d+) of (\d+)", demo.said
    )
    assert reminded + others == booked
    assert reminded > others
    assert 100 * (failed + others_failed) / booked == pytest.approx(share, abs=0.1)
    (messages,) = numbers(
        r"(\d+) messages since the last evening; answers by their link: .*confirm", demo.said
    )
    assert messages >= reminded
    # So fast a house adds its own seconds to every walk and every press: only the order of size is told.
    assert 2 < late < 30
    served, left, absent, not_served, rated = numbers(
        r"served (\d+), left (\d+), not present (\d+), not served (\d+); \d+ calls; (\d+) said how it was",
        demo.said,
    )
    # Who would still say something when the doors are shut does not any more.
    assert 0.1 * served < rated < 0.45 * served
    assert served + left + absent + not_served == visits
    # On a busy machine some of these people lose patience within a second or two of real time.
    assert served > 0.5 * visits
    assert "with appointment" in demo.said
    assert list(tmp_path.iterdir()) == []


def visits_so_far(http: httpx.Client) -> int:
    view = http.get("/api/v1/sites/mechelen/views/management").json()["view"]
    return view["today"]["visits"]


def what_the_booking_system_told(http: httpx.Client) -> None:
    """How each appointment was booked, and each service's first free slot before the doors opened."""
    days = {"from": SATURDAY, "to": SATURDAY}
    told = http.get("/api/v1/sites/mechelen/punctuality", params=days | {"by": "channel"}).json()
    booked = {
        part["of"]["channel"]: sum(pair["slots"] for pair in part["figures"]["pairs"])
        + part["figures"]["pending"]
        for part in told["groups"]
    }
    assert booked.keys() == {"online", "phone", "desk"}
    assert 0.5 < booked["online"] / sum(booked.values()) < 0.75
    outside = http.get("/api/v1/sites/mechelen/figures", params=days | {"kind": "outside"}).json()
    (table,) = [each for each in outside["tables"] if each["id"] == "digital-wait"]
    keys = [column["key"] for column in table["columns"]]
    rows = [dict(zip(keys, row, strict=True)) for row in table["rows"]]
    listed = [each.name for each in HOUSE.services.values() if each.appointments and not each.discreet]
    assert [row["service"] for row in rows] == listed
    # Each had a slot that nobody has taken to this day.
    assert {(row["told"], row["none_free"], row["mean"]) for row in rows} == {(1, 0, 0.0)}


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def numbers(pattern: str, text: str) -> list[float]:
    match = re.search(pattern, text)
    assert match is not None, text
    return [float(group) for group in match.groups()]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_soon(tmp_path, how):
    with running_demo(tmp_path) as demo:
        demo.wait_for("views/management")
        wait_until(lambda: len(demo.children()) == 2)
        children = demo.children()
        assert demo.end(how) == 0
        assert all(gone(pid) for pid in children.values())
        assert list(tmp_path.iterdir()) == []
        assert "Traceback" not in demo.said
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", demo.port)) != 0


@pytest.mark.parametrize("which", ["server", "client"])
def test_a_child_that_dies_is_told_and_ends_the_demo(tmp_path, which):
    with running_demo(tmp_path) as demo:
        demo.wait_for("views/management")
        wait_until(lambda: len(demo.children()) == 2)
        children = demo.children()
        os.kill(children[which], signal.SIGKILL)
        assert demo.wait(20) == 1
        assert f"the {which} ended unexpectedly" in demo.said
        assert all(gone(pid) for pid in children.values())
        assert list(tmp_path.iterdir()) == []


def test_a_demo_may_begin_in_the_morning_and_keep_messages_to_itself(tmp_path):
    with running_demo(tmp_path, "--hurry", "0", "--quiet-messages") as demo:
        bearer = re.search(r"Bearer (\S+)'", demo.wait_for("views/management")).group(1)
        assert "days early" not in demo.said
        with httpx.Client(base_url=demo.base, timeout=20, headers=bearing(bearer)) as http:
            began = instant(http.get("/api/v1/sites/mechelen").json()["at"])
            assert instant(f"{SATURDAY}T08:00:00+01:00") < began < instant(f"{SATURDAY}T09:00:00+01:00")
            wait_until(
                lambda: http.get("/api/v1/sites/mechelen/views/management").json()["view"]["today"]["booked"]
            )
        assert demo.end(signal.SIGINT) == 0
    assert "[sms" not in demo.said


def test_three_days_in_a_second_are_refused():
    ended = subprocess.run(
        [sys.executable, "-m", "server", "demo", "--hurry", "1"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    assert "0 leaves them out" in ended.stderr


def test_a_taken_port_is_said_before_anything_starts():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "server", "demo", "--port", str(port)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment(),
            timeout=30,
            check=False,
        )
    assert ended.returncode == 1
    assert f"port {port} is taken" in ended.stderr
    assert "--port" in ended.stderr
    assert ended.stdout == ""


def test_the_client_lives_through_a_killed_server_and_nothing_happens_twice(tmp_path):
    with onthaal(tmp_path, house_time=f"{SATURDAY}T08:30:00+01:00", speed=300) as server:
        client = subprocess.Popen(
            [
                *(sys.executable, "-m", "server.simulate", "--url", server.base, "--site", "mechelen"),
                *("--config", str(default_config()), "--days", "1"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=environment() | {variable(role): server.token(role) for role in ROLES},
        )
        try:
            supervisor = server.client("supervisor")
            wait_until(lambda: today(supervisor)["visits"] >= 20, 60)
            killed = time.monotonic()
            server.stop(signal.SIGKILL)
            server.start()
            away_s = time.monotonic() - killed + 4
            # The client's clock went on while the server was away, and people with it: wait until the
            # house has caught up with them.
            agreed = at(supervisor) + round(300 * away_s) * SECOND
            wait_until(lambda: at(supervisor) >= agreed, 60)
        finally:
            client.terminate()
            said, _ = client.communicate(timeout=20)
        assert client.returncode == 0, said
        entries, after = [], 0
        while page := supervisor.get(f"/sites/mechelen/journal?after={after}&limit=1000").json()["entries"]:
            entries += page
            after = page[-1]["seq"]
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    reports = [entry for entry in entries if entry["kind"] == "visit-reported"]
    slots = [entry["appointment"] for entry in reports if entry["appointment"] is not None]
    assert len(slots) == len(set(slots))
    # Whoever was due has reported, once; a few are on their way to the kiosk at the end.
    people = plan_day(HOUSE, date.fromisoformat(SATURDAY), 1).people
    ends_at = instant(entries[-1]["at"])
    assert (
        due(people, ends_at - 600 * SECOND, all) <= len(reports) <= due(people, ends_at + 300 * SECOND, any)
    )


def due(people, moment: int, way) -> int:
    """How many come before a moment, reminded or not (``all``), or either way (``any``)."""

    def comes(person) -> bool:
        return person.comes_at is not None and person.comes_at < moment

    return sum(way((comes(person), comes(person.unreminded()))) for person in people)


def at(supervisor: httpx.Client) -> int:
    return instant(supervisor.get("/sites/mechelen").json()["at"])


def today(supervisor: httpx.Client) -> dict:
    return supervisor.get("/sites/mechelen/views/management").json()["view"]["today"]


def wait_until(condition, at_most_s: float = 40) -> None:
    deadline = time.monotonic() + at_most_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
