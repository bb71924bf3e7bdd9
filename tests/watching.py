"""Who watches the live wire in tests: every frame is kept, and judged by what the wire promises."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from running import Onthaal
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.sync.client import ClientConnection, connect
from websockets.uri import parse_uri

PATIENCE_S = 8.0


def wait(condition: Callable[[], Any], what: str, within_s: float = PATIENCE_S) -> Any:
    """What the condition gives once it is true."""
    deadline = time.monotonic() + within_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.005)


class Watcher:
    """A viewer that reads all the time. ``frames`` has (real monotonic second, frame) of each."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[tuple[float, dict[str, Any]]] = []
        self.faults: list[str] = []
        self.code: int | None = None
        self.reason = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        newest: dict[str, Any] | None = None
        try:
            for text in self.connection:
                assert isinstance(text, str)
                frame = json.loads(text)
                self.faults += faults(newest, frame, text)
                if "view" in frame:
                    newest = frame
                self.frames.append((time.monotonic(), frame))
        except ConnectionClosed:
            pass
        self.code = self.connection.protocol.close_code
        self.reason = self.connection.protocol.close_reason or ""

    @property
    def views(self) -> list[dict[str, Any]]:
        """The frames with a view."""
        return [frame for _moment, frame in list(self.frames) if "view" in frame]

    def reached(self, seq: int, *, view: bool = False, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """The first frame (with a view) of this seq or a later one."""

        def find() -> dict[str, Any] | None:
            known = self.views if view else [frame for _moment, frame in list(self.frames)]
            return next((frame for frame in known if frame["seq"] >= seq), None)

        found: dict[str, Any] = wait(find, f"seq {seq}", within_s)
        return found

    def closed(self, within_s: float = PATIENCE_S) -> tuple[int, str]:
        """The code and reason with which the server closes."""
        self._thread.join(within_s)
        assert self.code is not None, "the server does not close"
        return self.code, self.reason

    def close(self) -> None:
        self.connection.close()
        self._thread.join(PATIENCE_S)
        assert not self.faults, self.faults[0]


def faults(newest: dict[str, Any] | None, frame: dict[str, Any], text: str) -> list[str]:
    """What is wrong with a frame that comes after ``newest``, by what the wire promises of any two."""
    found = []
    keys = ["v", "topic", "seq", "at", "view"] if "view" in frame else ["v", "topic", "seq", "at"]
    if list(frame) != keys:
        found.append(f"keys {list(frame)}")
    if json.dumps(frame, separators=(",", ":"), ensure_ascii=False) != text:
        found.append(f"not compact: {text}")
    if newest is None:
        return found if "view" in frame else [*found, "the first frame has no view"]
    if (frame["seq"], frame["at"]) < (newest["seq"], newest["at"]):
        found.append(f"older: {text}")
    if "view" in frame and frame["view"] == newest["view"]:
        found.append(f"an unchanged view again: {text}")
    if "view" in frame and (frame["seq"], frame["at"]) == (newest["seq"], newest["at"]):
        found.append(f"two views at once: {text}")
    return found


def bearer(server: Onthaal, role: str | None, counter: str | None = None) -> dict[str, str]:
    """The header of a token, or none."""
    return {} if role is None else {"Authorization": f"Bearer {server.token(role, counter)}"}


@contextlib.contextmanager
def watching(
    server: Onthaal, topic: str, role: str | None = None, *, seen: bool = True, **named: Any
) -> Iterator[Watcher]:
    """A watcher of ``/live/{topic}``; with ``seen`` the first frame has come."""
    headers = bearer(server, role) | named.pop("headers", {})
    with connect(
        f"{server.live}/{topic}", additional_headers=headers, proxy=None, max_queue=None, **named
    ) as connection:
        watcher = Watcher(connection)
        if seen:
            wait(lambda: watcher.frames, f"a first frame of {topic}")
        yield watcher
        watcher.close()


class Socket:
    """A viewer over a bare socket, for what a well-behaved client cannot do: it reads when told to."""

    def __init__(
        self, server: Onthaal, topic: str, role: str | None = None, *, receive_buffer: int | None = None
    ) -> None:
        self.protocol = ClientProtocol(parse_uri(f"{server.live}/{topic}"), max_size=None)
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(("127.0.0.1", server.port))
        self.headers = bearer(server, role)
        self.response: Response | None = None
        self.heard: list[Frame] = []
        self.gone = False

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_error: object) -> None:
        self.socket.close()

    def handshake(self, send: Callable[[socket.socket, bytes], None] = socket.socket.sendall) -> Socket:
        """Ask for the upgrade and read until it is granted."""
        request = self.protocol.connect()
        request.headers.update(self.headers)
        self.protocol.send_request(request)
        send(self.socket, b"".join(self.protocol.data_to_send()))
        while self.response is None:
            self.read()
        return self

    def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self.socket.sendall(data)

    def frame(self, opcode: Opcode, data: bytes, *, fin: bool = True) -> None:
        """One masked frame."""
        self.send(Frame(opcode, data, fin=fin).serialize(mask=True))

    def read(self, size: int = 65_536) -> None:
        """Read once; what came is added to ``heard``, an end sets ``gone``."""
        try:
            data = self.socket.recv(size)
        except ConnectionResetError:
            data = b""
        if data:
            self.protocol.receive_data(data)
        else:
            self.gone = True
            self.protocol.receive_eof()
        for event in self.protocol.events_received():
            if isinstance(event, Response):
                self.response = event
            else:
                assert isinstance(event, Frame)
                self.heard.append(event)
        with contextlib.suppress(OSError):
            self.send(b"".join(self.protocol.data_to_send()))

    def read_until(self, opcode: Opcode) -> Frame:
        """The next frame of this kind."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for index, frame in enumerate(self.heard):
                if frame.opcode is opcode:
                    del self.heard[: index + 1]
                    return frame
            assert not self.gone, "the server hung up"
            self.read()
        raise AssertionError(f"no {opcode.name} comes")

    def close_code(self) -> int:
        """The code of the server's close, once it has hung up."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.gone:
            assert time.monotonic() < deadline, "the server does not hang up"
            self.read()
        assert self.protocol.close_rcvd is not None, "hung up without a word"
        return self.protocol.close_rcvd.code
