"""Fixtures that need real parts, and the plain word on what is left out where one is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM
from running import Onthaal, onthaal


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without Chromium the browser tests are left out, and with CI=true that is a failure."""
    if CHROMIUM is not None:
        return
    browser = [item for item in items if item.get_closest_marker("browser")]
    if browser and os.environ.get("CI") == "true":
        raise pytest.UsageError("Chromium is missing and CI=true: no test may be left out")
    for item in browser:
        item.add_marker(pytest.mark.skip(reason="left out: Chromium is not installed"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Onthaal]:
    """The Mechelen house on a Monday morning, its clock standing still."""
    with onthaal(tmp_path) as running:
        yield running
