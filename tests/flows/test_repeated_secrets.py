"""Receivers that repeat what they were sent, as pages for debugging do: our secrets are neither kept nor shown."""

from __future__ import annotations

import html
import json
from urllib.parse import quote

import pytest

from tests.flows.hostile import receive
from tests.scripted import Reply, run_receiver
from tests.support import until
from tests.web.conftest import sign_in

TOKEN, KEY, PASSWORD = "a-token/of&the-callback", 'a-key+"of<the-receiver', "a-password-of-ours"
SENT = {
    "event.notification.basic.username": "signalpost",
    "event.notification.basic.password": PASSWORD,
    "event.notification.callback.headers": json.dumps({"X-Key": KEY, "X-Api": "Token another-key"}),
}
BASIC = "c2lnbmFscG9zdDphLXBhc3N3b3JkLW9mLW91cnM="
SECRETS = [TOKEN, quote(TOKEN, safe=""), KEY, PASSWORD, BASIC, "another-key", "of&the", "of<the"]
SPELLINGS = {
    "as it is": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "HTML": html.escape,
    "addresses": quote,
    "whole addresses": lambda text: quote(text, safe=""),
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=list(SPELLINGS))
async def test_what_a_refusal_repeats_of_us_is_masked(spell):
    async def repeat(_receiver, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = [line for line in head.split("\r\n") if "signature" not in line.lower()]
        told = " ".join(map(spell, [PASSWORD, TOKEN, KEY, *lines]))
        body = f"it failed: {told}".encode()
        writer.write(b"HTTP/1.1 500 X\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    async with receive(repeat) as (post, _):
        url = "http://127.0.0.1:{port}/in?token=" + quote(TOKEN, safe="")
        answered = await post(b"body", url, **SENT)
    assert answered.excerpt.startswith("it failed: ******** ******** ********")
    assert "content-type" in answered.excerpt.lower()
    shown = [secret for secret in SECRETS for each in {secret, spell(secret)} if each in answered.excerpt]
    assert not shown, (shown, answered.excerpt)


async def test_nobody_reads_a_callbacks_secrets_in_what_it_answered(make_world, capsys):
    def repeat(arrival):
        page = "\n".join(f"{name}: {value}" for name, value in arrival.headers.items())
        # To another scheme, say, with the address as it was.
        return Reply(301, {"Location": f"https://hooks.example/in?token={TOKEN}"}, page.encode())

    async with make_world(retry_schedule_seconds="0.1,1000") as world, run_receiver(repeat) as receiver:
        url = f"{receiver.url}?token={quote(TOKEN, safe='')}"
        instance = await world.connect(**SENT | {"event.notification.callback.url": url})
        await world.wait_for_watermark(instance["id"])
        await world.change(1)
        table = "SELECT string_agg(attempt::text, '') FROM attempt"
        kept = await until(lambda: world.pool.fetchval(table))
        place = f"/instances/{instance['id']}/deliveries"
        [delivery] = (await world.client.get(place)).json()
        viewer = await sign_in(world, "viewer", "viewer@example.com")
        page = await viewer.read(f"/deliveries/{delivery['id']}")
        await viewer.client.aclose()
        told = [kept, (await world.client.get(f"{place}/{delivery['id']}")).text, json.dumps(delivery), page]
    log = capsys.readouterr()
    assert "a redirect to" in kept
    assert "https://hooks.example/in" in page
    shown = [secret for secret in SECRETS for text in [*told, log.out, log.err] if secret in text]
    assert not shown, shown


@pytest.mark.parametrize("mark", ["\\", "\\/"])
async def test_who_makes_up_both_secret_and_answer_holds_up_nobody(make_world, mark):
    """Written as JSON has it, each mark may be one character or two: to try all there are would take years."""
    key = {"event.notification.callback.headers": json.dumps({"X-Key": mark * 60 + "x"})}
    body = mark.replace("\\", "\\\\").encode() * 59 + b"\\"
    async with make_world() as world, run_receiver(lambda _: Reply(500, {}, body)) as receiver:
        hostile = await world.connect(**key | {"event.notification.callback.url": receiver.url})
        other = await world.connect()
        for instance in (hostile, other):
            await world.wait_for_watermark(instance["id"])
        await world.change(1)
        await until(lambda: receiver.arrived and world.events())
        place = f"/instances/{hostile['id']}/deliveries"
        [attempted] = await until(lambda: _list_attempted(world, place))
    assert attempted["lastStatus"] == 500


async def _list_attempted(world, place):
    return [each for each in (await world.client.get(place)).json() if each["attempts"]]
