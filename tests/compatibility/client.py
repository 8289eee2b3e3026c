"""Requests as programs made them that were written for the original: by its generated client, and by hand.

Of their wire form, not of their code: which headers in which order, which parameters, which bodies.
"""

from __future__ import annotations

from typing import Any

import httpx

from tests.support import World

EVERY_CALL = {"Accept": "application/json", "Elements-Version": "Helium", "Elements-As-Team-Member": "1"}
"""What such clients send besides, whatever the call."""


class Program:
    """A program that was written for the original; of it only the address and the secrets were changed."""

    def __init__(self, world: World, token: str | None = None) -> None:
        self.world = world
        self.token = token

    def write_authorization(self) -> str:
        secrets = self.world.secrets
        if self.token is not None:
            return f"User {secrets['userSecret']}, Element {self.token}"
        return f"User {secrets['userSecret']}, Organization {secrets['organizationSecret']}"

    async def call(
        self, method: str, path: str, query: str = "", body: Any = None, authorization: str | None = None
    ) -> httpx.Response:
        """Send a request; ``query`` as it stands behind the question mark."""
        headers = {**EVERY_CALL, "Authorization": authorization or self.write_authorization()}
        if body is not None or method in {"POST", "PUT", "PATCH"}:
            headers["Content-Type"] = "application/json"
        url = f"{self.world.url}/elements/api-v2{path}" + (f"?{query}" if query else "")
        return await self.world.outside.request(method, url, headers=headers, json=body)

    async def done(self, method: str, path: str, query: str = "", body: Any = None) -> Any:
        """Send a request, and give what it answered."""
        answer = await self.call(method, path, query, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def connect(self, **configuration: Any) -> dict[str, Any]:
        """Connect an instance as the original's documentation of Egnyte's events says."""
        return await self.done("POST", "/instances", body=await self.world.body(**configuration))
