"""What is withdrawn when it is too late for that."""

from __future__ import annotations

import re

from tests.web.test_accounts import PASSWORD
from tests.web.test_accounts_organization import invite


async def test_an_invitation_that_was_taken_meanwhile_says_that_somebody_came_in(world, browser, arrive):
    link = await invite(browser, role="admin")
    page = await browser.read("/organization")
    path = re.search(r"/organization/invitations/\d+/withdraw", page)[0]
    guest = arrive()
    assert (await guest.send(link, link, email="eve@example.com", password=PASSWORD)).status_code == 303
    answer = await browser.send("/organization", path)
    assert answer.status_code == 409
    assert "omebody came in by this invitation at " in answer.text
    assert "withdrew" not in await browser.read("/organization/audit")
    assert (await guest.client.get("/organization")).status_code == 200
