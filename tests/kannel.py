"""A real Kannel for tests: Debian's bearerbox and smsbox with the fake SMS centre that comes with them."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

from running import free_port

BEARERBOX = shutil.which("bearerbox") or shutil.which("bearerbox", path="/usr/sbin")
SMSBOX = shutil.which("smsbox") or shutil.which("smsbox", path="/usr/sbin")
FAKESMSC = shutil.which("fakesmsc", path="/usr/lib/kannel/test")
PRESENT = None not in (BEARERBOX, SMSBOX, FAKESMSC)
"""Whether Kannel is here: without it its tests are left out, and fail where CI=true."""

PASSWORD = "vier-paarden"
NUMBER = "8850"

_SETTINGS = """
group = core
admin-port = {admin}
admin-password = {password}
admin-allow-ip = "127.0.0.1"
admin-interface = "127.0.0.1"
smsbox-port = {boxes}
box-allow-ip = "127.0.0.1"
dlr-storage = internal

group = smsc
smsc = fake
smsc-id = fake
port = {centre}
connect-allow-ip = "127.0.0.1"

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
sendsms-interface = "127.0.0.1"
http-request-retry = 3
http-queue-delay = 1

group = sendsms-user
username = onthaal
password = {password}
max-messages = 10
concatenation = true

group = sms-service
keyword = default
catch-all = true
post-url = "{incoming}"
send-sender = true
max-messages = 0
"""


class Kannel:
    """Where it takes messages (``url``), and what its SMS centre got of it."""

    def __init__(self, folder: Path, incoming: str) -> None:
        self._folder = folder
        self._incoming = incoming
        self._ports = {name: free_port() for name in ("admin", "boxes", "centre", "send")}
        self.url = f"http://127.0.0.1:{self._ports['send']}/cgi-bin/sendsms"
        self.status = f"http://127.0.0.1:{self._ports['admin']}/status.txt?password={PASSWORD}"
        self._log = folder / "fakesmsc.log"

    @contextlib.contextmanager
    def running(self) -> Iterator[Kannel]:
        """Started, with both boxes listening; nothing of it is left afterwards."""
        settings = self._folder / "kannel.conf"
        written = _SETTINGS.format(**self._ports, password=PASSWORD, incoming=self._incoming)
        settings.write_text(written)
        with contextlib.ExitStack() as started:
            started.enter_context(_program(self._folder, str(BEARERBOX), "-v", "4", str(settings)))
            for name in ("boxes", "centre"):
                _listens(self._ports[name])
            started.enter_context(_program(self._folder, str(SMSBOX), "-v", "4", str(settings)))
            _listens(self._ports["send"])
            yield self

    @contextlib.contextmanager
    def centre(self, sent: str = "") -> Iterator[Callable[[int], list[bytes]]]:
        """The SMS centre connected, through which a citizen sends ``sent``, written as fakesmsc does.

        Gives what it got, as soon as that are so many parts, each as ``sender receiver kind text``.
        """
        self._log.write_bytes(b"")
        words = ["-H", "127.0.0.1", "-r", str(self._ports["centre"]), "-v", "0", "-i", "0.01"]
        words += ["-m", "1", sent] if sent else ["-m", "0", "1 2 text x"]
        with _program(self._folder, str(FAKESMSC), *words, log=self._log):
            until(lambda: b"fakesmsc starting" in self._log.read_bytes())
            yield self._got

    def _got(self, parts: int) -> list[bytes]:
        def told() -> list[bytes]:
            lines = self._log.read_bytes().split(b"\n")
            return [
                line.split(b": <", 1)[1][:-1]
                for line in lines
                if b"Got message" in line and line[-1:] == b">"
            ]

        until(lambda: len(told()) >= parts)
        return told()


def text_of(part: bytes, coding: str = "utf-16-be") -> str:
    """The text of a part as it came to the SMS centre; of one with a header ``coding`` must be told."""
    _sender, _receiver, kind, *rest = part.split(b" ")
    if kind == b"text":
        return b" ".join(rest).decode()
    # The header of a part of several, then the word "data", then what is in it.
    raw = rest[2] if kind == b"udh" else rest[0]
    return unquote_to_bytes(raw.replace(b"+", b" ")).decode(coding, "surrogatepass")


def until(told: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, "did not come about"
        time.sleep(0.01)


def _listens(port: int) -> None:
    def connected() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    until(connected)


@contextlib.contextmanager
def _program(folder: Path, *words: str, log: Path | None = None) -> Iterator[None]:
    with (log or folder / f"{Path(words[0]).name}.log").open("wb") as output:
        process = subprocess.Popen(words, cwd=folder, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        try:
            yield
        finally:
            # What waits in it need not be saved: the folder goes too.
            process.kill()
            process.wait()
