"""What the original gave is read whatever its spelling, and nothing else is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.instances import exports
from signalpost.instances.exports import read_originals
from signalpost.instances.originals import read_original
from signalpost.model.errors import InvalidRequestError
from tests.importing.originals import POLLER, write_original

WHITE = st.text(" \n\r\t", max_size=3)


@pytest.fixture
def read(tmp_path):
    """Give a function that reads a file of these bytes."""

    def read(content: bytes):
        path = tmp_path / "instances.json"
        path.write_bytes(content)
        return list(read_originals(path, "instances.json"))

    return read


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("read") / "instances.json"


def write_small(number):
    return {"id": number, "element": {"key": "egnyte"}, "configuration": {"a": 'b"]}\\'}, "name": "é\u2028"}


@given(pages=st.lists(st.integers(0, 3), min_size=1, max_size=4), white=WHITE, chunk=st.integers(1, 40))
def test_pages_are_read_one_behind_the_other_however_they_are_written(file, pages, white, chunk):
    numbers = iter(range(100))
    texts, wanted = [], []
    for size in pages:
        ids = [next(numbers) for _ in range(size)]
        wanted += [str(each) for each in ids]
        entries = f"{white},{white}".join(
            json.dumps(write_small(each), ensure_ascii=each % 2 == 0) for each in ids
        )
        texts.append(f"{white}[{white}{entries}{white}]{white}")
    file.write_text("".join(texts), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exports, "CHUNK", chunk)
        assert [each.id for each in read_originals(file, "f")] == wanted


@given(cut=st.integers(0, 400))
def test_a_file_that_is_cut_short_is_told_wherever_it_is_cut(file, cut):
    content = json.dumps([write_small(1), write_small(2)], indent=1).encode()
    file.write_bytes(content[: min(cut, len(content) - 1)])
    with pytest.raises(InvalidRequestError, match=r"^f: (at its beginning|after entry 1|after entry 2): "):
        list(read_originals(file, "f"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "at its beginning: it is empty"),
        (b'{"instances": []}', "'{' stands where '[' should; give what GET /instances answers"),
        (b"id;name\n1;Acme\n", "'i' stands where '[' should"),
        (
            b"[1]",
            "entry 1: it: it is no JSON object; this is not what GET /instances of Open Connectors gives",
        ),
        (b'[{"key": "egnyte"}]', "entry 1: id: it is missing"),
        (b'[{"id": true, "element": {"key": "egnyte"}}]', "entry 1: id: it is missing"),
        (b'[{"id": "4\\u0000", "element": {"key": "egnyte"}}]', "entry 1: id: it holds a NUL"),
        (b'[{"id": 1, "connector": "egnyte"}]', "entry 1: element: it is no JSON object"),
        (b'[{"id": 1, "element": {"id": 4016}}]', "entry 1: element.key: it is missing"),
        (b'[{"id": 1, "element": {"key": "egnyte"}}]', "entry 1: configuration: it is no JSON object"),
        (b'[{"id": 1, "element": {"key": "e"}, "tags": [1]}]', "entry 1: name, tags: give text"),
        (b'[{"id": NaN}]', "at its beginning: what follows is cut short, or no JSON"),
        (b'[{"id": "\\ud800"}]', "at its beginning: what follows is cut short, or no JSON"),
        (b'[{"id": ' + b"9" * 5_000 + b"}]", "what follows has a number of thousands of digits"),
        (b"[" * 100_000, "at its beginning: what follows nests arrays and objects too deeply"),
        (b'[{"id": "\xff"}]', "at its beginning: it is not UTF-8"),
        (b'[{"id": 1}{"id": 2}]', "element: it is no JSON object"),
        (b"[] []x", "'x' stands where '[' should"),
    ],
)
def test_what_is_not_the_originals_is_refused_and_named(read, content, told):
    with pytest.raises(InvalidRequestError) as refused:
        read(content)
    assert str(refused.value).startswith("instances.json: ")
    assert told in str(refused.value)


def test_an_entry_that_never_ends_is_given_up_before_memory_is(read, monkeypatch):
    monkeypatch.setattr(exports, "CHUNK", 1000)
    monkeypatch.setattr(exports, "LONGEST_ENTRY", 10_000)
    with pytest.raises(InvalidRequestError, match="longer than 10,000 characters"):
        read(b'[{"id": "' + b"x" * 1_000_000)


def test_what_cannot_be_opened_is_told(tmp_path):
    with pytest.raises(InvalidRequestError, match="cannot be read: No such file"):
        list(read_originals(tmp_path / "none.json", "none.json"))
    with pytest.raises(InvalidRequestError, match="cannot be read: Is a directory"):
        list(read_originals(tmp_path, "folder"))


def test_a_byte_order_mark_stands_in_nobodys_way(read):
    assert [each.id for each in read(b"\xef\xbb\xbf[" + json.dumps(write_original(5)).encode() + b"]")] == [
        "5"
    ]


def test_values_are_read_in_every_spelling_of_the_original():
    original = read_original(
        write_original(
            **{
                "event.notification.enabled": True,
                "event.poller.refresh_interval": 15,
                "event.poller.configuration": POLLER,
                "event.notification.callback.url": "false",
                "event.notification.basic.password": "*************",
                "event.vendor.type": "Webhooks",
                "oauth.user.refresh_token": "of theirs",
                "oauth.user.refresh_time": "1",
                "filter.response.nulls": None,
                "empty": " ",
            }
        )
    )
    configuration = dict(original.configuration)
    assert json.loads(configuration.pop("event.poller.configuration")) == POLLER
    assert configuration == {
        "oauth.callback.url": "https://app.example.com/connected",
        "subdomain": "acme",
        "event.notification.enabled": "true",
        "event.vendor.type": "polling",
        "event.notification.signature.key": "a signature key",
        "event.poller.refresh_interval": "15",
    }
    assert original.masked == ("oauth.api.key", "oauth.api.secret", "event.notification.basic.password")
    assert original.remarks == ("its events came by webhooks of the provider; here they are polled",)


def test_what_stands_beside_the_configuration_alone_is_taken_from_there():
    shown = write_original(**{"event.notification.enabled": None, "event.notification.callback.url": None})
    shown["eventsNotificationCallbackUrl"] = "https://beside.example.com"
    configuration = read_original(shown).configuration
    assert configuration["event.notification.enabled"] == "true"
    assert configuration["event.notification.callback.url"] == "https://beside.example.com"
