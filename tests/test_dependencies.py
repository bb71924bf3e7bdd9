"""What the packages import is declared in ``pyproject.toml``, and what is declared there is imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from running import ROOT

OURS = ("server", "displays", "notify")
UNSEEN = {
    "tzdata": "zoneinfo reads it where the machine has no time zones",
    "httptools": "uvicorn is told to parse with it",
}
"""Declared and imported by nobody here, with the reason."""

BESIDE = {"playwright"}
"""What only `onthaal bench glass` needs, which says so."""


def name(requirement: str) -> str:
    """A distribution's name, as all of its spellings are compared."""
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~;\[ ]", requirement)[0]).lower()


def imported() -> set[str]:
    found = set()
    for file in (file for package in OURS for file in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - set(OURS)


def test_what_is_imported_is_declared_and_the_other_way_round() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {name(requirement) for requirement in project["dependencies"]}
    of = packages_distributions()
    used = {name(of[module][0]) for module in imported()} - BESIDE
    assert used <= declared, used - declared
    assert declared - used <= UNSEEN.keys(), declared - used - UNSEEN.keys()
