"""`make mutants`: plants every fault in a copy of the source and asks the tests that are to catch it.

    tests/mutants/run.py [NAME ...]     only the mutants whose file names contain one of these

A mutant is ``tests/mutants/*.patch``: comment lines, among them at least one
``# caught by: tests/...::test``, then a unified diff. Each named test must pass without the fault and
fail with it; a fault that survives, a test that fails without one, and a patch that no longer applies
are all failures.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from shutil import copy2

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "tests" / "mutants"
CAUGHT_BY = "# caught by:"
PASSED, FAILED = 0, 1
TEST_S = 300
"""How long tests may take. All of them together, without a fault, get as much for every ten of them."""


@dataclass(frozen=True)
class Mutant:
    """A fault and the tests that are to catch it."""

    path: Path
    tests: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.stem


def mutants() -> list[Mutant]:
    """All planted faults, by name."""
    found = []
    for path in sorted(FOLDER.glob("*.patch")):
        lines = path.read_text("utf-8").splitlines()
        tests = [line.removeprefix(CAUGHT_BY).strip() for line in lines if line.startswith(CAUGHT_BY)]
        found.append(Mutant(path, tuple(tests)))
    return found


def apply(mutant: Mutant, folder: Path, *options: str) -> str:
    """Apply a patch to a tree; why it does not apply, or nothing."""
    # A folder inside some other repository must not be taken for a part of it.
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)}
    command = ["git", "apply", "-p1", *options, str(mutant.path)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else ""


def copy_to(folder: Path) -> Path:
    """A copy of the tracked files, as they are now."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            copy2(ROOT / name, folder / name)
    return folder


def run(folder: Path, *tests: str, limit_s: float = TEST_S) -> tuple[int, str]:
    """pytest's exit status and output for these tests in a copy; its package, not the installed one."""
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "--tb=short", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=limit_s
        )
    except subprocess.TimeoutExpired:
        return -1, f"no end within {limit_s:.0f} s"
    return done.returncode, done.stdout + done.stderr


def verdict(mutant: Mutant) -> str:
    """``caught``, or what is wrong."""
    if not mutant.tests:
        return "NAMES NO TEST"
    with tempfile.TemporaryDirectory(prefix="onthaal-mutant-") as name:
        folder = copy_to(Path(name))
        problem = apply(mutant, folder)
        if problem:
            return f"DOES NOT APPLY: {problem.splitlines()[0]}"
        for test in mutant.tests:
            status, output = run(folder, test)
            if status == PASSED:
                return f"SURVIVES {test}"
            if status != FAILED:
                return f"BREAKS {test} (exit {status}):\n{output}"
    return "caught"


def main(wanted: list[str]) -> int:
    chosen = [m for m in mutants() if not wanted or any(part in m.name for part in wanted)]
    if not chosen:
        print(f"no mutant is called {' or '.join(wanted)}", file=sys.stderr)
        return 2
    tests = sorted({test for mutant in chosen for test in mutant.tests})
    with tempfile.TemporaryDirectory(prefix="onthaal-mutant-") as name:
        limit_s = TEST_S * max(1, len(tests) / 10)
        status, output = run(copy_to(Path(name)), *tests, limit_s=limit_s)
    if status != PASSED:
        print(f"without any fault the tests must pass:\n{output}", file=sys.stderr)
        return 1
    width = max(len(mutant.name) for mutant in chosen)
    bad = 0
    for mutant in chosen:
        began = time.monotonic()
        said = verdict(mutant)
        bad += said != "caught"
        took = f"{time.monotonic() - began:5.1f} s"
        print(f"{mutant.name:{width}}  {took}  {said}")
        for test in mutant.tests:
            print(f"{'':{width}}           {test}", flush=True)
    print(f"{len(chosen) - bad} of {len(chosen)} faults caught")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
