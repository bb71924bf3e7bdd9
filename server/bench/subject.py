"""The server that is measured: its own process, file and house, and a lean client of its API."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from server import schema
from server.access import Role, create_token
from server.bench.machine import cpu_s, resident_mb
from server.database import Database

SITE = "bench"
COUNTERS = 40
HOUSE_TIME = "2026-11-23T09:15:00+01:00"
START_S = 60.0

_keys = itertools.count(1)


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def house_file(folder: Path, channels: str = "") -> Path:
    """A house of forty counters that all serve one service, open all day, every day."""
    lines = [f'[sites.{SITE}]\nname = "Bench"\ntime_zone = "Europe/Brussels"\n[sites.{SITE}.opening]\n']
    lines += [f'{day} = ["08:00-20:00"]\n' for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]
    lines.append(
        f'[[sites.{SITE}.services]]\nid = "desk"\nname = "Desk"\nkind = "theme"\n'
        'range = "A"\ntarget_s = 300\n'
    )
    for number in range(1, COUNTERS + 1):
        lines.append(f'[[sites.{SITE}.counters]]\nid = "{number}"\nservices = ["desk"]\n')
    file = folder / "house.toml"
    file.write_text("".join([*lines, channels]))
    return file


class Subject:
    """A server process over ``folder/onthaal.db``, gone when the ``with`` ends."""

    def __init__(
        self, folder: Path, channels: str = "", house_time: str = HOUSE_TIME, speed: float = 1
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.url = f"sqlite:///{folder / 'onthaal.db'}"
        self.house_time = house_time
        self.speed = speed
        self._channels = channels
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._tokens: dict[str, str] = {}

    def __enter__(self) -> Self:
        database = Database(self.url)
        try:
            database.write_now(schema.migrate)
            for role in (Role.KIOSK, Role.COUNTER, Role.SCREEN):
                self._tokens[role.value] = database.write_now(
                    lambda connection, role=role: create_token(connection, SITE, role, None)  # type: ignore[misc]
                )
        finally:
            database.close()
        self.start()
        return self

    def start(self) -> None:
        """Start the process, and wait until it answers."""
        command = [sys.executable, "-m", "server", "serve", "--port", str(self.port)]
        command += ["--config", str(house_file(self.folder, self._channels)), "--database", self.url]
        command += ["--house-time", self.house_time, "--speed", str(self.speed)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ONTHAAL_")}
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=kept)
        self._wait()

    def kill(self) -> None:
        """End the process as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)

    def __exit__(self, *_error: object) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def _wait(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.05)
            finally:
                connection.close()
        raise RuntimeError(f"the server does not start: {self.log()}")

    def log(self) -> str:
        """What the process said so far."""
        return (self.folder / "server.log").read_text()

    def resident_mb(self) -> float:
        """The memory that the process holds, in megabytes."""
        assert self.process is not None
        return resident_mb(self.process.pid)

    def cpu_s(self) -> float:
        """What the process has used so far, in CPU seconds."""
        assert self.process is not None
        return cpu_s(self.process.pid)

    def token(self, role: str) -> str:
        return self._tokens[role]

    def client(self, role: str) -> Client:
        """A client on one connection."""
        return Client(self.port, self._tokens[role])


class Client:
    """Posts commands on one kept connection; leaner than a full HTTP client, which would measure itself."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer; anything but a success ends the measurement."""
        headers = self._headers | {"Idempotency-Key": f"bench-{os.getpid()}-{next(_keys)}"}
        raw = json.dumps(body or {}).encode()
        try:
            answer = self._send(path, raw, headers)
        except ConnectionError:
            # The server closes connections that were idle for a while; the key makes a second try safe.
            self._connection.close()
            answer = self._send(path, raw, headers)
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"POST {path}: {answer.status} {text.decode()}")
        found: dict[str, Any] = json.loads(text)
        return found

    def _send(self, path: str, raw: bytes, headers: dict[str, str]) -> http.client.HTTPResponse:
        self._connection.request("POST", f"/api/v1/sites/{SITE}{path}", raw, headers)
        return self._connection.getresponse()

    def close(self) -> None:
        self._connection.close()
