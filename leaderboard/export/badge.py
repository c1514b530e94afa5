"""A badge with the answer: the JSON of a shields.io endpoint, and an SVG that needs no service."""

from __future__ import annotations

import json

from leaderboard.choose.overview import Overview
from leaderboard.text import cut, html
from leaderboard.units import format_percent

LABEL = "weighin"
MOST_TEXT = 60
GREEN, GREY = "#007a58", "#5c6670"
_CHARACTER_PX, _ROOM_PX, _HEIGHT_PX = 6.6, 12, 20


def message(found: Overview) -> str:
    """Text of the badge: the recommended candidate and its accuracy, or that nothing fits."""
    row = found.choice.row
    if row is None:
        return "nothing fits"
    standing = found.choice.standing
    accuracy = f" {format_percent(standing.accuracy)}" if standing else ""
    return cut(f"{row.record.candidate.name}{accuracy}", MOST_TEXT)


def endpoint(found: Overview) -> str:
    """JSON of https://shields.io/badges/endpoint-badge, schema version 1."""
    colour = GREEN if found.choice.row else GREY
    content = {
        "schemaVersion": 1,
        "label": LABEL,
        "message": message(found),
        "color": colour.removeprefix("#"),
    }
    return json.dumps(content, ensure_ascii=False) + "\n"


def svg(found: Overview) -> str:
    """The badge itself; its text is also its name for screen readers."""
    text = message(found)
    colour = GREEN if found.choice.row else GREY
    left, right = (len(part) * _CHARACTER_PX + _ROOM_PX for part in (LABEL, text))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right:.0f}" '
        f'height="{_HEIGHT_PX}" role="img" aria-label="{html(LABEL)}: {html(text)}">'
        f'<rect width="{left + right:.1f}" height="{_HEIGHT_PX}" rx="3" fill="{colour}"/>'
        f'<path d="M3 0h{left - 3:.1f}v{_HEIGHT_PX}H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z" '
        'fill="#333b44"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" '
        'font-size="11">'
        f'<text x="{left / 2:.1f}" y="14" textLength="{left - _ROOM_PX:.1f}">{html(LABEL)}</text>'
        f'<text x="{left + right / 2:.1f}" y="14" textLength="{right - _ROOM_PX:.1f}">'
        f"{html(text)}</text></g></svg>\n"
    )
