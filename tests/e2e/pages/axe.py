"""axe-core on a page: nothing that WCAG 2.2 AA forbids."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def assert_accessible(page: Page) -> None:
    """Fail with every rule that the page as it stands breaks, and where."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _TAGS}})
    told = [
        f"{broken['id']}: {node['target']} {node['failureSummary']}"
        for broken in found.response["violations"]
        for node in broken["nodes"]
    ]
    assert not told, f"{page.url}\n" + "\n".join(told)
