"""A real Onthaal for tests: the server in its own process, over its own SQLite file."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import httpx
from program import ROOT, Program

from server import accounts, schema
from server.access import Role, create_token
from server.database import Database

MECHELEN = ROOT / "config" / "mechelen.toml"
MONDAY = "2026-11-23T09:15:00+01:00"
"""A Monday morning on which the Mechelen house is open."""

PASSWORD = "vier paarden in de regen"

_keys = itertools.count(1)


@cache
def _hashed() -> str:
    return accounts.hash_password("", PASSWORD)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Onthaal:
    """A server process that may be stopped, killed and started again on the same file and port."""

    def __init__(
        self, folder: Path, config: Path = MECHELEN, house_time: str = MONDAY, speed: float = 0
    ) -> None:
        self.folder = folder
        self.config = config
        self.database = folder / "onthaal.db"
        self.url = f"sqlite:///{self.database}"
        self.port = free_port()
        self.base = f"http://localhost:{self.port}"
        self.live = f"ws://localhost:{self.port}/live"
        self.house_time = house_time
        self.speed = speed
        self.more: list[str] = []
        self.process: Program | None = None
        self._clients: list[httpx.Client] = []
        self._tokens: dict[tuple[str, str | None], str] = {}
        self._accounts: dict[str, str] = {}

    def start(self) -> Onthaal:
        """Start the process and wait until it answers."""
        arguments = [
            *("serve", "--port", str(self.port)),
            *("--config", str(self.config), "--database", self.url),
            *("--house-time", self.house_time, "--speed", str(self.speed), *self.more),
        ]
        with (self.folder / "server.log").open("ab") as log:
            self.process = Program(arguments, output=log, errors=log)
        deadline = time.monotonic() + 60
        with httpx.Client(base_url=self.base) as asking:
            while time.monotonic() < deadline and self.process.poll() is None:
                with contextlib.suppress(httpx.TransportError):
                    if asking.get("/health").status_code == 200:
                        return self
                time.sleep(0.02)
        raise RuntimeError(f"the server does not start:\n{self.log()}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop the process; its exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(20)

    def log(self) -> str:
        """What the process said so far."""
        return (self.folder / "server.log").read_text()

    def token(self, role: str, counter: str | None = None, site: str = "mechelen") -> str:
        """A bearer token of a role, made once."""
        key = (f"{site}/{role}", counter)
        if key not in self._tokens:
            store = Database(self.url)
            try:
                store.write_now(schema.migrate)
                self._tokens[key] = store.write_now(
                    lambda connection: create_token(connection, site, Role(role), counter)
                )
            finally:
                store.close()
        return self._tokens[key]

    def account(self, role: str, login: str, counter: str | None = None, site: str = "mechelen") -> str:
        """An account with the password :data:`PASSWORD`, made once; its id."""
        key = f"{site}/{role}/{login}"
        if key not in self._accounts:
            store = Database(self.url)
            try:
                store.write_now(schema.migrate)
                self._accounts[key] = store.write_now(
                    lambda connection: accounts.create(
                        connection, site, Role(role), login, login.title(), counter, _hashed()
                    )
                )
            finally:
                store.close()
        return self._accounts[key]

    def client(self, role: str | None, counter: str | None = None) -> httpx.Client:
        """A client of the API with the token of a role; a fresh Idempotency-Key on every POST."""
        headers = {} if role is None else {"Authorization": f"Bearer {self.token(role, counter)}"}
        client = httpx.Client(base_url=self.base + "/api/v1", headers=headers, timeout=20)
        client.event_hooks["request"] = [with_key]
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Close the clients, and kill the process if it still runs."""
        for client in self._clients:
            client.close()
        if self.process is not None and self.process.poll() is None:
            self.stop(signal.SIGKILL)


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has asked after yet has."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def with_key(request: httpx.Request) -> None:
    """Give a POST an Idempotency-Key of its own unless it has one."""
    if request.method == "POST" and "idempotency-key" not in request.headers:
        request.headers["idempotency-key"] = f"test-{os.getpid()}-{next(_keys)}"


@contextlib.contextmanager
def onthaal(folder: Path, **settings: object) -> Iterator[Onthaal]:
    """A running server that is gone afterwards."""
    server = Onthaal(folder, **settings)  # type: ignore[arg-type]
    try:
        yield server.start()
    finally:
        server.close()
