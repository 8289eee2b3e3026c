"""Where a declared provider's list ends: nothing of it is left out because of how its pages or its words look."""

from __future__ import annotations

import orjson
import pytest
from multidict import CIMultiDict

from signalpost.connectors.rest import RestConnector
from signalpost.connectors.rest.reading import read_text
from signalpost.outbound import Answer, Outbound
from signalpost.polling.dates import compile_pattern
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
