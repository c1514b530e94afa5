"""Texts that can be read: contrast by WCAG 2.2, 1.4.3."""

from __future__ import annotations

import re

import pytest

from leaderboard.pages.style import RULES
from leaderboard.pages.theme import DARK, LIGHT, Palette

LEAST = 4.5


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_known_colours() -> None:
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21.0)
    # WebAIM's example of a grey that just passes on white: 4.54.
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_of_text_stands_out_from_what_is_behind_it(palette: Palette) -> None:
    for text in (palette.text, palette.muted, palette.bad, palette.accent):
        for behind in (palette.background, palette.panel):
            assert contrast(text, behind) >= LEAST, (text, behind)
    assert contrast(palette.on_accent, palette.accent) >= LEAST


def test_no_rule_makes_a_text_fainter_than_its_colour() -> None:
    assert set(re.findall(r"opacity: ([^;]*);", RULES)) <= {"1"}
