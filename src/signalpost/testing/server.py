"""The service as a test uses it: a real ``signalpost serve``, with credentials, and instances on the sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from signalpost.children import Child, children_environment, run_child, start_child
from signalpost.model.errors import NotFoundError, SignalpostError
from signalpost.settings import Settings
from signalpost.testing.calls import ask_json, wait_until
from signalpost.testing.sandbox import EgnyteSandbox

REDIRECT = "https://app.example.com/connected"
SHORTEST_INTERVAL_MINUTES = 1 / 60
FIRST_POLL_SECONDS = 60
QUICK = {"retry_schedule_seconds": ",".join(["0.5"] * 20)}
"""What differs from a service as it is run: a failed delivery comes again after half a second, twenty times."""


class SignalpostServer:
    """A running service at ``url``; its REST API begins at ``api``, and the header ``authorization`` opens it."""

    def __init__(self, url: str, authorization: str, tell: Callable[[], str]) -> None:
        self.url = url
        self.api = f"{url}/elements/api-v2"
        self.authorization = authorization
        self._tell = tell

    def call(self, method: str, path: str, value: Any = None) -> Any:
        """Call the API: ``call("GET", "/instances")``. What it refuses is a ``SignalpostError`` that says why."""
        return ask_json(method, self.api + path, value, authorization=self.authorization)

    def connect(
        self, sandbox: EgnyteSandbox, callback_url: str, key: str | None = None, **configuration: Any
    ) -> Instance:
        """Connect an instance that polls once a second, and wait until it watches: changes from now on are delivered.

        ``key`` signs its notifications. ``configuration`` goes over its configuration; keys have dots, so give them as
        ``**{"event.notification.format": "cloudevents"}``. The instance is removed when the test is over,
        unless the test did.
        """
        answer = self.call(
            "POST",
            "/instances",
            {
                "element": {"key": "egnyte"},
                "name": "Test",
                "providerData": {"code": sandbox.authorize("test", REDIRECT)},
                "configuration": {
                    "oauth.callback.url": REDIRECT,
                    "oauth.api.key": "test",
                    "oauth.api.secret": "secret",
                    "subdomain": "acme",
                    "event.notification.enabled": True,
                    "event.notification.callback.url": callback_url,
                    "event.poller.refresh_interval": SHORTEST_INTERVAL_MINUTES,
                    **({} if key is None else {"event.notification.signature.key": key}),
                    **configuration,
                },
            },
        )
        instance = Instance(answer["id"], answer, self)

        def remove() -> None:
            with suppress(NotFoundError):  # the test itself may have removed it
                instance.delete()

        sandbox.at_end(remove)
        wait_until(
            lambda: all(each["watermark"] for each in instance.polling()["resources"]),
            f"the first poll of instance {instance.id}",
            seconds=FIRST_POLL_SECONDS,
            tell=self._tell,
        )
        return instance


@dataclass(frozen=True)
class Instance:
    """A connected instance; ``answer`` is what ``POST /instances`` gave."""

    id: int
    answer: Mapping[str, Any] = field(repr=False)  # has its token
    server: SignalpostServer = field(repr=False)

    def polling(self) -> dict[str, Any]:
        """Tell how its polling stands (``GET /instances/{id}/polling``)."""
        told: dict[str, Any] = self.server.call("GET", f"/instances/{self.id}/polling")
        return told

    def delete(self) -> None:
        """Remove it."""
        self.server.call("DELETE", f"/instances/{self.id}")


@contextmanager
def run_server(
    sandbox_url: str, settings: Mapping[str, object], children: list[Child]
) -> Iterator[SignalpostServer]:
    """Run the service while the block is open, on an embedded PostgreSQL in a temporary folder.

    ``children`` gets its process; the last lines of all of them are shown when something is waited for in vain.

    Raises:
        SignalpostError: one of the ``settings`` is none, or it does not start with them.
    """
    _refuse_unknown(settings)
    with TemporaryDirectory(prefix="signalpost-testing-") as folder:
        data = ["--data-dir", str(Path(folder) / "data")]
        environment = children_environment(egnyte_url=sandbox_url, **{**QUICK, **settings})
        with start_child(
            ["serve", "--port", "0", *data], "signalpost ready on ", environment, keep_log=True
        ) as child:
            children.append(child)
            secrets = json.loads(run_child(["credentials", "create", "--json", *data], environment))
            authorization = f"User {secrets['userSecret']}, Organization {secrets['organizationSecret']}"
            yield SignalpostServer(child.url, authorization, lambda: tell_logs(children))


def _refuse_unknown(settings: Mapping[str, object]) -> None:
    """Refuse names that are no setting's: as variables nobody would read them."""
    known = set(Settings.model_fields)
    for name in settings:
        if name.lower() not in known:
            near = get_close_matches(name.lower().removeprefix("signalpost_"), known, n=1)
            message = f"signalpost_settings: there is no setting {name!r}" + "".join(
                f"; is it {each!r}?" for each in near
            )
            raise SignalpostError(message)


def tell_logs(children: list[Child]) -> str:
    """Give the last lines of each process."""
    return "\n".join(f"--- {child.name} ---\n{child.tell() or '(nothing)'}" for child in children)
