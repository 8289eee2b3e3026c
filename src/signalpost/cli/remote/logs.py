"""The two logs of an instance, its events and its deliveries: listed, followed, kept in a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signalpost.cli.endings import CommandError, Ending
from signalpost.cli.printing import Columns, print_head, print_json, print_line, print_row
from signalpost.cli.remote.client import Api, check_list, check_number
from signalpost.cli.remote.export import Export, open_export
from signalpost.cli.remote.progress import show_progress
from signalpost.model.errors import ConfigurationError

PAGE_SIZE = 200
SHOWN_AT_FIRST = 10
LOOK_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Log:
    """A log of an instance, which grows at its end alone.

    ``key``: the number of an entry, which rises; ``after``: the parameter that goes on from one. ``mark``: what an
    entry keeps for ever, and another server's of the same number does not have. ``read``: the values of a row of
    ``columns``.
    """

    name: str
    key: str
    after: str
    mark: str
    columns: Columns
    read: Callable[[Mapping[str, Any]], list[Any]]

    def list_entries(self, api: Api, instance: int, query: Mapping[str, Any], *, as_json: bool) -> None:
        """Print what is found, oldest first; raises as ``Api.get``."""
        found = check_list(api.get(self._place(instance), query))
        if not as_json:
            print_head(self.columns)
        self._print(found, as_json=as_json)

    def choose(self, after: int | None, limit: int, **search: Any) -> dict[str, Any]:
        """Write the query of a list: what follows ``after``; without one the newest."""
        return search | ({"newest": limit} if after is None else {self.after: after, "pageSize": limit})

    def follow(self, api: Api, instance: int, after: int | None, *, as_json: bool) -> None:
        """Print what is there and what comes, until somebody interrupts; raises as ``Api.get``.

        A server that does not answer is waited for.
        """
        if not as_json:
            print_head(self.columns)
        if after is None:
            found = self._check(api.get(self._place(instance), {"newest": SHOWN_AT_FIRST}, patient=True), 0)
        else:
            found = self._ask(api, instance, after, patient=True)
        last = after or 0
        while True:
            self._print(found, as_json=as_json)
            if found:
                last = check_number(found[-1], self.key)
            if len(found) < PAGE_SIZE:
                time.sleep(LOOK_SECONDS)
            found = self._ask(api, instance, last, patient=True)

    def export(self, api: Api, instance: int, path: Path, *, as_json: bool) -> None:
        """Keep in a file, as lines of JSON, what is there now and not in the file yet; raises as ``Api.get``.

        Raises:
            ConfigurationError: the file is no such export, or another server's, or another export writes it.
        """
        # Asked for before the file is made; what comes while we export is for the next time.
        newest = self._check(api.get(self._place(instance), {"newest": 1}), 0)
        end = check_number(newest[-1], self.key) if newest else 0
        with open_export(path, instance, self.key) as export:
            self._check_origin(api, instance, export, path, is_empty=not newest)
            first, count = export.last, 0
            with show_progress(f"{self.name} of {instance}", end - first) as show:
                while export.last < end:
                    found = self._ask(api, instance, export.last)
                    if not found:
                        break  # what was the newest is not kept any more
                    export.add(found)
                    count += len(found)
                    show(export.last - first, f"{count:,}")
        if as_json:
            print_json({"added": count, "last": export.last})
        else:
            print_line(f"{count:,} {self.name} added to {path}, up to {self.key} {export.last}")

    def _check_origin(self, api: Api, instance: int, export: Export, path: Path, *, is_empty: bool) -> None:
        """Refuse a file whose last entry this server numbers otherwise: it would have a gap that nobody sees.

        What the server does not keep any more is not compared.
        """
        if not export.last or is_empty:
            return
        kept = self._ask(api, instance, export.last - 1)[:1]
        if kept and (
            kept[0][self.key] > export.last or kept[0].get(self.mark) == export.last_entry.get(self.mark)
        ):
            return
        raise ConfigurationError(
            f"{path} ends with {self.key} {export.last}, which is another one here, or none: the file is of another"
            " server, or of this one before its database was restored; give another file"
        )

    def _ask(self, api: Api, instance: int, after: int, *, patient: bool = False) -> list[dict[str, Any]]:
        query = {self.after: after, "pageSize": PAGE_SIZE}
        return self._check(api.get(self._place(instance), query, patient=patient), after)

    def _check(self, value: Any, after: int) -> list[dict[str, Any]]:
        """Give a page whose numbers rise from ``after`` on: else we would go round for ever, or repeat."""
        found = check_list(value)
        for entry in found:
            number = check_number(entry, self.key)
            if number <= after:
                message = f"the server's answer is out of order: {self.key} {number} after {after}"
                raise CommandError(message, Ending.FAILED)
            after = number
        return found

    def _place(self, instance: int) -> str:
        return f"/instances/{instance}/{self.name}"

    def _print(self, found: list[dict[str, Any]], *, as_json: bool) -> None:
        for entry in found:
            if as_json:
                print_json(entry)
            else:
                print_row(self.columns, self.read(entry))
