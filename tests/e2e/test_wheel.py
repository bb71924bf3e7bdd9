"""A wheel, built and installed in a clean environment and started from another directory, serves the demo.

What it depends on is lent to that environment, because unpacking it takes minutes; that all of it is declared
is held by ``tests/test_dependencies.py``.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import httpx
from program import environment
from running import ROOT, free_port


def test_the_demo_runs_from_a_wheel(tmp_path: Path) -> None:
    run(
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path),
        str(ROOT),
        at=tmp_path,
    )
    (wheel,) = tmp_path.glob("onthaal-*.whl")
    clean = tmp_path / "clean"
    run(sys.executable, "-m", "venv", str(clean), at=tmp_path)
    pip = (str(clean / "bin" / "python"), "-m", "pip")
    run(*pip, "install", "--quiet", "--no-deps", str(wheel), at=tmp_path)
    # A path lends packages, and not what is installed there for development: no path file is read there.
    (packages,) = clean.glob("lib/python*/site-packages")
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(*pip, "check", at=tmp_path)

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    port = free_port()
    command = [str(clean / "bin" / "onthaal"), "demo", "--port", str(port), "--speed", "60", "--hurry", "0"]
    demo = subprocess.Popen(
        command, cwd=elsewhere, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        page = get(f"http://localhost:{port}/", demo)
        assert "Huis van de Mechelaar" in page.text
        for path in ("/static/css/tokens.css", "/static/js/hall.js", "/api/v1/openapi.json"):
            assert httpx.get(f"http://localhost:{port}{path}").status_code == 200
    finally:
        demo.send_signal(signal.SIGINT)
        said, _ = demo.communicate(timeout=30)
    assert demo.returncode == 0, said
    assert list(elsewhere.iterdir()) == []


def run(*command: str, at: Path) -> None:
    """Run a command that must succeed."""
    ran = subprocess.run(command, cwd=at, env=environment(), capture_output=True, text=True, timeout=180)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def get(url: str, process: subprocess.Popen[str]) -> httpx.Response:
    """A page of a server that is still starting."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(url)
        time.sleep(0.1)
    raise AssertionError(f"no answer from {url}")
