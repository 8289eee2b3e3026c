"""The original's search for what is stuck, and its release: by status and URL, bounded, within the organization."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.api.answers import accepted, refused, with_token
from tests.api.conftest import enter_organization
from tests.store.notified import NOW, add_notifications, read_states

pytestmark = pytest.mark.asyncio(loop_scope="session")

STUCK = "/notifications/subscriptions/deliveries"
QUEUED = "channel='webhook' and status='queued'"


async def prepare(still, states, *, deactivated=False, **configuration):
    """Connect an instance with notifications; give it with their ids."""
    instance = await still.connect(**configuration)
    ids = await add_notifications(still.pool, instance["id"], states)
    if deactivated:
        await still.pool.execute(
            "UPDATE endpoint SET state = 'deactivated', deactivated_at = $2 WHERE instance_id = $1",
            instance["id"],
            NOW,
        )
    return instance, ids


async def search(still, where=None, **query):
    if where is not None:
        query["where"] = where
    return accepted(await still.client.get(STUCK, params=query))


async def release(still, where, **options):
    return accepted(await still.client.put(STUCK, params={"where": where}, **options))


async def read_endpoint(still, instance):
    return accepted(await still.client.get(f"/instances/{instance['id']}/endpoint"))


async def list_replays(still, instance):
    return accepted(await still.client.get(f"/instances/{instance['id']}/replays"))


def ids_of(deliveries):
    return [each["notificationId"] for each in deliveries]


async def test_what_is_stuck_is_found_by_status_and_url(still):
    instance, [first, second, dead, _] = await prepare(still, ["pending", "pending", "dead", "delivered"])
    await still.pool.execute("UPDATE notification SET attempts = 2, failures = 2 WHERE id = $1", first)
    url = f"{still.listener.url}/other?a='b'"
    other, [queued] = await prepare(
        still, ["pending"], deactivated=True, **{"event.notification.callback.url": url}
    )
    found = {each["notificationId"]: each["status"] for each in await search(still)}
    assert found == {first: "retry", second: "created", dead: "dead", queued: "queued"}
    quoted = url.replace("'", "''")
    for where, wanted in [
        ("channel='webhook' and status='created'", [second]),
        (QUEUED, [queued]),
        ("status in ('retry', 'dead')", [first, dead]),
        (f"config.url='{quoted}'", [queued]),
        (f"status='queued' and config.url='{still.listener.url}'", []),
        (f"subscriptionId = {instance['id']} and attempts > 1", [first, dead]),
        ("channel='email'", []),
        ("status='delivered'", []),
    ]:
        assert ids_of(await search(still, where)) == wanted, where
    own = await still.client.get(STUCK, headers=with_token(still, other["token"]))
    assert ids_of(accepted(own)) == [queued]
    page = await still.client.get(STUCK, params={"pageSize": 3})
    token = page.headers["Elements-Next-Page-Token"]
    assert ids_of(accepted(page)) + ids_of(await search(still, nextPage=token)) == [
        first,
        second,
        dead,
        queued,
    ]


async def test_a_delivery_is_shown_as_the_original_does(still):
    instance, [queued] = await prepare(still, ["pending"], deactivated=True)
    [short] = await search(still, QUEUED)
    created = "2026-03-01T00:00:00Z"
    config = {"url": still.listener.url}
    assert short == {
        "notificationId": queued,
        "subscriptionId": instance["id"],
        "channel": "webhook",
        "status": "queued",
        "createdDate": created,
        "updatedDate": created,
        "config": config,
        "attempts": 0,
        "lastStatus": None,
        "lastError": None,
    }
    topic = f"instance-{instance['id']}-egnyte-events"
    [whole] = await search(still, QUEUED, hydrate="true")
    assert whole == short | {
        "notification": {"id": queued, "topic": topic, "severity": "medium", "createdDate": created},
        "subscription": {"id": instance["id"], "channel": "webhook", "topics": [topic], "config": config},
    }
    place = f"/notifications/{queued}/subscriptions/{instance['id']}/deliveries"
    assert accepted(await still.client.get(place)) == whole


async def test_a_page_ends_after_so_many_were_looked_at(still, monkeypatch):
    monkeypatch.setattr("signalpost.delivery.stuck.AT_ONCE", 2)
    monkeypatch.setattr("signalpost.delivery.stuck.MOST_LOOKED_AT", 4)
    _, ids = await prepare(still, ["pending", "dead", "pending", "pending", "dead", "pending", "dead"])
    seen, pages, query = [], 0, {"where": "status='dead'"}
    while query:
        page = await still.client.get(STUCK, params=query)
        seen += ids_of(accepted(page))
        pages += 1
        token = page.headers.get("Elements-Next-Page-Token")
        query = token and {"where": "status='dead'", "nextPage": token}
    assert (seen, pages) == ([ids[1], ids[4], ids[6]], 2)


async def test_endpoints_of_what_is_queued_are_released(still):
    queued, ids = await prepare(still, ["pending"] * 3, deactivated=True)
    waiting, _ = await prepare(still, ["pending"])
    disabled, _ = await prepare(still, ["pending"], deactivated=True)
    await still.client.delete(f"/instances/{disabled['id']}/enabled")
    assert ids_of(await release(still, QUEUED)) == ids
    assert (await read_endpoint(still, queued))["state"] == "active"
    assert (await read_endpoint(still, disabled))["state"] == "deactivated"
    assert await release(still, QUEUED) == []
    assert ids_of(await search(still, "status='created'"))[:3] == ids
    assert waiting


async def test_dead_ones_that_match_are_sent_again_once(still):
    instance, ids = await prepare(still, ["dead", "dead", "delivered", "dead", "dead"])
    where = f"status='dead' and notificationId != {ids[3]}"
    for _ in range(2):
        assert ids_of(await release(still, where)) == [ids[0], ids[1], ids[4]]
        replays = await list_replays(still, instance)
        assert [(each["kind"], each["position"] + 1, each["last"]) for each in replays] == [
            ("failed", ids[0], ids[1]),
            ("failed", ids[4], ids[4]),
        ]
    assert await read_states(still.pool, ids) == ["dead", "dead", "delivered", "dead", "dead"]


async def test_a_replay_of_what_died_since_is_none_of_what_died_before(still):
    instance, ids = await prepare(still, ["dead"] * 3)
    await still.pool.execute(
        "UPDATE notification SET dead_at = dead_at + interval '1 hour' WHERE id <> $1", ids[1]
    )
    body = {"since": (NOW + timedelta(minutes=1)).isoformat()}
    answer = await still.client.post(f"/instances/{instance['id']}/deliveries/send-failed", json=body)
    assert answer.status_code == 202
    assert ids_of(await release(still, "status='dead'")) == ids
    spans = [(each["position"] + 1, each["last"]) for each in await list_replays(still, instance)]
    assert spans == [(ids[0], ids[2]), (ids[1], ids[1])]


async def test_no_more_replays_are_made_than_may_run(still):
    instance, ids = await prepare(still, ["dead"] * 24)
    odd = ", ".join(str(each) for each in ids[::2])
    assert ids_of(await release(still, f"notificationId in ({odd})")) == ids[:20:2]
    assert len(await list_replays(still, instance)) == 10


async def test_a_release_goes_on_where_it_ended(still, monkeypatch):
    monkeypatch.setattr("signalpost.delivery.stuck.MOST_RELEASED", 2)
    _, first = await prepare(still, ["pending"] * 2, deactivated=True)
    _, second = await prepare(still, ["pending"], deactivated=True)
    answer = await still.client.put(STUCK, params={"where": QUEUED})
    assert ids_of(accepted(answer)) == first
    query = {"where": QUEUED, "nextPage": answer.headers["Elements-Next-Page-Token"]}
    answer = await still.client.put(STUCK, params=query)
    assert ids_of(accepted(answer)) == second
    assert "Elements-Next-Page-Token" not in answer.headers


async def test_a_token_releases_its_own_instance_alone(still):
    one, [mine] = await prepare(still, ["pending"], deactivated=True)
    other, _ = await prepare(still, ["pending"], deactivated=True)
    assert ids_of(await release(still, QUEUED, headers=with_token(still, one["token"]))) == [mine]
    assert (await read_endpoint(still, other))["state"] == "deactivated"


async def test_what_is_anothers_is_neither_found_nor_released(still):
    instance, [queued] = await prepare(still, ["pending"], deactivated=True)
    neighbour, _ = await prepare(still, [])
    async with enter_organization(still) as stranger:
        assert await search(stranger) == []
        assert await release(stranger, QUEUED) == []
        place = f"/notifications/{queued}/subscriptions/{instance['id']}/deliveries"
        refused(await stranger.client.get(place), 404)
    refused(await still.client.get(place, headers=with_token(still, neighbour["token"])), 404)
    for wrong in [f"1/subscriptions/{instance['id']}", f"{queued}/subscriptions/{neighbour['id']}"]:
        refused(await still.client.get(f"/notifications/{wrong}/deliveries"), 404)
    assert (await read_endpoint(still, instance))["state"] == "deactivated"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"where": "status"}, ["where", "position"]),
        ({"where": "state='queued'"}, ["where", "'state'", "status", "config.url"]),
        ({"where": "status='a\0'"}, ["where", "NUL"]),
        ({"where": QUEUED, "hydrate": "yes"}, ["hydrate", "'yes'", "true"]),
        ({"where": QUEUED, "nextPage": "x"}, ["nextPage"]),
        # It was taken for the first page: who went on until an empty one never came to an end.
        ({"where": QUEUED, "page": "2"}, ["page", "'2'", "nextPage"]),
    ],
)
async def test_what_is_wrong_is_named(still, query, words):
    for method in ["GET", "PUT"]:
        refused(await still.client.request(method, STUCK, params=query), 400, *words)


async def test_a_release_must_say_which(still):
    for where in [{}, {"where": " "}]:
        refused(await still.client.put(STUCK, params=where), 400, "where", "missing", "status='queued'")
    refused(await still.client.get("/notifications/x/subscriptions/1/deliveries"), 400, "notificationId")
    refused(await still.client.get("/notifications/1/subscriptions/x/deliveries"), 400, "subscriptionId")
