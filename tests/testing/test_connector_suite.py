"""ConnectorSuite passes the connectors that are built in, and fails for each point of its list that is broken."""

from __future__ import annotations

import importlib.util
import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from _pytest.outcomes import Failed

from signalpost.cli.connector import lay_down
from signalpost.connectors.authorising import Grant
from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.connectors.resource import ListPage
from signalpost.connectors.rest import RestConnector
from signalpost.connectors.rest.answers import find_list, read_json
from signalpost.connectors.rest.reading import read_text
from signalpost.model.errors import ConnectorError, RetryLaterError
from signalpost.polling.dates import compile_pattern
from signalpost.testing import ConnectorSuite
from signalpost.testing.reading_checks import ReadingChecks
from tests.rest.desk import write_desk
from tests.testing.broken_connectors import BROKEN, fail, feed, listing

ROOT = Path(__file__).parents[2]
REDIRECT = "https://app.example.com/connected"
APPLICATION = {"oauth.api.key": "key", "oauth.api.secret": "secret", "oauth.callback.url": REDIRECT}
SCOPES = "Egnyte.filesystem Egnyte.link Egnyte.user Egnyte.group Egnyte.audit Egnyte.projectfolders"


class TestEgnyte(ConnectorSuite):
    configuration = {**APPLICATION, "subdomain": "acme"}
    other_answers = {"/pubapi/v1/userinfo": {"id": 9999, "username": "bob"}}
    parameters = {"folders/contents": {"path": "/Shared"}}
    docs = ROOT / "docs" / "reference" / "egnyte.md"

    @pytest.fixture(autouse=True)
    def domain(self, egnyte_sandbox):
        """A domain with something of each kind, and a token for all of it."""
        egnyte_sandbox.change_settings(audit_window_seconds=8 * 86_400)
        egnyte_sandbox.change(12, actions=["create", "create", "delete"])
        for kind in ("users", "groups", "links", "notes", "tasks", "project-folders"):
            egnyte_sandbox.change_records(kind, create=[{}, {}])
        self.url = egnyte_sandbox.url
        code = egnyte_sandbox.authorize("key", REDIRECT)
        given = {"client_id": "key", "client_secret": "secret", "redirect_uri": REDIRECT, "code": code}
        answer = httpx.post(
            f"{self.url}/puboauth/token", data={**given, "grant_type": "authorization_code", "scope": SCOPES}
        )
        self.token = answer.json()["access_token"]

    def make_connector(self):
        return EgnyteConnector(self.url)


class TestRest(ConnectorSuite):
    configuration = APPLICATION
    answers = {
        "/me": {"user": {"id": 7, "email": "ada@example.com"}},
        "/page/tickets?page=1": {
            "data": {
                "items": [
                    {"id": number, "updated_at": "2026-05-28T11:00:00Z", "created_at": "2026-05-28T11:00:00Z"}
                    for number in (1, 2)
                ]
            }
        },
        "/page/tickets?page=2": {
            "data": {
                "items": [
                    {"id": 3, "updated_at": "2026-05-28T11:00:00Z", "created_at": "2026-05-28T11:00:00Z"}
                ]
            }
        },
    }
    other_answers = {"/me": {"user": {"id": 8, "email": "bob@example.com"}}}

    @pytest.fixture(autouse=True)
    def page(self, tmp_path):
        self.docs = tmp_path / "desk.md"
        self.docs.write_text("| `tickets` | `tickets.read` |\n\n1000 calls a second.\n")

    def make_connector(self):
        text = write_desk("https://desk.example.com", auth="oauth2_code", pagination="page")
        return RestConnector(read_text(text, "desk.toml", compile_pattern))


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """The module of a connector as ``signalpost connector new`` lays it down, and its test's class."""
    folder = lay_down("acme", tmp_path_factory.mktemp("laid"))
    found = []
    for path in (folder / "src" / "signalpost_acme" / "__init__.py", folder / "tests" / "test_acme.py"):
        name = "signalpost_acme" if path.name == "__init__.py" else "test_acme"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        with pytest.MonkeyPatch.context() as patch:
            if found:
                patch.setitem(importlib.sys.modules, "signalpost_acme", found[0])
            spec.loader.exec_module(module)
        found.append(module)
    return found[0], found[1].TestAcme


def make_suite(laid, change):
    module, suite = laid
    made = type("Made", (module.AcmeConnector,), {})
    change(made, module)
    return type("Suite", (suite,), {"make_connector": lambda _: made()})()


def list_checks():
    return [name for name in dir(ConnectorSuite) if name.startswith("test_")]


@pytest.mark.parametrize("name", list_checks())
def test_what_is_laid_down_passes(laid, name):
    getattr(make_suite(laid, lambda *_: None), name)()


@pytest.mark.parametrize("case", BROKEN)
def test_each_point_that_is_broken_is_told(laid, case):
    change, check = BROKEN[case]
    [name] = [each for each in list_checks() if each.startswith(f"test_{check}")]
    with pytest.raises((AssertionError, Failed, ConnectorError, KeyError, TypeError, ValueError)) as failure:
        getattr(make_suite(laid, change), name)()
    assert str(failure.value)


@pytest.mark.parametrize("name", list_checks())
def test_a_sound_feed_passes(laid, name):
    if "every_list" in name:
        return  # its list is that of tickets
    getattr(make_suite(laid, feed(deletes=True, tells=True)), name)()


def test_every_check_is_broken_once():
    assert {check for _, check in BROKEN.values()} == {
        next(short for _, short in BROKEN.values() if name.startswith(f"test_{short}"))
        for name in list_checks()
    }


def test_a_connector_whose_configuration_is_all_needs_no_tokens(laid):
    class Keyed:
        grant = Grant.CONFIGURATION

        def write_headers(self, configuration, token):
            return {"X-Api-Key": configuration["oauth.api.key"]}

    def change(made, module):
        made.grant, made.write_headers, made.read_tokens = Keyed.grant, Keyed.write_headers, fail

    make_suite(laid, change).test_tokens_are_read()


def test_headers_are_found_in_any_case_as_in_the_service(laid):
    def write_small(connector, module):
        def classify(self, answer):
            seconds = answer.headers.get("retry-after", "")
            if answer.status in (429, 503):
                return RetryLaterError("later", after_seconds=float(seconds) if seconds.isdigit() else None)
            return module.classify("Acme", module.Limits(), answer, datetime.now(UTC))

        connector.classify = classify

    make_suite(laid, write_small).test_retry_after_is_honoured()


def test_what_the_answers_do_not_have_is_told(laid):
    suite = make_suite(laid, lambda *_: None)
    suite.answers = {"/me": suite.answers["/me"]}
    with pytest.raises(
        Failed, match=r"asked for /tickets\?limit=100, which the answers do not have; they have /me"
    ):
        suite.test_every_list_is_read_to_its_end()


def test_a_page_of_the_answers_that_no_list_asks_for_is_told(laid):
    suite = make_suite(laid, BROKEN["leaves pages out"][0])
    with pytest.raises(AssertionError, match=r"no list asks for /tickets\?cursor=after-2 of the answers"):
        suite.test_every_list_is_read_to_its_end()
    suite.answers = {**suite.answers, "/me?fields=id": {}, "/groups": {}}
    make_suite(laid, lambda *_: None).test_every_list_is_read_to_its_end()


def test_the_page_lists_every_check():
    page = (ROOT / "docs" / "how-to" / "write-a-connector.md").read_text()
    assert re.findall(r"^\| `(test_\w+)` \|", page, re.MULTILINE) == [
        name for part in (ConnectorSuite, ReadingChecks) for name in vars(part) if name.startswith("test_")
    ]


async def search(_, session, position, size):
    """Read the tickets by POST, with the cursor in the body."""
    asked = {"page": {"limit": 2} | ({} if position is None else {"cursor": position})}
    body = read_json("Acme", await session.post("/tickets/search?v=2", {}, asked))
    return ListPage(find_list("Acme", body, "items"), body.get("next"))


@pytest.mark.parametrize("name", list_checks())
def test_what_is_read_by_post_passes(laid, name):
    getattr(make_searching(laid), name)()


def make_searching(laid):
    suite = make_suite(laid, listing(search))
    suite.answers = {
        "/me": suite.answers["/me"],
        "POST /tickets/search?v=2": suite.answers["/tickets"],
        'POST /tickets/search?v=2 {"page": {"cursor": "after-2"}}': suite.answers["/tickets?cursor=after-2"],
    }
    return suite


def test_a_body_that_the_answers_do_not_have_is_told(laid):
    suite = make_searching(laid)
    suite.answers = {"/tickets/search": {}, 'POST /tickets/search {"page": {"limit": 3}}': {}}
    with pytest.raises(Failed, match=r'for POST /tickets/search\?v=2 \{"page":\{"limit":2\}\}, which'):
        suite.test_every_list_is_read_to_its_end()
