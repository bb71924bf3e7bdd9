"""Fixtures that need real parts, and the plain word on what is left out where one is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM
from kannel import PRESENT as KANNEL
from running import Onthaal, onthaal


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests whose real part is not here are left out, and with CI=true that is a failure."""
    for marker, name, here in (("browser", "Chromium", CHROMIUM is not None), ("kannel", "Kannel", KANNEL)):
        needing = [item for item in items if item.get_closest_marker(marker)]
        if here or not needing:
            continue
        if os.environ.get("CI") == "true":
            raise pytest.UsageError(f"{name} is missing and CI=true: no test may be left out")
        for item in needing:
            item.add_marker(pytest.mark.skip(reason=f"left out: {name} is not installed"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Onthaal]:
    """The Mechelen house on a Monday morning, its clock standing still."""
    with onthaal(tmp_path) as running:
        yield running
