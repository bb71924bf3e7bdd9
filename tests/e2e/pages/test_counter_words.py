"""The counter panel in each language: nothing is left in English, all can be read, reached and touched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import catalogues
import pytest
from e2e.pages.axe import assert_accessible
from e2e.pages.proxy import Proxy
from playwright.sync_api import BrowserContext, Page, expect
from running import MECHELEN, MONDAY, Onthaal

pytestmark = pytest.mark.browser

LANGUAGES = ("en", *catalogues.TRANSLATED)
TOUCH_PX = 44
SMALL_WINDOWS = ((640, 400), (320, 640))
"""1280x800 at 200 %, and the width at which a page must still need no scrolling sideways."""

TEXTS = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const { parentElement: element } = node;
    if (!element.closest("script, noscript")) found.push(node.data.replace(/\\s+/g, " ").trim());
  }
  for (const element of document.querySelectorAll("[aria-label]")) found.push(element.ariaLabel);
  return [document.title, ...found].filter(Boolean);
}"""

OUTSIDE = """() => [...document.querySelectorAll("*")]
  .filter((element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest(".unseen"))
  .filter((element) => {
    const { left, right, width } = element.getBoundingClientRect();
    return width > 0 && (left < -0.5 || right > innerWidth + 0.5);
  })
  .map((element) => `${element.tagName} ${element.id} ${element.textContent.trim()}`)"""

SMALL = """(least) => [...document.querySelectorAll("button, summary, label.choice, #number")]
  .filter((element) => element.checkVisibility({ visibilityProperty: true }))
  .filter((element) => Math.min(element.offsetHeight, element.offsetWidth) < least)
  .map((element) => `${element.textContent} ${element.offsetWidth}x${element.offsetHeight}`)"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onthaal]:
    """One server with four houses, each of which speaks another language first."""
    folder = tmp_path_factory.mktemp("city")
    house = MECHELEN.read_text()
    told = 'languages = ["nl", "fr", "en", "de"]'
    assert told in house
    config = folder / "city.toml"
    config.write_text(
        "\n".join(
            house.replace("sites.mechelen", f"sites.house-{language}").replace(
                told, f'languages = ["{language}"]'
            )
            for language in LANGUAGES
        )
    )
    server = Onthaal(folder, config, house_time=MONDAY, speed=0)
    try:
        yield server.start()
    finally:
        server.close()


def english(language: str) -> list[re.Pattern[str]]:
    """What the page would say if it left its source text as it is."""
    patterns = []
    for message in catalogues.load("counter", language):
        sources = [message.id] if isinstance(message.id, str) else list(message.id)
        said = [message.string] if isinstance(message.string, str) else list(message.string)
        for source in sources:
            if source and source not in said and re.search(r"[a-z]{3}", re.sub(r"%\(\w+\)s", "", source)):
                parts = re.split(r"%\(\w+\)s", source)
                patterns.append(re.compile(".+".join(map(re.escape, parts)) + r"\Z"))
    return patterns


def assert_translated(page: Page, language: str) -> None:
    """No text of the page, shown or hidden, is a message's English source."""
    wrong = english(language) if language != "en" else []
    texts = page.evaluate(TEXTS)
    assert len(texts) > 40
    assert [text for text in texts if any(pattern.match(text) for pattern in wrong)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_in_every_language(context: BrowserContext, city: Onthaal, language: str) -> None:
    site = f"house-{language}"
    staff = city.client(None)
    staff.headers["authorization"] = f"Bearer {city.token('counter', site=site)}"

    def post(path: str, body: dict[str, Any] | None = None) -> None:
        answer = staff.post(f"/sites/{site}{path}", json=body or {})
        assert answer.is_success, answer.text

    def draw(service: str, **more: Any) -> None:
        token = city.token("reception", site=site)
        answer = staff.post(
            f"/sites/{site}/visits",
            json={"service": service, **more},
            headers={"authorization": f"Bearer {token}"},
        )
        assert answer.is_success, answer.text

    proxy = Proxy(city.port)
    page = context.new_page()

    def check(stage: str) -> None:
        expect(page.locator("body")).to_have_attribute("data-stage", stage)
        assert_translated(page, language)
        assert_accessible(page)

    page.goto(f"{proxy.url}/sign-in?next=/{site}/counters/2#{city.token('counter', site=site)}")
    expect(page.locator("html")).to_have_attribute("lang", language)
    check("closed")
    post("/counters/2/open", {"staff": "an"})
    post("/counters/7/open")
    post("/counters/8/open")
    post("/counters/8/pause")
    draw("attesten", persons=3, language="tr", then=["onthaal"])
    for service in ("afhalen", "pincode", "onthaal", "attesten", "afhalen"):
        draw(service)
    post("/visits/B003/bind", {"staff": "an"})
    post("/visits/B004/priority", {"priority": True})
    post("/counters/2/call", {"ticket": "B002"})
    post("/counters/2/park")
    check("next")
    post("/counters/2/call", {"ticket": "B001"})
    check("called")
    post("/counters/2/recall")
    post("/visits/B001/bind", {"staff": "an"})
    post("/counters/2/start")
    page.locator("summary").click()
    check("serving")
    assert page.evaluate(SMALL, TOUCH_PX) == []

    letters = page.locator("[data-letter]").all_inner_texts()
    assert len(set(letters)) == len(letters) == 7
    for letter in page.locator("[data-letter]").all():
        act = letter.get_attribute("data-letter")
        key = page.locator("[for=number] kbd" if act == "number" else f"[data-act={act}] kbd")
        expect(key).to_have_text(letter.inner_text())

    wide = page.viewport_size
    assert wide is not None
    for width, height in SMALL_WINDOWS:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(OUTSIDE) == []
    page.locator("[data-act=transfer]").click()
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(SMALL, TOUCH_PX) == []
    assert_accessible(page)
    page.locator("#transfer .go").click()  # nowhere chosen
    expect(page.locator("#transfer-missing")).not_to_be_empty()
    assert_translated(page, language)
    page.set_viewport_size(wide)
    check("serving")
    page.keyboard.press("Escape")
    page.locator("#number").fill("B777")
    page.keyboard.press("Enter")
    expect(page.locator("#number-refused")).not_to_be_empty()
    page.locator("#queue [data-kind=call]").first.click(force=True)
    expect(page.locator("#news")).not_to_be_empty()
    check("serving")

    proxy.cut()
    expect(page.locator("#cut")).to_be_visible()
    check("serving")
    proxy.mend()
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    post("/counters/2/pause")
    post("/counters/2/finish")
    check("paused")
    proxy.close()
