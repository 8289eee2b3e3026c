"""``/_sandbox/``: what a test or a person does to the generated API (docs/reference/sandbox.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from typing import Any

import orjson
from aiohttp import web

from signalpost.model.errors import InvalidRequestError
from signalpost.sandbox.rest.state import FAULTS, Fault, Settings, State

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


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
        known = {each.name: type(getattr(Settings(), each.name)) for each in fields(Settings)}
        given = await _read_object(request)
        for name, value in given.items():
            if name not in known or type(value) is not known[name]:
                message = f"{name[:100]}: {str(value)[:100]!r} is wrong; known: " + ", ".join(
                    f"{each} ({kind.__name__})" for each, kind in known.items()
                )
                raise InvalidRequestError(message)
        for name, value in given.items():
            setattr(self._state.settings, name, value)
        return asdict(self._state.settings)

    async def change_records(self, request: web.Request) -> Any:
        """Add or change a record: id and dates are filled in where they are not given."""
        return self._state.change(request.match_info["collection"], await _read_object(request))

    async def replace_records(self, request: web.Request) -> Any:
        """Make a collection of records as they are given."""
        records = await _read(request)
        if not isinstance(records, list):
            message = "body: give a list of records; they are kept as they are"
            raise InvalidRequestError(message)
        self._state.collections[request.match_info["collection"]] = records
        return {"records": len(records)}

    async def remove_record(self, request: web.Request) -> Any:
        """Take a record away."""
        self._state.remove(request.match_info["collection"], request.match_info["id"])
        return {}

    async def add_fault(self, request: web.Request) -> Any:
        """Have the next calls answered wrongly."""
        given = await _read_object(request)
        kind, times, status = given.get("kind"), given.get("times", 1), given.get("status", 503)
        if kind not in FAULTS or type(times) is not int or type(status) is not int:
            message = f"kind: {str(kind)[:100]!r} is wrong, or times or status is no number; kinds: {', '.join(FAULTS)}"
            raise InvalidRequestError(message)
        self._state.faults.append(Fault(kind, times, status, str(given.get("retry_after", ""))))
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


async def _read(request: web.Request) -> Any:
    try:
        return orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        message = f"body: this is not JSON: {error.msg}"
        raise InvalidRequestError(message) from error


async def _read_object(request: web.Request) -> dict[str, Any]:
    value = await _read(request)
    if not isinstance(value, dict):
        message = "body: give a JSON object"
        raise InvalidRequestError(message)
    return value
