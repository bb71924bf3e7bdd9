"""One live connection: uvicorn's protocol, with its transport open to the hub.

uvicorn and ``websockets`` do the handshake and parse what a client sends. What the server sends
after the handshake are whole frames, which the hub writes; this class writes only pongs and the
goodbye. What a client can make us keep is bounded: in one read, one message, one message's pieces,
and in what waits to be taken by it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from displays.protocol import RECEIPT_PIECES, Close
from server.hub import BLOCKED_S, Hub, Viewer

EXTENSION = "onthaal.wire"
"""The name under which a connection is found in its ASGI scope."""

SEND_BUFFER = 65_536
"""Bytes the kernel is asked to hold for a viewer (Linux doubles them): how far a slow one falls behind."""

READ_BYTES = 2048
"""Bytes read at once: more wait in the kernel, so that nobody fills our memory or takes a whole turn."""

GOODBYE_S = 2.0
"""How long a client may take to answer a close before it is cut off, in real seconds."""

# uvicorn logs the path of every handshake at INFO, and a ticket's path is its secret.
_log = logging.getLogger("onthaal.wire")
_log.setLevel(logging.WARNING)

# Filled and emptied within one callback of the loop, so all connections share it.
_inbox = memoryview(bytearray(READ_BYTES))


def comeback_s() -> str:
    """After how many seconds to come back: spread, so that a hall does not return all at once."""
    return f"{random.uniform(0.5, 3.0):.1f}"


class LiveProtocol(WebSocketsSansIOProtocol, asyncio.BufferedProtocol):
    """The server's end of a connection; a ``hub.Wire`` once it is handed over."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.logger = _log
        self.viewer: Viewer | None = None
        self.hub: Hub | None = None
        self._pong = b""
        self._failed = False

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if not self.handshake_complete:  # else it is refused already
            extensions = cast("dict[str, Any]", self.scope["extensions"])
            extensions[EXTENSION] = self

    def hand_over(self, viewer: Viewer, hub: Hub) -> None:
        """From now on the hub writes; any byte that the kernel does not take blocks the viewer."""
        self.viewer, self.hub = viewer, hub
        self.transport.set_write_buffer_limits(high=0)
        raw = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # the other side may have gone this moment
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            # A line that died without a word takes bytes for as long as the kernel has room for them.
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(BLOCKED_S * 1000))

    # --- what the hub asks for ------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        if not self.close_sent and not self.transport.is_closing():
            self.transport.write(data)

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye; hang up when the client has answered, or after :data:`GOODBYE_S`."""
        if self.handshake_complete and not self.close_sent and not self.transport.is_closing():
            self.conn.send_close(code, reason)
            self._say_goodbye(code, reason)

    def abort(self) -> None:
        self.transport.abort()

    def _say_goodbye(self, code: int, reason: str) -> None:
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:  # the client's answer is to be read
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(GOODBYE_S, self.transport.abort)

    # --- what the network says ------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        return _inbox

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(_inbox[:nbytes]))

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_complete:
            # uvicorn leaves a handshake that cannot be parsed (too many headers) without an answer.
            self.handshake_complete = self.close_sent = True
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()
        elif self.writable.is_set():
            self._answer_ping()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.viewer is not None and self.hub is not None:
            self.hub.block(self.viewer)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._answer_ping()
        if self.writable.is_set() and self.viewer is not None and self.hub is not None:
            self.hub.drained(self.viewer)

    def shutdown(self) -> None:
        """The server goes away: say so, with a delay that spreads those who come back."""
        if self.handshake_complete:
            self.close(Close.GOING_AWAY, comeback_s())
        else:
            super().shutdown()

    # --- what the client says -------------------------------------------------------------------

    def handle_ping(self) -> None:
        # One read's pongs come together. To answer the newest pings is enough, and all that a client
        # which takes nothing can make us keep.
        self._pong = b"".join(self.conn.data_to_send()) or self._pong

    def _answer_ping(self) -> None:
        pong, self._pong = self._pong, b""
        if pong:
            self.write(pong)

    def handle_cont(self, event: Any) -> None:
        if len(self.frames) >= RECEIPT_PIECES:
            self.close(Close.BAD_MESSAGE, "too many pieces")
        if self.close_sent:
            self.frames.clear()
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        try:
            b"".join(self.frames).decode()
        except UnicodeDecodeError:
            if self.curr_msg_data_type == "text":
                self.frames.clear()
                self.close(Close.NOT_UTF8)
                return
        super().send_receive_event_to_app()

    def handle_close(self, event: Any) -> None:
        super().handle_close(event)
        if self.transport.get_write_buffer_size():  # who takes nothing takes no answer either
            self.loop.call_later(GOODBYE_S, self.transport.abort)

    def handle_parser_exception(self) -> None:
        """Close after bytes that are no WebSocket, or a message too long; the code is the parser's."""
        if self._failed:  # all that still comes is thrown away
            return
        self._failed = True
        if self.close_sent or self.conn.close_sent is None:
            self.transport.close()
            return
        self._say_goodbye(self.conn.close_sent.code, self.conn.close_sent.reason)
        # Hanging up with bytes unread would reset the connection and lose the code on its way.
        self.transport.write_eof()
