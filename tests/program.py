"""Onthaal's own processes for tests, forked from one that has already imported what they need.

Importing is most of what a short-lived Onthaal does, and the tests start hundreds. Each is a process of
its own all the same, with its own signals, files and end. What `python -m server` adds to that is tried by
the tests of the demo and of the wheel.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parent.parent

_nursery = multiprocessing.get_context("forkserver")
_nursery.set_forkserver_preload(
    [
        *("server.__main__", "server.app", "server.demo", "server.rebuild", "server.replay", "server.bench"),
        "server.intake",
        *("server.account_command", "server.device_command", "server.gateway_command", "server.check_config"),
        *("server.keys_command", "server.messages_command", "server.webhook_command"),
        *("server.report_command", "server.figures.kinds"),
        *("uvicorn.protocols.http.httptools_impl", "uvicorn.lifespan.off", "holidays.countries"),
    ]
)


class Program:
    """A running ``onthaal ...``; the part of :class:`subprocess.Popen` that tests use."""

    def __init__(
        self,
        arguments: Sequence[str | Path],
        *,
        output: IO[bytes],
        errors: IO[bytes],
        said: IO[bytes] | None = None,
        cwd: Path = ROOT,
        env: Mapping[str, str] | None = None,
    ) -> None:
        paths = [_path_of(stream) for stream in (said, output, errors)]
        given = [str(argument) for argument in arguments]
        work = (given, paths, str(cwd), dict(environment() if env is None else env))
        self._process = _nursery.Process(target=_onthaal, args=work, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, or minus the number of the signal that ended it; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """The exit code, as soon as there is one; `TimeoutError` after ``timeout`` seconds."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise TimeoutError(f"process {self.pid} still runs after {timeout} s")
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send the process a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def run(
    *arguments: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None, said: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run ``onthaal ...`` to its end, with ``said`` on its standard input."""
    with (
        tempfile.NamedTemporaryFile() as heard,
        tempfile.NamedTemporaryFile() as output,
        tempfile.NamedTemporaryFile() as errors,
    ):
        heard.write(said.encode())
        heard.flush()
        program = Program(arguments, said=heard, output=output, errors=errors, cwd=cwd, env=env)
        code = program.wait(60)
        told = [Path(stream.name).read_text() for stream in (output, errors)]
    return subprocess.CompletedProcess(list(arguments), code, *told)


def environment() -> dict[str, str]:
    """The environment of children: nothing of the tester's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ONTHAAL_")}
    return kept | {"PYTHONUNBUFFERED": "1"}


def _path_of(stream: IO[bytes] | None) -> str:
    return os.devnull if stream is None else str(stream.name)


def _onthaal(arguments: list[str], streams: list[str], cwd: str, env: dict[str, str]) -> None:
    """What the forked process does: the command, in the place and with the streams that it was given."""
    from server.__main__ import cli

    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for number, path in enumerate(streams):
        opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, buffering=1, closefd=False)  # noqa: SIM115 - for as long as the process lives
        for number, mode in enumerate("rww")
    )
    signal.signal(signal.SIGINT, signal.default_int_handler)
    cli(arguments, prog_name="onthaal")
