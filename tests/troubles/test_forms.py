"""A form of the console that meets a trouble of the database: nothing that was typed is lost."""

from __future__ import annotations

import pytest

from signalpost.store.troubles import READ_ONLY, UNREACHABLE
from tests.support import open_world
from tests.troubles.ground import open_way
from tests.troubles.test_running import wait_for_trouble, wait_until_well
from tests.web.conftest import sign_in
from tests.web.test_held import INVITE, OWN, read_form

TYPED = {"email": "grace@example.com", "role": "viewer"}


@pytest.mark.parametrize("trouble", [UNREACHABLE, READ_ONLY], ids=["before it was read", "after it was read"])
async def test_it_is_held_and_sent_once_that_is_over(ground, sandbox, logged, trouble):
    database = await ground.make_database()
    name = database["database"]
    async with open_way(database) as (way, arguments), open_world(arguments, sandbox) as world:
        browser = await sign_in(world)
        page = {"referer": world.url + "/organization"}
        _, fields = read_form((await browser.read("/organization")).partition('id="invite"')[2])
        if trouble is UNREACHABLE:
            way.break_off()
        else:
            await ground.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            await ground.cut(name)
        await wait_for_trouble(world, trouble.what)
        form = fields | TYPED
        action, fields = INVITE, form
        for _ in range(2):  # who is impatient gets the same again
            answer = await browser.client.post(action, data=fields, headers=OWN | page)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert trouble.what[1:] in answer.text
            assert TYPED["email"] not in answer.text, "it is sealed"
            assert 'href="/organization">Leave it' in answer.text
            action, fields = read_form(answer.text)
        # Of what may be another site's nothing is held, nor of what no browser sent.
        for headers in ({}, {"origin": "null"}, OWN | {"accept": "application/json"}):
            answer = await browser.client.post(INVITE, data=form, headers=headers)
            assert answer.status_code == 503
            assert "held" not in answer.text
        if trouble is UNREACHABLE:
            await way.open()
        else:
            await ground.run(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await wait_until_well(world)
        assert "/invitation/" in (await browser.client.post(action, data=fields, headers=OWN)).text
        assert await world.pool.fetch("SELECT email, role FROM invitation") == [tuple(TYPED.values())]
        await browser.client.aclose()
