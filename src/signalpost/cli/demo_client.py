"""A plain client, with which the demonstration speaks to the service and to the sandbox."""

from __future__ import annotations

from typing import Any, Self

import orjson

from signalpost.model.errors import SignalpostError
from signalpost.outbound import Outbound

MOST_BYTES = 64 * 1024 * 1024


class Client:
    """Speaks JSON to the service and to the sandbox, within ``async with``."""

    def __init__(self, authorization: str) -> None:
        self._outbound = Outbound(
            allow_private=True, connect_timeout_seconds=5, total_timeout_seconds=30, connections=10
        )
        self._headers = {"Authorization": authorization, "Content-Type": "application/json"}

    async def get(self, url: str) -> Any:
        """GET ``url``."""
        return await self._ask("GET", url, None)

    async def post(self, url: str, value: Any) -> Any:
        """POST ``value`` as JSON."""
        return await self._ask("POST", url, orjson.dumps(value))

    async def __aenter__(self) -> Self:
        await self._outbound.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._outbound.close()

    async def _ask(self, method: str, url: str, body: bytes | None) -> Any:
        answer = await self._outbound.request(
            method, url, headers=self._headers, body=body, max_bytes=MOST_BYTES
        )
        if answer.status >= 300:  # noqa: PLR2004 - not a success
            message = (
                f"{method} {url.split('?', maxsplit=1)[0]} answered {answer.status}: {answer.excerpt(500)}"
            )
            raise SignalpostError(message)
        return orjson.loads(answer.body)
