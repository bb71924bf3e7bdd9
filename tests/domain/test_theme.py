"""Contrast, by the examples of WCAG and its tools, and what a theme may not do to text."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from server.domain.theme import LINEN, PAPER, Theme, contrast, luminance, mixed, too_pale

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#ffffff", "#000000", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        # "Understanding Success Criterion 1.4.3": #777777 on white is 4.47:1, which does not meet 4.5:1.
        ("#777777", "#ffffff", 4.47),
        # The least grey that meets 4.5:1 on white, and the one that meets 7:1.
        ("#767676", "#ffffff", 4.54),
        ("#595959", "#ffffff", 7.00),
        ("#ff0000", "#ffffff", 3.99),
        ("#0000ff", "#ffffff", 8.59),
        ("#000000", "#ffff00", 19.55),
    ],
)
def test_contrast_is_that_of_the_published_examples(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.01)
    assert contrast(one, other) == contrast(other, one)


def test_luminance_of_the_primaries() -> None:
    assert [luminance(c) for c in ("#ff0000", "#00ff00", "#0000ff")] == [0.2126, 0.7152, 0.0722]


def test_our_own_colours_pass_and_are_those_of_the_tokens() -> None:
    assert list(too_pale(Theme())) == []
    tokens = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", (ROOT / "static/css/tokens.css").read_text()))
    own = {field.name: field.default for field in fields(Theme) if field.name not in ("font", "logo")}
    assert own == {name: tokens[name] for name in own}
    assert (tokens["paper"], tokens["linen"]) == (PAPER, LINEN)


@pytest.mark.parametrize(
    ("change", "text", "ground", "needed"),
    [
        ({"mist": "#7f8c99"}, "mist", "night", 7.0),
        ({"dusk": "#3f6b94"}, "snow", "dusk", 7.0),
        ({"sun": "#b02020"}, "sun", "night", 7.0),
        ({"harbour": "#4b8fd0"}, "harbour", "#ffffff", 4.5),
        ({"ink": "#8a8a8a"}, "ink", "#f1f4f7", 4.5),
        (
            {"snow": "#a0a0a0", "night": "#000000", "dusk": "#000000", "mist": "#a0a0a0"},
            "snow",
            "harbour",
            4.5,
        ),
    ],
)
def test_what_is_too_pale_is_found(change: dict[str, str], text: str, ground: str, needed: float) -> None:
    found = [(pair.text, pair.ground, pair.needed) for pair in too_pale(replace(Theme(), **change))]
    assert (text, ground, needed) in found


def test_mixing_goes_from_one_colour_to_the_other() -> None:
    assert [mixed("#0b2034", "#ffffff", share) for share in (0, 1)] == ["#0b2034", "#ffffff"]
    assert mixed("#000000", "#ff8000", 0.5) == "#804000"
