"""A site's theme: what a logo may hold, and the files that pages load."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from running import MECHELEN, onthaal

from server.domain.theme import Theme
from server.logo import BadLogo, checked
from server.web.theme import style

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 4 4">'
    "{}</svg>"
)
DRAWN = SVG.format(
    '<style>.a { fill: url(#g) }</style><defs><linearGradient id="g"/></defs>'
    '<use href="#g"/><image href="data:image/png;base64,AAAA"/><path class="a" fill="url(#g)" d="M0 0h4"/>'
)


def test_a_drawing_is_taken_as_it_is() -> None:
    assert checked(DRAWN) == DRAWN
    assert checked(f'<?xml version="1.0" encoding="UTF-8"?>\n{DRAWN}\n') == DRAWN


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("<script>alert(1)</script>", "holds <script>"),
        ('<x:script xmlns:x="http://www.w3.org/2000/svg">1</x:script>', "holds <script>"),
        ("<foreignObject/>", "holds <foreignObject>"),
        ('<g onclick="a()"/>', 'the event attribute "onclick"'),
        ('<g ONLOAD="a()"/>', 'the event attribute "ONLOAD"'),
        ('<image href="https://evil.example/a.png"/>', "outside of it: href"),
        ('<use xlink:href="//evil.example/a.svg#b"/>', "outside of it: href"),
        ('<a href="javascript:alert(1)"/>', "outside of it: href"),
        ('<image href="data:image/svg+xml,x"/>', "outside of it: href"),
        ('<path fill="url(https://evil.example/a)"/>', "outside of it: fill"),
        ('<path style="fill:URL( &quot;//evil.example/a&quot;)"/>', "outside of it: style"),
        ("<style>@import 'https://evil.example'</style>", "a style that refers"),
        ("<style>a{b:\\75rl(//evil.example)}</style>", "a style that refers"),
        ("<?xml-stylesheet href='https://evil.example'?>", "a processing instruction"),
        ("<g>", "is not SVG: "),
        ("&evil;", "is not SVG: "),
        ("x" * 32 * 1024, "is longer than 32 kB"),
    ],
)
def test_what_does_more_than_draw_is_refused(inside: str, said: str) -> None:
    with pytest.raises(BadLogo, match=r"^[^\n]+$") as caught:
        checked(SVG.format(inside))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + DRAWN, "a document type"),
        ("<svg/>", "it must begin with <svg xmlns="),
        ("<html xmlns='http://www.w3.org/1999/xhtml'/>", "it must begin with <svg xmlns="),
        ("logo.svg", "is not SVG: "),
    ],
)
def test_what_is_no_drawing_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadLogo) as caught:
        checked(text)
    assert said in str(caught.value)


def test_the_style_sheet_says_what_differs() -> None:
    assert style(Theme()) == ":root {\n}\n"
    said = style(Theme(night="#000000", harbour="#004000", font="Source Serif 4"))
    assert "--night: #000000;" in said
    assert "--steel: #808080;" in said
    assert "--harbour-deep: #003000;" in said
    assert '--font: "Source Serif 4", "Fira Sans"' in said
    assert "--dusk" not in said


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("themed")
    theme = f"[sites.mechelen.theme]\nnight = \"#000000\"\nlogo = '''{DRAWN}'''\n[sites.mechelen.opening]"
    config = folder / "themed.toml"
    plain = MECHELEN.read_text()
    config.write_text(
        plain.replace("[sites.mechelen.opening]", theme) + plain.replace("sites.mechelen", "sites.plain")
    )
    with onthaal(folder, config=config) as server, httpx.Client(base_url=server.base) as client:
        yield client


def test_the_files_are_public_and_do_nothing_but_look(web: httpx.Client) -> None:
    css = web.get("/mechelen/theme.css")
    assert css.status_code == 200
    assert css.headers["content-type"] == "text/css; charset=utf-8"
    assert "--night: #000000;" in css.text
    logo = web.get("/mechelen/logo.svg")
    assert logo.text == DRAWN
    assert logo.headers["content-type"] == "image/svg+xml"
    assert logo.headers["content-security-policy"].startswith("default-src 'none'")
    assert "sandbox" in logo.headers["content-security-policy"]
    for answer in (css, logo):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-cache"
        again = web.get(answer.url.path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_a_site_without_a_theme_has_a_style_sheet_and_no_logo(web: httpx.Client) -> None:
    assert web.get("/plain/theme.css").text == ":root {\n}\n"
    assert web.get("/plain/logo.svg").json()["code"] == "not-found"
    assert web.get("/nowhere/theme.css").json()["code"] == "unknown-site"
