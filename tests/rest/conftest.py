"""Fixtures: the generated API, and the service with a connector declared for it."""

from __future__ import annotations

from contextlib import asynccontextmanager

import httpx
import pytest

from signalpost.sandbox.rest import run_sandbox
from tests.rest.desk import write_desk, write_request
from tests.support import until


@pytest.fixture
async def api():
    async with run_sandbox() as running:
        yield running


class Desk:
    """The service with the connector ``desk``."""

    def __init__(self, world, api, auth):
        self.world, self.api, self.auth = world, api, auth

    async def post(self, **more):
        body = write_request(self.world.listener.url, self.auth, **more)
        if self.auth == "oauth2_code":
            body["providerData"] = {"code": await self.consent()}
        return await self.world.client.post("/instances", json=body)

    async def consent(self):
        """Go to the consent page that the API names, and give the code that it leads back with."""
        answer = await self.world.client.get(
            "/elements/desk/oauth/url",
            params={"apiKey": "key", "callbackUrl": "https://app.example.com/connected"},
        )
        back = await self.world.outside.get(answer.json()["oauthUrl"])
        return httpx.URL(back.headers["location"]).params["code"]

    async def connect(self, **more):
        answer = await self.post(**more)
        assert answer.status_code == 200, answer.text
        instance = answer.json()
        await self.world.wait_for_watermark(instance["id"])
        return instance

    async def change(self, **record):
        answer = await self.world.outside.post(f"{self.api.url}/_sandbox/records/tickets", json=record)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def wait_for(self, *ids):
        """Wait until the last events are those of ``ids``, in order, and give them."""
        wanted = [str(each) for each in ids]
        await until(lambda: [each["objectId"] for each in self.world.events()][-len(wanted) :] == wanted)
        return self.world.events()[-len(wanted) :]

    async def wait_for_error(self, instance_id):
        return await until(
            lambda: self.world.pool.fetchval(
                "SELECT last_error FROM resource_poll WHERE instance_id = $1", instance_id
            )
        )


@pytest.fixture
def open_desk(make_world, api, tmp_path):
    """Give a context manager that runs the service with the connector, by an authorisation and a pagination."""

    @asynccontextmanager
    async def make(auth="none", pagination="page", more=""):
        path = tmp_path / "desk.toml"
        path.write_text(write_desk(api.url, auth=auth, pagination=pagination, more=more))
        async with make_world(connector_files=str(path)) as world:
            yield Desk(world, api, auth)

    return make
