"""Providers that are asked by POST, as their public documentation has them: GraphQL, and a database's query."""

from __future__ import annotations

from contextlib import asynccontextmanager

from aiohttp import web

from tests.apps import run_app

PAGE = 2


@asynccontextmanager
async def run_provider(**answers):
    """Run a provider while the context is open, and give its URL; ``answers`` are given to POST, by path."""
    app = web.Application()
    for path, answer in answers.items():
        app.router.add_post(f"/{path}", answer)
    async with run_app(app) as url:
        yield url


class Issues:
    """A GraphQL endpoint with the issues of one repository; ``asked`` has what it was asked."""

    def __init__(self):
        self.issues, self.asked = [], []

    async def answer(self, request):
        """Answer as GraphQL over HTTP does: what is wrong is told with status 200."""
        asked = await request.json()
        self.asked.append(asked)
        variables = asked.get("variables", {})
        if type(variables.get("first")) is not int:
            return self._refuse("Variable $first of type Int! was provided invalid value")
        if variables.get("name") != "desk":
            return self._refuse("Could not resolve to a Repository")
        after = variables.get("after")
        start = 0 if after is None else int(after.removeprefix("after:"))
        end = start + min(variables["first"], PAGE)
        part = self.issues[start:end]
        info = {"hasNextPage": end < len(self.issues), "endCursor": f"after:{end}"}
        issues = {"nodes": part, "pageInfo": info}
        return web.json_response({"data": {"repository": {"issues": issues}}})

    @staticmethod
    def _refuse(message):
        return web.json_response({"data": {"repository": None}, "errors": [{"message": message}]})


class Database:
    """A database that is queried by POST, and wants the API's version in a header of every call."""

    VERSION = "2022-06-28"

    def __init__(self):
        self.pages = []

    async def answer(self, request):
        """Answer a query: what is not a number, or names no version, is refused."""
        if request.headers.get("Notion-Version") != self.VERSION:
            given = request.headers.get("Notion-Version", "none")
            return self._refuse(f"Notion-Version is {given}, and must be {self.VERSION}")
        asked = await request.json()
        size, after = asked.get("page_size", 100), asked.get("start_cursor")
        if type(size) is not int or (after is not None and not isinstance(after, str)):
            return self._refuse("body.page_size should be a number, body.start_cursor a string")
        ids = [each["id"] for each in self.pages]
        start = 0 if after is None else ids.index(after)
        end = start + min(size, PAGE)
        following = ids[end] if end < len(ids) else None
        return web.json_response(
            {
                "object": "list",
                "results": self.pages[start:end],
                "next_cursor": following,
                "has_more": following is not None,
            }
        )

    @staticmethod
    def _refuse(message):
        return web.json_response(
            {"object": "error", "code": "validation_error", "message": message}, status=400
        )
