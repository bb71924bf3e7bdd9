"""From the POST of a call to its picture on the glass of real browsers.

Six hall screens are open in Chromium. Each page tells the server what it painted; the moment at which
it says so is noted inside the page, right after the paint, by a clock that both processes share. For
each call and screen, the first picture whose ``seq`` is at least the answer's ends the time.

Then the server is killed and started again, and the time runs from its first answer to the first picture
that each screen makes of what it says.
"""

from __future__ import annotations

import bisect
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.bench.latency import figures, rank
from server.bench.machine import Progress
from server.bench.subject import COUNTERS, SITE, Subject

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCREENS = 6
AIM_P99_MS = 150.0
AIM_BACK_MS = 2000.0
AWAY_S = 8.0
"""How long the server is away, in real seconds: long enough for screens to ask as seldom as they ever do."""
PAINT_S = 3.0
"""How long the last pictures may take, in real seconds."""

_SIZE = {"width": 1920, "height": 1080}
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]

# Every receipt that the page sends, with the moment: [seq, milliseconds since 1970].
_NOTE = """
window.glass = [];
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (text) {
  const { painted } = JSON.parse(text);
  if (painted !== undefined) window.glass.push([painted, performance.timeOrigin + performance.now()]);
  return send.call(this, text);
};
"""

Picture = tuple[int, float]
"""A painted seq and when, in milliseconds since 1970."""


def measure(folder: Path, calls: int, rate: float, restarts: int, progress: Progress) -> dict[str, Any]:
    """The figures of so many calls at so many a second and of so many restarts, in milliseconds.

    Raises ``RuntimeError`` where Chromium or playwright is missing.
    """
    chromium = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if chromium is None:
        raise RuntimeError("the screens need Chromium: install it")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise RuntimeError("the screens are driven with playwright: install onthaal[dev]") from error
    with Subject(folder) as subject, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        progress(f"opening {SCREENS} screens")
        pages = [_screen(browser, subject) for _ in range(SCREENS)]
        sent = _call(subject, calls, rate, progress)
        deadline = time.monotonic() + PAINT_S
        while time.monotonic() < deadline and any(_last(page) < sent[-1][0] for page in pages):
            pages[0].wait_for_timeout(50)
        painted = [[(int(seq), float(at)) for seq, at in page.evaluate("window.glass")] for page in pages]
        backs = [time for _ in range(restarts) for time in _restart(subject, pages, progress)]
        browser.close()
    times, missed = _times(sent, painted)
    ordered = sorted(times)
    return {
        "calls": calls,
        "calls_per_s": rate,
        "screens": SCREENS,
        "browser": Path(chromium).name,
        "painted": figures(ordered),
        "missed": missed,
        "aim_p99_ms": AIM_P99_MS,
        "met": not missed and rank(ordered, 99) < AIM_P99_MS,
        "restarts": restarts,
        "back": figures(sorted(backs)),
        "aim_back_ms": AIM_BACK_MS,
        "back_met": max(backs) < AIM_BACK_MS * 1e6,
    }


def _screen(browser: Browser, subject: Subject) -> Page:
    """A signed-in hall screen that shows its first picture."""
    page = browser.new_context(viewport=_SIZE).new_page()  # type: ignore[arg-type]
    page.add_init_script(_NOTE)
    hall = f"http://localhost:{subject.port}/{SITE}/hall"
    page.goto(f"http://localhost:{subject.port}/sign-in?next=/{SITE}/hall#{subject.token('screen')}")
    page.wait_for_url(hall)
    page.wait_for_function("() => window.glass.length > 0")
    return page


def _last(page: Page) -> int:
    seq: int = page.evaluate("window.glass.at(-1)[0]")
    return seq


def _call(subject: Subject, calls: int, rate: float, progress: Progress) -> list[Picture]:
    """Call so many people; the seq of each call's answer, and when its POST was sent."""
    counter, kiosk = subject.client("counter"), subject.client("kiosk")
    sent: list[Picture] = []
    begin = time.monotonic() + 0.5
    for number in range(calls):
        here = f"/counters/{number % COUNTERS + 1}"
        if number < COUNTERS:
            counter.post(f"{here}/open")
        else:
            counter.post(f"{here}/finish")
        kiosk.post("/visits", {"service": "desk"})
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        moment = time.time() * 1000
        sent.append((counter.post(f"{here}/next")["seq"], moment))
        progress(f"{number + 1} of {calls} calls")
    counter.close()
    kiosk.close()
    return sent


def _restart(subject: Subject, pages: list[Page], progress: Progress) -> list[int]:
    """Nanoseconds from the first answer of a restarted server to the next picture of each screen."""
    progress("the server is away")
    subject.kill()
    for page in pages:
        page.evaluate("window.glass = []")
    time.sleep(AWAY_S)
    subject.start()
    moment = time.time() * 1000
    for page in pages:
        page.wait_for_function("() => window.glass.length > 0")
    return [round((page.evaluate("window.glass[0][1]") - moment) * 1e6) for page in pages]


def _times(sent: list[Picture], painted: list[list[Picture]]) -> tuple[list[int], int]:
    """Nanoseconds from each POST to its picture on each screen, and how many pictures never came."""
    times, missed = [], 0
    for screen in painted:
        seqs = [seq for seq, _at in screen]
        for seq, moment in sent:
            index = bisect.bisect_left(seqs, seq)
            if index == len(seqs):
                missed += 1
            else:
                times.append(round((screen[index][1] - moment) * 1e6))
    return times, missed
