"""Text from records, shown as it is written: it is data, and never markup.

Names of candidates, notes and error messages come from files of anybody. Streamlit's tables and
the options of its select boxes show text as it is; everything else goes through here.
"""

from __future__ import annotations

import html as _html
import re
from collections.abc import Callable

_JOINER = "\N{WORD JOINER}"
"""Takes no room. It parts what a renderer would turn into an icon, an emoji or a link even where
its characters are escaped."""
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_STARTS = re.compile(r"([:@](?=\S)|\bwww(?=\.))")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def plain(text: object) -> str:
    """Text on one line, without control characters."""
    return _CONTROL.sub(" ", str(text)).encode("utf-8", "replace").decode("utf-8")


def markdown(text: object) -> str:
    """Text for labels, captions and help, which Streamlit reads as Markdown."""
    parted = _STARTS.sub(rf"\1{_JOINER}", plain(text))
    return _PUNCTUATION.sub(r"\\\1", parted)


def html(text: object) -> str:
    """Text for `st.html`, also inside an attribute."""
    return _html.escape(plain(text), quote=True)


def plotly(text: object) -> str:
    """Text for plots, which know a little HTML, and TeX between dollars."""
    return _html.escape(plain(text), quote=False).replace("$", "&#36;")


def sentence(words: str, *, prose: Callable[[str], str], code: Callable[[str], str]) -> str:
    """A text of ours in which nothing is markup but the code between backticks.

    Args:
        words: the text; with an odd number of backticks none of it is code.
        prose: escapes what is no code, e.g. `markdown`.
        code: writes a piece of code, escaped.
    """
    parts = words.split("`")
    if len(parts) % 2 == 0:
        return prose(words)
    return "".join(
        code(part) if number % 2 and part else prose(part) for number, part in enumerate(parts)
    )


def cut(text: object, most: int) -> str:
    """Text of at most so many characters, the last an ellipsis where some are missing."""
    whole = plain(text)
    return whole if len(whole) <= most else whole[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def cut_middle(text: object, most: int) -> str:
    """Text of at most so many characters, an ellipsis in its middle where some are missing.

    Names of models differ at their ends: `unsloth/Deep…GGUF-q8_0`.
    """
    whole = plain(text)
    if len(whole) <= most:
        return whole
    end = most // 2
    return f"{whole[: most - 1 - end]}\N{HORIZONTAL ELLIPSIS}{whole[-end:]}"
