"""What tests of the API ask of answers, and with which secrets they ask."""

from __future__ import annotations

import re
from typing import Any

import httpx

from tests.support import World


def refused(answer: httpx.Response, status: int, *words: str) -> dict[str, Any]:
    """Check an error's status and shape (open-connectors.md 3.3) and that its message has ``words``; give its body."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) <= {"requestId", "message", "providerMessage"}
    assert re.fullmatch("[0-9a-f]{32}", body["requestId"])
    assert answer.headers["Elements-Request-Id"] == body["requestId"]
    for word in words:
        assert word in body["message"], body
    return body


def accepted(answer: httpx.Response) -> Any:
    """Check that it was done, and give the body."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["Elements-Request-Id"]
    return answer.json()


def with_token(world: World, token: str) -> dict[str, str]:
    """Give headers by which a user speaks for one instance."""
    return {"Authorization": f"User {world.secrets['userSecret']}, Element {token}"}
