"""Prints lines for people and for programs, whatever stands in the text and whatever the terminal can show."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rich.cells import cell_len, set_cell_size

Columns = Mapping[str, int]
"""Columns of a table with their widths in cells; the last takes what is left, whatever its width."""

GAP = "  "


def make_harmless(text: str) -> str:
    """Give a text of others to show: what cannot be printed, or steers a terminal, stands escaped in it."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def print_line(text: str, *, to_errors: bool = False) -> None:
    """Print one line at once; raises as ``write_line``."""
    write_line(make_harmless(text), sys.stderr if to_errors else sys.stdout)


def print_json(value: Any) -> None:
    """Print a value as one line of JSON, in ASCII; raises as ``write_line``."""
    write_line(json.dumps(value), sys.stdout)


def write_line(line: str, stream: TextIO) -> None:
    """Write a line at once; characters that the stream does not know stand escaped in it.

    Raises:
        OSError: it cannot be written, as where the disk is full, or nobody reads any more.
    """
    encoding = stream.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)


def print_row(columns: Columns, values: Sequence[Any]) -> None:
    """Print a row of a table. On a terminal it is cut at the edge; elsewhere it is whole.

    None is shown as ``-``. A value too long for its column moves those behind it.
    """
    *first, last = [make_harmless("-" if value is None else str(value)) for value in values]
    parts = [
        text + " " * (width - cell_len(text)) for text, width in zip(first, columns.values(), strict=False)
    ]
    line = GAP.join([*parts, last]).rstrip()
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        line = set_cell_size(line, width) if cell_len(line) > width else line
    print_line(line)


def print_head(columns: Columns) -> None:
    """Print the head of a table."""
    print_row(columns, list(columns))


def print_fields(fields: Mapping[str, Any]) -> None:
    """Print the fields of one thing, a line each; what is no single value as JSON."""
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        text = value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        print_row({"name": width, "value": 0}, [name, text])
