"""Where a declared provider's list ends: nothing of it is left out because of how its pages or its words look."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from multidict import CIMultiDict

from signalpost.connectors.rest import RestConnector
from signalpost.connectors.rest.reading import read_text
from signalpost.model.errors import ConnectorError
from signalpost.outbound import Answer, Outbound
from signalpost.polling.dates import compile_pattern
from signalpost.polling.strategies.reading import read_list
from tests.rest.desk import write_desk
from tests.rest.test_hostile_providers import Session


class Here:
    """A session with a provider that gives the same answer whatever is asked (``resource.Session``)."""

    base_url = "https://a.example"

    def __init__(self, body, headers=(), status=200):
        self.answer = Answer(status, CIMultiDict(headers), body, False, 0.1)

    async def get(self, path, parameters):
        return self.answer


@pytest.mark.parametrize("sized", ["", 'size_parameter = "size"'])
@pytest.mark.parametrize("records", [0, 4, 5])
async def test_a_total_is_read_to_though_pages_are_smaller_than_declared(api, sized, records):
    api.state.collections["tickets"] = [{"id": number} for number in range(records)]
    api.state.settings.page_size = 2
    text = write_desk(api.url, pagination="page")
    text = text.replace('size_parameter = "size"\nsize = 2', f'{sized}\ntotal = "meta.total"')
    pages = await read_to_end(text)
    assert [record["id"] for page in pages for record in page.records] == list(range(records))
    assert pages[-1].complete
    assert len(pages) == max(1, (records + 1) // 2)


@pytest.mark.parametrize("kind", ["page", "offset"])
@pytest.mark.parametrize("size", [None, 2])
async def test_a_page_smaller_than_a_size_that_nobody_declared_ends_no_list(api, kind, size):
    api.state.collections["tickets"] = [{"id": number} for number in range(5)]
    api.state.settings.page_size = 2  # what the provider gives at most, whatever is asked for
    text = write_desk(api.url, pagination=kind).replace('\ntotal = "meta.total"', "")
    pages = await read_to_end(text if size else text.replace("size = 2", ""))
    assert [len(page.records) for page in pages] == ([2, 2, 1] if size else [2, 2, 1, 0])


async def read_to_end(text):
    """Read the desk's list as users do, each call by itself."""
    connector = RestConnector(read_text(text, "desk.toml", compile_pattern))
    async with Outbound(allow_private=True, connections=10) as outbound:
        session = Session(outbound, connector)
        pages, position = [], None
        while not pages or position is not None:
            listing = connector.open_listing(connector.resources[0], {}, [])
            pages.append(await listing.read(session, position, None))
            position = pages[-1].next
    return pages


@pytest.mark.parametrize(
    ("told", "goes_on"),
    [
        *((each, True) for each in (True, "true", "True", "yes", "1", 1, 37, "2026-05-28")),
        *((each, False) for each in (False, "false", "FALSE", "no", "0", 0, None, "", " ", [], {})),
    ],
)
@pytest.mark.parametrize("kind", ["page", 'cursor"\nnext = "after'])
async def test_what_says_that_there_is_more_is_believed_in_any_spelling(told, goes_on, kind):
    pages = f'kind = "{kind}"\nmore = "more"'
    text = write_desk("https://a.example").replace('kind = "page"\nsize_parameter = "size"\nsize = 2', pages)
    connector = RestConnector(read_text(text, "desk.toml", compile_pattern))
    value = {"data": {"items": [{"id": 1}]}, "more": told, "after": "x"}

    here = Here(orjson.dumps(value))

    page = await connector.open_listing(connector.resources[0], {}, []).read(here, None, None)
    assert (page.next is not None) == goes_on


@pytest.mark.parametrize("pagination", ["none", "page", "offset", "cursor", "link", "next_url"])
async def test_no_content_is_an_empty_list(pagination):
    connector = RestConnector(
        read_text(write_desk("https://a.example", pagination=pagination), "desk.toml", compile_pattern)
    )

    here = Here(b"", status=204)

    page = await connector.open_listing(connector.resources[0], {}, []).read(here, None, None)
    assert (list(page.records), page.next, page.complete) == ([], None, True)


async def test_the_header_link_is_read_of_all_its_lines():
    lines = ['<https://a/>; rel="preconnect"', '</link/tickets?offset=2>; rel="next"']
    connector = RestConnector(
        read_text(write_desk("https://a.example", pagination="link"), "desk.toml", compile_pattern)
    )

    here = Here(b'[{"id": 1}]', [("Link", line) for line in lines])

    page = await connector.open_listing(connector.resources[0], {}, []).read(here, None, None)
    assert page.next == "/link/tickets?offset=2"


class Pages(Here):
    """A session with a provider that answers with one value after the other, and then with the last for ever."""

    def __init__(self, *values):
        super().__init__(b"")
        self.values = list(values)

    async def get(self, path, parameters):
        value = self.values.pop(0) if len(self.values) > 1 else self.values[0]
        return replace(self.answer, body=orjson.dumps(value))


def write_page(ids, **more):
    return {"data": {"items": [{"id": each} for each in ids]}, **more}


async def read_pages(declared, *values):
    """Read the list that is answered with these values, by this pagination."""
    text = write_desk("https://a.example").replace(
        'kind = "page"\nsize_parameter = "size"\nsize = 2', declared
    )
    connector = RestConnector(read_text(text, "desk.toml", compile_pattern))
    listing = connector.open_listing(connector.resources[0], {}, [])
    return [page async for page in read_list(listing, Pages(*values), None)]


def list_ids(pages):
    return [record["id"] for page in pages for record in page.records]


@pytest.mark.parametrize("kind", ["page", "offset"])
@pytest.mark.parametrize("sized", ["", '\nsize_parameter = "size"\nsize = 2'])
async def test_a_total_that_counts_pages_leaves_nothing_out(kind, sized):
    values = [write_page(ids, total=3) for ids in ([1, 2], [3, 4], [5], [])]
    pages = await read_pages(f'kind = "{kind}"\ntotal = "total"{sized}', *values)
    assert list_ids(pages) == [1, 2, 3, 4, 5]
    assert pages[-1].complete


ENDS = [
    'kind = "page"',
    'kind = "offset"',
    'kind = "cursor"\nnext = "next"',
    'kind = "next_url"\nnext = "next"',
]


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize(("given", "complete"), [([], False), ([[1, 2]], False), ([[1, 2], [3, 4]], True)])
async def test_a_list_of_fewer_records_than_told_is_not_complete(kind, given, complete):
    values = [write_page(ids, total=4, next=f"/{ids[0]}") for ids in given]
    pages = await read_pages(f'{kind}\ntotal = "total"', *values, write_page([], total=4))
    assert list_ids(pages) == [each for ids in given for each in ids]
    assert pages[-1].complete is complete


@pytest.mark.parametrize("kind", [ENDS[0], *ENDS[2:]])
async def test_a_page_of_nothing_ends_no_list_of_which_there_is_more(kind):
    values = [write_page([], more=True, next="/2"), write_page([1], more=True, next="/3"), write_page([2])]
    values.insert(2, write_page([], more=True, next="/4"))
    values.append(write_page([]))
    assert list_ids(await read_pages(f'{kind}\nmore = "more"', *values)) == [1, 2]


@pytest.mark.parametrize("kind", ["page", "offset"])
async def test_more_of_nothing_for_ever_is_told(kind):
    with pytest.raises(ConnectorError, match=r"same page twice|does not end"):
        await read_pages(f'kind = "{kind}"\nmore = "more"', write_page([1], more=1), write_page([], more=1))


async def test_one_answer_is_asked_for_once_however_small_its_parts(api):
    api.state.collections["tickets"] = [{"id": number} for number in range(5)]
    connector = RestConnector(read_text(write_desk(api.url, pagination="none"), "desk.toml", compile_pattern))
    async with Outbound(allow_private=True, connections=10) as outbound:
        listing = connector.open_listing(connector.resources[0], {}, [])
        for calls in (1, 2):  # each reading from the start is another one
            pages = [page async for page in read_list(listing, Session(outbound, connector), 2)]
            assert list_ids(pages) == [0, 1, 2, 3, 4]
            assert (len(pages), api.state.calls) == (3, calls)


@pytest.mark.parametrize(
    ("given", "words"),
    [("x" * 4001, "longer than 4,000 characters"), ({"a": 1}, "no text"), (True, "no text")],
)
async def test_a_next_page_that_cannot_be_kept_is_told_as_what_it_is(given, words):
    with pytest.raises(ConnectorError, match=words):
        await read_pages('kind = "cursor"\nnext = "next"', write_page([1], next=given))


@pytest.mark.parametrize("kind", ENDS)
async def test_a_word_for_more_that_no_answer_has_ends_no_list(kind):
    values = [write_page([1, 2], next="/2"), write_page([3, 4], next="/3"), write_page([5]), write_page([])]
    assert list_ids(await read_pages(f'{kind}\nmore = "hasMore"', *values)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("kind", ENDS[2:])
@pytest.mark.parametrize("ids", [[], [1, 2]])
async def test_more_of_which_no_next_page_is_named_is_told(kind, ids):
    with pytest.raises(ConnectorError, match="names no next page"):
        await read_pages(f'{kind}\nmore = "more"', write_page(ids, more=True, after="/2"))


@pytest.mark.parametrize("kind", [*ENDS, 'kind = "after"'])
@pytest.mark.parametrize("final", [True, "true", 1])
async def test_what_says_that_a_page_is_the_last_ends_the_list(kind, final):
    values = [write_page([1, 2], last=False, next="/2"), write_page([3], last=False, next="/3")]
    pages = await read_pages(f'{kind}\nlast = "last"', *values, write_page([4, 5], last=final, next="/4"))
    assert list_ids(pages) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("word", ['more = "more"', 'total = "total"', ""])
async def test_pages_after_a_record_end_as_the_answers_say_or_with_an_empty_one(word):
    values = [write_page(ids, more=more, total=5) for ids, more in (([1, 2], 1), ([3, 4], 1), ([5], 0))]
    pages = await read_pages(f'kind = "after"\n{word}', *values, write_page([]))
    assert list_ids(pages) == [1, 2, 3, 4, 5]
    assert [page.next for page in pages] == ["2", "4", *([] if word else ["5"]), None]


async def test_a_record_without_the_field_that_the_next_page_is_asked_for_by_is_told():
    with pytest.raises(ConnectorError, match="names no next page"):
        await read_pages('kind = "after"\nfield = "number"', write_page([1, 2]))
