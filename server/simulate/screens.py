"""The hall screens of a simulated house: they watch the hall and say what they showed and sounded."""

from __future__ import annotations

import msgspec
from websockets.asyncio.client import ClientConnection

from server.domain.house import ScreenPlan
from server.simulate.watch import follow


class Call(msgspec.Struct):
    """A call of the hall's view."""

    id: str


class View(msgspec.Struct):
    """As much of the hall's view as a screen without glass looks at."""

    calls: list[Call]


class Frame(msgspec.Struct):
    """A frame of the wire; a heartbeat has no view."""

    seq: int
    view: View | None = None


class Screen:
    """One configured screen that paints at once and whose sound nobody hears."""

    def __init__(self, url: str, site: str, plan: ScreenPlan, token: str) -> None:
        self._url = f"ws{url.removeprefix('http')}/live/{site}/hall?screen={plan.id}"
        self._token = token
        self._sounds = plan.sounds
        self._decoder = msgspec.json.Decoder(Frame)
        self._known: set[str] | None = None

    async def follow(self) -> None:
        """Watch and answer every frame; one task, until cancelled. Raises like ``watch.follow``."""
        await follow(self._url, self._token, self._take)

    async def _take(self, socket: ClientConnection, raw: str | bytes) -> None:
        frame = self._decoder.decode(raw)
        sounded: list[str] = []
        if frame.view is not None:
            shown = [call.id for call in frame.view.calls]
            if self._sounds and self._known is not None:
                sounded = [call for call in shown if call not in self._known]
            self._known = set(shown)
        receipt = {"painted": frame.seq, "sounded": sounded, "sound": "on" if self._sounds else "off"}
        await socket.send(msgspec.json.encode(receipt).decode())
