"""A push service on loopback, and a browser's half of a subscription: it decrypts what was sent."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
from dataclasses import dataclass
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def text(raw: bytes) -> str:
    """As base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Browser:
    """The keys of one subscription."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.keys = {"p256dh": text(point), "auth": text(self.auth)}

    def subscription(self, endpoint: str) -> str:
        return json.dumps({"endpoint": endpoint, "keys": self.keys})

    def read(self, body: bytes) -> Any:
        """What a push message says (RFC 8291)."""
        plain = http_ece.decrypt(body, private_key=self.private, auth_secret=self.auth, version="aes128gcm")
        return json.loads(plain)


@dataclass(frozen=True)
class Request:
    """What the push service was asked."""

    line: str
    headers: dict[str, str]
    body: bytes


class PushService:
    """Answers every request with ``answer``; nothing, where that is empty."""

    def __init__(self, shown: ssl.SSLContext) -> None:
        self.answer = "201 Created\r\nLocation: https://push.example/m/1"
        self.requests: list[Request] = []
        self.connections = 0
        self._shown = shown
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> PushService:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._shown)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def close(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                line, *rest = head.strip().split("\r\n")
                headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in rest)}
                body = await reader.readexactly(int(headers["content-length"]))
                self.requests.append(Request(line, headers, body))
                if self.answer:
                    writer.write(f"HTTP/1.1 {self.answer}\r\nContent-Length: 2\r\n\r\nok".encode())
                    await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()
