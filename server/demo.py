"""``onthaal demo``: a house, an empty database, and simulated days to look at.

It begins three house days early, which pass in half a minute: the reminders of the first morning go out.
Two processes of their own, a server and a client, end with this one; the database lives in a
temporary folder that goes with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO

import click
import httpx
import sqlalchemy as sa
from rich.console import Console

import server
from server import accounts
from server.access import Role, create_token
from server.command_line import opened
from server.domain.house import House
from server.domain.schedule import SECOND, iso, to_datetime
from server.settings import ConfigError, default_config, load
from server.simulate import ROLES, variable
from server.simulate.staff import spare_counter

SITE = "mechelen"
HOST = "127.0.0.1"
FIRST_DAY = "2026-11-23"
"""A Monday without anything special about it."""
MORNING_S = 900
"""The house clock begins this long before the doors open: time to book the day's appointments."""
BOOKING_S = 8
"""The same in real seconds, where a fast house needs longer than its morning."""

DAYS_EARLY = 3
"""How many days before the first opening the demo begins: as far as the first rung of its ladder."""
HURRY_S = 28.0
"""In how many real seconds these days pass."""
FIRST_BOOKED_S = 6.0
"""The first of them, before the earliest rung: both processes start, and the first day is booked."""
SHORTEST_HURRY_S = 4.0

STARTS_WITHIN_S = 30.0
ENDS_WITHIN_S = 8.0
"""Real seconds for a child to end when asked; after that it is not asked any more."""
LOG_LINES = 15


_PYTHON = (sys.executable, "-P", "-m")
"""Our own interpreter, deaf to a folder that happens to be called ``server`` where we are started."""


NAMES = {Role.RECEPTION: "Onthaal", Role.COUNTER: "U", Role.SUPERVISOR: "Toezicht"}
"""How colleagues see the people of the demo."""

FOR = {"onthaal": "reception", "toezicht": "who leads the house"}
"""What the logins are for, told to who starts the demo."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What lets people and programs in: tokens by role, that of the counter's panel, passwords by login."""

    tokens: dict[str, str]
    panel: str
    passwords: dict[str, str]


class DemoFailed(Exception):
    """The demo cannot begin or go on; the text says why, for who started it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What is shown: a house, how fast, from which instant, for how many days.

    Until ``morning``, shortly before the doors open on the day ``first``, it hurries at the speed of
    ``hurry``; None where it begins in the morning. ``messages``: each is shown in the terminal.
    """

    house: House
    config: Path
    begins_at: int
    first: date
    morning: int
    hurry: float | None
    messages: bool
    speed: float
    seed: int
    port: int
    days: int | None
    left: str

    @property
    def url(self) -> str:
        """As people type it; browsers let cookies of sessions through on this name without TLS."""
        return f"http://localhost:{self.port}"


@click.command("demo")
@click.option(
    "--speed",
    default=30.0,
    show_default=True,
    type=click.FloatRange(1, 10_000),
    help="House seconds per real second.",
)
@click.option("--seed", default=1, show_default=True, help="Another seed, other days.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="Where to listen."
)
@click.option("--days", type=click.IntRange(min=1), help="Stop after so many days; else Ctrl-C ends it.")
@click.option(
    "--date",
    "first",
    type=click.DateTime(["%Y-%m-%d"]),
    default=FIRST_DAY,
    show_default=True,
    help="The day to begin with.",
)
@click.option(
    "--hurry",
    "hurry_s",
    default=HURRY_S,
    show_default=True,
    type=click.FloatRange(0, 600),
    callback=lambda _context, _option, value: _hurry_s(value),
    help="Real seconds in which the three days before pass; 0 leaves them out.",
)
@click.option(
    "--messages/--quiet-messages", default=True, show_default=True, help="Show every message in the terminal."
)
def command(
    speed: float,
    seed: int,
    port: int,
    days: int | None,
    first: datetime,
    hurry_s: float,
    messages: bool,
) -> None:
    """Show a simulated house: the Mechelen hall, its people and its staff."""
    try:
        config = default_config()
        house = load(config)[SITE]
        opening = _opening(house, first.date())
        morning = opening - round(max(MORNING_S, BOOKING_S * speed)) * SECOND
        begins_at, hurry = _early(house, opening, morning, hurry_s) if hurry_s else (morning, None)
        demo = Demo(
            house=house,
            config=config,
            begins_at=begins_at,
            first=house.calendar.local_date(opening),
            morning=morning,
            hurry=hurry,
            messages=messages,
            speed=speed,
            seed=seed,
            port=port,
            days=days,
            left=spare_counter(house),
        )
        _port_is_free(demo)
        asyncio.run(_run(demo))
    except (DemoFailed, ConfigError) as error:
        click.echo(f"onthaal demo: {error}", err=True)
        sys.exit(1)


def _hurry_s(value: float) -> float:
    if 0 < value < SHORTEST_HURRY_S:
        raise click.BadParameter(f"three days need {SHORTEST_HURRY_S:g} seconds; 0 leaves them out")
    return value


def _opening(house: House, day: date) -> int:
    """The first opening on that day or after it."""
    opening = house.calendar.next_opening(house.calendar.midnight_before(day) - SECOND)
    if opening is None:
        raise DemoFailed(f"the house does not open within a month of {day}")
    return opening


def _early(house: House, opening: int, morning: int, hurry_s: float) -> tuple[int, float]:
    """When to begin, so that the last days before the opening pass in so many real seconds, and how fast."""
    calendar = house.calendar
    local = to_datetime(opening, calendar.zone)
    since = calendar.at(local.date() - timedelta(days=DAYS_EARLY), local.time())
    booked_s = min(FIRST_BOOKED_S, hurry_s / 4)
    hurry = (morning - since) / SECOND / (hurry_s - booked_s)
    return since - round(booked_s * hurry * SECOND), hurry


def _port_is_free(demo: Demo) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, demo.port))
        except OSError as error:
            raise DemoFailed(
                f"port {demo.port} is taken ({error.strerror}): "
                "end what uses it, or choose another with --port"
            ) from None


async def _run(demo: Demo) -> None:
    """Show the demo until its days are over or a signal ends it."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory(prefix="onthaal-demo-") as folder:
        stopped = asyncio.create_task(stop.wait())
        shown = asyncio.create_task(_show(demo, Path(folder)))
        await asyncio.wait({stopped, shown}, return_when=asyncio.FIRST_COMPLETED)
        # Whichever is left is ended and waited for, before the folder goes.
        stopped.cancel()
        shown.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await shown


async def _show(demo: Demo, folder: Path) -> None:
    database = f"sqlite:///{folder / 'onthaal.db'}"
    log = folder / "server.log"
    serve = _options(
        config=demo.config,
        database=database,
        host=HOST,
        port=demo.port,
        house_time=iso(demo.begins_at),
        speed=demo.speed,
        hurry_until=None if demo.hurry is None else iso(demo.morning),
        hurry=demo.hurry,
    )
    # Before the server starts: from then on its house hurries.
    keys = await asyncio.to_thread(_let_in, database, demo.left)
    play = _options(
        url=f"http://{HOST}:{demo.port}",
        config=demo.config,
        site=SITE,
        seed=demo.seed,
        leave=demo.left,
        days=demo.days,
        first=demo.first,
        hurry_until=None if demo.hurry is None else iso(demo.morning),
    )
    environment = {variable(role): token for role, token in keys.tokens.items()}
    # What the server writes to its standard output are messages. The client shows them: it owns the line of
    # progress on the same terminal.
    read, write = os.pipe()
    with os.fdopen(read, "rb") as told, os.fdopen(write, "wb") as tells:
        server = ("server", "serve", "--skip-nights", "--show-messages", *serve)
        async with _child(server, log, stdout=tells if demo.messages else None) as serving:
            tells.close()
            await _answers(demo, serving, log)
            _announce(demo, keys)
            client = ("server.simulate", *play, *(["--messages"] if demo.messages else []))
            async with _child(client, None, environment, stdin=told) as playing:
                told.close()
                ends = {asyncio.create_task(serving.wait()), asyncio.create_task(playing.wait())}
                try:
                    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for end in ends:
                        end.cancel()
                if serving.returncode is not None:
                    raise DemoFailed(f"the server ended unexpectedly ({serving.returncode}){_tail(log)}")
                if playing.returncode != 0:
                    raise DemoFailed(f"the client ended unexpectedly ({playing.returncode})")


@contextlib.asynccontextmanager
async def _child(
    arguments: tuple[str, ...],
    log: Path | None,
    environment: dict[str, str] | None = None,
    *,
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A module run as a process that ends with the block; what it says goes to ``log``, or is ours.

    In a session of its own: the terminal's Ctrl-C comes to us alone, and we end what we started, the
    client before its server.
    """
    with contextlib.ExitStack() as files:
        errors = None if log is None else files.enter_context(log.open("wb"))
        process = await asyncio.create_subprocess_exec(
            *_PYTHON,
            *arguments,
            stdin=stdin or asyncio.subprocess.DEVNULL,
            stdout=stdout or errors,
            stderr=errors,
            env=_environment() | (environment or {}),
            start_new_session=True,
        )
        try:
            yield process
        finally:
            await _end(process)


def _options(**values: object) -> tuple[str, ...]:
    """Options of a command line; one that is None is left out."""
    given = [
        (f"--{name.replace('_', '-')}", str(value)) for name, value in values.items() if value is not None
    ]
    return tuple(part for option in given for part in option)


def _environment() -> dict[str, str]:
    """A child's environment: it finds the package where we did, and none of the settings that are
    meant for a real house."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ONTHAAL_")}
    here = str(Path(server.__file__).parents[1])
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))}


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(ENDS_WITHIN_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _answers(demo: Demo, serving: asyncio.subprocess.Process, log: Path) -> None:
    """Wait until the server answers."""
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{demo.port}", trust_env=False, timeout=2) as http:
        try:
            async with asyncio.timeout(STARTS_WITHIN_S):
                while serving.returncode is None:
                    with contextlib.suppress(httpx.TransportError):
                        if (await http.get("/health")).is_success and serving.returncode is None:
                            return
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise DemoFailed(f"the server did not answer for {STARTS_WITHIN_S:.0f} s{_tail(log)}") from None
    raise DemoFailed(f"the server did not start{_tail(log)}")


def _let_in(url: str, left: str) -> Keys:
    """Make tokens and accounts as an administrator would, by what the command line calls."""
    wanted = {
        login: (Role(role), counter, f"{login}-{secrets.token_hex(4)}")
        for login, role, counter in (
            ("onthaal", "reception", None),
            (f"loket{left}", "counter", left),
            ("toezicht", "supervisor", None),
        )
    }
    with ThreadPoolExecutor(len(wanted)) as hashing:
        hashes = hashing.map(lambda login: accounts.hash_password(login, wanted[login][2]), wanted)
        hashed = dict(zip(wanted, hashes, strict=True))

    def make(connection: sa.Connection) -> Keys:
        for login, (role, counter, _password) in wanted.items():
            accounts.create(connection, SITE, role, login, NAMES[role], counter, hashed[login])
        return Keys(
            {role: create_token(connection, SITE, Role(role), None) for role in ROLES},
            create_token(connection, SITE, Role.COUNTER, left),
            {login: password for login, (_role, _counter, password) in wanted.items()},
        )

    with opened(url) as store:
        return store.write_now(make)


def _announce(demo: Demo, keys: Keys) -> None:
    """Print where everything is. Nothing is wrapped: an address broken in two does not open."""
    api = f"{demo.url}/api/v1/sites/{SITE}"
    wide = max(map(len, keys.passwords)) + 2
    lines = (
        f"{demo.house.name}: a simulated house, {demo.speed:g} times as fast as life. Ctrl-C ends it.",
        "",
        f"  every page       {demo.url}/",
        f"  your counter     {demo.url}/sign-in?next=/{SITE}/counters/{demo.left}#{keys.panel}",
        f"  the hall screen  {demo.url}/{SITE}/hall?screen={next(iter(demo.house.screens))}",
        f"  reception        {demo.url}/{SITE}/reception",
        f"  management       {demo.url}/{SITE}/management",
        f"  figures          {demo.url}/{SITE}/figures",
        f"  what if          {demo.url}/{SITE}/whatif",
        f"  devices          {demo.url}/{SITE}/devices",
        f"  sent messages    {demo.url}/{SITE}/messages",
        f"  other systems    {demo.url}/{SITE}/webhooks",
        f"  another screen   {demo.url}/screen",
        "",
        f"Open your counter's address first: it signs your browser in, for the hall screen as well. "
        f"Counter {demo.left} is yours; the others have their staff.",
        f"Everybody else signs in at {demo.url}/sign-in, by login and password:",
        *(
            f"  {login:{wide}}{password}  {FOR.get(login, 'your counter')}"
            for login, password in keys.passwords.items()
        ),
        "",
        "Draw a ticket, as reception does, and open its link on a telephone's screen:",
        f"  curl -sX POST {api}/visits -H 'Authorization: Bearer {keys.tokens['reception']}' "
        f"-H \"Idempotency-Key: $(date +%s%N)\" -H 'Content-Type: application/json' "
        f'-d \'{{"service":"{_walk_in(demo.house)}"}}\'',
        "What a supervisor sees:",
        f"  curl -s {api}/views/management -H 'Authorization: Bearer {keys.tokens['supervisor']}'",
        "",
        *_before(demo),
    )
    console = Console()
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def _before(demo: Demo) -> tuple[str, ...]:
    """What happens first, for who wonders why the date runs."""
    if demo.hurry is None:
        return ()
    shown = "below" if demo.messages else "on the page of sent messages"
    hurry_s = (demo.morning - demo.begins_at) / SECOND / demo.hurry
    return (
        f"It begins {DAYS_EARLY} days early; they pass in {hurry_s:.0f} seconds, or a few more: "
        f"appointments are booked and their reminders go out, as shown {shown}.",
        "",
    )


def _walk_in(house: House) -> str:
    return next(service.id for service in house.services.values() if service.walk_ins)


def _tail(log: Path) -> str:
    """The end of a log, for a message."""
    lines = log.read_text("utf-8", errors="replace").splitlines()[-LOG_LINES:]
    return ":\n" + "\n".join(lines) if lines else "; it said nothing"
