"""The provider's resources read through an instance: paged, narrowed, and told in the provider's words when it fails."""

from __future__ import annotations

import base64
import json

import pytest
import pytest_asyncio

from tests.api.answers import accepted, refused, with_token

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVENTS = "/hubs/documents/events"
USERS = "/hubs/documents/users"


class Reader:
    """Asks with the token of an instance."""

    def __init__(self, world, instance):
        self.world, self.instance = world, instance
        self.headers = with_token(world, instance["token"])

    async def get(self, path, /, **parameters):
        return await self.world.client.get(path, params=parameters, headers=self.headers)

    async def read_all(self, path, /, **parameters):
        """Follow the pages to the end; give their records and how many pages there were."""
        found, pages, token = [], 0, {}
        while True:
            answer = await self.get(path, **parameters, **token)
            page = accepted(answer)
            assert answer.headers["Elements-Returned-Count"] == str(len(page))
            found, pages = found + page, pages + 1
            if "Elements-Next-Page-Token" not in answer.headers:
                return found, pages
            token = {"nextPage": answer.headers["Elements-Next-Page-Token"]}

    async def count_calls(self, path):
        calls = (await self.world.control("GET", "calls"))["paths"].get(path, {})
        return sum(calls.values())


@pytest_asyncio.fixture(loop_scope="session")
async def reader(still):
    return Reader(still, await still.connect())


@pytest.mark.parametrize("size", [2, 3, 5, 200])
async def test_a_feed_is_read_as_a_list_to_its_end_each_record_once(reader, size):
    made = await reader.world.change(5)
    found, _ = await reader.read_all(EVENTS, pageSize=size)
    assert [record["id"] for record in found] == [row["id"] for row in made]
    assert {"event_object_id", "event_object_type", "event_type", "event_date"} <= set(found[0])


async def test_a_page_size_holds_for_the_pages_that_follow(reader):
    users = [{} for _ in range(5)]
    await reader.world.control("POST", "records/users", {"create": users})
    found, pages = await reader.read_all(USERS, pageSize=3)
    assert len({user["id"] for user in found}) == len(found) == 8
    assert pages == 3


async def test_a_page_number_beside_the_token_of_the_page_changes_nothing(reader):
    first = await reader.get(USERS, pageSize=1, page=1)
    token = first.headers["Elements-Next-Page-Token"]
    second = accepted(await reader.get(USERS, pageSize=1, nextPage=token))
    assert accepted(await reader.get(USERS, pageSize=1, nextPage=token, page=2)) == second
    refused(await reader.get(USERS, pageSize=1, page=2), 400, "nextPage")


async def test_the_total_is_told_where_the_provider_tells_it_and_nothing_is_left_out(reader):
    assert (await reader.get(USERS)).headers["Elements-Total-Count"] == "3"
    assert "Elements-Total-Count" not in (await reader.get(USERS, where="userName = 'admin'")).headers
    assert "Elements-Total-Count" not in (await reader.get("/hubs/documents/links")).headers


async def test_any_hub_is_taken_for_the_connectors_own(reader):
    found = accepted(await reader.get("/hubs/other/users"))
    assert found == accepted(await reader.get(f"{USERS}/"))


async def test_with_an_instance_token_the_hub_may_be_left_out(reader):
    for path in ("/users", "/folders/contents", "/ping", "/users/"):
        parameters = {"path": "/Shared"} if path == "/folders/contents" else {}
        whole = accepted(await reader.get(f"/hubs/documents{path}", **parameters))
        bare = accepted(await reader.get(path, **parameters))
        assert bare.keys() == whole.keys() if path == "/ping" else bare == whole
    refused(await reader.get("/files"), 404, "/hubs/documents/users")
    own = accepted(await reader.get("/instances"))
    assert own["id"] == reader.instance["id"]
    refused(await reader.world.client.get("/users"), 404, "there is nothing at GET")
    refused(await reader.world.client.post("/users", headers=reader.headers), 404, "there is nothing at POST")


async def test_ping_answers_one_object(reader):
    answer = accepted(await reader.get("/hubs/documents/ping"))
    assert {"dateTime", "endpoint"} <= set(answer)


async def test_a_where_is_compared_here_where_the_provider_cannot(reader):
    all_users = accepted(await reader.get(USERS))
    by_name = accepted(await reader.get(USERS, where="userName = 'admin'"))
    assert [user["userName"] for user in by_name] == ["admin"]
    others = accepted(await reader.get(USERS, where="userType != 'admin' AND active = true"))
    assert others == [user for user in all_users if user["userType"] != "admin"]
    assert accepted(await reader.get(USERS, where="userType = 'nobody'")) == []


async def test_pages_that_a_where_leaves_nothing_of_are_passed_over_ten_at_most(reader):
    world = reader.world
    await world.control("POST", "records/users", {"create": [{} for _ in range(20)]})
    last = accepted(await reader.get(USERS))[-1]
    parameters = {"pageSize": 1, "where": f"id = {last['id']}"}
    await world.control("DELETE", "calls")
    answer = await reader.get(USERS, **parameters)
    assert accepted(answer) == []
    assert await reader.count_calls("/pubapi/v2/users") == 10
    found, _ = await reader.read_all(USERS, **parameters)
    assert found == [last]


async def test_fields_are_picked_also_within_objects(reader):
    user = accepted(await reader.get(USERS, where="userName = 'admin'"))[0]
    parameters = {"where": "userName = 'admin'", "fields": " id, name.givenName ,`email`,nothing,id.x,"}
    [shown] = accepted(await reader.get(USERS, **parameters))
    assert shown == {
        "id": user["id"],
        "name": {"givenName": user["name"]["givenName"]},
        "email": user["email"],
    }


async def test_the_contents_of_a_folder(reader):
    await reader.world.change(1, actions=["create"], folder="/Shared/A & B")
    found = accepted(await reader.get("/hubs/documents/folders/contents", path="/Shared/A & B"))
    assert [record["event_object_type"] for record in found] == ["file"]


@pytest.mark.parametrize(
    ("path", "parameters", "status", "words"),
    [
        ("/hubs/documents/planets", {}, 404, ["'planets'", "known: ", USERS]),
        ("/hubs/documents/", {}, 404, ["known: "]),
        (USERS, {"planet": "mars"}, 400, ["planet", "users", "known: "]),
        ("/hubs/documents/folders/contents", {}, 400, ["path", "missing"]),
        ("/hubs/documents/folders/contents", {"path": "../x"}, 400, ["path", "../x"]),
        (EVENTS, {"type": "planet"}, 400, ["type", "planet"]),
        (USERS, {"orderBy": "id asc"}, 400, ["orderBy", "'id asc'"]),
        (USERS, {"page": 2}, 400, ["page", "'2'", "nextPage"]),
        (USERS, {"pageSize": 201}, 400, ["pageSize", "'201'"]),
        (USERS, {"where": "id ="}, 400, ["where", "position"]),
        (USERS, {"where": "a\0 = 'b'"}, 400, ["where", "NUL"]),
        (USERS, {"fields": ",".join("x" * 101)}, 400, ["fields", "101", "100"]),
        (USERS, {"pageSize": [1, 2]}, 400, ["pageSize", "more than once"]),
        (USERS, {"nextPage": "x"}, 400, ["nextPage: 'x'", "Elements-Next-Page-Token"]),
        (USERS, {"nextPage": "e30="}, 400, ["nextPage: 'e30='"]),
    ],
)
async def test_what_cannot_be_is_refused_and_named(reader, path, parameters, status, words):
    refused(await reader.get(path, **parameters), status, *words)


async def test_a_token_of_another_resource_is_refused(reader):
    await reader.world.change(2)
    token = (await reader.get(EVENTS, pageSize=1)).headers["Elements-Next-Page-Token"]
    refused(await reader.get(USERS, nextPage=token), 400, "nextPage", "users")
    value = {**json.loads(base64.urlsafe_b64decode(token)), "position": "nowhere"}
    forged = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    refused(await reader.get(EVENTS, nextPage=forged), 400)


async def test_empty_parameters_are_as_absent_ones(reader):
    parameters = dict.fromkeys(("where", "fields", "orderBy", "pageSize", "nextPage", "page"), "")
    assert len(accepted(await reader.get(USERS, **parameters))) == 3
    assert len(accepted(await reader.get(USERS, page=1))) == 3


async def test_it_needs_the_token_of_an_instance_that_is_enabled(reader):
    refused(await reader.world.client.get(USERS), 401, "instance token")
    accepted(await reader.world.client.delete(f"/instances/{reader.instance['id']}/enabled"))
    refused(await reader.get(USERS), 403, "disabled")


@pytest.mark.parametrize(
    ("fault", "status", "words", "retry_after"),
    [
        ({"status": 404}, 404, ["does not know"], None),
        ({"status": 400}, 400, ["does not take"], None),
        ({"status": 403}, 403, ["permission"], None),
        ({"status": 500}, 503, ["try again"], "30"),
        ({"status": 503, "headers": {"Retry-After": "7"}}, 503, ["try again"], "7"),
        ({"status": 200, "body": "<html>maintenance</html>"}, 502, ["not understood"], None),
        ({"status": 418}, 502, ["not understood"], None),
    ],
)
async def test_what_the_provider_refuses_is_answered_in_its_words(reader, fault, status, words, retry_after):
    await reader.world.control("POST", "faults", {"kind": "status", "times": 9, **fault})
    answer = await reader.get(USERS)
    body = refused(answer, status, "Egnyte", *words)
    assert body["providerMessage"]
    assert answer.headers.get("Retry-After") == retry_after
    await reader.world.control("DELETE", "faults")


async def test_calls_used_up_are_told_with_the_time_to_come_again(reader):
    await reader.world.control("POST", "faults", {"kind": "over_rate", "times": 1})
    answer = await reader.get(USERS)
    refused(answer, 429, "used up")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_credentials_that_are_no_longer_accepted_ask_for_a_new_authorisation(reader):
    world, number = reader.world, reader.instance["id"]
    await world.control("POST", "revoke", {})
    refused(await reader.get(USERS), 403, "authorise it again", f"PUT /instances/{number}")
    await world.pool.execute("UPDATE instance SET valid = false WHERE id = $1", number)
    await world.control("DELETE", "calls")
    refused(await reader.get(USERS), 403, "authorise it again")
    assert (await world.control("GET", "calls"))["total"] == 0


async def test_what_a_call_teaches_of_the_quota_is_kept_and_what_polls_have_learned_stays(reader):
    pool, number = reader.world.pool, reader.instance["id"]
    query = "SELECT quota FROM instance WHERE id = $1"
    accepted(await reader.get(USERS))
    first = await pool.fetchval(query, number)
    assert first["callsADay"] == 10_000_000
    await pool.execute("UPDATE instance SET quota = quota || '{\"callsAPoll\": 4.5}' WHERE id = $1", number)
    accepted(await reader.get(USERS))
    second = await pool.fetchval(query, number)
    assert second["used"] > first["used"]
    assert second["callsAPoll"] == 4.5
