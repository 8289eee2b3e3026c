"""The original is asked page by page, over real HTTP; whatever it answers, nothing goes wrong unseen."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from signalpost.instances.exports import fetch_pages, read_originals
from signalpost.model.errors import AddressRefusedError, ConfigurationError
from signalpost.outbound import Outbound
from tests.importing.originals import write_original

AUTHORIZATION = "User theirs, Organization theirs"


@asynccontextmanager
async def run_original(answer):
    """Serve ``answer`` (a function of the request) as the original does; give its address and the requests."""
    asked = []

    async def take(request):
        asked.append(request)
        return answer(request)

    app = web.Application()
    app.router.add_get("/elements/api-v2/instances", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/elements/api-v2", asked
    finally:
        await runner.cleanup()


@pytest.fixture
def fetch(tmp_path):
    """Give a function that fetches from an address, and gives the ids."""

    async def fetch(url, *, allow_private=True):
        path = tmp_path / "pages.json"
        async with Outbound(allow_private=allow_private, connections=1) as outbound:
            with path.open("wb") as file:
                await fetch_pages(outbound, url, AUTHORIZATION, file, lambda _: None)
        return [each.id for each in read_originals(path, "the answer")]

    return fetch


def give_pages(count):
    """Answer ``count`` pages of two; each names the next one."""

    def answer(request):
        number = int(request.query.get("nextPage", "0"))
        headers = {"Elements-Next-Page-Token": str(number + 1)} if number + 1 < count else {}
        return web.json_response(
            [write_original(number * 2), write_original(number * 2 + 1)], headers=headers
        )

    return answer


@pytest.mark.parametrize("ending", ["", "/", "/instances"])
async def test_all_pages_are_fetched_with_the_authorization(fetch, ending):
    async with run_original(give_pages(3)) as (url, asked):
        assert await fetch(url + ending) == ["0", "1", "2", "3", "4", "5"]
    assert {request.headers["Authorization"] for request in asked} == {AUTHORIZATION}
    assert [dict(request.query) for request in asked] == [
        {"pageSize": "200"},
        {"pageSize": "200", "nextPage": "1"},
        {"pageSize": "200", "nextPage": "2"},
    ]


async def test_a_page_after_the_last_may_be_404(fetch):
    def answer(request):
        if "nextPage" in request.query:
            return web.json_response({"message": "nothing"}, status=404)
        return web.json_response([write_original(1)], headers={"elements-next-page-token": "x"})

    async with run_original(answer) as (url, _):
        assert await fetch(url) == ["1"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda _: web.json_response({}, status=401), "it refuses the Authorization (401)"),
        (lambda _: web.json_response({}, status=403), "it refuses the Authorization (403)"),
        (lambda _: web.json_response({}, status=404), "it answered 404, not 200"),
        (lambda _: web.json_response({}, status=500), "it answered 500, not 200"),
        (lambda _: web.Response(status=302, headers={"Location": "/elsewhere"}), "it answered 302, not 200"),
        (
            lambda _: web.json_response([], headers={"Elements-Next-Page-Token": "again"}),
            "it gave the same elements-next-page-token twice",
        ),
    ],
)
async def test_what_is_no_answer_is_told_without_the_authorization(fetch, answer, told):
    async with run_original(answer) as (url, _):
        with pytest.raises(ConfigurationError) as refused:
            await fetch(url)
    assert told in str(refused.value)
    assert "theirs" not in str(refused.value)


async def test_a_page_too_large_is_told(fetch, monkeypatch):
    monkeypatch.setattr("signalpost.instances.exports.LARGEST_PAGE_BYTES", 100)
    async with run_original(give_pages(1)) as (url, _):
        with pytest.raises(ConfigurationError, match="larger than 100 bytes"):
            await fetch(url)


async def test_a_private_address_is_not_asked(fetch):
    async with run_original(give_pages(1)) as (url, asked):
        with pytest.raises(AddressRefusedError):
            await fetch(url, allow_private=False)
    assert not asked
