"""Somebody who receives webhooks: a real HTTP server on loopback that keeps what it got.

Signatures are worked out here by the specification's own words, without the server's code.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOLERANCE_S = 300


@dataclass(frozen=True)
class Got:
    """A request: its headers by lower-case names, and its body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> Any:
        return json.loads(self.body)


def signed_by(secret: str, got: Got) -> bool:
    """Whether a request was signed with this secret (``whsec_...``), and now."""
    if abs(time.time() - int(got.headers["webhook-timestamp"])) > TOLERANCE_S:
        return False
    content = f"{got.id}.{got.headers['webhook-timestamp']}.".encode() + got.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return wanted in got.headers["webhook-signature"].split(" ")


class Receiver:
    """Answers each request with what ``answer`` says: a status, and headers if it needs any.

    While ``hangs`` is set no request is answered.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.got: list[Got] = []
        self.answer: Callable[[Got], tuple[int, dict[str, str]]] = lambda _got: (204, {})
        self.hangs = False
        self._go_on = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                got = Got(self.path, headers, body)
                receiver.got.append(got)
                if receiver.hangs:
                    receiver._go_on.wait(20)
                    return
                status, more = receiver.answer(got)
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in ({"Content-Length": "0"} | more).items():
                        self.send_header(name, value)
                    self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_arguments: None  # type: ignore[method-assign]
        self.port = self._server.server_port
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = f"{'http' if context is None else 'https'}://127.0.0.1:{self.port}/in?key=s3cret"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def types(self) -> list[str]:
        """What was told so far, in the order of its arrival."""
        return [got.said["type"] for got in self.got]

    def close(self) -> None:
        self._go_on.set()
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def receiver(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver that is gone afterwards."""
    made = Receiver(context)
    try:
        yield made
    finally:
        made.close()
