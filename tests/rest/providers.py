"""Providers that are asked by POST, as their public documentation has them: GraphQL, and a database's query."""

from __future__ import annotations

from contextlib import asynccontextmanager

from aiohttp import web

PAGE = 2


@asynccontextmanager
async def run_provider(**answers):
    """Run a provider while the context is open, and give its URL; ``answers`` are given to POST, by path."""
    app = web.Application()
    for path, answer in answers.items():
        app.router.add_post(f"/{path}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


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
