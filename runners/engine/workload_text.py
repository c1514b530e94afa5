"""The text of the fixed latency workloads: plain English, the same for every tokeniser."""

from __future__ import annotations

_TEXT = (
    "A weighbridge stands at the gate of the harbour, and every lorry that leaves has to roll "
    "over it. The clerk writes down the number plate, the load, and the hour. On quiet mornings "
    "he reads the newspaper between two lorries; in autumn, when the apples come in, the queue "
    "reaches back to the old mill and nobody finds time to talk. The scale itself is simple: "
    "four steel plates, a lever under each, and a dial that trembles a little when the wind "
    "blows from the sea. Twice a year an inspector arrives with a van full of iron blocks. He "
    "stacks them, reads the dial, and either nods or reaches for his screwdriver. "
)


def passage(characters: int) -> str:
    """At least `characters` characters of the text, repeated as often as needed."""
    return _TEXT * (characters // len(_TEXT) + 1)
