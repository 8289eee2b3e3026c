"""Where the whole lines of a file end: whoever wrote it may have been killed amid the last one."""

from __future__ import annotations

import os

PIECE_BYTES = 64 * 1024


def find_line_end(number: int, size: int) -> int:
    """Give where the last whole line of the first ``size`` bytes of an open file ends."""
    while size > 0:
        begin = max(0, size - PIECE_BYTES)
        found = os.pread(number, size - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        size = begin
    return 0
