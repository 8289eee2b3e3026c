"""The callback as a test uses it: takes notifications, verifies them, hands them to the user's own handler."""

from __future__ import annotations

import secrets
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import Any

from signalpost.testing.calls import post_bytes
from signalpost.testing.received import Received, forge, is_signed, sign_again

Target = str | Callable[[dict[str, str], bytes], int | None]
"""A URL to POST to, or a function that gets headers and body and gives the status; none means 204."""

ARRIVAL_SECONDS = 60
NO_TARGET, DONE, FAILED = 200, 204, 500


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int | None
    delay_seconds: float
    handled: bool


class CallbackReceiver:
    """A callback at ``url``, for notifications that are signed with ``key`` (set another before you connect).

    ``received`` has what arrived, in its order, attempts that were refused and repetitions included.
    """

    def __init__(self, url: str, tell: Callable[[], str]) -> None:
        self.url = url
        self.key = secrets.token_urlsafe(24)
        self.received: list[Received] = []
        self._tell = tell
        self._target: Target | None = None
        self._answers: deque[_Answer] = deque()
        self._changed = Condition()
        self._closing = Event()

    # What is done with what arrives

    def forward_to(self, target: Target) -> None:
        """Hand what arrives to the handler under test, and answer as it does; an exception is a 500."""
        self._target = target

    def answer_next(
        self, status: int, *, times: int = 1, delay_seconds: float = 0, handled: bool = False
    ) -> None:
        """Answer the next notifications so, once each answer ordered before was given.

        The handler does not get them, unless ``handled``: then it does, and its answer is lost, as where it or the
        network fails at the last moment. Other than 2xx and 410, and they come again.
        """
        self._answers.extend([_Answer(status, delay_seconds, handled)] * times)

    def hang_up_next(self, *, times: int = 1, delay_seconds: float = 0, handled: bool = False) -> None:
        """Cut the connection instead of answering; else as ``answer_next``."""
        self._answers.extend([_Answer(None, delay_seconds, handled)] * times)

    # What arrived

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that were accepted, each once, in the order in which they came first."""
        found = {
            event["id"]: event for each in list(self.received) if each.is_accepted for event in each.events
        }
        return list(found.values())

    def wait_for_events(self, count: int, *, seconds: float = ARRIVAL_SECONDS) -> list[dict[str, Any]]:
        """Wait until so many different events were accepted, and give all of them.

        Raises:
            AssertionError: they were not in time. Its message has what came, and what the processes logged.
        """
        self.wait_until(lambda: len(self.events) >= count, f"{count} events accepted", seconds=seconds)
        return self.events

    def wait_until(
        self, condition: Callable[[], Any], what: str = "the condition", *, seconds: float = ARRIVAL_SECONDS
    ) -> None:
        """Wait until ``condition`` holds; it is looked at whenever a notification came or was answered.

        Raises:
            AssertionError: as ``wait_for_events``.
        """
        with self._changed:
            if not self._changed.wait_for(condition, seconds):
                raise AssertionError(f"{what}: not within {seconds:g} s\n{self.tell()}")

    def tell(self) -> str:
        """Say what came so far, and what the processes logged."""
        came = "\n".join(str(each) for each in self.received) or "(nothing)"
        return f"--- came to {self.url} ---\n{came}\n{self._tell()}"

    # What the handler must survive

    def send_again(self, notifications: Iterable[Received] | None = None) -> None:
        """Send notifications to the handler once more, freshly signed: all that came, the last first, or these.

        Raises:
            AssertionError: the handler did not take one with a 2xx.
        """
        given = list(reversed(self.received) if notifications is None else notifications)
        if not given:
            raise AssertionError(f"there is no notification to send again\n{self.tell()}")
        for each in given:
            status, trouble = self._hand_over(sign_again(each, self.key), each.body)
            if status is None or not 200 <= status < 300:  # noqa: PLR2004 - not a success
                raise AssertionError(
                    f"notification {each.id}, sent again, was answered {status}: a handler takes what it knows"
                    f" with a 2xx and drops it, else it comes again and again\n{trouble}"
                )

    def send_forged(self, *, covers_time: bool = True) -> None:
        """Send the first notification to the handler as a forger would: unsigned, wrongly signed, changed, too old.

        Without ``covers_time`` what is too old or has another's id is left out: for a handler that verifies
        ``Elements-Webhook-Signature`` alone, which covers neither.

        Raises:
            AssertionError: the handler did not refuse one with a 4xx.
        """
        if not self.received:
            raise AssertionError(f"there is no notification to forge\n{self.tell()}")
        for what, headers, body in forge(self.received[0], self.key, covers_time=covers_time):
            status, trouble = self._hand_over(headers, body)
            if status is None or not 400 <= status < 500:  # noqa: PLR2004 - not the sender's fault
                raise AssertionError(
                    f"a notification with {what} was answered {status}: a handler refuses it with a 4xx,"
                    f" as 401, before it reads it\n{trouble}"
                )

    # Its own side

    def take(self, headers: dict[str, str], body: bytes) -> int | None:
        """Take one notification; give the status to answer with, None to hang up."""
        received = Received(headers, body, is_signed(headers, body, self.key))
        with self._changed:
            self.received.append(received)
            answer = self._answers.popleft() if self._answers else None
            self._changed.notify_all()
        status: int | None = None
        if answer is None or answer.handled:
            status, received.trouble = self._hand_over(headers, body)
        if answer is not None:
            self._closing.wait(answer.delay_seconds)
            status = answer.status
        with self._changed:
            received.status = status
            self._changed.notify_all()
        return status

    def close(self) -> None:
        """End answers that wait."""
        self._closing.set()

    def _hand_over(self, headers: dict[str, str], body: bytes) -> tuple[int | None, str]:
        """Give the handler's status, and what went wrong; no status where it hung up."""
        if self._target is None:
            return NO_TARGET, ""
        if isinstance(self._target, str):
            try:
                status, answer = post_bytes(self._target, body, headers)
            except (OSError, HTTPException) as error:
                return None, f"{self._target} gave no answer: {error!r}"
            return status, answer.decode(errors="replace")[:2000]
        return _call(self._target, headers, body)


def _call(
    handle: Callable[[dict[str, str], bytes], int | None], headers: dict[str, str], body: bytes
) -> tuple[int, str]:
    try:
        given = handle(dict(headers), body)
    except BaseException:  # noqa: BLE001 - the handler's own, pytest.fail among it: told, and a 500 as by a server
        return FAILED, traceback.format_exc()
    if given is None:
        return DONE, ""
    if isinstance(given, bool) or not isinstance(given, int) or not 200 <= given <= 599:  # noqa: PLR2004
        return FAILED, f"the handler gave {given!r}, not a status from 200 to 599 (or None, which is {DONE})"
    return given, ""


class _Requests(BaseHTTPRequestHandler):
    receiver: CallbackReceiver

    def do_POST(self) -> None:
        """Hand the notification to the receiver, and answer as it says."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = self.receiver.take(headers, body)
        if status is None:
            return  # the connection ends without an answer
        self.send_response(status)
        if status != DONE:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write nothing: ``CallbackReceiver.received`` has it all."""


@contextmanager
def run_callback(tell: Callable[[], str]) -> Iterator[CallbackReceiver]:
    """Take notifications while the block is open; ``tell`` gives what the other processes logged."""

    class Requests(_Requests):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Requests) as server:
        server.daemon_threads = False  # so that closing waits for those that answer
        receiver = Requests.receiver = CallbackReceiver(f"http://127.0.0.1:{server.server_port}", tell)
        thread = Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="callback", daemon=True
        )
        thread.start()
        try:
            yield receiver
        finally:
            receiver.close()
            server.shutdown()
            thread.join()
