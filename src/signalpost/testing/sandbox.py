"""The simulated Egnyte as a test steers it: by the controls that docs/reference/sandbox.md lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from signalpost.testing.calls import ask_json


class EgnyteSandbox:
    """An Egnyte domain at ``url``, fresh for each test.

    What a control refuses is a ``SignalpostError`` that says why.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._at_end = ExitStack()

    def change(self, count: int = 1, **options: Any) -> list[dict[str, Any]]:
        """Make changes, and give their events. ``options``: ``actions``, ``folder``, ``username``, ``client_id``."""
        events: list[dict[str, Any]] = self._ask("POST", "changes", {"count": count, **options})["events"]
        return events

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        """Give all events after an id: the whole truth, whatever retention and lag hide."""
        events: list[dict[str, Any]] = self._ask("GET", f"events?after={after}")["events"]
        return events

    def change_records(
        self,
        kind: str,
        *,
        create: Sequence[Any] = (),
        update: Sequence[Any] = (),
        delete: Sequence[Any] = (),
    ) -> list[dict[str, Any]]:
        """Create, update and delete records of a kind (``users``, ``links``, ...); give those created and updated."""
        given = {"create": create, "update": update, "delete": delete}
        wish = {name: list(items) for name, items in given.items() if items}
        records: list[dict[str, Any]] = self._ask("POST", f"records/{kind}", wish)["records"]
        return records

    def records(self, kind: str) -> list[dict[str, Any]]:
        """Give all records of a kind."""
        records: list[dict[str, Any]] = self._ask("GET", f"records/{kind}")["records"]
        return records

    def fault(self, kind: str, **fields: Any) -> None:
        """Let something go wrong with the next calls: ``fault("status", status=503, times=3)``."""
        self._ask("POST", "faults", {"kind": kind, **fields})

    def clear_faults(self) -> None:
        """Forget the faults that wait."""
        self._ask("DELETE", "faults")

    def change_settings(self, **settings: Any) -> dict[str, Any]:
        """Change settings, and give all of them; without any, only look."""
        shown: dict[str, Any] = self._ask("PATCH", "settings", settings)
        return shown

    def revoke(self, **whose: Any) -> int:
        """Kill tokens, as a changed password (``username``) or a removed application (``client_id``) does."""
        revoked: int = self._ask("POST", "revoke", whose)["revoked"]
        return revoked

    def authorize(self, client_id: str, redirect_uri: str) -> str:
        """Consent without a browser; give the code."""
        given = {"client_id": client_id, "redirect_uri": redirect_uri}
        code: str = self._ask("POST", "authorize", given)["code"]
        return code

    def calls(self) -> dict[str, dict[str, int]]:
        """Give how often each path was called, by status; 0 where the connection was cut."""
        paths: dict[str, dict[str, int]] = self._ask("GET", "calls")["paths"]
        return paths

    def reset(self) -> None:
        """Forget everything: a fresh domain."""
        self._ask("POST", "reset")

    def at_end(self, act: Callable[[], object]) -> None:
        """Have something done when the test is over, the last first."""
        self._at_end.callback(act)

    def end(self) -> None:
        """Do what was to be done when the test is over: all of it, though some may raise."""
        self._at_end.close()

    def _ask(self, method: str, control: str, value: Any = None) -> Any:
        return ask_json(method, f"{self.url}/_sandbox/{control}", value)
