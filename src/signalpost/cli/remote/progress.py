"""Shows how far long work came, on standard error and only to a person."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn


@contextmanager
def show_progress(what: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """Show a bar while the block runs; call what it gives with how much of ``total`` is done, and a word on it."""
    if not sys.stderr.isatty() or total <= 0:
        yield lambda _done, _word: None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, TextColumn("{task.fields[word]}", markup=False), console=Console(stderr=True)
    ) as bar:
        task = bar.add_task(what, total=total, word="")
        yield lambda done, word: bar.update(task, completed=done, word=word)
