"""The plugin's callback and sandbox, by themselves: this suite's own rules hold with the plugin loaded."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import time

import pytest

from signalpost.children import run_child, start_child
from signalpost.delivery.sign import signature_headers
from signalpost.model.errors import SignalpostError
from signalpost.receiver import verify
from signalpost.testing.calls import post_bytes, wait_until
from signalpost.testing.server import run_server
from tests.support import PATIENCE_SECONDS

KEY = "a key of the handler"


def notification(number=1, *, count=2, wrap=None):
    events = [{"id": f"{number}-{place}", "objectId": str(place)} for place in range(count)]
    return json.dumps({"message": {"events": events}} if wrap is None else wrap(events)).encode()


def send(receiver, body, number=1):
    headers = signature_headers([KEY], notification_id=str(number), timestamp=int(time.time()), body=body)
    return post_bytes(receiver.url, body, {**headers, "Content-Type": "application/json"})[0]


@pytest.fixture
def receiver(callback_receiver):
    callback_receiver.key = KEY
    return callback_receiver


class Handler:
    """A handler that can be good or bad at each of its duties."""

    def __init__(self, *, verifies=True, takes_known=True, raises=False):
        self.verifies, self.takes_known, self.raises = verifies, takes_known, raises
        self.seen = set()

    def __call__(self, headers, body):
        if self.raises:
            raise RuntimeError("the handler's own trouble")
        if self.verifies and not verify(headers, body, KEY):
            return 401
        ids = {event["id"] for event in json.loads(body)["message"]["events"]}
        if not self.takes_known and ids <= self.seen:
            return 409
        self.seen |= ids
        return None


def test_what_arrives_is_verified_and_handed_on(receiver):
    handler = Handler()
    receiver.forward_to(handler)
    assert send(receiver, notification()) == 204
    assert post_bytes(receiver.url, notification(2), {})[0] == 401
    assert [(each.is_valid, each.status) for each in receiver.received] == [(True, 204), (False, 401)]
    assert [event["id"] for event in receiver.events] == ["1-0", "1-1"]
    assert handler.seen == {"1-0", "1-1"}
    with pytest.raises(AssertionError, match=r"(?s)3 events accepted: not within 0.1 s.*SIGNATURE INVALID"):
        receiver.wait_for_events(3, seconds=0.1)


@pytest.mark.parametrize("wrap", [lambda events: events, lambda events: {"data": {"events": events}}])
def test_events_are_found_in_every_form(receiver, wrap):
    send(receiver, notification(wrap=wrap))
    assert [event["id"] for event in receiver.wait_for_events(2)] == ["1-0", "1-1"]


def test_answers_are_given_as_ordered_and_then_the_handlers_own(receiver):
    handler = Handler()
    receiver.forward_to(handler)
    receiver.answer_next(503)
    receiver.hang_up_next()
    receiver.answer_next(500, handled=True, delay_seconds=0.05)
    assert send(receiver, notification(1)) == 503
    with pytest.raises((http.client.HTTPException, OSError)):
        send(receiver, notification(2))
    assert handler.seen == set()
    assert send(receiver, notification(3)) == 500
    assert handler.seen == {"3-0", "3-1"}
    assert receiver.events == []
    assert send(receiver, notification(3)) == 204


def test_a_handler_that_raises_is_a_500_and_its_trouble_is_shown(receiver):
    receiver.forward_to(Handler(raises=True))
    assert send(receiver, notification()) == 500
    assert "RuntimeError: the handler's own trouble" in receiver.tell()


def test_a_handler_that_calls_pytest_fail_is_told_as_one_that_raises(receiver):
    receiver.forward_to(lambda *_: pytest.fail("no such event"))
    assert send(receiver, notification()) == 500
    assert "Failed: no such event" in receiver.tell()


@pytest.mark.parametrize("given", [True, "204", ("", 204), 99, 600], ids=str)
def test_a_handler_that_gives_no_status_is_told_so(receiver, given):
    receiver.forward_to(lambda *_: given)
    assert send(receiver, notification()) == 500
    assert receiver.events == []
    assert f"gave {given!r}, not a status" in receiver.tell()


def test_a_handler_may_be_a_url_and_one_that_does_not_answer_is_told(receiver):
    receiver.forward_to(f"{receiver.url}/again")
    receiver.answer_next(200, handled=True)
    receiver.answer_next(418)
    assert send(receiver, notification()) == 200
    assert [each.status for each in receiver.received] == [200, 418]
    receiver.received.pop()
    receiver.forward_to("http://127.0.0.1:1/")
    with pytest.raises(AssertionError, match=r"(?s)answered None.*127\.0\.0\.1:1/ gave no answer"):
        receiver.send_again()


def test_a_good_handler_passes_the_proofs(receiver):
    handler = Handler()
    receiver.forward_to(handler)
    for number in (1, 2):
        send(receiver, notification(number), number)
    receiver.send_again()
    receiver.send_forged()
    assert handler.seen == {"1-0", "1-1", "2-0", "2-1"}


def test_what_is_sent_again_has_the_same_headers_in_the_same_letters(receiver):
    send(receiver, notification())
    came = []
    receiver.forward_to(lambda headers, body: came.append((headers, body)))
    receiver.send_again()
    ((headers, body),) = came
    first = receiver.received[0]
    transport = {"host", "content-length", "accept-encoding"}
    assert headers.keys() == first.headers.keys() - transport
    assert headers["webhook-id"] == first.headers["webhook-id"]
    assert body == first.body


def test_bad_handlers_do_not(receiver):
    send(receiver, notification())
    receiver.forward_to(Handler(verifies=False))
    with pytest.raises(AssertionError, match="a notification with no signature was answered 204"):
        receiver.send_forged()
    receiver.forward_to(lambda headers, _: 204 if "webhook-signature" in headers else 401)
    with pytest.raises(AssertionError, match="a signature with another key was answered 204"):
        receiver.send_forged()
    receiver.forward_to(
        lambda headers, body: 204 if verify(headers, body, KEY, tolerance_seconds=1e6) else 401
    )
    with pytest.raises(AssertionError, match="a signature ten minutes old was answered 204"):
        receiver.send_forged()
    receiver.forward_to(Handler(takes_known=False))
    receiver.send_again()
    with pytest.raises(AssertionError, match="notification 1, sent again, was answered 409"):
        receiver.send_again()


def test_a_handler_of_the_other_signature_is_not_asked_what_it_cannot_know(receiver):
    def handle(headers, body):
        kept = {name: value for name, value in headers.items() if not name.lower().startswith("webhook-")}
        return 204 if verify(kept, body, KEY) else 401

    send(receiver, notification())
    receiver.forward_to(handle)
    receiver.send_forged(covers_time=False)
    with pytest.raises(AssertionError, match="ten minutes old"):
        receiver.send_forged()


def test_nothing_can_be_sent_again_that_never_came(receiver):
    for proof in (receiver.send_again, receiver.send_forged):
        with pytest.raises(AssertionError, match="there is no notification to"):
            proof()


def test_the_sandbox_is_steered_and_refuses_by_name(egnyte_sandbox):
    made = egnyte_sandbox.change(3, actions=["create"])
    assert egnyte_sandbox.events() == made
    assert egnyte_sandbox.events(after=made[1]["id"]) == made[2:]
    egnyte_sandbox.fault("status", status=503, times=2)
    egnyte_sandbox.clear_faults()
    assert egnyte_sandbox.change_settings(lag_seconds=3)["lag_seconds"] == 3
    (link,) = egnyte_sandbox.change_records("links", create=[{}])
    assert egnyte_sandbox.records("links") == [link]
    assert egnyte_sandbox.revoke(username="admin") == 0
    assert egnyte_sandbox.calls() == {}
    with pytest.raises(SignalpostError, match=r"POST /_sandbox/changes answered 400: .*count is 0"):
        egnyte_sandbox.change(0)


def test_the_sandbox_is_fresh_for_each_test_and_cleans_up_all_the_last_first(egnyte_sandbox):
    assert egnyte_sandbox.events() == []
    done = []
    egnyte_sandbox.at_end(lambda: done.append(1))
    egnyte_sandbox.at_end(lambda: egnyte_sandbox.change(0))
    egnyte_sandbox.at_end(lambda: done.append(2))
    with pytest.raises(SignalpostError, match="count is 0"):
        egnyte_sandbox.end()
    assert done == [2, 1]


def test_the_plugin_imports_nothing_until_it_is_used():
    code = "import sys, signalpost.testing.plugin, signalpost.testing; print(*sys.modules, sep='\\n')"
    loaded = subprocess.run(
        [sys.executable, "-c", f"import pytest; {code}"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    ours = {name for name in loaded if name.startswith("signalpost")}
    assert ours == {"signalpost", "signalpost.testing", "signalpost.testing.plugin"}
    assert not {"aiohttp", "asyncpg", "http.server", "pydantic"} & set(loaded)


def test_the_service_runs_without_pytest():
    code = "import signalpost.cli, sys; signalpost.cli.build_app(); print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


def test_a_file_of_the_users_folder_is_taken_for_no_module_of_ours(tmp_path, monkeypatch):
    for name in ("secrets", "signalpost", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not the one that is meant')")
    monkeypatch.chdir(tmp_path)
    assert run_child(["--version"]).startswith("signalpost ")
    with start_child(["sandbox", "rest", "--port", "0"], "sandbox ready on ") as child:
        assert child.url.startswith("http://127.0.0.1:")


STARTING = """
from signalpost.children import start_child
with start_child(["sandbox", "rest", "--port", "0"], "sandbox ready on ") as child:
    print(child.url, flush=True)
    input()
"""


def test_what_was_started_ends_though_whoever_started_it_is_killed():
    with subprocess.Popen(
        [sys.executable, "-c", STARTING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        url = process.stdout.readline().strip()
        assert post_bytes(url, None, {}, method="GET")[0] == 404
        process.kill()

    def is_gone():
        try:
            post_bytes(url, None, {}, method="GET")
        except OSError:
            return True
        return False

    wait_until(is_gone, "the end of the sandbox", seconds=PATIENCE_SECONDS, tell=lambda: "")


@pytest.mark.parametrize("name", ["retension_days", "SIGNALPOST_RETENTION_DAYS"])
def test_a_setting_that_is_none_is_refused_before_anything_starts(name):
    wrong = f"there is no setting '{name}'; is it 'retention_days'?"
    with pytest.raises(SignalpostError, match=re.escape(wrong)), run_server("", {name: 3}, []):
        pass
