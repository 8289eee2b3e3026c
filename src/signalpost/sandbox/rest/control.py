"""``/_sandbox/``: what a test or a person does to the generated API (docs/reference/sandbox.md)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

from aiohttp import web

from signalpost.model.errors import InvalidRequestError
from signalpost.sandbox.fields import (
    read_any_text,
    read_choice,
    read_json,
    read_list,
    read_object,
    read_whole,
    refuse_field,
)
from signalpost.sandbox.rest.state import FAULTS, Fault, State

MOST_PAGE_SIZE = 100_000
RETRY_AFTER = re.compile(r"[ -~]*")
"""What stands in a header."""

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Reader = Callable[[str, Any], Any]


def _read_page_size(name: str, value: Any) -> int:
    return read_whole(name, value, least=1, most=MOST_PAGE_SIZE)


def _read_retry_after(name: str, value: Any) -> str:
    text = str(value) if type(value) is int and value >= 0 else value
    if not isinstance(text, str) or not RETRY_AFTER.fullmatch(text):
        raise refuse_field(
            name, value, "a number of seconds of at least 0, or a text in ASCII without line breaks"
        )
    return text


SETTINGS: Mapping[str, Reader] = {
    **dict.fromkeys(("api_key", "username", "password", "client_id", "client_secret"), read_any_text),
    "token_seconds": lambda name, value: read_whole(name, value, least=0),
    "page_size": _read_page_size,
}

FAULT: Mapping[str, Reader] = {
    "kind": lambda name, value: read_choice(name, value, FAULTS),
    "times": lambda name, value: read_whole(name, value, least=1),
    "status": lambda name, value: read_whole(name, value, least=200, most=599),
    "retry_after": _read_retry_after,
}


class Controls:
    """The controls of one sandbox."""

    def __init__(self, state: State) -> None:
        self._state = state

    def list_routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/_sandbox/", _guard(self.show)),
            web.patch("/_sandbox/settings", _guard(self.change_settings)),
            web.post("/_sandbox/records/{collection:[^_].*}", _guard(self.change_records)),
            web.put("/_sandbox/records/{collection:[^_].*}", _guard(self.replace_records)),
            web.delete("/_sandbox/records/{collection:[^_].*}/{id}", _guard(self.remove_record)),
            web.post("/_sandbox/faults", _guard(self.add_fault)),
            web.post("/_sandbox/revoke", _guard(self.revoke)),
        ]

    async def show(self, _request: web.Request) -> Any:
        """Tell what there is."""
        state = self._state
        return {
            "collections": {name: len(records) for name, records in state.collections.items()},
            "settings": asdict(state.settings),
            "faults": [asdict(each) for each in state.faults],
            "calls": state.calls,
            "tokensGiven": state.tokens_given,
        }

    async def change_settings(self, request: web.Request) -> Any:
        """Change settings; the others stay."""
        given = read_object("settings", read_json(await request.read()), SETTINGS)
        for name, value in {name: SETTINGS[name](name, value) for name, value in given.items()}.items():
            setattr(self._state.settings, name, value)
        return asdict(self._state.settings)

    async def change_records(self, request: web.Request) -> Any:
        """Add or change a record: id and dates are filled in where they are not given."""
        record = read_json(await request.read())
        if not isinstance(record, dict):
            raise InvalidRequestError("body must be a JSON object: a record")
        return self._state.change(request.match_info["collection"], record)

    async def replace_records(self, request: web.Request) -> Any:
        """Make a collection of records as they are given."""
        records = read_list("body", read_json(await request.read()))
        self._state.collections[request.match_info["collection"]] = records
        return {"records": len(records)}

    async def remove_record(self, request: web.Request) -> Any:
        """Take a record away."""
        self._state.remove(request.match_info["collection"], request.match_info["id"])
        return {}

    async def add_fault(self, request: web.Request) -> Any:
        """Have the next calls answered wrongly."""
        given = read_object("fault", read_json(await request.read()), FAULT)
        read_choice("kind", given.get("kind"), FAULTS)
        self._state.faults.append(Fault(**{name: FAULT[name](name, value) for name, value in given.items()}))
        return given

    async def revoke(self, _request: web.Request) -> Any:
        """Make every token given out worthless."""
        self._state.access_tokens.clear()
        self._state.refresh_tokens.clear()
        return {}


def _guard(act: Callable[[web.Request], Awaitable[Any]]) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return web.json_response(await act(request))
        except InvalidRequestError as error:
            return web.json_response({"message": str(error)}, status=400)

    return answer
