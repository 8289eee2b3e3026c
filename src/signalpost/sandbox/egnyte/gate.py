"""Stands before every endpoint: faults, token, limits; then the endpoint; then headers and counts."""

from __future__ import annotations

import socket
import struct
from collections.abc import Awaitable, Callable
from itertools import count

from aiohttp import web

from signalpost.model.errors import RequestError
from signalpost.sandbox.egnyte.answers import (
    answer_dead_token,
    answer_error,
    answer_inactive,
    answer_lost_cursor,
    answer_over_limit,
)
from signalpost.sandbox.egnyte.endpoint import Call, Endpoint
from signalpost.sandbox.egnyte.faults import CUTS, DELAYS, REFUSALS, Fault
from signalpost.sandbox.egnyte.state import State
from signalpost.sandbox.egnyte.throttle import count_call, write_quota
from signalpost.sandbox.egnyte.tokens import Token

Clock = Callable[[], float]
"""Gives the time in seconds since the epoch, as ``time.time``."""
Sleep = Callable[[float], Awaitable[None]]
Pass = Callable[[web.Request], Awaitable[web.StreamResponse]]

NO_ANSWER = 0
"""The status under which a call that was cut off is counted."""
# SO_LINGER on, for no time: closing then sends RST instead of FIN.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Gate:
    """Wraps endpoints of one domain.

    ``on_change`` is called after each call that may have changed ``state``, ``on_call`` after every one.
    """

    def __init__(
        self,
        state: State,
        *,
        clock: Clock,
        sleep: Sleep,
        on_change: Callable[[], None],
        on_call: Callable[[], None],
    ) -> None:
        self._state = state
        self._clock = clock
        self._sleep = sleep
        self._on_change = on_change
        self._on_call = on_call
        self._request_numbers = count(1)

    def guard(self, endpoint: Endpoint) -> Pass:
        """Give the aiohttp answer for ``endpoint``."""

        async def answer(request: web.Request) -> web.StreamResponse:
            state = self._state
            token = state.tokens.find(_read_bearer(request))
            response = None
            if state.faults:
                response = await self._refuse_by_fault(request, token)
            call = Call(state, request, self._clock(), token)
            if response is None:
                response = self._refuse(endpoint, call) or await _answer(endpoint, call)
            if state.faults:
                response = self._cut_by_fault(request, response)
            if token is not None:
                response.headers.update(write_quota(token, state.settings, call.now))
            response.headers["X-Egnyte-Request-Id"] = f"sandbox-{next(self._request_numbers)}"
            was_reset = request.transport is None or request.transport.is_closing()
            status = NO_ANSWER if was_reset else response.status
            state.calls[request.path, status] += 1
            self._on_call()
            if request.method == "POST":
                self._on_change()
            return response

        return answer

    def _refuse(self, endpoint: Endpoint, call: Call) -> web.Response | None:
        if not endpoint.needs_token:
            return None
        token, settings = call.token, call.state.settings
        if token is None:
            return answer_inactive()
        if not token.is_alive(call.now):
            return answer_dead_token()
        limit = count_call(token, settings, call.now)
        if limit is not None:
            return answer_over_limit(limit, status=settings.throttle_status, now=call.now)
        if not token.grant.allows(endpoint.scope):
            return answer_error(403, f"The token is not granted the scope {endpoint.scope}")
        return None

    async def _refuse_by_fault(self, request: web.Request, token: Token | None) -> web.Response | None:
        delay = self._state.faults.take(request.path, DELAYS)
        if delay is not None:
            await self._sleep(delay.seconds)
        fault = self._state.faults.take(request.path, REFUSALS)
        return None if fault is None else self._play(fault, request, token)

    def _play(self, fault: Fault, request: web.Request, token: Token | None) -> web.Response | None:
        settings, now = self._state.settings, self._clock()
        match fault.kind:
            case "status":
                headers = {"Content-Type": "text/plain;charset=UTF-8", **fault.headers}
                return web.Response(status=fault.status, body=fault.body.encode(), headers=headers)
            case "reset":
                reset_connection(request)
                return web.Response()
            case "over_qps" | "over_rate":
                return answer_over_limit(fault.kind, status=settings.throttle_status, now=now)
            case "lost_cursor":
                return answer_lost_cursor(settings.lost_cursor_status)
            case "expired_token" if token is not None:
                token.expires_at = now
            case "revoked_token" if token is not None:
                token.is_revoked = True
            case _:
                pass
        # The token is dead from here on, not for this call alone: the endpoint will refuse it.
        return None

    def _cut_by_fault(self, request: web.Request, response: web.Response) -> web.Response:
        body = response.body
        if not isinstance(body, bytes) or self._state.faults.take(request.path, CUTS) is None:
            return response
        return web.Response(
            status=response.status,
            body=body[: len(body) // 2],
            headers={"Content-Type": response.headers["Content-Type"]},
        )


def _read_bearer(request: web.Request) -> str:
    """Give the token of the Authorization header; "" of one that is of no bearer. The scheme has any letter case."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def _answer(endpoint: Endpoint, call: Call) -> web.Response:
    try:
        return await endpoint.answer(call)
    except RequestError as error:
        return answer_error(error.status, str(error))


def reset_connection(request: web.Request) -> None:
    """Break the connection as a crash would: the caller sees a reset, not an end."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        transport.abort()
