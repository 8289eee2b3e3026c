"""Replays as the command line shows them: asked for, waited for, told."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from signalpost.cli.endings import CommandError, Ending
from signalpost.cli.printing import Columns, make_harmless, print_json, print_line, print_row
from signalpost.cli.remote.client import Api, check_number, check_object
from signalpost.cli.remote.progress import show_progress

COLUMNS: Columns = {"id": 8, "created": 20, "kind": 6, "state": 9, "sent": 8, "dead": 6, "last error": 0}
LOOK_SECONDS = 0.5


def order(
    api: Api, instance: int, path: str, body: Mapping[str, Any], *, no_wait: bool, as_json: bool
) -> None:
    """Have notifications sent again; wait until it is done, unless somebody does not want to.

    Raises:
        CommandError: it was refused, or did not come to a good end.
    """
    replay = check_object(api.post(f"/instances/{instance}/{path}", body))
    number = check_number(replay, "id")
    if not no_wait:
        try:
            replay = _wait(api, instance, replay)
        except KeyboardInterrupt:
            print_line(
                f"replay {number} goes on in the service; signalpost deliveries cancel {instance} {number} ends it",
                to_errors=True,
            )
            raise
    show(replay, as_json=as_json)
    if not no_wait:
        _judge(replay)


def show(replay: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one replay."""
    if as_json:
        print_json(replay)
    else:
        words = f"replay {replay.get('id')} is {replay.get('state')}: {replay.get('sent')} sent"
        print_line(words + (f", {replay['dead']} refused and passed over" if replay.get("dead") else ""))


def print_replay(replay: Mapping[str, Any]) -> None:
    """Print a row of a list of replays."""
    names = ("id", "createdDate", "kind", "state", "sent", "dead", "lastError")
    print_row(COLUMNS, [replay.get(name) for name in names])


def _wait(api: Api, instance: int, replay: dict[str, Any]) -> dict[str, Any]:
    number, first = check_number(replay, "id"), check_number(replay, "position")
    with show_progress(f"replay {number}", check_number(replay, "last") - first) as show_done:
        while replay.get("state") == "running":
            time.sleep(LOOK_SECONDS)
            replay = check_object(api.get(f"/instances/{instance}/replays/{number}", patient=True))
            show_done(check_number(replay, "position") - first, f"{replay.get('sent')} sent")
    return replay


def _judge(replay: Mapping[str, Any]) -> None:
    if replay.get("state") != "done":
        reason = make_harmless(str(replay.get("lastError") or "no error is known"))
        raise CommandError(
            f"the replay is {make_harmless(str(replay.get('state')))}: {reason}", Ending.FAILED
        )
    if replay.get("dead"):
        raise CommandError("the receiver refused some: they are dead letters", Ending.FAILED)
