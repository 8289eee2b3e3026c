"""What a name may be made of: one line of text in any script. Pure."""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"
"""They have no width, but Persian, the scripts of India and emoji are written with them."""


def is_line(text: str) -> bool:
    """Say whether text is one line that shows: no controls, no marks of direction; blanks of any width."""
    return any(map(str.isprintable, text)) and all(
        each.isprintable() or each in JOINERS or unicodedata.category(each) == "Zs" for each in text
    )
