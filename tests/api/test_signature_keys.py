"""Signature keys: rotated by id and by token, shown once, masked ever after; no change made meanwhile is lost."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta

import pytest

from signalpost.model.configuration import MASK, PREVIOUS_KEY, PREVIOUS_KEY_UNTIL, SIGNATURE_KEY
from signalpost.model.ids import InstanceId, OrganizationId
from tests.api.answers import accepted, refused, with_token

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIRST = "a signature key"


async def read_kept(world, instance):
    """Give the configuration as it is kept, secrets included."""
    row = await world.pool.fetchrow("SELECT organization_id FROM instance WHERE id = $1", instance["id"])
    instances = world.service.app.api.state.parts.instances
    found = await instances.find(OrganizationId(row["organization_id"]), InstanceId(instance["id"]))
    return found.configuration


def place_of(instance):
    return f"/instances/{instance['id']}"


async def rotate(world, instance, **body):
    return accepted(await world.client.put(f"{place_of(instance)}/signature-keys", json=body))


async def test_a_key_is_made_shown_once_and_masked_ever_after(still):
    instance = await still.connect()
    now = await still.pool.fetchval("SELECT date_trunc('second', now())")
    answer = accepted(await still.client.put(f"{place_of(instance)}/signature-keys"))
    assert set(answer) == {"key", "previousKeyUntil"}
    assert answer["key"].startswith("whsec_")
    assert len(base64.b64decode(answer["key"].removeprefix("whsec_"))) == 32
    kept = await read_kept(still, instance)
    assert (kept[SIGNATURE_KEY], kept[PREVIOUS_KEY]) == (answer["key"], FIRST)
    assert kept[PREVIOUS_KEY_UNTIL] == answer["previousKeyUntil"]
    assert answer["previousKeyUntil"] >= f"{now + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    for path in ("", "/configuration"):
        shown = await still.client.get(place_of(instance) + path)
        assert answer["key"] not in shown.text
        assert FIRST not in shown.text
    configuration = accepted(await still.client.get(place_of(instance)))["configuration"]
    assert (configuration[SIGNATURE_KEY], configuration[PREVIOUS_KEY]) == (MASK, MASK)
    row = await still.pool.fetchval(
        "SELECT configuration::text || encode(secrets, 'escape') FROM instance WHERE id = $1", instance["id"]
    )
    assert answer["key"] not in row
    assert FIRST not in row


async def test_a_given_key_by_token_and_asked_for_again(still):
    instance = await still.connect()
    body = {"key": "another", "overlapSeconds": 3600}
    answers = [
        accepted(
            await still.client.put(
                "/instances/signature-keys", json=body, headers=with_token(still, instance["token"])
            )
        )
        for _ in range(2)
    ]
    # The second time changes nothing: whoever got no answer may ask again.
    assert answers[0] == answers[1]
    assert set(answers[0]) == {"previousKeyUntil"}
    kept = await read_kept(still, instance)
    assert (kept[SIGNATURE_KEY], kept[PREVIOUS_KEY]) == ("another", FIRST)


async def test_without_a_key_before_or_without_an_overlap_there_is_no_other(still):
    instance = await still.connect(**{SIGNATURE_KEY: None})
    assert (await rotate(still, instance, key="one"))["previousKeyUntil"] is None
    assert (await rotate(still, instance, key="two"))["previousKeyUntil"] is not None
    assert await rotate(still, instance, key="three", overlapSeconds=0) == {"previousKeyUntil": None}
    kept = await read_kept(still, instance)
    assert kept[SIGNATURE_KEY] == "three"
    assert not {PREVIOUS_KEY, PREVIOUS_KEY_UNTIL} & set(kept)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"overlapSeconds": -1}, "overlapSeconds: -1 is not"),
        ({"overlapSeconds": 2_592_001}, "from 0 to 2,592,000 (30 days)"),
        ({"overlapSeconds": "soon"}, "overlapSeconds: "),
        ({"key": ""}, "key: it is empty"),
        ({"key": MASK}, "key: it is ********, which stands for a key that is not shown"),
        ({"key": "s3cret\n"}, "key: it has line breaks"),
        ({"key": "whsec_s3cret!"}, "key: it begins with whsec_, but what follows is not base64"),
        ({"key": "s3cret" * 20_000}, "key: it has 120,000 characters"),
        ({"key": ["s3cret"]}, "key: "),
        (["s3cret"], "body: "),
    ],
)
async def test_what_is_refused_changes_nothing(still, body, words):
    instance = await still.connect()
    answer = await still.client.put(f"{place_of(instance)}/signature-keys", json=body)
    refused(answer, 400, words)
    assert "s3cret" not in answer.text
    assert (await read_kept(still, instance))[SIGNATURE_KEY] == FIRST


async def test_an_undecodable_key_is_refused_wherever_it_is_given(still):
    instance = await still.connect()
    body = await still.body(**{SIGNATURE_KEY: "whsec_s3cret!"})
    answers = [
        await still.client.post("/instances", json=body),
        await still.client.patch(
            place_of(instance), json={"configuration": {SIGNATURE_KEY: "whsec_s3cret!"}}
        ),
        await still.client.post(
            "/instances/test-callback",
            json={"url": still.listener.url, "configuration": {SIGNATURE_KEY: "whsec_s3cret!"}},
        ),
    ]
    for answer in answers:
        refused(answer, 400, f"{SIGNATURE_KEY}: it begins with whsec_")
        assert "s3cret" not in answer.text


async def test_a_whole_replacement_keeps_the_key_before(still):
    instance = await still.connect()
    answer = await rotate(still, instance, key="another")
    shown = accepted(await still.client.get(place_of(instance)))
    accepted(await still.client.put(place_of(instance), json=shown))  # as it was read
    shown["configuration"] |= {PREVIOUS_KEY: "mine", PREVIOUS_KEY_UNTIL: "2099-01-01T00:00:00Z"}
    accepted(await still.client.put(place_of(instance), json=shown))  # not for the caller to say
    for key in (PREVIOUS_KEY, PREVIOUS_KEY_UNTIL):
        del shown["configuration"][key]
    accepted(await still.client.put(place_of(instance), json=shown))
    kept = await read_kept(still, instance)
    assert (kept[SIGNATURE_KEY], kept[PREVIOUS_KEY]) == ("another", FIRST)
    assert kept[PREVIOUS_KEY_UNTIL] == answer["previousKeyUntil"]


@pytest.mark.parametrize("key", ["third", None])
async def test_another_key_set_as_a_value_drops_the_key_before(still, key):
    instance = await still.connect()
    await rotate(still, instance, key="another")
    accepted(await still.client.patch(place_of(instance), json={"configuration": {SIGNATURE_KEY: key}}))
    kept = await read_kept(still, instance)
    assert kept.get(SIGNATURE_KEY) == key
    assert not {PREVIOUS_KEY, PREVIOUS_KEY_UNTIL} & set(kept)


async def test_rotations_and_changes_at_once_lose_nothing_of_each_other(still):
    instance = await still.connect()
    place = place_of(instance)
    answers = await asyncio.gather(
        *(still.client.put(f"{place}/signature-keys", json={"key": f"key-{each}"}) for each in range(4)),
        *(still.client.patch(place, json={"configuration": {f"mine.{each}": each}}) for each in range(8)),
        still.client.patch(place, json={"name": "Renamed"}),
    )
    for answer in answers:
        accepted(answer)
    kept = await read_kept(still, instance)
    assert {f"mine.{each}": str(each) for each in range(8)}.items() <= kept.items()
    rotated = {f"key-{each}" for each in range(4)}
    assert {kept[SIGNATURE_KEY], kept[PREVIOUS_KEY]} <= rotated
    assert kept[SIGNATURE_KEY] != kept[PREVIOUS_KEY]
    assert accepted(await still.client.get(place))["name"] == "Renamed"


async def test_a_code_is_exchanged_once_however_often_the_change_is_repeated(still):
    instance = await still.connect()
    place = place_of(instance)
    again = {"providerData": {"code": await still.authorize()}}
    answers = await asyncio.gather(
        still.client.patch(place, json=again),
        *(still.client.patch(place, json={"configuration": {f"mine.{each}": each}}) for each in range(8)),
    )
    for answer in answers:
        accepted(answer)
    assert {f"mine.{each}" for each in range(8)} <= set(await read_kept(still, instance))


async def test_it_is_for_those_who_may(still):
    instance = await still.connect()
    path = f"{place_of(instance)}/signature-keys"
    refused(await still.client.put(path, headers={"Authorization": ""}), 401)
    refused(await still.client.put("/instances/0/signature-keys"), 404, "there is no instance 0")
    refused(await still.client.put("/instances/signature-keys"), 401, "instance token")
